# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for runtimes on every kind of server: statuses from before a write, and outages."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError
from simulator.harness import Simulator
from simulator.profiles import PROFILES

from faults.inprocess import session

every_profile = pytest.mark.parametrize("profile", PROFILES)
PANDAS = {"name": "pandas", "version": "2.2.3"}
# Set in all profiles, because these tests need a status.
REPORTED = {"runtime_status": "follows", "package_first_status": "installing", "package_delay": 30}


def prepare(sim: Simulator, profile: str, **switches: Any) -> None:
    sim.reset(profile, **{**REPORTED, **switches})
    sim.seed(
        {"name": "Old", "status": "ready", "execTimeout": 60, "packages": [{**PANDAS, "status": "installed"}]},
        packages=[{"name": "nope", "outcome": "not_installed", "message": "Return code: 1."}],
    )


@every_profile
@pytest.mark.parametrize("lag", [1, 4])
def test_a_ready_status_from_before_the_write_is_ignored(sim: Simulator, profile: str, lag: int) -> None:
    prepare(sim, profile, status_lag=lag)
    with session(sim) as one:
        done = one.ensure(name="Old", packages=[PANDAS, {"name": "nope"}])
        assert done.runtime
        assert done.runtime.facts["status"] == "ready", "the server shows the old one"
        with pytest.raises(PartialError, match="package nope could not be installed") as failed:
            one.wait(done)
    assert failed.value.result["action"] == "updated"


@every_profile
def test_an_error_from_before_the_write_does_not_fail_the_repair(sim: Simulator, profile: str) -> None:
    prepare(sim, profile)
    with session(sim) as one:
        done = one.ensure(name="Old", packages=[PANDAS, {"name": "nope"}])
        with pytest.raises(PartialError):
            one.wait(done)
        sim.switch(status_lag=1)
        repaired = one.ensure(name="Old", packages=[PANDAS])
        assert repaired.runtime
        assert repaired.runtime.facts["status"] == "error", "the server shows the old one"
        ready = one.wait(repaired)
    assert ready.runtime
    assert ready.runtime.facts["status"] == "ready"


@every_profile
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "unavailable", "status": 503},
        {"kind": "unavailable", "status": 429},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 504},
        {"kind": "close_before"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
)
def test_an_outage_longer_than_all_retries_does_not_end_the_wait(
    sim: Simulator, profile: str, fault: dict[str, Any]
) -> None:
    prepare(sim, profile)
    with session(sim, retries=1) as one:
        done = one.ensure(name="New", exec_timeout=60, packages=[PANDAS])
        sim.fault(operation="read", times=8, **fault)
        ready = one.wait(done)
    assert ready.runtime
    assert ready.runtime.facts["status"] == "ready"
    assert one.pauses.seconds == [], "each check is one request"


def test_an_outage_until_the_timeout_is_in_the_message(sim: Simulator) -> None:
    prepare(sim, "newest")
    with session(sim) as one:
        done = one.ensure(name="New", exec_timeout=60, packages=[PANDAS])
        sim.fault("html", operation="read", times=None, title="Down for maintenance")
        with pytest.raises(PartialError) as failed:
            one.wait(done, timeout=60)
    assert "is not ready after 60 seconds: status busy, packages: pandas installing." in failed.value.sentence
    assert "The last check failed: Could not read the runtime 'New'" in failed.value.sentence
    assert "Down for maintenance" in failed.value.sentence
    assert failed.value.error["http_status"] == 502
    assert failed.value.result["action"] == "created"
