"""Format, lint and types of all Python files, and what is generated: the part of the linters that `make check` runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dev.paths import CACHE, LIBRARY, ROOT, run

BIN = Path(sys.executable).parent
_MYPY = (BIN / "mypy", "--no-pretty", f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={CACHE / 'mypy'}")


@pytest.mark.parametrize(
    "words",
    [("ruff", "format", "--check", "--diff", "."), ("ruff", "check", "--output-format=concise", ".")],
    ids=["format", "lint"],
)
def test_ruff(words: tuple[str, ...]) -> None:
    run(BIN / words[0], *words[1:])


def test_generated_files_are_fresh() -> None:
    run(sys.executable, "-m", "dev.generate", "--check")


def test_types() -> None:
    """Of the tool and the simulator, then of the plugins, which import each other by the collection's full name."""
    own = ("dev", "noxfile.py", "tests/conftest.py", "tests/lint", "tests/matrix", "tests/simulator")
    run(*_MYPY, *own, env={"MYPYPATH": str(ROOT / "tests")})
    package = ("--package", "ansible_collections.mstr.library.plugins")
    run(*_MYPY, *package, cwd=CACHE / "tree" / LIBRARY, env={"MYPYPATH": str(CACHE / "tree")})
