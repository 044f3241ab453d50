# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.filter.variable_faults import (
    OWN,
    PLAYBOOKS,
    distance,
    known_variables,
    variable_faults,
)

ROOT = Path(__file__).parents[4]
PAGES = sorted([*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/**/*.yml")])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mstr_fail_on_violations", "mstr_fail_on_violation"),
        ("mstr_runtime_policy", "mstr_runtimes_policy"),
        ("mstr_runtime_purge_limit", "mstr_runtimes_purge_limit"),
        ("mstr_report_dst", "mstr_report_dest"),
        ("mstr_base_ur", "mstr_base_url"),
        ("mstr_base_lru", "mstr_base_url"),
        ("mstr_audit_acept", "mstr_audit_accept"),
        ("mstr_probe_script", "mstr_probe_scripts"),
        ("mstr_controler_stages", "mstr_controller_stages"),
        ("mstr_survey_purge_limti", "mstr_survey_purge_limit"),
    ],
)
def test_a_name_within_two_edits_of_a_known_one_is_a_fault(name, meant):
    assert variable_faults(["mstr_base_url", name]) == [
        f"{name} is not a variable of mstr.library; did you mean {meant}? Rename or remove it."
    ]


def test_unknown_variables_of_the_role():
    """Every unknown variable of the role is a fault and the others belong to the user."""
    names = [
        "mstr_runtimes_colour",
        "mstr_of_mine",
        "mstr_base_url_of_mine",
        "vault_mstr_pasword",
        "mstr_runtimes_result",
    ]
    [fault] = variable_faults(names)
    assert fault.startswith("mstr_runtimes_colour is not a variable of the role mstr.library.runtimes. It knows mstr_")


def test_only_a_list_has_names():
    with pytest.raises(AnsibleFilterError, match="takes a list"):
        variable_faults("mstr_base_url")


@pytest.mark.parametrize(
    ("text", "changed", "edits"),
    [
        ("ab", "ab", 0),
        ("ab", "ba", 1),
        ("ab", "a", 1),
        ("a", "", 1),
        ("", "ab", 2),
        ("ab", "xb", 1),
        ("abcd", "badc", 2),
    ],
)
def test_distance_of_two_words(text, changed, edits):
    """The distance counts inserted removed changed and swapped characters."""
    assert distance(text, changed) == distance(changed, text) == edits


def test_no_variable_that_a_role_or_playbook_uses_is_a_fault():
    names = {
        name for page in PAGES for name in re.findall(r"(?<![.\w])mstr_\w+[a-z]\b(?!:\n)", page.read_text("utf-8"))
    }
    modules = {path.stem for path in ROOT.glob("plugins/modules/mstr_*.py")}
    assert variable_faults(sorted(names - modules)) == []
    # The action plugins read the last one.
    assert (set(PLAYBOOKS) | set(OWN)) - names == {"mstr_in_process"}


def test_every_play_checks_the_names_of_its_variables():
    unchecked = [
        f"{page.name}: {play['name']}"
        for page in sorted(ROOT.glob("playbooks/*.yml"))
        for play in yaml.safe_load(page.read_text("utf-8"))
        if "hosts" in play
        and "check_start.yml" not in str(play)
        and "roles" not in play
        and "variable_faults" not in str(play)
    ]
    # The survey, which the same playbook reads next, checks them.
    assert unchecked == ["job_apply.yml: Read the approved plans"]
    for role in ROOT.glob("roles/*"):
        assert "variable_faults" in "".join(path.read_text("utf-8") for path in role.glob("tasks/*.yml"))
    assert known_variables()


@pytest.mark.parametrize("value", [True, False, None, "", "yes", "No", "on", "0", 1])
def test_a_switch_that_the_filter_bool_reads_as_meant_is_no_fault(value):
    assert variable_faults([], switches={"mstr_fail_on_drift": value}) == []


@pytest.mark.parametrize("value", ["ture", "y", "t", "enabled", " true", 2, ["true"]])
def test_a_switch_that_the_filter_bool_would_read_as_false_is_a_fault(value):
    [fault] = variable_faults([], switches={"mstr_fail_on_drift": value})
    assert fault == f"mstr_fail_on_drift must be true or false, not {str(value)!r}."
