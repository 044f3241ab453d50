"""In a shell with the variables of a stage, plain pytest runs that stage's tests on the working tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = f"""
set -e
eval "$('{sys.executable}' -m dev env faults)"
test -L "$MSTR_TEST_COLLECTIONS/ansible_collections/mstr/library"
pytest tests/faults -q -k 'test_tls and special_characters and empty'
"""


def _shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
        check=False,
    )


def test_plain_pytest_runs_after_eval() -> None:
    done = _shell(SCRIPT)

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_an_unknown_stage_lists_those_of_pytest() -> None:
    done = _shell(f"'{sys.executable}' -m dev env 'lint ruff'")

    assert done.returncode == 1
    assert "faults" in done.stdout
