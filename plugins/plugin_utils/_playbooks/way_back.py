# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that brings environments back to their backups, with what the command line of the run had.

Pure, except that `command_line` looks at the command line of ansible-playbook.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible import context
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv

from .variables import CONNECTION, SECRETS

_HOST = "{{ inventory_hostname }}"


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
        # What is encrypted is none of these types.
        values = {name: value for name, value in _values(text).items() if isinstance(value, (str, int, float))}
        options += [extra_option(name, values[name]) for name in CONNECTION.values() if name in values.keys() - SECRETS]
    return options


def _values(text: str) -> Mapping[str, Any]:
    """The variables in the value of an option `-e` that is no file."""
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
