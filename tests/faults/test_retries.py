# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often each call is sent, by method and status of the response; and two plays that create the same runtime."""

from __future__ import annotations

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from simulator.faults import OPERATIONS
from simulator.harness import Simulator
from support.modules import Running, credentials, runtime

from faults.inprocess import Session, session

UNKNOWN = "0" * 32
CALLS = {
    "login": lambda one: one.session.get("/runtimes"),
    "list": lambda one: one.session.get("/runtimes"),
    "read": lambda one: one.session.get(f"/runtimes/{UNKNOWN}"),
    "create": lambda one: one.session.send("POST", "/runtimes", {"name": "New"}, doing="create"),
    "update": lambda one: one.session.send("PATCH", f"/runtimes/{UNKNOWN}", {"name": "New"}, doing="update"),
    "delete": lambda one: one.session.send("DELETE", f"/runtimes/{UNKNOWN}", doing="delete"),
}
STATUSES = (301, 302, 307, 400, 403, 404, 405, 408, 409, 410, 413, 423, 425, 429, 500, 501, 502, 503, 504, 507)
# Only after these statuses, a call is sent again.
AGAIN = {
    "login": {429, 503},
    "list": {429, 502, 503, 504},
    "read": {429, 502, 503, 504},
    "create": {429},
    "update": {429},
    "delete": {429},
}
CLOSED = {"login": False, "list": True, "read": True, "create": False, "update": False, "delete": False}


def count(sim: Simulator, operation: str) -> int:
    method, path = OPERATIONS[operation]
    return sum(entry["method"] == method and bool(re.fullmatch(path, entry["path"])) for entry in sim.requests())


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", STATUSES)
def test_the_number_of_attempts_depends_on_status_and_method(
    sim: Simulator, operation: str, status: int, retries: int
) -> None:
    sim.fault("status", operation=operation, status=status, times=None)
    with session(sim, retries=retries) as one, pytest.raises(MstrError, match=str(status)):
        CALLS[operation](one)
    expected = 1 + retries if status in AGAIN[operation] else 1
    assert count(sim, operation) == expected
    assert len(one.pauses.seconds) == expected - 1
    assert sim.open_sessions() == []


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("fault", [{"kind": "close_before"}, {"kind": "close_before", "reset": True}, {"kind": "hang"}])
def test_the_number_of_attempts_depends_on_lost_connection_and_method(
    sim: Simulator, operation: str, fault: dict[str, object], retries: int
) -> None:
    sim.fault(operation=operation, times=None, **fault)  # type: ignore[arg-type]
    with session(sim, retries=retries, timeout=0.2) as one, pytest.raises(MstrError):
        CALLS[operation](one)
    assert count(sim, operation) == (1 + retries if CLOSED[operation] else 1)


def test_a_lost_response_to_a_login_reports_a_possible_open_session(sim: Simulator) -> None:
    """The token is lost with the response, so the task cannot log out. The message reports this."""
    sim.fault("close_after", operation="login")
    with session(sim) as one, pytest.raises(MstrError) as failed:
        CALLS["login"](one)
    assert "If the server did log in, that session stays open until it times out there." in failed.value.sentence
    assert count(sim, "login") == 1, "a second login could leave a second session"
    assert len(sim.open_sessions()) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_logout_is_sent_only_once(sim: Simulator, status: int) -> None:
    sim.fault("status", operation="logout", status=status, times=None)
    with session(sim) as one:
        CALLS["list"](one)
    assert count(sim, "logout") == 1
    assert len(one.warnings) == 1


@pytest.mark.parametrize("retries", [0, 3])
def test_a_refused_connection_is_reported(sim: Simulator, retries: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        one = Session(sim, 0.0, {"base_url": f"http://127.0.0.1:{port}/x", "retries": retries})
        with pytest.raises(MstrError, match=f"cannot connect to 127.0.0.1:{port}"):
            CALLS["login"](one)
    assert len(one.pauses.seconds) == retries


# --- pauses


@pytest.mark.parametrize(("wish", "least", "most"), [(0, 0, 0), (7, 7, 7), (59, 59, 59), (3600, 60, 60)])
@pytest.mark.parametrize("operation", ["login", "list"])
def test_retry_after_in_seconds_is_followed(sim: Simulator, operation: str, wish: int, least: int, most: int) -> None:
    sim.fault("unavailable", operation=operation, retry_after=wish)
    with session(sim) as one:
        CALLS[operation](one)
    [pause] = one.pauses.seconds
    assert least <= pause <= most


@pytest.mark.parametrize(("wish", "least", "most"), [(-100, 0, 0), (20, 17, 20), (3600, 60, 60)])
@pytest.mark.parametrize(("operation", "status"), [("list", 503), ("create", 429)])
def test_retry_after_as_a_date_is_followed(
    sim: Simulator, operation: str, status: int, wish: int, least: int, most: int
) -> None:
    sim.fault("unavailable", operation=operation, status=status, retry_after=wish, as_date=True)
    with session(sim) as one:
        CALLS[operation](one)
    [pause] = one.pauses.seconds
    assert least <= pause <= most


@pytest.mark.parametrize("wish", ["soon", "", "-", "1.5", "99999999999999999999", "Wed, 99 Nov 2026 00:00:00 GMT", "²"])
def test_an_invalid_retry_after_is_ignored(sim: Simulator, wish: str) -> None:
    headers = {"Retry-After": wish}
    sim.fault("status", operation="list", status=503, headers=headers)
    with session(sim) as one:
        CALLS["list"](one)
    [pause] = one.pauses.seconds
    assert 0 <= pause <= 60


def test_pauses_grow_and_are_random(sim: Simulator) -> None:
    sim.fault("status", operation="list", status=502, times=None)
    seen = []
    for _ in range(4):
        with session(sim) as one, pytest.raises(MstrError):
            CALLS["list"](one)
        seen.append(tuple(one.pauses.seconds))
    for first, second, third in seen:
        assert 0.25 <= first <= 0.75
        assert 0.5 <= second <= 1.5
        assert 1 <= third <= 3
    assert len(set(seen)) == 4, "two plays that failed together do not retry together"


def test_a_module_waits_for_retry_after(sim: Simulator) -> None:
    sim.fault("unavailable", operation="list", retry_after=2)
    began = time.monotonic()
    assert runtime(sim, name="New").result["action"] == "created"
    assert time.monotonic() - began >= 2


# --- two plays at once


def _both(sim: Simulator) -> tuple[list[str], list[str], set[str | None]]:
    """Start two tasks together, and return their actions, warnings and ids."""
    start = threading.Barrier(2)

    def play() -> tuple[str, list[str], str | None]:
        with session(sim) as one:
            one.session.session_string({})  # logs in
            one.session._opened_here = True  # logs out at the end
            start.wait(10)
            outcome = one.ensure(name="New", exec_timeout=60)
            return outcome.action, one.warnings, outcome.id

    with ThreadPoolExecutor(2) as pool:
        results = [future.result() for future in [pool.submit(play) for _ in range(2)]]
    return sorted(result[0] for result in results), [text for r in results for text in r[1]], {r[2] for r in results}


@pytest.mark.parametrize("time_over", range(20))
def test_two_plays_create_one_runtime_if_the_server_refuses_duplicates(sim: Simulator, time_over: int) -> None:
    sim.reset(duplicate_names="refuse", latency_ms=10)
    actions, warnings, ids = _both(sim)
    assert actions == ["created", "none"]
    assert warnings == []
    assert ids == {sim.runtime("New")["id"]}
    assert sim.open_sessions() == []
    # Usually the server rejects the second create, and that task then finds the runtime by reading the list again.
    assert sim.calls().count("POST /runtimes") in (1, 2)


@pytest.mark.parametrize("time_over", range(20))
def test_two_plays_warn_if_the_server_allows_duplicates(sim: Simulator, time_over: int) -> None:
    sim.reset(duplicate_names="allow", latency_ms=10)
    actions, warnings, ids = _both(sim)
    made = {runtime["id"] for runtime in sim.runtimes()}
    assert ids == made
    if len(made) == 1:
        assert (actions, warnings) == (["created", "none"], [])
        return
    assert actions == ["created", "created"]
    assert warnings, "the task that reads last finds both runtimes"
    for text in warnings:
        assert "Several runtimes now have the name 'New'" in text
        assert all(identity in text for identity in made)


@pytest.mark.parametrize("duplicates", ["refuse", "allow"])
def test_two_modules_at_once_create_one_runtime(sim: Simulator, duplicates: str) -> None:
    sim.reset(duplicate_names=duplicates)
    # The server sends both lists before the first create arrives.
    sim.fault("slow", operation="list", times=2, seconds=1.0)
    both = [Running("mstr_runtime", {**credentials(sim), "name": "New"}) for _ in range(2)]
    done = [one.done() for one in both]
    assert [one.status for one in done] == [0, 0]
    if duplicates == "refuse":
        assert sorted(one.result["action"] for one in done) == ["created", "none"]
        assert len(sim.runtimes()) == 1
    else:
        assert any(all(one["id"] in text for one in sim.runtimes()) for each in done for text in each.warnings)
    assert sim.open_sessions() == []
