"""Signals during a call: the module ends at once, reports the signal and leaves no session open."""

from __future__ import annotations

import signal
import time

import pytest
from simulator.harness import Simulator
from support.modules import Running, credentials, send_signal, wait_for_call
from support.waiting import PATIENCE_S, wait_until

from faults.inprocess import OPERATIONS

# A call that hangs ends after 30 seconds by itself. The last calls after a signal have 5 seconds each.
ENOUGH_S = 20.0


def start(sim: Simulator, operation: str) -> Running:
    sim.seed({"name": "Old", "execTimeout": 600})
    return Running("mstr_runtime", {**credentials(sim), **OPERATIONS[operation]})


def stop_during(sim: Simulator, running: Running, operation: str, number: signal.Signals) -> float:
    """Send the signal during the call, let the call go on, and return the seconds until the module ended."""
    wait_for_call(sim, operation, running)
    began = time.monotonic()
    send_signal(running.process, number)
    sim.release()
    running.process.wait(PATIENCE_S)
    return time.monotonic() - began


SIGNALS = [
    *(("list", number) for number in (signal.SIGINT, signal.SIGHUP)),
    *((operation, signal.SIGTERM) for operation in ("login", "create", "read", "delete")),
]


@pytest.mark.parametrize(("operation", "number"), SIGNALS, ids=lambda value: getattr(value, "name", value))
def test_signal_ends_hanging_call(sim: Simulator, operation: str, number: signal.Signals) -> None:
    sim.fault("hang", operation=operation)
    running = start(sim, operation)
    assert stop_during(sim, running, operation, number) < ENOUGH_S
    sentence = running.done().sentence
    assert f"Stopped by signal {number.name}" in sentence
    assert operation != "list" or sentence.endswith(" while trying to list the runtimes.")
    assert operation != "list" or "POST /runtimes" not in sim.calls()
    assert operation == "login" or sim.calls()[-1] == "POST /auth/logout"
    assert sim.open_sessions() == []


def test_signal_during_a_write(sim: Simulator) -> None:
    sim.fault("held", operation="create")
    running = start(sim, "create")
    stop_during(sim, running, "create", signal.SIGTERM)
    done = running.done()
    assert done.sentence == (
        "Stopped by signal SIGTERM while the runtime 'New' was being created. It may or may not have been created; "
        "check it."
    )
    assert (done.result["action"], done.result["changed"]) == ("unknown", True)


@pytest.mark.parametrize("path", ["/auth/login", "/auth/delegate"])
def test_signal_during_a_login(sim: Simulator, path: str) -> None:
    """When the signal arrives, the server has opened the session, but the module has not received its token yet."""
    sim.fault("held", operation="login")
    options = credentials(sim)
    if path == "/auth/delegate":
        options = {"base_url": sim.base_url, "identity_token": sim.identity_token}
    running = Running("mstr_runtime", {**options, "name": "New"})
    assert stop_during(sim, running, "login", signal.SIGTERM) < ENOUGH_S
    assert running.done().sentence == "Stopped by signal SIGTERM while trying to log in."
    # A delegated session shares the Intelligence Server session of its giver, so it is left open as usual.
    assert sim.calls() == [f"POST {path}", "POST /auth/logout"] if path == "/auth/login" else [f"POST {path}"]
    assert [session for session in sim.open_sessions() if session["mode"] != "delegate"] == []


def test_closed_pipe_prevents_next_write(sim: Simulator) -> None:
    """A task's timeout sends no signal but closes the pipe. The module starts no more writes and logs out."""
    sim.fault("held", operation="list")
    running = start(sim, "list")
    wait_for_call(sim, "list", running)
    assert running.process.stdout
    running.process.stdout.close()
    sim.release()
    assert running.process.wait(PATIENCE_S) == 1
    assert sim.calls() == ["POST /auth/login", "GET /runtimes", "POST /auth/logout"]
    assert sim.open_sessions() == []


def test_stopped_module_reports_its_changes(sim: Simulator) -> None:
    """No worker continues after it, and nothing is purged."""
    many = [{"name": f"r{number:02}", "exec_timeout": 600} for number in range(40)]
    # After some creates, the others are done but not answered.
    sim.fault("hang", operation="create", skip=6, times=None, done=True)
    sim.seed({"name": "not listed"})
    module = Running("mstr_runtimes", {**credentials(sim), "runtimes": many, "purge": True})
    wait_until(lambda: sim.faults()[0]["hits"] == 4, "all threads wait for a create")
    module.process.send_signal(signal.SIGTERM)
    done = module.done(ENOUGH_S)
    assert sim.open_sessions() == []
    there = {runtime["name"] for runtime in sim.runtimes()}
    assert "not listed" in there
    assert len(there) < len(many)

    # It reports what it did, and what is unknown.
    assert "signal SIGTERM" in done.sentence
    actions = {runtime["name"]: runtime["action"] for runtime in done.result["runtimes"]}
    assert set(actions.values()) <= {"created", "none", "unknown"}
    assert {name for name, action in actions.items() if action == "created"} <= there
    calls = sim.calls()
    time.sleep(0.3)
    assert sim.calls() == calls
