"""Every place that names the supported versions names those in dev.envs.CORES. The workflow runs every test once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from dev import envs
from dev.envs import CORES, NEWEST, OLDEST, RELEASES
from dev.paths import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"


def test_every_place_names_the_supported_cores() -> None:
    assert yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"] == f">={OLDEST}.0"
    roles = [yaml.safe_load(path.read_text())["galaxy_info"] for path in ROOT.glob("roles/*/meta/main.yml")]
    assert {role["min_ansible_version"] for role in roles} == {OLDEST}
    assert f"ansible-core {OLDEST} to {NEWEST} and the next release candidate" in (ROOT / "README.md").read_text()
    assert set(re.findall(r"\b2\.\d\d\b", WORKFLOW.read_text())) <= set(CORES)


def test_the_newest_core_is_pinned() -> None:
    assert f"ansible-core=={RELEASES[NEWEST]} ; python_full_version >= '3.12'" in envs.PINS.read_text()


def test_every_test_belongs_to_exactly_one_job(pytestconfig: pytest.Config) -> None:
    """The jobs share the folders of tests, and of tests/matrix the cores."""
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["test"]
    words = "\n".join(job["strategy"]["matrix"]["words"])
    cores = " or ".join(re.findall("^tests/matrix -k '?(.+?)'?$", words, re.MULTILINE)).split(" or ")
    folders = re.sub("^tests/matrix .+", "", words, flags=re.MULTILINE).split()
    assert sorted([*folders, "tests/matrix"]) == sorted(pytestconfig.getini("testpaths"))
    assert sorted(cores) == sorted([*CORES, "urllib3"])
    assert 'make test ARGS="--all ${{ matrix.words }}"' in [step.get("run") for step in job["steps"]]


@pytest.mark.parametrize("workflow", sorted(WORKFLOW.parent.iterdir()), ids=lambda path: path.stem)
def test_actions_are_pinned(workflow: Path) -> None:
    """By commit, because a tag can be moved; the release stands beside it for the reader."""
    actions = re.findall(r"uses: (.+)", workflow.read_text())
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)] == []
