"""References have a target, and the pipelines are valid and fit the guide."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.paths import ROOT
from plays.examples.blocks import EXAMPLES, pages

PAGES = pages()
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_references_have_a_target(guide: Path) -> None:
    """Sphinx does not check this, because it runs without the pages of Ansible's documentation."""
    labels = {
        label for path in GUIDES for label in re.findall(r"^\.\. _(\S+):$", path.read_text("utf-8"), re.MULTILINE)
    }
    plugins = {f"{path.stem}_{kind}" for kind in ("module", "filter") for path in ROOT.glob(f"plugins/{kind}*/*.py")}
    text = guide.read_text("utf-8")
    used = set(re.findall(r":ref:`(?:[^`<]*<)?(ansible_collections\.mstr\.library\.docsite\.[^`>]+)", text))
    assert used - labels == set()
    named = {f"{name}_{kind}" for name, kind in re.findall(r":ansplugin:`[^`]*?mstr\.library\.(\w+)#(\w+)", text)}
    assert {entry for entry in named if entry.endswith(("_module", "_filter"))} - plugins == set()


def test_links_of_the_readme_have_a_target() -> None:
    links = re.findall(r"\]\(((?!https?:|#)[^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


SCHEMAS = {"github.yml": "vendor.github-workflows", "gitlab-ci.yml": "vendor.gitlab-ci"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_pipeline_fits_its_schema(name: str) -> None:
    """The schemas are part of check-jsonschema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[name]]
    done = subprocess.run([*command, EXAMPLES / "pipelines" / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_pipeline_runs_commands_of_the_guide(name: str) -> None:
    guide = PAGES["docs/docsite/rst/guide_pipelines.rst"]
    commands = {line for block in guide if block.kind == "shell" for line in block.commands().splitlines()}
    text = " ".join((EXAMPLES / "pipelines" / name).read_text(encoding="utf-8").split())
    # A command ends before the next key or entry of the YAML.
    found = set(re.findall(r"ansible-playbook .*?(?= - |\s\w[\w-]*:(?: |$)|$)", text))
    assert found
    assert found <= commands
