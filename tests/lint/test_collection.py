"""What the Ansible community checks of a collection, and its changelog."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.ansible import programs

from dev.collection import copy
from dev.envs import CALLER
from dev.paths import LIBRARY, ROOT, run


@pytest.mark.parametrize(
    "session", ["ansible-lint", "docs-check", "extra-checks", "license-check", "yamllint", "antsibull-nox-config"]
)
def test_antsibull_nox(session: str) -> None:
    """The sessions of antsibull-nox.toml."""
    run(sys.executable, "-m", "nox", "--noxfile", ROOT / "noxfile.py", "--session", session, env=CALLER)


def test_changelog(tmp_path: Path) -> None:
    run(programs("docs") / "antsibull-changelog", "lint", cwd=copy(tmp_path / LIBRARY))
