# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a playbook: the variables of its hosts before the first request, and the commands that follow it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible import context
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv

from ...module_utils._errors import ValidationError, listed
from ...module_utils._session.connection import normal_url
from ...module_utils._session.session_string import decode
from .variables import CONNECTION, OWN_FILES, SECRETS, is_given, own_file, types

# A value that cannot be known before a task of the host runs, such as one with a template that is not valid. The task
# of this host then reports it, and the other hosts go on.
UNKNOWN = ...

_HOST = "{{ inventory_hostname }}"
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
        """The hosts with a value of a variable of the playbook that is known."""
        for host, values in self.hosts.items() if name in types(self.playbook) else ():
            value = values.get(name)
            if is_given(value) and value is not UNKNOWN:
                yield host, value

    def paths(self, name: str) -> Iterator[tuple[str, str]]:
        """The hosts with the absolute path in a variable of the playbook, with each of several."""
        for host, values in self.hosts.items() if name in types(self.playbook) else ():
            value = values.get(name)
            default = own_file(name, host, values.get) if name in OWN_FILES else ""
            text = value if is_given(value) else default
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
    except (ValueError, ValidationError):
        pass
    return None


def is_on(value: Any) -> bool:
    """Whether a switch is on; one that is neither true nor false is not."""
    try:
        return bool(boolean(value))
    except TypeError:
        return False


def command_line(inventory: Iterable[str]) -> list[str]:
    """The options of the run that every later command needs: inventory, vault, files of variables, and connection.

    Secrets stay out: they do not belong on a command line.
    """
    options = [f"-i {shlex.quote(source)}" for source in inventory] or ["-i INVENTORY"]
    arguments: Mapping[str, Any] = context.CLIARGS or {}
    for name in ("vault_ids", "vault_password_files"):
        flag = f"--{name.removesuffix('s').replace('_', '-')}"
        options += [f"{flag} {shlex.quote(str(value))}" for value in arguments.get(name) or ()]
    options += ["--ask-vault-pass"] if arguments.get("ask_vault_pass") else []
    for text in map(str, arguments.get("extra_vars") or ()):
        if text.startswith("@"):
            options.append(f"-e {shlex.quote(text)}")
            continue
        # An encrypted value has a type of its own.
        values = {name: value for name, value in _values(text).items() if isinstance(value, (str, int, float))}
        options += [extra_option(name, values[name]) for name in CONNECTION.values() if name in values.keys() - SECRETS]
    return options


def _values(text: str) -> Mapping[str, Any]:
    """The variables in the value of an option `-e` that does not name a file."""
    if text.lstrip()[:1] in ("{", "["):
        # With the tags that Ansible knows, such as !unsafe.
        content = DataLoader().load(text)
        return content if isinstance(content, Mapping) else {}
    return dict(parse_kv(text))


def commands(options: Sequence[str], playbook: str, name: str, paths: Mapping[str, str]) -> list[str]:
    """The commands that run a playbook with a file in the variable `name`, for each host its own.

    One command serves all hosts whose paths differ by the host's name alone.
    """
    groups: dict[str, list[str]] = {}
    for host, path in paths.items():
        groups.setdefault(_pattern(host, path), []).append(host)
    extra = [option for option in options if option.startswith("-e ")]
    start = " ".join(["ansible-playbook", *(option for option in options if option not in extra)])
    lines = []
    for pattern, hosts in groups.items():
        path = pattern if len(hosts) > 1 else paths[hosts[0]]
        limit = shlex.quote(",".join(hosts))
        end = " ".join([*extra, extra_option(name, path)])
        lines.append(f"{start} mstr.library.{playbook} --limit {limit} {end}")
    return lines


def _pattern(host: str, path: str) -> str:
    """The path with a variable in place of the host's name, where that stands last as a word of its own."""
    mentions = list(re.finditer(rf"(?<![A-Za-z0-9]){re.escape(host)}(?![A-Za-z0-9])", path))
    if not mentions or re.search(r"\{[{%#]", path):
        return path
    return path[: mentions[-1].start()] + _HOST + path[mentions[-1].end() :]


def extra_option(name: str, value: Any) -> str:
    """The option `-e` for one variable. A value that Ansible would split or convert is written as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    plain = isinstance(value, str) and not re.search(r"[\s'\"\\=]", text.replace(_HOST, ""))
    return f"-e {shlex.quote(f'{name}={text}' if plain else json.dumps({name: value}, ensure_ascii=False))}"
