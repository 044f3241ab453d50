# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With ANSIBLE_ANY_ERRORS_FATAL, which a guide recommends, the report has every environment, on every ansible-core."""

from __future__ import annotations

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, EXPORT, Play

FATAL = {"ANSIBLE_ANY_ERRORS_FATAL": "true"}
DOWN = {"mstr_base_url": "http://127.0.0.1:1/MicroStrategyLibrary", "mstr_retries": 0}


@pytest.fixture
def one_is_down(local: Play) -> Play:
    local.hosts["b"] |= DOWN
    local.variables["mstr_runtimes"] = [{"name": "Etl"}]
    return local


@pytest.mark.parametrize("playbook", [APPLY, AUDIT, EXPORT])
def test_an_environment_that_is_down_stops_no_other(one_is_down: Play, sim: Simulator, playbook: str) -> None:
    played = one_is_down(playbook, env=FATAL)
    assert played.status == 2, played.output
    assert "undefined" not in played.output
    for host in "ac":
        assert f"{host} " in played.output
        assert f"\n{host}: failed" not in played.output
        assert f"\n{host}: " in played.output, played.output
    assert "\nb: failed: Could not log in" in played.output
    if playbook == EXPORT:
        assert sorted(path.name for path in one_is_down.folder.glob("*.yml")) == ["a.runtimes.yml", "c.runtimes.yml"]
    else:
        assert set(played.outcomes) == {"a", "b", "c"}
        assert played.outcomes["b"] == "failed"
    assert len(sim.runtimes()) == (playbook == APPLY)
    assert sim.open_sessions() == []


def test_the_next_batch_does_not_begin(one_is_down: Play, sim: Simulator) -> None:
    played = one_is_down(APPLY, env=FATAL, mstr_serial=[2, 1])
    assert played.status == 2, played.output
    assert played.outcomes == {"a": "changed", "b": "failed"}
    assert played.report["not_reached"] == ["c"]
    assert "\nc: not reached: b failed before, and ANSIBLE_ANY_ERRORS_FATAL is set\n" in played.output
