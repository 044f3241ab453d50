# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a whole run before its first request: the variables of every host, and the files of the run.

Pure, except that it looks at the places of the files. It opens no connection and writes nothing that stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._errors import ValidationError, listed
from ...module_utils._model.src import read_definitions
from .._reports import evaluation
from .._reports.evaluation import grouped
from . import check_files, variables
from .new_run import UNKNOWN, NewRun, path_of
from .variables import is_given

_MOST_SENTENCES = 20
_NUMBERS = {"int": int, "float": float}
# What Ansible's keyword `serial` takes: a number, or a percentage of the hosts.
_BATCH_SIZE = re.compile(r"[1-9]\d*|(100|[1-9]\d?)%")


def values_needed(playbook: str) -> frozenset[str]:
    """The variables whose values `run_errors` needs; of all others, such as passwords, it needs only the names."""
    kinds, connection = variables.types(playbook), set(variables.CONNECTION.values())
    names = {name for name, kind in kinds.items() if kind in ("bool", *_NUMBERS) or name not in connection}
    return frozenset(names | {"ansible_connection", "mstr_base_url", "mstr_session"})


def run_errors(run: NewRun) -> list[str]:
    """Everything that is wrong with a run, each as a sentence; empty if it may begin."""
    names = {name for values in run.hosts.values() for name in values}
    used = variables.types(run.playbook)
    empty = [name for values in run.hosts.values() for name in used if values.get(name) == ""]
    kinds = (
        variables.name_errors(names, run.playbook, run.extra),
        _serial_errors(run),
        variables.empty_errors(empty),
        _type_errors(run),
        _use_errors(run),
        check_files.shared_errors(run),
        check_files.separate_errors(run),
        check_files.same_file_errors(run),
        check_files.source_errors(run),
        check_files.since_errors(run),
        _gate_errors(run),
        _server_errors(run),
    )
    return [sentence for errors in kinds for sentence in _limited(list(errors))]


def _limited(sentences: list[str]) -> list[str]:
    more = len(sentences) - _MOST_SENTENCES
    return sentences if more <= 0 else [*sentences[:_MOST_SENTENCES], f"And {more} more errors of this kind."]


def _serial_errors(run: NewRun) -> Iterator[str]:
    """Of `mstr_serial`, which Ansible reads before the variables of any host."""
    if "mstr_serial" not in variables.types(run.playbook):
        return
    if "mstr_serial" in run.extra:
        value = run.extra["mstr_serial"]
        sizes = value if isinstance(value, (list, tuple)) else [value]
        if is_given(value) and not (sizes and all(_BATCH_SIZE.fullmatch(str(size).strip()) for size in sizes)):
            yield (
                f"mstr_serial must be a number of environments, a percentage such as 20%, or a list of these, not "
                f"{_shown(value)}."
            )
    elif run.is_named("mstr_serial"):
        yield (
            "mstr_serial counts only with -e, because Ansible reads it before the variables of any host. Remove it "
            "from the inventory, and start the playbook with -e mstr_serial=… ."
        )


def _type_errors(run: NewRun) -> Iterator[str]:
    """Of switches and numbers. Ansible's filter `bool` reads a word that it does not know as false."""
    for name, kind in variables.types(run.playbook).items():
        wrong = grouped((_type_error(name, kind, value), host) for host, value in run.values_of(name))
        yield from (f"{sentence}{run.in_brackets(hosts)}." for sentence, hosts in wrong.items() if sentence)


def _use_errors(run: NewRun) -> Iterator[str]:
    """Of variables that exclude or need each other, and of those that only an extra variable may not leave alone."""
    if "mstr_plan_dest" not in variables.types(run.playbook):
        return
    reads, writes = (any(run.values_of(name)) for name in ("mstr_plan_src", "mstr_plan_dest"))
    if reads and writes:
        yield "Set only one of mstr_plan_src and mstr_plan_dest; both are set."
    if reads and any(run.values_of("mstr_runtimes_plan_id")):
        yield "Set only one of mstr_plan_src and mstr_runtimes_plan_id; both are set."
    if writes and not run.check_mode:
        yield "mstr_plan_dest writes the plan of a check; start the playbook with --check."
    for name in ("mstr_runtimes_backup_exclude", "mstr_runtimes_backup_scripts"):
        if is_given(run.extra.get(name)) and not any(run.values_of("mstr_runtimes_backup_dest")):
            yield f"{name} needs mstr_runtimes_backup_dest, the file of the backup; without it there is no backup."


def _gate_errors(run: NewRun) -> Iterator[str]:
    """Of a switch that is to fail environments, where it would never do so."""
    kinds = variables.types(run.playbook)
    if "mstr_runtimes_policy" in kinds:
        yield from _policy_errors(run, "mstr_fail_on_violation" in kinds)
    if "mstr_runtimes" not in kinds:
        return
    empty = [host for host in run.switched_on("mstr_fail_on_drift") if not _has_definitions(run, host)]
    if empty:
        yield (
            "mstr_fail_on_drift is set, but none of mstr_runtimes, mstr_runtimes_src and mstr_runtimes_scripts has "
            f"definitions{run.in_brackets(empty)}, so nothing would be compared. Set one of them, or remove "
            "mstr_fail_on_drift."
        )


def _policy_errors(run: NewRun, has_gate: bool) -> Iterator[str]:
    wrong: list[tuple[str, str]] = []
    without_rule = []
    gated = set(run.switched_on("mstr_fail_on_violation")) if has_gate else set()
    for host, values in run.hosts.items():
        policy, exemptions = values.get("mstr_runtimes_policy"), values.get("mstr_runtimes_exemptions")
        if UNKNOWN in (policy, exemptions):
            continue
        try:
            rules = evaluation.rules_of(variables.with_exemptions(policy, exemptions))
        except ValidationError as exc:
            wrong += [(sentence, host) for sentence in exc.errors]
        else:
            without_rule += [host] if host in gated and not rules else []
    for sentence, hosts in grouped(wrong).items():
        yield f"mstr_runtimes_policy: {sentence}{run.in_brackets(hosts)}"
    if without_rule:
        yield (
            f"mstr_fail_on_violation is set, but mstr_runtimes_policy has no rule{run.in_brackets(without_rule)}, so "
            "nothing would be evaluated. Set mstr_runtimes_policy, or remove mstr_fail_on_violation."
        )


def _server_errors(run: NewRun) -> Iterator[str]:
    """Of two hosts that are one server: each would delete what only the other one defines."""
    if "mstr_runtimes_purge" not in variables.types(run.playbook) or run.playbook == "audit":
        return
    purging = set(run.switched_on("mstr_runtimes_purge"))
    for server, hosts in grouped((run.server(host), host) for host in run.hosts).items():
        purge = [host for host in hosts if host in purging]
        if server and len(hosts) > 1 and purge:
            yield (
                f"{listed(hosts, 5, ' and ')} are one server, {server}, so the purge of {listed(purge, 5, ' and ')} "
                "would delete what only other definitions list. Make one host of them, limit the run to one of them, "
                "or set mstr_runtimes_purge to false."
            )


def _has_definitions(run: NewRun, host: str) -> bool:
    """Whether there is something to compare. What cannot be read counts as definitions: the module reports it."""
    values = run.hosts[host]
    definitions, src = values.get("mstr_runtimes"), values.get("mstr_runtimes_src")
    if definitions is UNKNOWN or src is UNKNOWN or definitions or values.get("mstr_runtimes_scripts"):
        return True
    if not is_given(src):
        return False
    if not run.is_local(host):
        return True
    try:
        source = read_definitions(path_of(src, run.started_in))
        return bool(source.runtimes or source.scripts)
    except ValidationError:
        return True


def _type_error(name: str, kind: str, value: Any) -> str | None:
    """Why a value is not of its type, without a final period; None if it is."""
    expected = {"bool": "true or false", "int": "a whole number", "float": "a number"}
    try:
        if kind == "bool":
            boolean(value)
        elif kind in _NUMBERS:
            if isinstance(value, bool) or (kind == "int" and isinstance(value, float) and value % 1):
                raise ValueError
            _NUMBERS[kind](value)
    except (TypeError, ValueError):
        return f"{name} must be {expected[kind]}, not {_shown(value)}"
    return None


def _shown(value: Any) -> str:
    return repr(str(value)[:60])
