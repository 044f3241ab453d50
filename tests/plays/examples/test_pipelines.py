"""The pipelines in docs/examples/pipelines are valid, and run the commands of the guide, which the tests run."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from plays.examples.blocks import EXAMPLES, pages

SCHEMAS = {"github.yml": "vendor.github-workflows", "gitlab-ci.yml": "vendor.gitlab-ci"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_pipeline_fits_its_schema(name: str) -> None:
    """The schemas are part of check-jsonschema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[name]]
    done = subprocess.run([*command, EXAMPLES / "pipelines" / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_pipeline_runs_commands_of_the_guide(name: str) -> None:
    guide = pages()["docs/docsite/rst/guide_pipelines.rst"]
    commands = {line for block in guide if block.kind == "shell" for line in block.commands().splitlines()}
    text = " ".join((EXAMPLES / "pipelines" / name).read_text(encoding="utf-8").split())
    # A command ends before the next key or entry of the YAML.
    found = set(re.findall(r"ansible-playbook .*?(?= - |\s\w[\w-]*:(?: |$)|$)", text))
    assert found == commands
