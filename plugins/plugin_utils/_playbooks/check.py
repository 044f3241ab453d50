# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a whole run before its first request: what concerns its files, its variables, and several hosts.

What a module says of its own options is left to it. It reads the files and the date, and sends nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._errors import ValidationError
from ...module_utils._model.file import read_text
from ...module_utils._model.src import read_definitions
from ...module_utils._session.connection import normal_url
from ...module_utils._session.session_string import decode
from ...module_utils._text import listed
from ...module_utils._work.api import utc_date
from .._connection import is_given
from .._reports import formats, plan_file
from .._reports.texts import grouped
from .._reports.upgrade import upgrade_errors
from .destination import dest_errors
from .variables import OWN_FILES, default_file, empty_errors, retyped_errors, types, unknown_errors, unused_errors

# A value that cannot be known before a task of the host runs, such as one with a template that is not valid. The task
# of this host then reports it, and the other hosts go on.
UNKNOWN = ...

Hosts = Mapping[str, Mapping[str, Any]]


class NewRun(NamedTuple):
    """A run of a playbook.

    `hosts`: for each environment of the run, its variables `mstr_…` and `ansible_connection` by name, with `UNKNOWN`
    for a value that is not known, or that the playbook does not use. `extra`: the extra variables. `environ`,
    `remote_environ`: the environment variables of the modules, on the control node and on other hosts. `started_in`:
    the directory that relative paths start at.
    """

    playbook: str
    hosts: Hosts
    extra: Mapping[str, Any]
    check_mode: bool
    environ: Mapping[str, str]
    remote_environ: Mapping[str, str]
    started_in: str

    def known(self, name: str) -> dict[str, Any]:
        """The values of a variable that are known, by host."""
        return {host: values[name] for host, values in self.hosts.items() if is_known(values.get(name))}

    def paths(self, name: str) -> Iterator[tuple[str, str]]:
        """The hosts with the absolute path in a variable of the playbook, with each of several; else its default."""
        if name not in types(self.playbook):
            return
        for host, values in self.hosts.items():
            value = values.get(name)
            if not is_given(value):
                value = default_file(name, host, values.get)
            if is_known(value):
                texts = dests(value) if name == "mstr_report_dest" else [value]
                yield from ((host, path_of(text, self.started_in)) for text in texts)

    def switched_on(self, name: str) -> list[str]:
        """The hosts on which a switch is on."""
        return [host for host, value in self.known(name).items() if switch_in(value)]

    def is_local(self, host: str) -> bool:
        """Whether the modules run on the control node."""
        return str(self.hosts[host].get("ansible_connection") or "ssh") == "local"

    def in_brackets(self, hosts: Sequence[str]) -> str:
        """The hosts in brackets, if they are not all."""
        return f" ({listed(hosts, 5)})" if len(hosts) < len(self.hosts) else ""


def is_known(value: Any) -> bool:
    """Whether a variable has a value that is known."""
    return is_given(value) and value is not UNKNOWN


def dests(value: Any) -> list[str]:
    """The files that mstr_report_dest names: a list, or one text with commas. Duplicates do not matter."""
    texts = value if isinstance(value, (list, tuple)) else str(value).split(",")
    stripped = [str(text).strip() for text in texts]
    return [*dict.fromkeys(filter(None, stripped))]


def path_of(value: Any, started_in: str) -> str:
    """The absolute path of a file; a relative one starts at the directory in which ansible-playbook was started."""
    return os.path.normpath(os.path.join(started_in, os.path.expanduser(str(value))))


def server_of(values: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """The normal address of a host's server, wherever it comes from; None if it is not known."""
    address = values.get("mstr_base_url") or environ.get("MSTR_BASE_URL")
    session = values.get("mstr_session") or environ.get("MSTR_SESSION")
    with suppress(ValueError, ValidationError):
        if is_known(address):
            return normal_url(str(address))
        if is_known(session):
            return decode(str(session)).base_url
    return None


def switch_in(value: Any) -> bool | None:
    """Whether a switch is on; None if it is neither true nor false."""
    try:
        return bool(boolean(value))
    except TypeError:
        return None


# What a variable that no module sees must be, and what says so.
_EXPECTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "mstr_fail_on_drift": ("true or false", lambda value: switch_in(value) is not None),
    "mstr_fail_on_violation": ("true or false", lambda value: switch_in(value) is not None),
    "mstr_runtimes_plan_ids": (
        "a dictionary of hosts and plan ids",
        lambda value: isinstance(value, Mapping) and all(value.values()),  # an empty id would let any plan pass
    ),
}
# Of each group, a run has one.
_ALTERNATIVES = (
    ("mstr_plan_src", "mstr_runtimes_plan_id", "mstr_runtimes_plan_ids"),
    ("mstr_plan_src", "mstr_plan_dest"),
)


def run_errors(run: NewRun) -> list[str]:
    """Everything that is wrong with a run, each as a sentence; empty if it may begin."""
    names = {name for values in run.hosts.values() for name in values}
    kinds = (
        unknown_errors(names, run.extra),
        unused_errors(run.playbook, run.extra),
        empty_errors(run.playbook, [values.get for values in run.hosts.values()], run.extra),
        retyped_errors(run.extra),
        _value_errors(run),
        _plan_errors(run),
        _export_errors(run),
        _shared_errors(run),
        _separate_errors(run),
        _same_file_errors(run),
        _gate_errors(run),
        _server_errors(run),
    )
    return [*chain.from_iterable(kinds)]


def _value_errors(run: NewRun) -> Iterator[str]:
    """Of values that no module sees: an invalid switch would otherwise be off."""
    for name, (expected, is_valid) in _EXPECTED.items():
        wrong = grouped((str(value)[:60], host) for host, value in run.known(name).items() if not is_valid(value))
        for value, hosts in wrong.items():
            yield f"{name} must be {expected}, not {value!r}{run.in_brackets(hosts)}."


def _export_errors(run: NewRun) -> Iterator[str]:
    """Of what is exported, of all hosts."""
    targets = run.known("mstr_export_upgrade").items()
    wrong = grouped((error, host) for host, target in targets for error in upgrade_errors(target, utc_date()))
    for error, hosts in wrong.items():
        yield f"{error.rstrip('.')}{run.in_brackets(hosts)}."


def _plan_errors(run: NewRun) -> Iterator[str]:
    """Of the ways to name an approved plan, and of a file for a plan."""
    if run.known("mstr_plan_dest") and not run.check_mode:
        yield "mstr_plan_dest writes the plan of a check; start the playbook with --check."
    for names in _ALTERNATIVES:
        given = [name for name in names if run.known(name)]
        if len(given) > 1:
            yield f"Set only one of {', '.join(given[:-1])} and {given[-1]}."


def _gate_errors(run: NewRun) -> Iterator[str]:
    """Of a switch that is to fail environments, where it would never do so."""
    gates = {
        "mstr_fail_on_drift": ("mstr_runtimes or mstr_runtimes_src", "definitions", _has_definitions),
        "mstr_fail_on_violation": ("mstr_runtimes_policy", "rules", _has_rules),
    }
    for name, (variable, what, is_judged) in gates.items():
        empty = [host for host in run.switched_on(name) if not is_judged(run, host)]
        if empty:
            yield (
                f"{name} is set, but there are no {what}{run.in_brackets(empty)}, so it would never fail anything. Set "
                f"{variable}, or remove {name}."
            )


def _has_rules(run: NewRun, host: str) -> bool:
    """Whether there is a policy with a rule. An invalid one counts: the module reports it."""
    policy = run.hosts[host].get("mstr_runtimes_policy")
    if not isinstance(policy, Mapping):
        return is_given(policy)
    return any(is_given(rule) for key, rule in policy.items() if key != "exemptions")


def _has_definitions(run: NewRun, host: str) -> bool:
    """Whether there is something to compare. What cannot be read counts: the module reports it."""
    values = run.hosts[host]
    src = values.get("mstr_runtimes_src")
    if not (is_known(src) and run.is_local(host)):
        return bool(values.get("mstr_runtimes") or src)
    try:
        source = read_definitions(path_of(src, run.started_in))
    except ValidationError:
        return True
    return bool(source.runtimes or source.scripts)


def _server_errors(run: NewRun) -> Iterator[str]:
    """Of two hosts that are one server: each would delete what only the other one defines."""
    purging = run.switched_on("mstr_runtimes_purge")
    if run.playbook == "audit" or not purging:
        return
    hosts_by_server = grouped(
        (server_of(values, run.environ if run.is_local(host) else run.remote_environ), host)
        for host, values in run.hosts.items()
    )
    hosts_by_server.pop(None, None)
    for server, hosts in hosts_by_server.items():
        purge = [host for host in hosts if host in purging]
        if len(hosts) > 1 and purge:
            yield (
                f"{listed(hosts, 5, ' and ')} are one server, {server}, so the purge of {listed(purge, 5, ' and ')} "
                "would delete what only other definitions list. Make one host of them, limit the run to one of them, "
                "or set mstr_runtimes_purge to false."
            )


def _shared_errors(run: NewRun) -> Iterator[str]:
    """Of the files that all environments share: the report and the plan."""
    for name, errors_of in _SHARED.items():
        if name not in types(run.playbook):
            continue
        different = _different_error(run, name)
        if different:
            yield different
            continue
        for path in dict.fromkeys(path for _host, path in run.paths(name)):
            yield from errors_of(run, path)


def _different_error(run: NewRun, name: str) -> str | None:
    """Why a variable is not the same for all environments; None if it is."""
    unknown = [host for host, values in run.hosts.items() if values.get(name) is UNKNOWN]
    if unknown:
        # The report at the end needs it, and without a report nobody sees what was done.
        where = run.in_brackets(unknown)
        return f"{name} has a template that is invalid, or that names an undefined variable{where}. Fix it."
    known = run.known(name)
    hosts_by_value = grouped((", ".join(dests(known.get(host, ""))), host) for host in run.hosts)
    if len(hosts_by_value) == 1:
        return None
    differing = "; ".join(
        f"{listed(hosts, 3)} {f'has {value!r}' if value else 'has none'}" for value, hosts in hosts_by_value.items()
    )
    return (
        f"{name} must be the same for every environment of a run, because the run has one such file ({differing}). Set "
        "it with -e, or for the group all."
    )


def _plan_src_errors(_run: NewRun, path: str) -> Iterator[str]:
    try:
        plan_file.environments_of(read_text(path))  # each environment looks for its own plan
    except ValueError as exc:
        yield f"mstr_plan_src {path} {exc}."


def _report_errors(run: NewRun, path: str) -> Iterator[str]:
    try:
        formats.format_of(path, formats.AUDIT if run.playbook == "audit" else formats.APPLY)
    except ValueError as exc:
        yield f"{exc}."
    else:
        yield from dest_errors("mstr_report_dest", path)


# The files that all environments share, each with the check of one.
_SHARED: dict[str, Callable[[NewRun, str], Iterator[str]]] = {
    "mstr_report_dest": _report_errors,
    "mstr_plan_dest": lambda _run, path: dest_errors("mstr_plan_dest", path),
    "mstr_plan_src": _plan_src_errors,
}


def _separate_errors(run: NewRun) -> Iterator[str]:
    """Of the files of which each environment has its own: backup, export, probe."""
    for name in OWN_FILES:
        hosts_by_path = grouped((os.path.realpath(path), host) for host, path in run.paths(name))
        for path, hosts in hosts_by_path.items():
            yield from own_file_errors(name, path, hosts)


def own_file_errors(name: str, path: str, hosts: Collection[str]) -> Iterator[str]:
    """Why the file of an environment cannot be written. `hosts`: all whose variable names this file."""
    if len(hosts) < 2:
        yield from dest_errors(name, path)
        return
    several = f"Several environments would be written to one file, {path} ({listed([*hosts], 5)})"
    yield f"{several}. Put {{{{ inventory_hostname }}}} into {name}, or limit the run to one of them."


def _same_file_errors(run: NewRun) -> Iterator[str]:
    """Of a file that the run would write and use for a second purpose."""
    reads, writes = ("mstr_runtimes_src", "mstr_plan_src"), ("mstr_report_dest", "mstr_plan_dest", *OWN_FILES)
    uses = grouped((os.path.realpath(path), name) for name in (*reads, *writes) for _host, path in run.paths(name))
    for path, each_use in uses.items():
        names = list(dict.fromkeys(each_use))
        if len(names) > 1 and names[-1] in writes:
            yield f"{' and '.join(names)} are the same file, {path}. Name a different file for {names[-1]}."
