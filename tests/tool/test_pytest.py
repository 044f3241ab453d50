"""The choice of tests, and the last line: a test that did not run never passes, and no failure is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.paths import ROOT

TESTS = """
import pytest

def test_one(): pass

@pytest.mark.matrix
def test_other(): pass

@pytest.mark.parametrize("number", [1, 2])
def test_fails(number): assert number == 3

@pytest.fixture
def broken(): raise ValueError("here")

def test_error(broken): pass

def test_skipped(): pytest.skip("no Python 3.9 on this machine")
"""


def _pytest(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def tests() -> Iterator[Path]:
    """A file beside the tests of the tool, whose settings are those of all tests."""
    path = ROOT / "tests" / "tool" / f"examples_{os.getpid()}.py"
    path.write_text(TESTS)
    yield path
    path.unlink()


@pytest.mark.parametrize(
    ("words", "status", "last"),
    [
        ([], 1, "tests: 1 passed, 3 failed"),
        (["--numprocesses=2", "--all"], 1, "tests: 2 passed, 3 failed"),
        (["-k", "skipped"], 5, "tests: 0 passed, 0 failed"),
    ],
)
def test_last_line(tests: Path, words: list[str], status: int, last: str) -> None:
    done = _pytest(tests, *words)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (status, last)
    if "skipped" in words or not words:
        assert "no Python 3.9 on this machine" in done.stdout
