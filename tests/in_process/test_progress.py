# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of progress: on standard error, masked, and only in process. Unit tests check their timing."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

import pytest
from simulator.harness import Simulator

from in_process.running import Ran, run, run_job

WAIT = """
- name: A play
  hosts: a
  gather_facts: false
  tasks:
    - name: Wait
      mstr.library.mstr_runtime:
        name: Nightly reports
        packages: [{{name: pandas}}, {{name: six}}]
        wait: true
      {more}
"""
LINE = "[a] Nightly reports: installing 1 of 2 packages (pandas)"


def slow(sim: Simulator) -> None:
    """Make packages take longer to install than the first pause of progress."""
    sim.seed(packages=[{"name": "pandas", "delay": 7}, {"name": "six", "delay": 0}])


def lines(ran: Ran) -> list[str]:
    return [line for line in ran.stderr.splitlines() if re.match(r"\[a\] ", line)]


def test_a_wait_shows_progress_on_standard_error(sim: Simulator, core: Path, tmp_path: Path) -> None:
    slow(sim)
    ran = run(sim, core, tmp_path, WAIT.format(more=""))
    assert ran.status == 0, ran.stdout
    assert lines(ran) == [LINE]
    assert LINE not in ran.stdout


def test_progress_does_not_break_a_json_callback(sim: Simulator, core: Path, tmp_path: Path) -> None:
    slow(sim)
    ran = run(sim, core, tmp_path, WAIT.format(more=""), ANSIBLE_STDOUT_CALLBACK="as_json")
    assert json.loads(ran.stdout) == {"changed": {"a": 1}}
    assert lines(ran) == [LINE]


@pytest.mark.parametrize("broken", ["full pipe", "closed pipe", "full disk"])
def test_a_standard_error_that_nobody_reads_stops_nothing(
    sim: Simulator, core: Path, tmp_path: Path, broken: str
) -> None:
    slow(sim)
    reader, writer = os.pipe()
    if broken == "full pipe":
        os.set_blocking(writer, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 512)
        os.set_blocking(writer, True)
    elif broken == "closed pipe":
        os.close(reader)
    else:
        os.close(writer)
        writer = os.open("/dev/full", os.O_WRONLY)
    try:
        ran = run(sim, core, tmp_path, WAIT.format(more=""), stderr=writer)
    finally:
        os.close(writer)
        if broken != "closed pipe":
            os.close(reader)
    assert ran.status == 0, ran.stdout
    assert sim.runtime("Nightly reports")
    assert ran.sessions == []


def test_progress_in_a_job_of_ansible_runner(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """AWX shows what ansible-runner makes of the output: the lines, and no warning about them."""
    python = os.environ.get("MSTR_TEST_RUNNER_PYTHON")
    if not python:
        pytest.skip("ansible-runner is not installed here")
    slow(sim)
    output = run_job(sim, core, tmp_path, WAIT.format(more=""), Path(python))
    found = [line for line in output.splitlines() if line.startswith("[a] ")]
    assert found == [LINE], output
    assert "WARNING" not in output
    assert "\n\n\n" not in output


def test_progress_does_not_pass_through_a_wrapped_display(sim: Simulator, core: Path, tmp_path: Path) -> None:
    slow(sim)
    ran = run(sim, core, tmp_path, WAIT.format(more=""), ANSIBLE_CALLBACKS_ENABLED="record,wrap_display")
    assert lines(ran) == [LINE]
    assert "errantly" not in ran.stdout + ran.stderr
    assert "a mark of an event" not in ran.stdout + ran.stderr


def test_a_module_and_a_task_with_no_log_show_no_progress(sim: Simulator, newest: Path, tmp_path: Path) -> None:
    slow(sim)
    assert lines(run(sim, newest, tmp_path / "module", WAIT.format(more=""), way="as a module")) == []
    sim.reset()
    slow(sim)
    assert lines(run(sim, newest, tmp_path / "no_log", WAIT.format(more="no_log: true"))) == []


def test_a_secret_is_masked_in_progress(sim: Simulator, newest: Path, tmp_path: Path) -> None:
    """The name contains the password."""
    slow(sim)
    ran = run(sim, newest, tmp_path, WAIT.format(more="").replace("Nightly reports", f"A {sim.password} B"))
    assert ran.status == 0, ran.stdout
    assert lines(ran) == ["[a] A ******** B: installing 1 of 2 packages (pandas)"]
    assert sim.password not in ran.stdout + ran.stderr


def test_progress_counts_many_runtimes(sim: Simulator, newest: Path, tmp_path: Path) -> None:
    sim.switch(latency_ms=400)
    text = """
- name: A play
  hosts: a
  gather_facts: false
  tasks:
    - name: Write
      mstr.library.mstr_runtimes:
        runtimes: "{{ many }}"
        concurrency: 2
"""
    ran = run(sim, newest, tmp_path, text, extra={"many": [{"name": f"Runtime {n}"} for n in range(24)]})
    assert ran.status == 0, ran.stdout
    assert lines(ran)
    assert all(re.fullmatch(r"\[a\] \d+ of 24 runtimes (written|read again)", line) for line in lines(ran)), lines(ran)
    assert re.search(r"\d+ of 24 runtimes written", ran.stderr)


def test_a_running_script_shows_progress(sim: Simulator, newest: Path, tmp_path: Path) -> None:
    text = """
- name: A play
  hosts: a
  gather_facts: false
  tasks:
    - name: Run
      mstr.library.mstr_script_run:
        code: import time; time.sleep(5)
"""
    ran = run(sim, newest, tmp_path, text)
    assert ran.status == 0, ran.stdout
    assert lines(ran)
    assert re.fullmatch(r"\[a\] script has been running for \d s", lines(ran)[0])
