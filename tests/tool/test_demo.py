"""The demo shows the promised steps, and leaves no files or processes, even after an interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.waiting import PATIENCE_S, processes_with, wait_until

from dev.paths import ROOT


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short name: Ansible creates a socket in it."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def demo(place: Path) -> Iterator[subprocess.Popen[str]]:
    """Start what `make demo` starts in its environment."""
    for name in ("home", "tmp"):
        (place / name).mkdir()
    env = {**os.environ, "HOME": str(place / "home"), "TMPDIR": str(place / "tmp"), "MARK": str(place)}
    command = [sys.executable, "-m", "dev.demo"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the demo ended before it printed {text!r}")


def assert_nothing_left(place: Path) -> None:
    # A simulator ends with its parent.
    wait_until(lambda: not processes_with(f"MARK={place}"), "ended")
    assert list((place / "home").iterdir()) == []
    # Ansible's own server of results, which Ctrl-C ends as well, does not always remove its folder. Nor does Python the
    # file with which it tries whether it can write there.
    left = [path for path in (place / "tmp").iterdir() if not path.name.startswith("pymp-")]
    assert [path for path in left if not (path.is_file() and len(path.name) == 8)] == []


def test_the_demo_shows_each_step(place: Path) -> None:
    with demo(place) as process:
        output, _ = process.communicate()

    assert process.returncode == 0, output
    assert "changed=4 " in output  # in check mode, created, changed, deleted
    assert "ok=7 " in output
    assert output.count("POST /api/auth/login →") == output.count("→ POST /api/auth/logout") == 6
    for write in ("→ POST /api/runtimes →", "→ PATCH /api/runtimes/{id} →", "→ DELETE /api/runtimes/{id} →"):
        assert output.count(write) == 1
    assert_nothing_left(place)


def test_an_interrupt_cleans_up(place: Path) -> None:
    """Ctrl-C reaches all processes of the terminal."""
    with demo(place) as process:
        read_until(process, "TASK [Create the runtime]")
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130, output
    assert_nothing_left(place)
