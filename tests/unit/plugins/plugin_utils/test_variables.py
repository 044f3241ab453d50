"""The variables that a user may set, and what a misspelled name means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.variables import (
    meant,
    name_errors,
)

ROOT = Path(__file__).parents[4]
PAGES = sorted(page for folder in ("playbooks", "roles") for page in ROOT.glob(f"{folder}/**/*.yml"))


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("mstr_runtime_policy", "mstr_runtimes_policy"),
        ("mstr_report_dst", "mstr_report_dest"),
        ("mstr_base_lru", "mstr_base_url"),
        ("mstr_controler_stages", "mstr_controller_stages"),
        ("mstr_survey_purge_limti", "mstr_survey_purge_limit"),
        ("mstr_url", None),
        ("mstr_folder", None),
    ],
)
def test_a_name_within_two_edits(name, variable):
    assert meant(name) == variable
    expected = [f"{name} is not a variable of mstr.library; did you mean {variable}? Rename or remove it."]
    assert list(name_errors(["mstr_base_url", name])) == (expected if variable else [])


def test_every_variable_in_use_is_known():
    names = {
        name for page in PAGES for name in re.findall(r"(?<![.\w])mstr_\w+[a-z]\b(?!:\n)", page.read_text("utf-8"))
    }
    plugins = {path.stem for path in ROOT.glob("plugins/modules/mstr_*.py")}
    assert list(name_errors(names - plugins)) == []


def test_every_play_checks_its_variables():
    unchecked = [
        f"{page.name}: {play['name']}"
        for page in sorted(ROOT.glob("playbooks/[!_]*.yml"))
        for play in yaml.safe_load(page.read_text("utf-8"))[:1]
        if "hosts" in play and "'step': 'check'" not in str(play) and "roles" not in play
    ]
    assert unchecked == []
