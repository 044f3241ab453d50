"""The demo shows the promised steps, and leaves no files or processes, even after an interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.waiting import PATIENCE_S, processes_with, wait_until

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / ".cache" / "run"


@contextmanager
def demo(place: Path) -> Iterator[subprocess.Popen[str]]:
    """Start what `make demo` starts, without make. Its environment exists: pip would leave files in HOME."""
    for name in ("home", "tmp"):
        (place / name).mkdir()
    env = {**os.environ, "HOME": str(place / "home"), "TMPDIR": str(place / "tmp")}
    command = [sys.executable, "-B", "-m", "dev", "demo"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        yield process


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the demo ended before it printed {text!r}")


def assert_nothing_left(place: Path, pid: int) -> None:
    run = RUNS / str(pid)
    assert not run.exists()
    # All processes of the demo have its temporary folder in their environment. A simulator ends with its parent.
    wait_until(lambda: not processes_with(run), "ended")
    assert list((place / "home").iterdir()) == []
    assert list((place / "tmp").iterdir()) == []


def test_the_demo_shows_each_step(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        output, _ = process.communicate()

    assert process.returncode == 0, output
    assert "changed=4 " in output  # in check mode, created, changed, deleted
    assert "ok=7 " in output
    assert output.count("POST /api/auth/login →") == output.count("→ POST /api/auth/logout") == 6
    for write in ("→ POST /api/runtimes →", "→ PATCH /api/runtimes/{id} →", "→ DELETE /api/runtimes/{id} →"):
        assert output.count(write) == 1
    assert_nothing_left(tmp_path, process.pid)


@pytest.mark.parametrize("moment", ["Building", "Starting", "TASK [Create the runtime]"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cleans_up(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    with demo(tmp_path) as process:
        read_until(process, moment)
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130, output
    assert_nothing_left(tmp_path, process.pid)
