"""RETURN documents what modules return, references have a target, and the pipelines are valid and fit the guide."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.ansible import ROOT

from plays.examples.blocks import EXAMPLES, documented, pages
from plays.examples.hosts import ExampleHosts, doubled_records

PAGES = pages()
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
# Keys that Ansible documents, or that are not documented because all modules return them.
_COMMON = {"changed", "failed", "invocation", "warnings", "deprecations", "exception", "ansible_facts"}


def _unlike(sample: Any, found: Any, place: str) -> Iterator[str]:
    """Differences between the keys of a sample and of a result. An empty list and null match everything."""
    if isinstance(sample, Mapping) and isinstance(found, Mapping):
        yield from (f"{place}.{key} is in the sample alone" for key in sample.keys() - found.keys())
        yield from (f"{place}.{key} is in the result alone" for key in found.keys() - sample.keys())
        for key in sample.keys() & found.keys():
            yield from _unlike(sample[key], found[key], f"{place}.{key}")
    elif isinstance(sample, list) and isinstance(found, list):
        for entry in found:
            yield from (fault for like in sample[:1] for fault in _unlike(like, entry, f"{place}[]"))


# Keys that a result has only with an option, or in check mode.
_BY_OPTION = {
    "runtimes[].installed is in the result alone",
    "runtimes[].scripts is in the sample alone",
    "runtimes[].scripts is in the result alone",
    "runtimes[].scripts[].last_run is in the result alone",
    "runtimes[].scripts[].tasks is in the result alone",
}


@pytest.mark.parametrize("module", MODULES)
def test_samples_have_the_keys_of_results(hosts: ExampleHosts, tmp_path: Path, module: str) -> None:
    described = yaml.safe_load(documented(ROOT / "plugins" / "modules" / f"{module}.py", "RETURN"))
    records = doubled_records(hosts, tmp_path, PAGES[f"plugins/modules/{module}.py"])
    results = [record["result"] for record in records if record["action"] == f"mstr.library.{module}"]
    assert results
    faults = set()
    for result in results:
        returned = {key for key in result if not key.startswith("_")} - _COMMON
        faults |= {f"{key} is not documented" for key in returned - described.keys()}
        for key in returned & described.keys():
            # The fields of a difference depend on the task.
            if key != "diff" and "sample" in described[key]:
                faults |= set(_unlike(described[key]["sample"], result[key], key)) - _BY_OPTION
        for key, text in described.items():
            if text.get("returned") in ("always", "success"):
                faults |= set() if key in result else {f"{key} is not returned"}
    assert sorted(faults) == []


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
    assert found == commands
