# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a whole run before its first request: what concerns its files, its variables, and several hosts.

What a module says of its own options is left to it. Pure, except that it looks at the places of the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._errors import ValidationError
from ...module_utils._model.file import read_text
from ...module_utils._model.src import read_definitions
from ...module_utils._session.connection import normal_url
from ...module_utils._session.session_string import decode
from ...module_utils._text import listed
from .._connection import is_given
from .._reports import formats, plan_file
from .._reports.texts import grouped
from .._reports.upgrade import upgrade_errors
from .destination import dest_errors
from .variables import (
    OWN_FILES,
    empty_errors,
    empty_guards,
    own_file,
    retyped_errors,
    types,
    unknown_errors,
    unused_errors,
)

# A value that cannot be known before a task of the host runs, such as one with a template that is not valid. The task
# of this host then reports it, and the other hosts go on.
UNKNOWN = ...

Hosts = Mapping[str, Mapping[str, Any]]


class NewRun(NamedTuple):
    """A run of a playbook.

    `hosts`: for each environment of the run, its variables `mstr_…` and `ansible_connection` by name, with `UNKNOWN`
    for a value that is not known. `extra`: the extra variables. `environ`, `remote_environ`: the environment variables
    of the modules, on the control node and on other hosts. `started_in`: the directory that relative paths start at.
    """

    playbook: str
    hosts: Hosts
    extra: Mapping[str, Any]
    check_mode: bool
    environ: Mapping[str, str]
    remote_environ: Mapping[str, str]
    started_in: str

    def values_of(self, name: str) -> Iterator[tuple[str, Any]]:
        """The hosts with a value of a variable of the playbook that is known."""
        if name not in types(self.playbook):
            return
        for host, values in self.hosts.items():
            if _is_known(values.get(name)):
                yield host, values[name]

    def paths(self, name: str) -> Iterator[tuple[str, str]]:
        """The hosts with the absolute path in a variable of the playbook, with each of several."""
        if name not in types(self.playbook):
            return
        for host, values in self.hosts.items():
            for path in _paths_in(name, host, values):
                yield host, path_of(path, self.started_in)

    def switched_on(self, name: str) -> list[str]:
        """The hosts on which a switch is on."""
        return [host for host, value in self.values_of(name) if switch_in(value)]

    def is_local(self, host: str) -> bool:
        """Whether the modules run on the control node."""
        return str(self.hosts[host].get("ansible_connection") or "ssh") == "local"

    def server(self, host: str) -> str | None:
        """The normal address of a host's server, wherever it comes from; None if it is not known."""
        return server_of(self.hosts[host], self.environ if self.is_local(host) else self.remote_environ)

    def in_brackets(self, hosts: Iterable[str]) -> str:
        """The hosts in brackets, if they are not all."""
        names = list(hosts)
        return f" ({listed(names, 5)})" if len(names) < len(self.hosts) else ""


def _is_known(value: Any) -> bool:
    """Whether a variable has a value that is known."""
    return is_given(value) and value is not UNKNOWN


def _paths_in(name: str, host: str, values: Mapping[str, Any]) -> list[str]:
    """The paths in a variable of a host, as they are written; without one, the default of a file of its own."""
    value = values.get(name)
    if _is_known(value):
        return dests(value) if name == "mstr_report_dest" else [str(value)]
    if value is UNKNOWN or name not in OWN_FILES:
        return []
    default = own_file(name, host, values.get)
    return [default] if default else []


def dests(value: Any) -> list[str]:
    """The files that mstr_report_dest names: a list, or one text with commas. Doubles do not matter."""
    texts = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return list(dict.fromkeys(text for text in (str(each).strip() for each in texts) if text))


def path_of(value: Any, started_in: str) -> str:
    """The absolute path of a file; a relative one starts at the directory in which ansible-playbook was started."""
    return os.path.normpath(os.path.join(started_in, os.path.expanduser(str(value))))


def server_of(values: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """The normal address of a host's server, wherever it comes from; None if it is not known."""

    def value(option: str) -> Any:
        of_host = values.get(f"mstr_{option}")
        return of_host if is_given(of_host) else environ.get(f"MSTR_{option.upper()}")

    address, session = value("base_url"), value("session")
    try:
        if _is_known(address):
            return normal_url(str(address))
        if _is_known(session):
            return decode(str(session)).base_url
    except (ValueError, ValidationError):
        pass
    return None


def switch_in(value: Any) -> bool | None:
    """Whether a switch is on; None if it is neither true nor false."""
    try:
        return bool(boolean(value))
    except TypeError:
        return None


# The files that all hosts share.
_SHARED = ("mstr_report_dest", "mstr_plan_dest", "mstr_plan_src")


def values_needed(playbook: str) -> frozenset[str]:
    """The variables whose values `run_errors` needs; of all others, such as passwords, it needs only the names."""
    return frozenset({*types(playbook), "ansible_connection", "mstr_base_url", "mstr_session"})


def run_errors(run: NewRun) -> list[str]:
    """Everything that is wrong with a run, each as a sentence; empty if it may begin."""
    names = {name for values in run.hosts.values() for name in values}
    guards = (empty_guards(run.playbook, values.get, run.extra) for values in run.hosts.values())
    empty = dict.fromkeys(chain.from_iterable(guards))
    kinds = (
        unknown_errors(names, run.extra),
        unused_errors(run.playbook, run.extra),
        empty_errors(list(empty)),
        retyped_errors(run.extra),
        _switch_errors(run),
        _plan_errors(run),
        _export_errors(run),
        _shared_errors(run),
        _separate_errors(run),
        _same_file_errors(run),
        _gate_errors(run),
        _server_errors(run),
    )
    return [*chain.from_iterable(kinds)]


def _switch_errors(run: NewRun) -> Iterator[str]:
    """Of the switches that no module sees, and that would otherwise be off."""
    for name in ("mstr_fail_on_drift", "mstr_fail_on_violation"):
        yield from _invalid(run, name, lambda value: switch_in(value) is not None, "true or false")


def _invalid(run: NewRun, name: str, is_valid: Callable[[Any], bool], expected: str) -> Iterator[str]:
    """A sentence for each invalid value of a variable."""
    wrong = grouped((_shown(value), host) for host, value in run.values_of(name) if not is_valid(value))
    yield from (f"{name} must be {expected}, not {shown}{run.in_brackets(hosts)}." for shown, hosts in wrong.items())


def _plan_errors(run: NewRun) -> Iterator[str]:
    """Of the ways to name an approved plan, of which a run has one, and of a file for a plan."""
    yield from _invalid(
        run,
        "mstr_runtimes_plan_ids",
        lambda value: isinstance(value, Mapping),
        "a dictionary of hosts and plan ids",
    )
    if any(run.values_of("mstr_plan_dest")) and not run.check_mode:
        yield "mstr_plan_dest writes the plan of a check; start the playbook with --check."
    for names in (
        ("mstr_plan_src", "mstr_runtimes_plan_id", "mstr_runtimes_plan_ids"),
        ("mstr_plan_src", "mstr_plan_dest"),
    ):
        given = [name for name in names if any(run.values_of(name))]
        if len(given) > 1:
            yield f"Set only one of {', '.join(given[:-1])} and {given[-1]}."


def _export_errors(run: NewRun) -> Iterator[str]:
    """Of what is exported, of all hosts."""
    today = datetime.now(timezone.utc).date()
    for target, hosts in grouped((value, host) for host, value in run.values_of("mstr_export_upgrade")).items():
        yield from (f"{error.rstrip('.')}{run.in_brackets(hosts)}." for error in upgrade_errors(target, today))


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


def _server_errors(run: NewRun) -> Iterator[str]:
    """Of two hosts that are one server: each would delete what only the other one defines."""
    purging = run.switched_on("mstr_runtimes_purge")
    if run.playbook == "audit" or not purging:
        return
    hosts_by_server = grouped((run.server(host), host) for host in run.hosts)
    hosts_by_server.pop(None, None)
    for server, hosts in hosts_by_server.items():
        purge = [host for host in hosts if host in purging]
        if len(hosts) > 1 and purge:
            yield (
                f"{listed(hosts, 5, ' and ')} are one server, {server}, so the purge of {listed(purge, 5, ' and ')} "
                "would delete what only other definitions list. Make one host of them, limit the run to one of them, "
                "or set mstr_runtimes_purge to false."
            )


def _has_definitions(run: NewRun, host: str) -> bool:
    """Whether there is something to compare. What cannot be read counts: the module reports it."""
    values = run.hosts[host]
    if is_given(values.get("mstr_runtimes_src")) and run.is_local(host):
        path = values["mstr_runtimes_src"]
        try:
            source = None if path is UNKNOWN else read_definitions(path_of(path, run.started_in))
        except ValidationError:
            return True
        return source is None or bool(source.runtimes or source.scripts)
    return bool(values.get("mstr_runtimes") or values.get("mstr_runtimes_src"))


def _shown(value: Any) -> str:
    return repr(str(value)[:60])


def _shared_errors(run: NewRun) -> Iterator[str]:
    """Of the files that all environments share: the report and the plan."""
    for name in _SHARED:
        if name in types(run.playbook):
            wrong = _different_error(run, name)
            yield from [wrong] if wrong else _shared_file_errors(run, name)


def _different_error(run: NewRun, name: str) -> str | None:
    """Why a variable is not the same for all environments; None if it is."""
    unknown = [host for host, values in run.hosts.items() if values.get(name) is UNKNOWN]
    if unknown:
        # The report at the end needs it, and without a report nobody sees what was done.
        where = run.in_brackets(unknown)
        return f"{name} has a template that is invalid, or that names an undefined variable{where}. Fix it."
    hosts_by_value: dict[str, list[str]] = {}
    for host, values in run.hosts.items():
        value = values.get(name)
        shown = f"has {', '.join(dests(value))!r}" if is_given(value) else "has none"
        hosts_by_value.setdefault(shown, []).append(host)
    if len(hosts_by_value) == 1:
        return None
    differing = "; ".join(f"{listed(hosts, 3)} {shown}" for shown, hosts in hosts_by_value.items())
    return (
        f"{name} must be the same for every environment of a run, because the run has one such file ({differing}). Set "
        "it with -e, or for the group all."
    )


def _shared_file_errors(run: NewRun, name: str) -> Iterator[str]:
    for path in dict.fromkeys(path for _host, path in run.paths(name)):
        try:
            if name == "mstr_plan_src":
                plan_file.environments_of(read_text(path))  # each environment looks for its own plan
            elif name == "mstr_report_dest":
                formats.format_of(path, formats.AUDIT if run.playbook == "audit" else formats.APPLY)
        except ValueError as exc:
            yield f"{f'{name} {path} ' if name == 'mstr_plan_src' else ''}{exc}."
            continue
        if name != "mstr_plan_src":
            yield from dest_errors(name, path)


def _separate_errors(run: NewRun) -> Iterator[str]:
    """Of the files of which each environment has its own: backup, export, probe."""
    for name in OWN_FILES:
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
    for name in (*reads, *writes, *OWN_FILES):
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
