"""Lines of progress: on standard error, and masked. Unit tests have their texts and timing."""

from __future__ import annotations

import re
import subprocess
from threading import Thread
from typing import Any

from simulator.harness import Simulator
from support.ansible import Play, Played, Runner, play_of
from support.waiting import wait_until

WAIT = play_of(
    {
        "name": "Wait",
        "mstr.library.mstr_runtime": {
            "name": "{{ runtime | default('Nightly reports') }}",
            "packages": [{"name": "pandas"}, {"name": "six"}],
            "wait": True,
        },
        "no_log": "{{ hidden | default(false) }}",
    }
)
LINE = "[a] Nightly reports: installing 1 of 2 packages (pandas)"


def run(local: Play, playbook: list[Any], **options: Any) -> Played:
    played = local(playbook, stderr=subprocess.PIPE, **options)
    assert played.status == 0, played.output
    return played


def slow(sim: Simulator) -> None:
    """Make packages take so long to install that a task shows progress: until its third check.

    That check is held, so that the task shows progress before its last pause. The first read confirms the create.
    """
    sim.seed(packages=[{"name": "pandas", "delay": 1000}, {"name": "six", "delay": 0}])
    sim.fault("held", operation="read", skip=3, when="before")

    def work() -> None:
        wait_until(lambda: sim.faults()[0]["hits"], "the check", 300)
        sim.turn_clock(1000)
        sim.release()

    Thread(target=work, daemon=True).start()


def lines(played: Played) -> list[str]:
    return [line for line in played.stderr.splitlines() if re.match(r"\[a\] ", line)]


def test_wait_shows_progress_on_stderr(sim: Simulator, local: Play) -> None:
    """The standard output has no line of it. The name contains the password, which is masked."""
    slow(sim)
    played = run(local, WAIT, runtime=f"A {sim.password} B")
    assert lines(played) == ["[a] A ******** B: installing 1 of 2 packages (pandas)"]
    assert sim.password not in played.output + played.stderr
    assert "installing" not in played.output
    assert "errantly" not in played.stderr


def test_progress_in_a_job_of_ansible_runner(sim: Simulator, local: Play) -> None:
    """AWX shows what ansible-runner, which wraps Display, makes of the output: the lines, and no warning about them."""
    slow(sim)
    job = Runner(local, WAIT)
    status = job.done()
    assert status.strip() == "successful", status
    found = [line for line in job.output().splitlines() if line.startswith("[a] ")]
    assert found == [LINE], job.output()
    assert "WARNING" not in job.output()
    assert "\n\n\n" not in job.output()
    assert sim.open_sessions() == []


def test_no_log_shows_no_progress(sim: Simulator, local_newest: Play) -> None:
    slow(sim)
    assert lines(run(local_newest, WAIT, hidden=True)) == []
