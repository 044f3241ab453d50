# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the playbooks and of the role `runtimes`: which exist, and which playbook uses which.

Pure, except that those that are no option of a module are read from `variables.yml`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ...module_utils._session.connection import OPTIONS
from ...module_utils._text import listed, nearest
from ...module_utils._work.many import MANY_OPTIONS
from .._connection import is_given

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ROLE = "mstr_runtimes_"
# A variable with such a beginning that no playbook knows is a misspelled one.
_WORDS = ("runtimes", "runtime", "plan", "report", "audit", "fail_on", "export", "probe")
_PREFIXES = tuple(f"mstr_{word}_" for word in _WORDS)
_PLAYBOOKS = ("apply", "audit", "export", "probe")
# The options of mstr_runtimes that are variables, with the playbooks that use them. An audit uses those that say what
# an apply would do.
_OPTIONS = {
    **dict.fromkeys(("purge", "purge_exclude", "purge_limit", "protect_used"), ("apply", "audit")),
    "projects": ("apply", "audit", "export"),
    "policy": ("apply", "audit"),
    **dict.fromkeys(("plan_id", "wait", "wait_timeout", "journal_comment"), ("apply",)),
}
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
CONNECTION = {option: f"mstr_{option}" for option in OPTIONS}
DEFINITIONS = {"runtimes": "mstr_runtimes", "src": f"{_ROLE}src"}
APPLIED = {option: f"{_ROLE}{option}" for option in _OPTIONS}
AUDITED = {
    **{option: f"{_ROLE}{option}" for option, playbooks in _OPTIONS.items() if "audit" in playbooks},
    **{f"include_{what}": f"mstr_audit_{what}" for what in ("installed", "scripts")},
}
_TEXT_TYPES = ("str", "path", "list")
# What the role and the playbooks set themselves.
_RESULTS = frozenset({"mstr_export_result", "mstr_runtimes_result"})
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
        Variable(name, str(MANY_OPTIONS[option]["type"]), _OPTIONS[option], option) for option, name in APPLIED.items()
    ]
    rows = yaml.load(Path(__file__).with_name("variables.yml").read_bytes(), Loader=_LOADER)
    own = [Variable(name, **row) for name, row in rows.items()]
    number = len(DEFINITIONS)  # which come first in the file, too
    return (*own[:number], *options, *own[number:])


@cache
def types(playbook: str) -> dict[str, str]:
    """Every variable of a playbook, with its type."""
    return {variable.name: variable.type for variable in table() if playbook in variable.playbooks}


@cache
def all_types() -> dict[str, str]:
    """Every variable that users of the role and playbooks set, with its type."""
    of_connection = {CONNECTION[option]: str(spec["type"]) for option, spec in OPTIONS.items()}
    return {**of_connection, **{variable.name: variable.type for variable in table()}}


def empty_errors(
    playbook: str, values_of_hosts: Collection[Callable[[str], Any]], extra: Container[str]
) -> Iterator[str]:
    """One sentence for all guards of a playbook that are empty.

    `values_of_hosts`: for each host, the value of a variable. `extra`: the extra variables (-e). Null is not set in an
    inventory, but empty in an extra variable: AWX writes a blank answer as `!unsafe ''`, of which ansible-core 2.19 and
    newer make null.
    """
    guards = [name for name in _GUARDS if name in types(playbook)]
    names = [name for name in guards if any(_is_empty(value(name), name in extra) for value in values_of_hosts)]
    if names:
        yield (
            f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} empty, which would switch off what it protects "
            "or decides. Set a value, or remove the variable; in AWX, answer it, or remove the question."
        )


def _is_empty(value: Any, is_extra: bool) -> bool:
    return not value.strip() if isinstance(value, str) else value is None and is_extra


def retyped_errors(extra: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for all extra variables (-e) that are text, but of which Ansible has made something else.

    AWX writes the answer 0012345 as `!unsafe '0012345'`, of which ansible-core 2.19 and newer make 5349.
    """
    texts = [name for name, kind in all_types().items() if kind in _TEXT_TYPES]
    # A plan id of digits has one spelling, and a wrong one lets nothing pass.
    texts.remove(APPLIED["plan_id"])
    names = [name for name in texts if _is_retyped(extra.get(name))]
    if names:
        yield (
            f"{' and '.join(names)} must be text, but Ansible has made a number, true or false of it. In the answer to "
            "a question of AWX, write more than digits or one word such as yes; elsewhere, put it in quotes."
        )


def _is_retyped(value: Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(each, (bool, int, float)) for each in values)


def unknown_errors(names: Iterable[str], extra: Iterable[str] = ()) -> Iterator[str]:
    """A sentence for each misspelled variable.

    `extra`: the names of the extra variables (-e), of which each that begins with `mstr_` is meant for this collection.
    """
    meant = {name for name in names if name.startswith(_PREFIXES)}
    meant |= {name for name in extra if name.startswith("mstr_")}
    for name in sorted(meant - all_types().keys() - _RESULTS):
        near = nearest(name, all_types())
        remedy = f"; the nearest one is {near}" if near else ""
        yield f"{name} is not a variable of mstr.library{remedy}. Rename or remove it."


def unused_errors(playbook: str, extra: Iterable[str]) -> Iterator[str]:
    """A sentence for each extra variable (-e) that a playbook does not use. An inventory serves all playbooks."""
    used = {*types(playbook), *CONNECTION.values(), _HANDED_ON}
    for name in sorted((all_types().keys() & {*extra}) - used):
        users = [other for other in _PLAYBOOKS if name in types(other)]
        yield f"{playbook} does not use {name}; it is for {listed(users)}. Remove it from -e."


def default_file(name: str, host: str, value: Callable[[str], Any]) -> str:
    """The default of a file of which each host has its own, empty without one. `value`: of a variable of the host."""
    if name == "mstr_export_dest" and is_given(value("mstr_export_upgrade")):
        return f"{host}.upgrade.yml"
    return OWN_FILES.get(name, "").format(host=host)
