"""`make generate`: what follows from a description reaches the role and the schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dev import collection

FIELD = "  log_level:\n    description: How much O(name) logs. It is new.\n    type: str\n    choices: [info, debug]\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the working tree."""
    return collection.copy(tmp_path / "ansible_collections" / "mstr" / "library", "dev", "docs", "plugins", "roles")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def generate(clone: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-B", "-m", "dev.generate", *options]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_new_field_is_in_the_schema(clone: Path) -> None:
    change(clone / "plugins" / "doc_fragments" / "runtime.py", "  others:\n", FIELD + "  others:\n")
    stale = "docs/schemas/definitions.schema.json is stale: run 'make generate'\n"
    assert generate(clone, "--check") == (1, stale)
    assert generate(clone)[0] == 0
    assert generate(clone, "--check") == (0, "")
    schema = json.loads((clone / "docs" / "schemas" / "definitions.schema.json").read_text())
    described = {"description": "How much runtimes[].name logs.", "type": ["string", "null"]}
    assert schema["$defs"]["runtime"]["properties"]["log_level"] == {**described, "enum": ["info", "debug", None]}


def test_a_field_is_in_the_result(clone: Path) -> None:
    """The keys of a returned runtime that are options of a definition are written once, as options."""
    module = clone / "plugins" / "modules" / "mstr_runtime.py"
    before = module.read_text()
    change(module, "    others:\n      description: As O(others).\n      type: str\n", "")
    assert generate(clone, "--check") == (1, "plugins/modules/mstr_runtime.py is stale: run 'make generate'\n")
    assert generate(clone)[0] == 0
    assert module.read_text() == before
