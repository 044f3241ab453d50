# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: variable_faults
short_description: Find misspelled variables of the roles and playbooks of this collection
version_added: 1.1.0
description:
  - Takes names of variables and returns a sentence for each one that is probably a misspelled variable of this
    collection, because it is not known and differs from a known one by at most two edits. An edit inserts, removes or
    changes a character, or swaps two of them.
  - The roles and playbooks of this collection use it. A misspelled limit limits nothing, and without a misspelled
    C(mstr_base_url) the modules use the server in the environment variable E(MSTR_BASE_URL).
  - An unknown variable that begins with C(mstr_runtimes_) is always reported. All other variables belong to you.
  - It also returns a sentence for each switch that is neither true nor false.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - module: mstr.library.mstr_runtimes
  - ref: ansible_collections.mstr.library.docsite.guide_playbooks
    description: The variables of the playbooks.
options:
  _input:
    description: The names of the variables.
    type: list
    elements: str
    required: true
  switches:
    description:
      - Variables that are to be true or false, each with its value. Ansible's filter C(bool) reads every word that it
        does not know as false, so a misspelled C(true) would turn a check off.
      - An empty value counts as not set.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Check the names of the variables
  ansible.builtin.fail:
    msg: "{{ faults | join('\n') }}"
  when: faults | length > 0
  vars:
    faults: "{{ query('ansible.builtin.varnames', '^mstr_') | mstr.library.variable_faults }}"
"""

RETURN = r"""
_value:
  description: The sentences, in the order of the names. Empty if no name is misspelled.
  type: list
  elements: str
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable

import yaml
from ansible.errors import AnsibleFilterError

# The variables of the playbooks. Those of the roles are in their argument specs.
PLAYBOOKS = (
    "mstr_audit_accept",
    "mstr_audit_since",
    "mstr_audit_tasks",
    "mstr_audit_scripts",
    "mstr_fail_on_drift",
    "mstr_fail_on_violation",
    "mstr_in_process",
    "mstr_plan_dest",
    "mstr_plan_src",
    "mstr_probe_cleanup",
    "mstr_probe_dest",
    "mstr_probe_reach",
    "mstr_probe_scripts",
    "mstr_probe_wait_timeout",
    "mstr_replace_code",
    "mstr_replace_definition",
    "mstr_replace_delete",
    "mstr_replace_from",
    "mstr_replace_projects",
    "mstr_replace_to",
    "mstr_report_dest",
    "mstr_serial",
    "mstr_smoke_test_runtime",
    "mstr_smoke_test_timeout",
    "mstr_survey_audit_scripts",
    "mstr_survey_export_exclude",
    "mstr_survey_fail_on_drift",
    "mstr_survey_fail_on_violation",
    "mstr_survey_journal_comment",
    "mstr_survey_networks_never",
    "mstr_survey_packages_never",
    "mstr_survey_protect_used",
    "mstr_survey_purge",
    "mstr_survey_purge_limit",
    "mstr_survey_smoke_test_runtime",
    "mstr_survey_smoke_test_timeout",
    "mstr_survey_src",
    "mstr_survey_wait",
)
# Variables that the roles and playbooks set, and whose names are near the name of one that a user sets.
OWN = ("mstr_export_text", "mstr_report", "mstr_runtimes_backup_result", "mstr_runtimes_result", "mstr_smoke_tests")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FARTHEST = 2  # edits
_ROLE = "mstr_runtimes_"
# What Ansible's filter `bool` reads as intended; an empty text counts as not set.
_SWITCHES = ("true", "yes", "on", "1", "false", "no", "off", "0", "")


def variable_faults(names: Any, switches: Mapping[str, Any] | None = None) -> list[str]:
    """A sentence for each misspelled name and each switch that is neither true nor false.

    Raises AnsibleFilterError if the input is not a list.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise AnsibleFilterError("variable_faults takes a list of names of variables")
    known = known_variables()
    faults = []
    for name in map(str, names):
        if name in known or name in OWN or not name.startswith("mstr_"):
            continue
        distances = [(distance(name, one), one) for one in known if abs(len(name) - len(one)) <= _FARTHEST]
        edits, nearest = min(distances, default=(_FARTHEST + 1, ""))
        if edits <= _FARTHEST:
            faults.append(f"{name} is not a variable of mstr.library; did you mean {nearest}? Rename or remove it.")
        elif name.startswith(_ROLE):
            role = ", ".join(sorted(one for one in known if one.startswith(_ROLE)))
            faults.append(f"{name} is not a variable of the role mstr.library.runtimes. It knows {role}.")
    faults += [
        f"{name} must be true or false, not {str(value)!r}."
        for name, value in (switches or {}).items()
        if value is not None and str(value).lower() not in _SWITCHES
    ]
    return faults


@lru_cache(maxsize=1)
def known_variables() -> frozenset[str]:
    """The variables that users of the roles and playbooks set."""
    names = set(PLAYBOOKS)
    for path in (Path(__file__).parents[2] / "roles").glob("*/meta/argument_specs.yml"):
        specs = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)["argument_specs"]
        names.update(name for spec in specs.values() for name in spec["options"])
    return frozenset(names)


def distance(one: str, other: str) -> int:
    """The number of characters to insert, remove, change or swap with the next one to get from one text to another."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, character in enumerate(one, 1):
        before_that, before, row = before, row, [i]
        for j, counterpart in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (character != counterpart))
            if i > 1 and j > 1 and character == other[j - 2] and one[i - 2] == counterpart:
                cost = min(cost, before_that[j - 2] + 1)
            row.append(cost)
    return row[-1]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"variable_faults": variable_faults}
