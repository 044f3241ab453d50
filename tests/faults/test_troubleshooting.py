# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module produces every message that the page Troubleshooting quotes."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import COLLECTIONS
from support.modules import credentials, run, runtime

PAGE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"
ON_THE_PAGE = re.findall(r"^   \* - ``(.+)``$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
NAME = "Nightly reports"

# Each function produces one message: it takes a fresh server, and returns the failure message or the warnings.
# Messages that unit tests produce, because the simulator cannot change between two requests, have words after them.
SCENARIOS: dict[str, Callable[[Simulator], str]] = {}


def scenario(message: str) -> Callable[[Callable[[Simulator], str]], Callable[[Simulator], str]]:
    def note(produce: Callable[[Simulator], str]) -> Callable[[Simulator], str]:
        SCENARIOS[message] = produce
        return produce

    return note


def refused(message: str, **options: Any) -> None:
    """Add a scenario: a task with these options fails with this message."""
    SCENARIOS[message] = lambda sim: runtime(sim, **{"name": NAME, **options}).sentence


refused("base_url is missing", base_url="")
refused("no credentials", username="", password=None)
refused("are different kinds of credential", api_token="a-token")
refused("host bits set", whitelist=["10.10.10.7/24"])
refused("it is a host name", whitelist=["db.example.com"])
refused("put it in quotes", packages=[{"name": "pandas", "version": 2.1}])
refused("session is not a complete session string", session="made up")
refused("cannot be resolved", base_url="https://none.invalid/MicroStrategyLibrary", retries=0)
refused("is not offered by the server", runtime_version="2.7.18")
refused("Check the credentials and login_mode", password="wrong")


@scenario("cannot be imported")
def _no_netaddr(sim: Simulator) -> str:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "netaddr.py").write_text("raise ImportError('No module named netaddr')\n")
        return runtime(sim, name=NAME, env={"PYTHONPATH": f"{folder}{os.pathsep}{COLLECTIONS}"}).sentence


@scenario("the proxy")
def _proxy_down(sim: Simulator) -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{taken.getsockname()[1]}"
    return runtime(sim, name=NAME, retries=0, env={"HTTP_PROXY": proxy}).sentence


@scenario("cannot connect to")
def _nothing_listens(sim: Simulator) -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return runtime(sim, name=NAME, base_url=f"http://127.0.0.1:{port}/MicroStrategyLibrary", retries=0).sentence


@scenario("It usually ends in /MicroStrategyLibrary")
def _wrong_path(sim: Simulator) -> str:
    return runtime(sim, name=NAME, base_url=sim.base_url.replace("/MicroStrategyLibrary", "/Library")).sentence


@contextmanager
def _tls(kind: Any = True) -> Iterator[Simulator]:
    with Simulator(tls=kind) as found:
        yield found


@scenario("if this port uses TLS, write https://")
def _plain_on_tls(sim: Simulator) -> str:
    with _tls() as server:
        return runtime(server, name=NAME, base_url=server.base_url.replace("https:", "http:"), retries=0).sentence


@scenario("does not use TLS")
def _tls_on_plain(sim: Simulator) -> str:
    return runtime(sim, name=NAME, base_url=sim.base_url.replace("http:", "https:"), retries=0).sentence


@scenario("is not trusted")
def _unknown_ca(sim: Simulator) -> str:
    with _tls() as server:
        return runtime(server, name=NAME).sentence


@scenario("is for another host")
def _other_host(sim: Simulator) -> str:
    with _tls("wrong-host") as server:
        return runtime(server, name=NAME, ca_path=server.certificates["ca"]).sentence


@scenario("contains no valid certificate in PEM format")
def _no_pem(sim: Simulator) -> str:
    return runtime(sim, name=NAME, ca_path=__file__).sentence


@scenario("with a redirect to")
def _redirect(sim: Simulator) -> str:
    sim.fault("redirect", operation="list")
    return runtime(sim, name=NAME).sentence


@scenario("with an HTML page")
def _html(sim: Simulator) -> str:
    sim.fault("html", operation="list", times=None)
    return runtime(sim, name=NAME, retries=0).sentence


@scenario("End other sessions of this user")
def _session_limit(sim: Simulator) -> str:
    sim.reset(session_limit=1)
    sim.open_session()
    return runtime(sim, name=NAME).sentence


@scenario("and no credentials to log in again")
def _dead_session(sim: Simulator) -> str:
    session = run("mstr_session", sim).result["session"]
    sim.expire_sessions()
    return runtime(sim, name=NAME, session=session, username=None, password=None).sentence


@scenario("privilege 'Manage runtime'")
def _no_privilege(sim: Simulator) -> str:
    sim.seed(users=[{"username": "reader", "password": "reads-only-31", "manages": False}])
    return runtime(sim, name=NAME, username="reader", password="reads-only-31").sentence


@scenario("The session stays open on the server")
def _logout_lost(sim: Simulator) -> str:
    sim.fault("close_before", operation="logout")
    return " ".join(runtime(sim, name=NAME).warnings)


@scenario("runtimes have the name")
def _two_of_a_name(sim: Simulator) -> str:
    sim.reset(duplicate_names="allow")
    sim.seed({"name": NAME}, {"name": NAME})
    return runtime(sim, name=NAME, exec_timeout=60).sentence


@scenario("differ only in case, whitespace or the form of a character")
def _near_name(sim: Simulator) -> str:
    sim.seed({"name": NAME.upper()})
    return " ".join(runtime(sim, name=NAME).warnings)


@scenario("The server stored different")
def _added_package(sim: Simulator) -> str:
    sim.reset(mstrio_py_added="on_create")
    return " ".join(runtime(sim, name=NAME, packages=[{"name": "pandas"}]).warnings)


@scenario("could not be installed")
def _not_installed(sim: Simulator) -> str:
    sim.reset(package_outcome="not_installed")
    return runtime(sim, name=NAME, packages=[{"name": "pandas"}], wait=True, wait_interval=0.1).sentence


@scenario("is not ready after")
def _slow_packages(sim: Simulator) -> str:
    sim.reset(package_delay=60)
    return runtime(sim, name=NAME, packages=[{"name": "pandas"}], wait=True, wait_timeout=1).sentence


@scenario("more than purge_limit")
def _purge_limit(sim: Simulator) -> str:
    sim.seed({"name": "Old"}, {"name": "Older"})
    return run("mstr_runtimes", sim, runtimes=[{"name": NAME}], purge=True, purge_limit=1).sentence


@scenario("The plan is different from the approved one")
def _different_plan(sim: Simulator) -> str:
    return runtime(sim, name=NAME, plan_id="0" * 24).sentence


@scenario("may or may not have been created")
def _lost_for_good(sim: Simulator) -> str:
    sim.fault("close_after", operation="create")
    sim.fault("error", operation="list", skip=1, times=None, number=14, status=403, message="No.")
    return runtime(sim, name=NAME, retries=0).sentence


@scenario("the script may be running")
def _lost_start(sim: Simulator) -> str:
    sim.fault("close_after", operation="run")
    return run("mstr_script_run", sim, code="print(1)").sentence


def test_the_page_quotes_exactly_the_tested_messages() -> None:
    assert len(ON_THE_PAGE) == len(set(ON_THE_PAGE))
    assert set(ON_THE_PAGE) == set(SCENARIOS)


@pytest.mark.parametrize("message", sorted(SCENARIOS))
def test_a_module_produces_each_message_on_the_page(sim: Simulator, message: str) -> None:
    assert message in SCENARIOS[message](sim)


def test_a_valid_task_succeeds_on_the_server_of_these_tests(sim: Simulator) -> None:
    """This shows that each message above has its own cause."""
    assert runtime(sim, name=NAME, **credentials(sim)).result["changed"] is True
