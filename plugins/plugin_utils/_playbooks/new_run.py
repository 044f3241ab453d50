# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a playbook before its first request: the variables of its hosts, as the check needs them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._errors import listed
from ...module_utils._session.connection import normal_url
from ...module_utils._session.session_string import decode
from .variables import is_given

# A value that cannot be known before a task of the host runs, such as one with a template that is not valid. The task
# of this host then reports it, and the other hosts go on.
UNKNOWN = ...

Hosts = Mapping[str, Mapping[str, Any]]


class NewRun(NamedTuple):
    """A run of a playbook.

    `hosts`: for each environment of the run, its variables `mstr_…` and `ansible_connection` by name, with `UNKNOWN`
    for a value that is not known. `extra`: the extra variables. `environ`, `remote_environ`: the environment variables
    of the modules, on the control node and on other hosts. `started_in`: the directory that relative paths start at.
    `options`: of the command line, those that a later command needs.
    """

    playbook: str
    hosts: Hosts
    extra: Mapping[str, Any]
    check_mode: bool
    environ: Mapping[str, str]
    remote_environ: Mapping[str, str]
    started_in: str
    options: Sequence[str] = ()

    def values_of(self, name: str) -> Iterator[tuple[str, Any]]:
        """The hosts with a value of a variable that is known."""
        for host, values in self.hosts.items():
            value = values.get(name)
            if is_given(value) and value is not UNKNOWN:
                yield host, value

    def paths(self, name: str, default: str = "") -> Iterator[tuple[str, str]]:
        """The hosts with the absolute path in a variable, with each of several."""
        for host, values in self.hosts.items():
            value = values.get(name)
            text = default.format(host=host) if not is_given(value) else value
            if text is not UNKNOWN and text:
                texts = dests(text) if name == "mstr_report_dest" else [text]
                yield from ((host, path_of(each, self.started_in)) for each in texts)

    def is_named(self, name: str) -> bool:
        """Whether any host has the variable."""
        return any(name in values for values in self.hosts.values())

    def switched_on(self, name: str) -> list[str]:
        """The hosts on which a switch is on."""
        return [host for host, value in self.values_of(name) if is_on(value)]

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
        if is_given(address) and address is not UNKNOWN:
            return normal_url(str(address))
        if is_given(session) and session is not UNKNOWN:
            return decode(str(session)).base_url
    except ValueError:
        pass
    return None


def is_on(value: Any) -> bool:
    """Whether a switch is on; one that is neither true nor false is not."""
    try:
        return bool(boolean(value))
    except TypeError:
        return False
