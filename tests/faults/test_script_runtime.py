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

from faults.inprocess import session
from faults.test_lost_responses import DONE, NOT_DONE, silent

OLD, NEW = "A" * 32, "B" * 32
SALES = {
    "name": "Sales",
    "scripts": [
        {"name": name, "id": f"{number:032X}", "runtime": OLD, "folder": "Nightly", "description": f"About {name}",
         "variables": [{"name": "day", "type": "text"}], "code": f"print('{name}')\n"}
        for number, name in enumerate(["Close", "Load", "Report"], 1)
    ],
}  # fmt: skip


def seeded(sim: Simulator) -> Simulator:
    sim.seed({"name": "Old", "id": OLD}, {"name": "New", "id": NEW}, projects=[SALES])
    return sim


@pytest.fixture
def server(sim: Simulator) -> Simulator:
    return seeded(sim)


def assign(sim: Simulator, scale: float = 0.0, silent: str = "") -> Any:
    """Do what mstr_script_runtime does. Returns the result."""
    params = dict.fromkeys(OPTIONS) | {"runtime": "New", "from_runtime": "Old", "projects": ["Sales"]}
    with session(sim, scale, silent) as task:
        return assign_scripts(task.context(task.pauses.pause), script_inputs_from(params))


def scripts(sim: Simulator) -> list[dict[str, Any]]:
    return [script for project in sim.projects() for script in project["scripts"]]


def runtimes(sim: Simulator) -> set[str]:
    return {script["runtime"] for script in scripts(sim)}


def rest(sim: Simulator) -> list[dict[str, Any]]:
    """Everything of the scripts but their runtime."""
    return [{key: value for key, value in script.items() if key != "runtime"} for script in scripts(sim)]


def updates(sim: Simulator) -> int:
    return len(sim.requests("PUT"))


@pytest.mark.parametrize("how", ["closed", "page 504 at once, done later", "timeout after the work"])
def test_an_update_that_was_done_is_not_repeated(server: Simulator, how: str) -> None:
    scale, fault = DONE[how]
    server.fault(operation="move", times=1, **fault)
    assign(server, scale, silent(fault, "PUT"))
    assert (runtimes(server), updates(server)) == ({NEW}, 3)


@pytest.mark.parametrize("how", ["closed", "hang", "page 504"])
def test_an_update_that_was_not_done_is_repeated_once_that_is_known(server: Simulator, how: str) -> None:
    server.fault(operation="move", times=1, **NOT_DONE[how])
    assign(server, silent=silent(NOT_DONE[how], "PUT"))
    assert (runtimes(server), updates(server)) == ({NEW}, 4)


@pytest.mark.complete
@pytest.mark.parametrize("fault", ["close_after", "session_killed", "error"])
def test_fault_at_any_request_of_an_assignment(server: Simulator, fault: str) -> None:
    """After a fault at any request scripts are whole and a second run completes."""
    before = rest(server)
    assign(server)
    for at in range(len(server.requests())):
        server.reset("newest")
        seeded(server)
        server.fault(fault, operation="any", skip=at, times=1)
        with suppress(MstrError):
            assign(server)
        server.clear_faults()
        assert rest(server) == before
        assert runtimes(server) <= {OLD, NEW}
        assign(server)
        assert runtimes(server) == {NEW}


def test_a_signal_between_the_update_and_the_check_leaves_the_script_whole(sim: Simulator) -> None:
    sim.reset("newest", script_put_omitted="reset")
    before = rest(seeded(sim))
    sim.fault("held", operation="move")
    running = Running("mstr_script_runtime", {**credentials(sim), "runtime": "New", "from_runtime": "Old"})
    wait_for_call(sim, "move", running)
    sim.fault("held", operation="script")
    sim.release()
    wait_for_call(sim, "script", running)
    send_signal(running.process, signal.SIGTERM)
    sim.release()
    done = running.done()
    assert (
        "signal SIGTERM while the runtime of the script 'Close' in project 'Sales' was being changed" in done.sentence
    )
    assert rest(sim) == before
    assert sim.open_sessions() == []
