# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a whole run before its first request: the variables of every host, and the files of the run.

Pure, except that it looks at the places of the files. It opens no connection and writes nothing that stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._errors import ValidationError, listed
from ...module_utils._model.file import read_text
from ...module_utils._model.src import read_definitions
from .._reports import evaluation, formats, plan_file
from .._reports.evaluation import grouped
from .._reports.upgrade import upgrade_errors
from . import variables
from .destination import dest_errors
from .new_run import UNKNOWN, NewRun, dests, path_of
from .variables import is_given

_MOST_SENTENCES = 20
_NUMBERS = {"int": int, "float": float}
# The files that all hosts share.
_SHARED = ("mstr_report_dest", "mstr_plan_dest", "mstr_plan_src")


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
        variables.empty_errors(empty),
        _type_errors(run),
        _use_errors(run),
        _export_errors(run),
        _shared_errors(run),
        _separate_errors(run),
        _same_file_errors(run),
        _gate_errors(run),
        _server_errors(run),
    )
    return [sentence for errors in kinds for sentence in _limited(list(errors))]


def _limited(sentences: list[str]) -> list[str]:
    more = len(sentences) - _MOST_SENTENCES
    return sentences if more <= 0 else [*sentences[:_MOST_SENTENCES], f"And {more} more errors of this kind."]


def _type_errors(run: NewRun) -> Iterator[str]:
    """Of switches and numbers. Ansible's filter `bool` reads a word that it does not know as false."""
    for name, kind in variables.types(run.playbook).items():
        wrong = grouped((type_error(name, kind, value), host) for host, value in run.values_of(name))
        yield from (f"{sentence}{run.in_brackets(hosts)}." for sentence, hosts in wrong.items() if sentence)


def _use_errors(run: NewRun) -> Iterator[str]:
    """Of variables that exclude or need each other, and of those that only an extra variable may not leave alone."""
    if "mstr_plan_dest" not in variables.types(run.playbook):
        return
    plan_ids = dict(run.values_of("mstr_runtimes_plan_ids"))
    invalid = [host for host, value in plan_ids.items() if not isinstance(value, Mapping)]
    if invalid:
        where = run.in_brackets(invalid)
        value = _shown(plan_ids[invalid[0]])
        yield f"mstr_runtimes_plan_ids must be a dictionary of hosts and plan ids, not {value}{where}."
    others = [name for name in ("mstr_plan_src", "mstr_runtimes_plan_id") if any(run.values_of(name))]
    if others and plan_ids:
        yield f"Set only one of mstr_runtimes_plan_ids and {' and '.join(others)}; all of them are set."
    reads, writes = (any(run.values_of(name)) for name in ("mstr_plan_src", "mstr_plan_dest"))
    if reads and writes:
        yield "Set only one of mstr_plan_src and mstr_plan_dest; both are set."
    if reads and any(run.values_of("mstr_runtimes_plan_id")):
        yield "Set only one of mstr_plan_src and mstr_runtimes_plan_id; both are set."
    if writes and not run.check_mode:
        yield "mstr_plan_dest writes the plan of a check; start the playbook with --check."


def _export_errors(run: NewRun) -> Iterator[str]:
    """Of what is exported, of all hosts."""
    today = datetime.now(timezone.utc).date()
    for target, hosts in grouped((value, host) for host, value in run.values_of("mstr_export_upgrade")).items():
        yield from (f"{error.rstrip('.')}{run.in_brackets(hosts)}." for error in upgrade_errors(target, today))


def _gate_errors(run: NewRun) -> Iterator[str]:
    """Of a switch that is to fail environments, where it would never do so."""
    kinds = variables.types(run.playbook)
    if "mstr_runtimes_policy" in kinds:
        yield from _policy_errors(run)
    if "mstr_runtimes" not in kinds:
        return
    empty = [host for host in run.switched_on("mstr_fail_on_drift") if not _has_definitions(run, host)]
    if empty:
        yield (
            "mstr_fail_on_drift is set, but neither mstr_runtimes nor mstr_runtimes_src has "
            f"definitions{run.in_brackets(empty)}, so nothing would be compared. Set one of them, or remove "
            "mstr_fail_on_drift."
        )


def _policy_errors(run: NewRun) -> Iterator[str]:
    wrong: list[tuple[str, str]] = []
    without_rule = []
    gated = run.switched_on("mstr_fail_on_violation")
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
    purging = [] if run.playbook == "audit" else run.switched_on("mstr_runtimes_purge")
    for server, hosts in grouped((run.server(host), host) for host in run.hosts if purging).items():
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
    if definitions is UNKNOWN or src is UNKNOWN or definitions:
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


def type_error(name: str, kind: str, value: Any) -> str | None:
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


def _shared_errors(run: NewRun) -> Iterator[str]:
    """Of the files that all environments share: the report and the plan."""
    for name in _SHARED:
        if name not in variables.types(run.playbook):
            continue
        pairs = [(host, values.get(name)) for host, values in run.hosts.items()]
        unknown = [host for host, value in pairs if value is UNKNOWN]
        if unknown:
            # The report at the end needs it, and without a report nobody sees what was done.
            where = run.in_brackets(unknown)
            yield f"{name} has a template that is invalid, or that names an undefined variable{where}. Fix it."
            continue
        values = grouped((", ".join(dests(value)) if is_given(value) else None, host) for host, value in pairs)
        if len(values) > 1:
            shown = "; ".join(
                f"{listed(hosts, 3)} {'has none' if value is None else f'has {value!r}'}"
                for value, hosts in values.items()
            )
            yield (
                f"{name} must be the same for every environment of a run, because the run has one such file ({shown}). "
                "Set it with -e, or for the group all."
            )
            continue
        for path in dict.fromkeys(path for _host, path in run.paths(name)):
            yield from _shared_file_errors(run, name, path)


def _shared_file_errors(run: NewRun, name: str, path: str) -> Iterator[str]:
    if name == "mstr_plan_src":
        # Whether it has a plan for an environment is checked for each.
        try:
            plan_file.environments_of(read_text(path))
        except ValueError as exc:
            yield f"mstr_plan_src {path} {exc}."
    elif name == "mstr_plan_dest" and (suffix := formats.suffix_of(path)) and formats.FORMATS[suffix].for_people:
        yield (
            f"mstr_plan_dest {path!r} must end in .json, because mstr_plan_src reads it. For people, set "
            "mstr_report_dest."
        )
    else:
        try:
            if name == "mstr_report_dest":
                formats.format_of(path, "audit" if run.playbook == "audit" else "apply")
        except ValueError as exc:
            yield f"{exc}."
        else:
            yield from dest_errors(name, path)


def _separate_errors(run: NewRun) -> Iterator[str]:
    """Of the files of which each environment has its own: backup, export, probe."""
    for name in variables.OWN_FILES:
        writers = grouped((os.path.realpath(path), host) for host, path in run.paths(name))
        for path, hosts in writers.items():
            if len(hosts) > 1:
                yield one_file_error(name, path, hosts)
            else:
                yield from dest_errors(name, path)


def _same_file_errors(run: NewRun) -> Iterator[str]:
    """Of a file that the run would write and use for a second purpose."""
    used: dict[str, dict[str, None]] = {}
    reads, writes = ("mstr_runtimes_src", "mstr_plan_src"), ("mstr_report_dest", "mstr_plan_dest")
    for name in (*reads, *writes, *variables.OWN_FILES):
        for _host, path in run.paths(name):
            used.setdefault(os.path.realpath(path), {}).setdefault(name)
    for path, names in used.items():
        written = [name for name in names if name not in reads]
        if len(names) > 1 and written:
            yield (f"{' and '.join(names)} are the same file, {path}. Name a different file for {written[-1]}.")


def one_file_error(name: str, path: str, hosts: Sequence[str]) -> str:
    """Why several hosts must not write the file that a variable names."""
    several = f"Several environments would be written to one file, {path} ({listed(hosts, 5)})"
    return f"{several}. Put {{{{ inventory_hostname }}}} into {name}, or limit the run to one of them."
