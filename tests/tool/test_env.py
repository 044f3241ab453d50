"""In a shell with the variables of a stage, plain pytest runs that stage's tests on the working tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEV = f"'{sys.executable}' -m dev env"
SCRIPT = f"""
set -e
eval "$({DEV} faults)"
test -L "$MSTR_TEST_COLLECTIONS/ansible_collections/mstr/library"
pytest tests/faults -q -k 'test_tls and special_characters and empty'
"""


def _shell(script: str) -> subprocess.CompletedProcess[str]:
    folder = Path(__file__).parents[2]
    return subprocess.run(["bash", "-c", script], cwd=folder, text=True, capture_output=True, timeout=900, check=False)


def test_plain_pytest_runs_after_eval() -> None:
    done = _shell(SCRIPT)

    assert done.returncode == 0, done.stderr
    assert " passed" in done.stdout


def test_an_unknown_stage_lists_those_of_pytest() -> None:
    done = _shell(f"{DEV} 'lint ruff'")

    assert (done.returncode, "faults" in done.stderr) == (1, True)
