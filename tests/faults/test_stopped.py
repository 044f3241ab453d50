"""Signals during a call: the module ends at once, reports the signal and leaves no session open."""

from __future__ import annotations

import signal
import time

import pytest
from simulator.harness import Simulator
from support.modules import Running, credentials, send_signal, wait_for_call
from support.waiting import wait_until

from faults.inprocess import OPERATIONS

# A call that hangs ends after 30 seconds by itself. The last calls after a signal have 5 seconds each.
ENOUGH_S = 20.0


SIGNALS = [
    *(("list", number) for number in (signal.SIGINT, signal.SIGHUP)),
    *((operation, signal.SIGTERM) for operation in ("login", "create", "read", "delete")),
]


@pytest.mark.parametrize(("operation", "number"), SIGNALS, ids=lambda value: getattr(value, "name", value))
def test_signal_ends_hanging_call(sim: Simulator, operation: str, number: signal.Signals) -> None:
    sim.fault("hang", operation=operation)
    sim.seed({"name": "Old", "execTimeout": 600})
    running = Running("mstr_runtime", {**credentials(sim), **OPERATIONS[operation]})
    wait_for_call(sim, operation, running)
    send_signal(running.process, number)
    sentence = running.done(ENOUGH_S).sentence
    assert f"Stopped by signal {number.name}" in sentence
    assert operation != "list" or sentence.endswith(" while trying to list the runtimes.")
    assert operation != "list" or "POST /runtimes" not in sim.calls()
    assert operation == "login" or sim.calls()[-1] == "POST /auth/logout"
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
