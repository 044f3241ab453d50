# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the playbooks and roles: which exist, and which playbook uses which.

Pure, except that the variables are read from `variables.yml`, and those of the role from its argument specs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ...module_utils import auth
from ...module_utils._errors import ValidationError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ROOT = Path(__file__).resolve().parents[3]
_ROLE = "mstr_runtimes_"
# A variable with such a beginning that no playbook knows is a misspelled one.
_WORDS = ("runtimes", "runtime", "plan", "report", "audit", "fail_on", "export", "probe")
_PREFIXES = tuple(f"mstr_{word}_" for word in _WORDS)
PLAYBOOKS = ("apply", "audit", "export", "probe")
# Which variables of the role an audit uses: those that say what an apply would do.
_AUDITED = ("purge", "purge_exclude", "purge_limit", "policy", "protect_used")
# What protects or decides. An empty text is often a shell variable without a value, and would switch it off.
_GUARDS = (
    *("mstr_export_upgrade", "mstr_fail_on_drift", "mstr_fail_on_violation"),
    *("mstr_plan_dest", "mstr_plan_src", f"{_ROLE}plan_ids"),
    *(f"{_ROLE}{option}" for option in ("exemptions", "plan_id", "policy")),
    *(f"{_ROLE}{option}" for option in ("protect_used", "purge_exclude", "purge_limit")),
)
# The files of which each host has its own, with the default of each.
OWN_FILES = {
    "mstr_export_dest": "{host}.runtimes.yml",
    "mstr_probe_dest": "{host}.probe.json",
    f"{_ROLE}backup_dest": "",
}
UPGRADE_DEST = "{host}.upgrade.yml"
# The options of the modules, each with its variable.
SECRETS = frozenset(f"mstr_{option}" for option, spec in auth.argument_spec().items() if spec.get("no_log"))
CONNECTION = {option: f"mstr_{option}" for option in auth.argument_spec()}
DEFINITIONS = {"runtimes": "mstr_runtimes", "src": f"{_ROLE}src"}
AUDITED = {
    **{option: f"{_ROLE}{option}" for option in _AUDITED},
    **{f"include_{what}": f"mstr_audit_{what}" for what in ("installed", "scripts")},
}
# What the role and the playbooks set themselves.
OWN = frozenset({"mstr_export_result", "mstr_runtimes_result"})
# What every playbook takes: a switch that the action plugins read, and what a check in a workflow of AWX hands on to
# all later jobs.
_EVERYWHERE = frozenset({"mstr_in_process", "mstr_runtimes_plan_ids"})


@cache
def by_purpose() -> dict[str, dict[str, Any]]:
    """Every variable of the playbooks by what it is for. Null, or its `type`, `playbooks` and `meaning`, see there."""
    table: dict[str, dict[str, Any]] = yaml.load(Path(__file__).with_name("variables.yml").read_bytes(), Loader=_LOADER)
    return table


@cache
def of_playbooks() -> dict[str, dict[str, Any]]:
    """The variables that only playbooks use, by name, each with its `type`, `playbooks` and `meaning`."""
    return {name: row for rows in by_purpose().values() for name, row in rows.items() if row}


@cache
def role_types(entry_point: str = "main") -> dict[str, str]:
    """The variables of the role's entry point, each with its type."""
    specs = yaml.load((_ROOT / "roles/runtimes/meta/argument_specs.yml").read_bytes(), Loader=_LOADER)
    options = specs["argument_specs"][entry_point]["options"]
    return {name: str(option["type"]) for name, option in options.items()}


@cache
def passed_on() -> dict[str, str]:
    """The options of mstr_runtimes beside the definitions, each with its variable of the role."""
    own = (f"{_ROLE}backup_dest", f"{_ROLE}exemptions")
    names = [name for name in role_types() if name.startswith(_ROLE) and name not in own]
    return {name.removeprefix(_ROLE): name for name in names if name not in DEFINITIONS.values()}


@cache
def types(playbook: str) -> dict[str, str]:
    """Every variable that a playbook uses, with its type."""
    own = {name: row["type"] for name, row in of_playbooks().items() if playbook in row["playbooks"]}
    if playbook in ("apply", "export"):
        return {**own, **role_types(entry_point="main" if playbook == "apply" else "export")}
    used = {*CONNECTION.values()}
    if playbook == "audit":
        used |= {*DEFINITIONS.values(), *AUDITED.values(), f"{_ROLE}exemptions"}
    return {**own, **{name: kind for name, kind in role_types().items() if name in used}}


def empty_errors(empty: Collection[str]) -> list[str]:
    """One sentence for all guards among these variables, whose values are empty texts."""
    names = [name for name in _GUARDS if name in empty]
    if not names:
        return []
    return [
        f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} empty, which would switch off what it protects or "
        f"""decides. Set a value. To switch off what an inventory sets: -e '{{"{names[0]}": null}}'."""
    ]


def with_exemptions(policy: Any, exemptions: Any) -> Any:
    """The policy with a host's own exemptions beside those of the policy. Raises ValidationError."""
    if not is_given(exemptions):
        return policy
    if not isinstance(exemptions, (list, tuple)):
        raise ValidationError([f"mstr_runtimes_exemptions must be a list, not {str(exemptions)[:60]!r}."])
    if not isinstance(policy or {}, Mapping):
        return policy  # which has its own error
    rules = policy or {}
    return {**rules, "exemptions": [*(rules.get("exemptions") or ()), *exemptions]} if exemptions else policy


def playbooks_with(name: str) -> list[str]:
    """The playbooks that use a variable."""
    return [playbook for playbook in PLAYBOOKS if name in types(playbook)]


@cache
def all_names() -> frozenset[str]:
    """Every variable that users of the role and playbooks set."""
    return _EVERYWHERE.union(*map(types, PLAYBOOKS))


def name_errors(names: Iterable[str], playbook: str | None = None, extra: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each variable that is misspelled, or of no use in this playbook.

    `extra`: the names of the extra variables (-e). Only those must be variables of this playbook: an inventory serves
    all playbooks. Without `playbook`, such as in a role, no known variable is out of place.
    """
    extra_names = set(extra)
    for name in sorted({*names, *extra_names}):
        if not name.startswith("mstr_") or name in OWN:
            continue
        is_extra = playbook is not None and name in extra_names
        if name not in all_names():
            if is_extra or name.startswith(_PREFIXES):
                yield _unknown(name)
        elif is_extra and name not in _EVERYWHERE and name not in types(str(playbook)):
            *others, last = playbooks_with(name)
            whose = f"{', '.join(others)} and {last} do" if others else f"{last} does"
            yield f"{playbook} does not use {name}; {whose}. Remove it from -e."


def _unknown(name: str) -> str:
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "mstr_")
    alike = ", ".join(sorted(other for other in all_names() if other.startswith(prefix)))
    known = f" Variables with such a name are {alike}." if alike else ""
    return f"{name} is not a variable of mstr.library.{known} Rename or remove it."


def own_file(name: str, host: str, value: Callable[[str], Any]) -> str:
    """The default of a file of which each host has its own. `value`: of a variable of the host."""
    upgrades = name == "mstr_export_dest" and is_given(value("mstr_export_upgrade"))
    return (UPGRADE_DEST if upgrades else OWN_FILES[name]).format(host=host)


def is_given(value: Any) -> bool:
    """Whether a variable has a value. Templates render a missing value as null or as an empty text."""
    return value is not None and value != ""
