"""The ways to stop a run, on every ansible-core: by signals, timeouts and ansible-runner. A guide lists them."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import Play, Runner, play_of
from support.modules import wait_for_call
from support.waiting import PATIENCE_S, processes_with, wait_until

TASK = {"name": "A runtime", "mstr.library.mstr_runtime": {"name": "New"}, "timeout": "{{ after | default(0) | int }}"}
PLAY = play_of(TASK, {"name": "What follows", "ansible.builtin.debug": {"msg": "followed"}})
STOPPED = ["POST /auth/login", "GET /runtimes", "POST /auth/logout"]


def _session_is_gone(sim: Simulator) -> None:
    wait_until(lambda: "POST /auth/logout" in sim.calls() and not sim.open_sessions(), "logged out")


@pytest.fixture(params=["as a module", "in process"])
def way(request: pytest.FixtureRequest) -> str:
    """How the task runs. A test that uses it runs both ways."""
    return str(request.param)


def _in_process(way: str) -> dict[str, Any]:
    return {"mstr_in_process": way == "in process"}


def _goes_on(play: Play, way: str, end: int) -> bool:
    """Whether a task completes its work. A module does not learn that ansible-playbook was killed."""
    unnoticed = [signal.SIGHUP, signal.SIGKILL] + [signal.SIGTERM] * (play.version < (2, 19))
    return way == "as a module" and end in unnoticed


@pytest.mark.parametrize(
    "end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda end: end.name
)
def test_an_ended_run_starts_no_write(sim: Simulator, local: Play, way: str, end: signal.Signals) -> None:
    """It starts no more writes, if it learns of its end, and logs out."""
    sim.fault("held", operation="list", when="before")
    process = local.start(local.command(PLAY, **_in_process(way)))
    wait_for_call(sim, "list")
    # Ctrl-C reaches the whole process group. The other signals come from a job scheduler and reach only this process.
    (os.killpg if end == signal.SIGINT else os.kill)(process.pid, end)
    process.wait(PATIENCE_S)
    sim.release()
    output, _ = process.communicate(timeout=PATIENCE_S)
    _session_is_gone(sim)
    wait_until(lambda: not processes_with(local.folder), "no process is left")
    assert "followed" not in output
    assert process.returncode != 0
    if _goes_on(local, way, end):
        assert sim.runtime("New")
    else:
        assert sim.calls() == STOPPED, output
        assert sim.runtimes() == []


def test_a_killed_run_leaves_no_worker(sim: Simulator, local: Play) -> None:
    """Whatever the size of its result, which nobody reads; no item of a loop starts."""
    many = [{"name": f"{{{{ item }}}} {number}", "description": "x" * 200} for number in range(400)]
    play = play_of({"name": "Many", "mstr.library.mstr_runtimes": {"runtimes": many}, "loop": ["a", "b"]})
    sim.fault("held", operation="list", when="before")
    process = local.start(local.command(play))
    wait_for_call(sim, "list")
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    sim.release()
    _session_is_gone(sim)
    wait_until(lambda: not processes_with(local.folder), "no process is left")
    assert sim.calls() == STOPPED


def test_a_timeout_starts_no_write(sim: Simulator, local: Play, way: str) -> None:
    """A module gets no signal but notices the closed pipe within a second. In process, the task gets a signal."""
    # Long enough for a cold start on a busy machine.
    sim.fault("hang", operation="list")
    done = local(PLAY, after=8, **_in_process(way))
    assert done.status == 2, done.output
    assert re.search("Timed out after 8 second|expected time frame .8", done.output), done.output
    _session_is_gone(sim)
    assert sim.calls() == STOPPED, done.output
    assert sim.runtimes() == []


def test_a_task_can_be_rescued_from_its_timeout(sim: Simulator, local: Play) -> None:
    """In process, the worker continues to run. Its signal handlers, variables and folder must be restored."""
    names = {"mstr.library.mstr_runtime": {"name": "{{ item }}"}, "loop": ["One", "Two"]}
    play = play_of({"name": "A runtime", "timeout": 8, "ignore_errors": True, **names})
    sim.fault("hang", operation="list")
    done = local(play)
    assert done.status == 0, done.output
    assert [runtime["name"] for runtime in sim.runtimes()] == ["Two"], done.output
    assert sim.open_sessions() == []


# --- ansible-runner, which AWX uses: on a signal or a cancelled job it kills the process group


def test_a_cancelled_job_ends_its_tasks(sim: Simulator, local: Play, way: str) -> None:
    """ansible-core 2.16 runs the module in the killed process group; newer versions start a new session for it."""
    sim.fault("hang", operation="list")
    local.variables.update(_in_process(way))
    job = Runner(local, PLAY)
    wait_for_call(sim, "list")
    job.cancelled.touch()
    assert "canceled" in job.done()
    if way == "in process":
        _session_is_gone(sim)
        assert sim.calls() == STOPPED
    elif local.version < (2, 19):
        assert len(sim.open_sessions()) == 1
        assert sim.calls() == ["POST /auth/login", "GET /runtimes"]
        sim.turn_clock(1801)
        assert sim.open_sessions() == [], "the server times it out"
    else:
        _session_is_gone(sim)
