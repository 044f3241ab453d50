# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the playbooks and roles: which exist, which playbook uses which, and which a name probably means.

Pure, except that the variables of the roles are read from their argument specs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ROLES = Path(__file__).resolve().parents[3] / "roles"
_ROLE = "mstr_runtimes_"
_MOST_EDITS = 2
# A variable with such a beginning that no playbook knows is a misspelled one.
_PREFIXES = (_ROLE, "mstr_plan_", "mstr_report_", "mstr_audit_", "mstr_fail_on_", "mstr_replace_", "mstr_export_")

_WRITES = {
    "mstr_fail_on_drift": "bool",
    "mstr_plan_dest": "path",
    "mstr_plan_src": "path",
    "mstr_report_dest": "path",
    "mstr_serial": "serial",
}
# What only the named playbooks use beside the connection variables and those of the role, each with its type.
_OWN: dict[str, dict[str, str]] = {
    "apply": _WRITES,
    "audit": {
        "mstr_audit_scripts": "bool",
        "mstr_audit_since": "path",
        "mstr_audit_tasks": "bool",
        "mstr_fail_on_drift": "bool",
        "mstr_fail_on_violation": "bool",
        "mstr_report_dest": "path",
    },
    "export": {},
    "probe": {
        "mstr_probe_cleanup": "bool",
        "mstr_probe_dest": "path",
        "mstr_probe_reach": "str",
        "mstr_probe_scripts": "bool",
        "mstr_probe_wait_timeout": "int",
    },
    "replace_runtime": {
        **_WRITES,
        "mstr_replace_definition": "dict",
        "mstr_replace_from": "str",
        "mstr_replace_smoke_test": "str",
        "mstr_replace_to": "str",
    },
    "job_smoke_test": {"mstr_smoke_test_runtime": "str", "mstr_smoke_test_timeout": "int"},
}
# Which variables of the role a playbook uses.
_DEFINED = ("mstr_runtimes", "mstr_runtimes_scripts", "mstr_runtimes_src")
_COMPARED = ("purge", "purge_exclude", "purge_limit", "policy", "protect_used", "protect_projects", "concurrency")
_REPLACED = ("policy", "protect_used", "protect_projects", "concurrency", "journal_comment", "plan_id", "wait_interval")
_BACKED_UP = ("wait_timeout", "backup_dest", "backup_exclude", "backup_scripts")
_OF_ROLE: dict[str, frozenset[str]] = {
    "audit": frozenset((*_DEFINED, *(f"{_ROLE}{option}" for option in _COMPARED))),
    "replace_runtime": frozenset(f"{_ROLE}{option}" for option in (*_REPLACED, *_BACKED_UP)),
}
# Variables that every playbook takes: the answers of a survey, and a switch that the action plugins read.
_SURVEY = frozenset(
    f"mstr_survey_{name}"
    for name in (
        "audit_scripts",
        "export_exclude",
        "fail_on_drift",
        "fail_on_violation",
        "journal_comment",
        "networks_never",
        "packages_never",
        "protect_used",
        "purge",
        "purge_limit",
        "smoke_test_runtime",
        "smoke_test_timeout",
        "src",
        "wait",
    )
)
_EVERYWHERE = _SURVEY | {"mstr_in_process"}
# What a workflow hands from one job to the next, and what the roles and playbooks set themselves.
ARTIFACTS = frozenset(
    ("mstr_report", "mstr_report_page", "mstr_audit", "mstr_audit_page", "mstr_exports", "mstr_smoke_tests")
)
OWN = ARTIFACTS | {
    "mstr_applied",
    "mstr_audited",
    "mstr_export_result",
    "mstr_export_text",
    "mstr_exported",
    "mstr_probe_result",
    "mstr_probed",
    "mstr_replaced",
    "mstr_report_artifact",
    "mstr_reported",
    "mstr_run",
    "mstr_runtimes_plan",
    "mstr_runtimes_result",
    "mstr_smoke_test",
}


@cache
def role_types(role: str = "runtimes", entry_point: str = "main") -> dict[str, str]:
    """The variables of a role's entry point, each with its type."""
    text = (_ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    options = yaml.load(text, Loader=_LOADER)["argument_specs"][entry_point]["options"]
    return {name: str(option["type"]) for name, option in options.items()}


@cache
def types(playbook: str) -> dict[str, str]:
    """Every variable that a playbook uses, with its type."""
    connection = {name: kind for name, kind in role_types(entry_point="export").items() if "_export_" not in name}
    own = _OWN[playbook]
    if playbook == "export":
        return role_types(entry_point="export")
    if playbook in ("apply", "audit", "replace_runtime"):
        known = _OF_ROLE.get(playbook)
        own = {**own, **{name: kind for name, kind in role_types().items() if known is None or name in known}}
    return {**connection, **own}


@cache
def known() -> frozenset[str]:
    """Every variable that users of the roles and playbooks set."""
    names = set(_EVERYWHERE)
    for playbook in _OWN:
        names |= set(types(playbook))
    return frozenset(names | set(role_types("controller")))


def name_errors(names: Iterable[str], playbook: str | None = None, extra: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each variable that is misspelled, or of no use in this playbook.

    `extra`: the names of the extra variables (-e). Only those must be variables of this playbook: an inventory serves
    all playbooks. Without `playbook`, such as in a role or a job of a controller, no known variable is out of place.
    """
    given = set(extra)
    for name in sorted({*names, *given}):
        if not name.startswith("mstr_") or name in OWN:
            continue
        if name not in known():
            yield from _unknown(name)
        elif playbook and name in given and name not in _EVERYWHERE and name not in types(playbook):
            users = [other for other in _OWN if name in types(other)] or ["controller"]
            *others, last = users
            whose = f"{', '.join(others)} and {last} do" if others else f"{last} does"
            yield f"{playbook} does not use {name}; {whose}. Remove it from -e."


def _unknown(name: str) -> Iterator[str]:
    nearest = meant(name)
    if nearest:
        yield f"{name} is not a variable of mstr.library; did you mean {nearest}? Rename or remove it."
    elif name.startswith(_ROLE):
        role = ", ".join(sorted(other for other in known() if other.startswith(_ROLE)))
        yield f"{name} is not a variable of the role mstr.library.runtimes. It knows {role}."
    elif name.startswith(_PREFIXES):
        prefix = "_".join(name.split("_")[:2])
        alike = ", ".join(sorted(other for other in known() if other.startswith(f"{prefix}_")))
        yield f"{name} is not a variable of mstr.library. Variables with such a name are {alike}. Rename or remove it."


def meant(name: str) -> str | None:
    """The known variable that differs by at most two edits, or would without `runtimes_`; None if there is none."""
    distances = [
        (distance(name, form), other)
        for other in known()
        for form, most in ((other, _MOST_EDITS), (_without_role(other), len(other.removeprefix(_ROLE)) // 4))
        if abs(len(name) - len(form)) <= _MOST_EDITS and distance(name, form) <= min(most, _MOST_EDITS)
    ]
    return min(distances)[1] if distances else None


def _without_role(name: str) -> str:
    return f"mstr_{name.removeprefix(_ROLE)}" if name.startswith(_ROLE) else name


def distance(text: str, other: str) -> int:
    """The number of characters to insert, remove, change or swap with the next one to get from one text to another."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, character in enumerate(text, 1):
        before_that, before, row = before, row, [i]
        for j, counterpart in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (character != counterpart))
            if i > 1 and j > 1 and character == other[j - 2] and text[i - 2] == counterpart:
                cost = min(cost, before_that[j - 2] + 1)
            row.append(cost)
    return row[-1]


def is_given(value: Any) -> bool:
    """Whether a variable has a value. Templates render a missing value as null or as an empty text."""
    return value is not None and value != ""
