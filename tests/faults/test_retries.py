"""How often calls are really sent; and two plays that create the same runtime.

The unit tests of `session` and of the retries decide for every status and kind of call.
"""

from __future__ import annotations

import re
import time

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from simulator.faults import OPERATIONS
from simulator.harness import Simulator
from support.modules import Running, credentials, run, runtime, wait_for_call

from faults.inprocess import session

UNKNOWN = "0" * 32
CALLS = {
    "login": lambda task: task.session.get("/runtimes"),
    "list": lambda task: task.session.get("/runtimes"),
    "read": lambda task: task.session.get(f"/runtimes/{UNKNOWN}"),
    "create": lambda task: task.session.send("POST", "/runtimes", {"name": "New"}, operation="create"),
    "update": lambda task: task.session.send("PATCH", f"/runtimes/{UNKNOWN}", {"name": "New"}, operation="update"),
    "delete": lambda task: task.session.send("DELETE", f"/runtimes/{UNKNOWN}", operation="delete"),
}
CLOSED = {"login": False, "list": True, "read": True, "create": False, "update": False, "delete": False}


def count(sim: Simulator, operation: str) -> int:
    method, path = OPERATIONS[operation]
    return sum(entry["method"] == method and bool(re.fullmatch(path, entry["path"])) for entry in sim.requests())


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("fault", [{"kind": "close_before"}, {"kind": "close_before", "reset": True}, {"kind": "hang"}])
def test_the_number_of_attempts_depends_on_lost_connection_and_method(
    sim: Simulator, operation: str, fault: dict[str, object], retries: int
) -> None:
    sim.fault(operation=operation, times=None, **fault)  # type: ignore[arg-type]
    # Only calls that hang end soon: a busy machine may need longer for the login before them.
    timeout, silent = (0.3, "") if operation == "login" else (30.0, OPERATIONS[operation][0])
    with session(sim, silent=silent, retries=retries, timeout=timeout) as task, pytest.raises(MstrError):
        CALLS[operation](task)
    assert count(sim, operation) == (1 + retries if CLOSED[operation] else 1)


def test_a_module_waits_for_retry_after(sim: Simulator) -> None:
    sim.fault("unavailable", operation="list", retry_after=2)
    began = time.monotonic()
    assert runtime(sim, name="New").result["action"] == "created"
    assert time.monotonic() - began >= 2


def test_an_outage_longer_than_all_retries_does_not_end_a_wait(sim: Simulator) -> None:
    sim.reset("newest", package_delay=30)
    with session(sim, retries=1) as task:
        done = task.ensure(name="New", exec_timeout=60, packages=[{"name": "pandas"}])
        sim.fault("unavailable", operation="read", times=8)
        ready = task.wait(done)
    assert ready.runtime
    assert ready.runtime.facts["status"] == "ready"
    assert task.pauses.seconds == [], "each check is one request"


# --- a server that is down is not asked a thousand times

DOWN = {
    "busy": ({"kind": "status", "status": 429}, 2),
    "busy for an hour": ({"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}}, 1),
    # The server's own error: it does not continue with the write, so one look is enough.
    "unavailable": ({"kind": "error", "status": 503, "number": 16, "message": "Later."}, 2),
}


@pytest.mark.parametrize("fault", DOWN)
def test_requests_do_not_grow_with_the_runtimes(sim: Simulator, fault: str) -> None:
    """Two runtimes are created before the outage. They are reported, the others are not tried, nothing is purged."""
    order, attempts = DOWN[fault]
    sim.seed({"name": "Old"})
    sim.fault(operation="create", times=None, skip=2, **order)  # type: ignore[arg-type]
    wanted = [{"name": f"N{number}", "exec_timeout": 60} for number in range(40)]
    ended = run("mstr_runtimes", sim, runtimes=wanted, purge=True, retries=1, concurrency=2)
    assert count(sim, "create") <= 2 + 2 * attempts
    assert count(sim, "delete") == 0
    actions = [entry["action"] for entry in ended.result["runtimes"]]
    assert actions.count("created") == 2
    assert {entry["name"] for entry in sim.runtimes()} == {"Old", *created(ended.result)}
    errors = [entry["error"]["msg"] for entry in ended.result["runtimes"] if entry.get("error")]
    assert len(errors) >= 38
    assert sum("not tried, because http" in error for error in errors) >= 34
    assert sim.open_sessions() == []


def created(result: dict[str, object]) -> set[object]:
    return {entry["name"] for entry in result["runtimes"] if entry["action"] == "created"}  # type: ignore[attr-defined]


def test_one_sick_object_among_many(sim: Simulator) -> None:
    """The gateway fails for one of them; all others are written."""
    names = [f"N{number}" for number in range(12)]
    identities = sim.seed(*({"name": name, "execTimeout": 600} for name in names))
    sim.fault("html", method="*", path=f"/runtimes/{identities[3]}", status=502, times=None)
    wanted = [{"name": name, "exec_timeout": 60} for name in names]
    ended = run("mstr_runtimes", sim, runtimes=wanted, retries=1, concurrency=4)
    actions = [entry["action"] for entry in ended.result["runtimes"]]
    assert actions.count("updated") == 11


# --- two plays at once


@pytest.mark.parametrize("duplicates", ["refuse", "allow"])
def test_two_modules_at_once_create_one_runtime(sim: Simulator, duplicates: str) -> None:
    sim.reset(duplicate_names=duplicates)
    # The server sends both lists before the first create arrives.
    sim.fault("held", operation="list", times=2)
    both = [Running("mstr_runtime", {**credentials(sim), "name": "New"}) for _ in range(2)]
    wait_for_call(sim, "list", calls=2)
    sim.release()
    done = [running.done() for running in both]
    assert [ended.status for ended in done] == [0, 0]
    if duplicates == "refuse":
        assert sorted(ended.result["action"] for ended in done) == ["created", "none"]
        assert len(sim.runtimes()) == 1
    else:
        assert any(all(made["id"] in text for made in sim.runtimes()) for ended in done for text in ended.warnings)
    assert sim.open_sessions() == []
