# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which people stop a run: on every ansible-core, by hand and through ansible-runner.

What each does to the module is not the same. What follows from it for sessions is told in docs/docsite/rst/faults.rst.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from simulator.harness import Simulator
from support.ansible import environment
from support.modules import wait_for_call
from support.playbooks import Playbook
from support.waiting import PATIENCE_S, wait_until

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: A runtime
      mstr.library.mstr_runtime:
        name: New
      timeout: "{{ after | default(0) | int }}"
    - name: What follows
      ansible.builtin.debug:
        msg: followed
"""
SECONDS = 2.5  # for which the server keeps the call that is struck
STOPPED = ["POST /auth/login", "GET /runtimes", "POST /auth/logout"]


def _session_is_gone(sim: Simulator) -> None:
    wait_until(lambda: "POST /auth/logout" in sim.calls() and not sim.open_sessions(), "logged out", 10)


def _version(core: Path) -> tuple[int, ...]:
    told = subprocess.run([core / "python", "-c", "import ansible; print(ansible.__version__)"], capture_output=True)
    return tuple(int(part) for part in told.stdout.decode().split(".")[:2])


@pytest.mark.parametrize("how", ["Ctrl-C", "kill"])
def test_a_signal_logs_out(sim: Simulator, core: Path, tmp_path: Path, how: str) -> None:
    """Ctrl-C reaches the whole process group; kill, or a job scheduler, the one process."""
    sim.fault("slow", operation="list", seconds=SECONDS, when="before")
    process = Playbook(core, tmp_path, PLAY, sim.environment()).start()
    wait_for_call(sim, "list")
    if how == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    output, _ = process.communicate(timeout=PATIENCE_S)
    _session_is_gone(sim)
    assert "followed" not in output
    if how == "kill" and _version(core) < (2, 19):
        # It ends without a word to its worker, which reads on: the task is done to its end, logout and all.
        assert sim.calls()[-1] == "POST /auth/logout"
    else:
        assert sim.calls() == STOPPED


def test_a_tasks_timeout_starts_no_write_and_logs_out(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """It sends the module nothing. The module sees between two calls that nobody reads its answer."""
    # Long enough for a cold start on a busy machine, short enough for the call to be under way at its end.
    sim.fault("slow", operation="list", seconds=6, when="before")
    done = Playbook(core, tmp_path, PLAY, sim.environment(), extra={"after": 4}).run()
    assert done.returncode == 2, done.stdout
    _session_is_gone(sim)
    assert sim.calls() == STOPPED
    assert sim.runtimes() == []


# --- ansible-runner, which AWX uses: it answers a signal, and a cancelled job, by killing the process group

RUN = """
import pathlib, sys
import ansible_runner
folder, cancelled = sys.argv[1:]
run = ansible_runner.run(
    private_data_dir=folder, playbook="play.yml", quiet=True, cancel_callback=pathlib.Path(cancelled).exists
)
print(run.status)
"""


class Runner:
    """A job of ansible-runner."""

    def __init__(self, sim: Simulator, core: Path, folder: Path) -> None:
        python = os.environ.get("MSTR_TEST_RUNNER_PYTHON")
        if not python:
            pytest.skip("ansible-runner is not installed here")
        (folder / "project").mkdir()
        (folder / "inventory").mkdir()
        (folder / "project" / "play.yml").write_text(PLAY)
        place = 'localhost ansible_connection=local ansible_python_interpreter="{{ ansible_playbook_python }}"\n'
        (folder / "inventory" / "hosts").write_text(place)
        self.cancelled = folder / "cancelled"
        env = environment(folder / "home", programs=core, **sim.environment())
        env["PATH"] += f"{os.pathsep}{Path(python).parent}"
        self.process = subprocess.Popen(
            [python, "-c", RUN, str(folder), str(self.cancelled)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def done(self) -> str:
        """What became of the job."""
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return output


def test_a_job_of_ansible_runner_logs_out(sim: Simulator, newest: Path, tmp_path: Path) -> None:
    job = Runner(sim, newest, tmp_path)
    assert "successful" in job.done()
    assert sim.runtime("New")
    assert sim.open_sessions() == []


def test_a_cancelled_job(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """ansible-core 2.16 keeps the module in the group that is killed; newer ones give it a session of its own."""
    # ansible-runner looks every five seconds whether it was told to end.
    sim.fault("slow", operation="list", seconds=12, when="before")
    job = Runner(sim, core, tmp_path)
    wait_for_call(sim, "list")
    job.cancelled.touch()
    assert "canceled" in job.done()
    if _version(core) < (2, 19):
        assert len(sim.open_sessions()) == 1
        assert sim.calls() == ["POST /auth/login", "GET /runtimes"]
        sim.turn_clock(1801)
        assert sim.open_sessions() == [], "the server's own clock ends it"
    else:
        _session_is_gone(sim)
