# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the playbooks and of the role `runtimes`: which exist, and which playbook uses which.

Pure, except that those that are no option of a module are read from `variables.yml`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ...module_utils._errors import ValidationError
from ...module_utils._session.connection import OPTIONS
from ...module_utils._text import nearest
from ...module_utils._work.many import MANY_OPTIONS
from .._connection import is_given

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ROLE = "mstr_runtimes_"
# A variable with such a beginning that no playbook knows is a misspelled one.
_WORDS = ("runtimes", "runtime", "plan", "report", "audit", "fail_on", "export", "probe")
_PREFIXES = tuple(f"mstr_{word}_" for word in _WORDS)
PLAYBOOKS = ("apply", "audit", "export", "probe")
# The options of mstr_runtimes that are variables. An audit uses those that say what an apply would do.
_COMPARED = ("purge", "purge_exclude", "purge_limit", "protect_used", "projects", "policy")
_WRITTEN = ("plan_id", "wait", "wait_timeout", "journal_comment")
# What protects or decides. An empty text is often a shell variable without a value, and would switch it off.
_GUARDS = (
    *("mstr_export_upgrade", "mstr_fail_on_drift", "mstr_fail_on_violation"),
    *("mstr_plan_dest", "mstr_plan_src", f"{_ROLE}plan_ids"),
    *(f"{_ROLE}{option}" for option in ("exemptions", "plan_id", "policy")),
    *(f"{_ROLE}{option}" for option in ("projects", "protect_used", "purge_exclude", "purge_limit")),
)
# The files of which each host has its own, with the default of each.
OWN_FILES = {
    "mstr_export_dest": "{host}.runtimes.yml",
    "mstr_probe_dest": "{host}.probe.json",
    f"{_ROLE}backup_dest": "",
}
UPGRADE_DEST = "{host}.upgrade.yml"
CONNECTION = {option: f"mstr_{option}" for option in OPTIONS}
DEFINITIONS = {"runtimes": "mstr_runtimes", "src": f"{_ROLE}src"}
COMPARED = {option: f"{_ROLE}{option}" for option in _COMPARED}
APPLIED = {**COMPARED, **{option: f"{_ROLE}{option}" for option in _WRITTEN}}
AUDITED = {**COMPARED, **{f"include_{what}": f"mstr_audit_{what}" for what in ("installed", "scripts")}}
_TEXT_TYPES = ("str", "path", "list")
_OWN_CHECK = ("mstr_export_upgrade", f"{_ROLE}plan_id")
# What the role and the playbooks set themselves.
OWN = frozenset({"mstr_export_result", "mstr_runtimes_result"})
# What every playbook takes: a check in a workflow of AWX hands it on to all later jobs.
_HANDED_ON = f"{_ROLE}plan_ids"


class Variable(NamedTuple):
    """A variable that users set. `option`: the one that it is; then it has no `description` of its own.

    `role`: the entry point of the role that has it, too. `elements`: the type of the entries of a list.
    """

    name: str
    type: str
    playbooks: Sequence[str]
    option: str | None = None
    role: str | None = None
    elements: str | None = None
    description: Sequence[str] = ()


@cache
def table() -> tuple[Variable, ...]:
    """Every variable, in the order of the guide, without those of the connection, which every task takes."""
    options = [
        Variable(name, str(MANY_OPTIONS[option]["type"]), _playbooks_of(option), option)
        for option, name in APPLIED.items()
    ]
    rows = yaml.load(Path(__file__).with_name("variables.yml").read_bytes(), Loader=_LOADER)
    own = [Variable(name, **row) for name, row in rows.items()]
    definitions = [variable for variable in own if variable.name in DEFINITIONS.values()]
    return (*definitions, *options, *(variable for variable in own if variable not in definitions))


def _playbooks_of(option: str) -> list[str]:
    """The playbooks that use an option of mstr_runtimes."""
    if option == "projects":
        return ["apply", "audit", "export"]
    return ["apply", "audit"] if option in COMPARED else ["apply"]


@cache
def types(playbook: str) -> dict[str, str]:
    """Every variable of a playbook, with its type."""
    return {variable.name: variable.type for variable in table() if playbook in variable.playbooks}


def empty_guards(playbook: str, value: Callable[[str], Any], extra: Container[str]) -> list[str]:
    """The guards of a playbook that are empty. `value`: of a variable. `extra`: the extra variables (-e).

    Null is not set in an inventory, but empty in an extra variable: AWX writes a blank answer as `!unsafe ''`, of which
    ansible-core 2.19 and newer make null.
    """
    used = types(playbook)
    return [name for name in _GUARDS if name in used and _is_empty(value(name), name in extra)]


def _is_empty(value: Any, is_extra: bool) -> bool:
    return not value.strip() if isinstance(value, str) else value is None and is_extra


def empty_errors(names: Sequence[str]) -> list[str]:
    """One sentence for all these guards, which are empty."""
    if not names:
        return []
    return [
        f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} empty, which would switch off what it protects or "
        "decides. Set a value, or remove the variable; in AWX, answer it, or remove the question."
    ]


def retyped_errors(extra: Mapping[str, Any]) -> list[str]:
    """One sentence for all extra variables (-e) that are text, but of which Ansible has made something else.

    AWX writes the answer 0012345 as `!unsafe '0012345'`, of which ansible-core 2.19 and newer make 5349.
    """
    names = [name for name in _texts() if _is_retyped(extra.get(name))]
    if not names:
        return []
    return [
        f"{' and '.join(names)} must be text, but Ansible has made a number, true or false of it. In the answer to a "
        "question of AWX, write more than digits or one word such as yes; elsewhere, put it in quotes."
    ]


def _is_retyped(value: Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(each, (bool, int, float)) for each in values)


@cache
def _texts() -> tuple[str, ...]:
    """The variables that are text, or a list of texts. A wrong plan id lets nothing pass."""
    connection = [CONNECTION[option] for option, spec in OPTIONS.items() if spec["type"] in _TEXT_TYPES]
    own = [variable.name for variable in table() if variable.type in _TEXT_TYPES and variable.name not in _OWN_CHECK]
    return (*connection, *own)


def with_exemptions(policy: Any, exemptions: Any) -> Any:
    """The policy with a host's own exemptions beside those of the policy. Raises ValidationError."""
    if not isinstance(exemptions, (list, tuple)):
        raise ValidationError([f"mstr_runtimes_exemptions must be a list, not {str(exemptions)[:60]!r}."])
    rules = policy or {}
    if not isinstance(rules, Mapping):
        return policy  # which has its own error
    of_policy = rules.get("exemptions") or ()
    return {**rules, "exemptions": [*of_policy, *exemptions]}


def playbooks_with(name: str) -> list[str]:
    """The playbooks that use a variable."""
    return [playbook for playbook in PLAYBOOKS if name in types(playbook)]


@cache
def all_names() -> frozenset[str]:
    """Every variable that users of the role and playbooks set."""
    return frozenset({*CONNECTION.values(), *(variable.name for variable in table())})


def unknown_errors(names: Iterable[str], extra: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each misspelled variable.

    `extra`: the names of the extra variables (-e), of which each that begins with `mstr_` is meant for this collection.
    """
    alike = {name for name in names if name.startswith(_PREFIXES)}
    alike |= {name for name in extra if name.startswith("mstr_")}
    return map(_unknown, sorted(alike - all_names() - OWN))


def unused_errors(playbook: str, extra: Iterable[str]) -> Iterator[str]:
    """A sentence for each extra variable (-e) that a playbook does not use. An inventory serves all playbooks."""
    used = {*types(playbook), *CONNECTION.values(), _HANDED_ON}
    for name in sorted((all_names() & {*extra}) - used):
        *others, last = playbooks_with(name)
        whose = f"{', '.join(others)} and {last} do" if others else f"{last} does"
        yield f"{playbook} does not use {name}; {whose}. Remove it from -e."


def _unknown(name: str) -> str:
    near = nearest(name, all_names())
    meant = f"; the nearest one is {near}" if near else ""
    return f"{name} is not a variable of mstr.library{meant}. Rename or remove it."


def own_file(name: str, host: str, value: Callable[[str], Any]) -> str:
    """The default of a file of which each host has its own. `value`: of a variable of the host."""
    upgrades = name == "mstr_export_dest" and is_given(value("mstr_export_upgrade"))
    return (UPGRADE_DEST if upgrades else OWN_FILES[name]).format(host=host)
