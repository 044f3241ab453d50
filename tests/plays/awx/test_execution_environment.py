"""ansible-builder finds the imports of the modules, and creates a build context from the definition."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from support.ansible import COLLECTIONS, Play

from dev.paths import ROOT
from plays.awx.job import BIN

DEFINITION = ROOT / "extensions" / "execution_environment" / "execution-environment.yml"


def test_introspection_finds_only_the_imports_of_modules(tmp_path: Path) -> None:
    output = Play(tmp_path, hosts={}).run([BIN / "ansible-builder", "introspect", COLLECTIONS]).output

    found = yaml.safe_load(output)
    assert sorted(found["python"]) == [
        "netaddr  # from collection mstr.library",
        "packaging  # from collection mstr.library",
        "requests  # from collection mstr.library",
    ]
    assert not found.get("system")


def test_the_collection_requires_what_its_modules_document() -> None:
    collection, required = Path(COLLECTIONS, "ansible_collections", "mstr", "library"), set()
    for source in (*collection.glob("plugins/modules/*.py"), *collection.glob("plugins/doc_fragments/*.py")):
        for block in re.findall(r"^requirements:\n((?:  .*\n)+)", source.read_text(), re.MULTILINE):
            required |= {re.split(r"[ ,>]", line.strip("- "))[0] for line in block.splitlines()}

    # ansible-core requires PyYAML and Python itself.
    assert required - {"python", "PyYAML"} == {"netaddr", "packaging", "requests"}


# Without it, the name depends on the container engine that the machine has.
_NAMED = ("--output-filename", "Containerfile")


def test_a_build_context_is_created(tmp_path: Path) -> None:
    made = Play(tmp_path, hosts={}).run([BIN / "ansible-builder", "create", "-f", DEFINITION, "-c", "context", *_NAMED])

    assert made.status == 0, made.output
    containerfile = (tmp_path / "context" / "Containerfile").read_text()
    base = yaml.safe_load(DEFINITION.read_text())["images"]["base_image"]["name"]
    assert f'ARG EE_BASE_IMAGE="{base}"' in containerfile
    assert 'ARG PKGMGR="/usr/bin/dnf"' in containerfile
    galaxy = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text())
    assert galaxy == {"collections": [{"name": "mstr.library"}]}
