"""Scripts that are assigned to a different runtime, while responses get lost; the unit tests have the decisions."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._work.script_runtime import (
    OPTIONS,
    assign_scripts,
    script_inputs_from,
)
from simulator.harness import Simulator
from support.modules import Running, credentials, send_signal, wait_for_call

from faults.inprocess import Session

OLD, NEW = "A" * 32, "B" * 32
SALES = {
    "name": "Sales",
    "scripts": [
        {"name": name, "id": f"{number:032X}", "runtime": OLD, "folder": "Nightly", "description": f"About {name}",
         "variables": [{"name": "day", "type": "text"}], "code": f"print('{name}')\n"}
        for number, name in enumerate(["Close", "Load", "Report"], 1)
    ],
}  # fmt: skip


def seed(sim: Simulator) -> None:
    sim.seed({"name": "Old", "id": OLD}, {"name": "New", "id": NEW}, projects=[SALES])


def assign(sim: Simulator) -> None:
    """Do what mstr_script_runtime does."""
    params = dict.fromkeys(OPTIONS) | {"runtime": "New", "from_runtime": "Old", "projects": ["Sales"], "concurrency": 4}
    with Session(sim) as task:
        assign_scripts(task.context(), script_inputs_from(params))


def scripts(sim: Simulator) -> list[dict[str, Any]]:
    return [script for project in sim.projects() for script in project["scripts"]]


def runtimes(sim: Simulator) -> set[str]:
    return {script["runtime"] for script in scripts(sim)}


def rest(sim: Simulator) -> list[dict[str, Any]]:
    """Everything of the scripts but their runtime."""
    return [{key: value for key, value in script.items() if key != "runtime"} for script in scripts(sim)]


@pytest.mark.complete
@pytest.mark.parametrize("fault", ["close_after", "session_killed", "error"])
def test_fault_at_each_request(sim: Simulator, fault: str) -> None:
    """After a fault at any request scripts are whole and a second run completes."""
    seed(sim)
    before = rest(sim)
    assign(sim)
    for at in range(len(sim.requests())):
        sim.reset("newest")
        seed(sim)
        sim.fault(fault, operation="any", skip=at, times=1)
        with suppress(MstrError):
            assign(sim)
        sim.clear_faults()
        assert rest(sim) == before
        assert runtimes(sim) <= {OLD, NEW}
        assign(sim)
        assert runtimes(sim) == {NEW}


def test_signal_between_update_and_check(sim: Simulator) -> None:
    sim.reset("newest", script_put_omitted="reset")
    seed(sim)
    before = rest(sim)
    sim.fault("held", operation="move")
    running = Running("mstr_script_runtime", {**credentials(sim), "runtime": "New", "from_runtime": "Old"})
    wait_for_call(sim, "move", running)
    sim.fault("held", operation="script")
    sim.release()
    wait_for_call(sim, "script", running)
    send_signal(running.process, signal.SIGTERM)
    sim.release()
    done = running.done()
    assert "SIGTERM while the runtime of the script 'Close' in project 'Sales' was being changed" in done.sentence
    assert rest(sim) == before
    assert sim.open_sessions() == []
