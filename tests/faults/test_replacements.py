"""A whole module replaces a runtime on a real server; unit tests have the cases."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from simulator.harness import Simulator
from support.modules import Running, credentials, run, send_signal, wait_for_call

OLD = "A" * 32
PROJECT = {"name": "Sales", "scripts": [{"name": name, "runtime": OLD} for name in ("Close", "Load")]}
DEFINITION = {
    "name": "Reports",
    "exec_timeout": 900,
    "replace_on_change": ["exec_timeout"],
    "smoke_test": "print('works')",
}


def used(sim: Simulator) -> set[str]:
    return {script["runtime"] for project in sim.projects() for script in project["scripts"]}


def replace(sim: Simulator) -> Any:
    options = {"purge": True, "protect_used": True, "recover": True, "wait_interval": 0.1}
    return run("mstr_runtimes", sim, runtimes=[DEFINITION], **options).result["changed"]


@pytest.mark.parametrize("operation", ["create", "move", "delete"])
def test_signal_during_each_step(sim: Simulator, operation: str) -> None:
    sim.seed({"name": "Reports", "id": OLD}, projects=[PROJECT])
    sim.fault("held", operation=operation)
    options = {**credentials(sim), "runtimes": [DEFINITION], "wait_interval": 0.1}
    running = Running("mstr_runtimes", options)
    wait_for_call(sim, operation, running)
    send_signal(running.process, signal.SIGTERM)
    sim.release()
    assert "Stopped by signal SIGTERM" in running.done().sentence
    assert used(sim) <= {runtime["id"] for runtime in sim.runtimes()}
    sim.clear_faults()
    replace(sim)
    [runtime] = sim.runtimes()
    assert (runtime["name"], runtime["execTimeout"]) == ("Reports", 900)
    assert runtime["id"] != OLD
    assert used(sim) == {runtime["id"]}
    assert sim.open_sessions() == []
    assert replace(sim) is False
