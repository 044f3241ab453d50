# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The export of one environment: all runtimes, or an upgrade of those with an outdated Python.

The options come from the variables of the host.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._errors import ErrorList
from ...module_utils._model.runtime import INCOMPLETE, counted_runtimes
from ...module_utils._text import counted
from ...module_utils._work.api import utc_date
from .._connection import is_given
from .._reports.export import File, to_file
from .._reports.finding import entries
from .._reports.texts import plain
from .._reports.upgrade import Upgrade, upgrade_errors, upgrade_file
from .action import Action, Result, refused
from .check import is_known, own_file_errors
from .destination import write

# What is exported, and who writes the file.
BACKUP = "a backup", "the role mstr.library.runtimes, before it changed anything"
EXPORT = "an export", "the playbook mstr.library.export"
_UPGRADE = "mstr_export_upgrade"
_MOST_NOTES = 20  # in a message


def export(action: Action) -> Result:
    """The result of an export: the file, whether it changed, and the number of runtimes."""
    dest = checked_dest(action, "mstr_export_dest")
    file, read, notes = _file(action)
    if file is None:
        return read
    before = None
    with suppress(OSError):
        before = Path(dest).read_bytes()
    changed = before != file.text.encode()
    verb = "as before in"
    if changed and action.check_mode:
        verb = "would be written to"
    elif changed:
        write_dest("mstr_export_dest", dest, file.text)
        verb = "written to"
    left_out = "".join(f"\n{reason}" for reason in (notes or file.reasons)[:_MOST_NOTES])
    number = sum(entry.get("state") != "absent" for entry in file.content["runtimes"])
    what = counted(number, "runtime") if file.content.get("partial") else counted_runtimes(number, False)
    return {"changed": changed, "dest": dest, "msg": f"{what} {verb} {dest}{left_out}"}


def _file(action: Action) -> tuple[File | None, Result, list[str]]:
    """The file of the export, None without one, the result without a file, and notes."""
    target = action.value(_UPGRADE)
    today = utc_date()
    with ErrorList() as errors:
        errors.add(*action.variable_errors("export"))
        errors.add(*(upgrade_errors(target, today) if is_given(target) else ()))
    if target is None:
        return (*exported(action, EXPORT), [])
    projects = action.non_empty("mstr_runtimes_projects")
    read = _read(action, EXPORT, {"include_scripts": True, "include_tasks": True, "projects": projects})
    if read.get("failed"):
        return None, read, []
    server = action.run_module("mstr_info", {}, action.check_mode)
    if server.get("failed"):
        return None, server, []
    known = plain(
        {
            "runtimes": read["runtimes"],
            "dangling": read["dangling"],
            "unread": read["unread"],
            "versions": server["python_versions"],
            "server": server["server"]["base_url"],
            "exemptions": _exemptions(action),
        }
    )
    file, notes = upgrade_file(known, Upgrade(str(target), today), EXPORT[1])
    return file, {"changed": False, "dest": None, "msg": "\n".join(notes[:_MOST_NOTES])}, notes


def _exemptions(action: Action) -> list[Any]:
    """The exemptions of the host: those of its policy, and its own ones."""
    policy = action.non_empty("mstr_runtimes_policy")
    of_policy = policy if isinstance(policy, Mapping) else {}
    exemptions = [*entries(of_policy, "exemptions"), *(action.non_empty("mstr_runtimes_exemptions") or ())]
    return [exemption for exemption in exemptions if isinstance(exemption, Mapping)]


def exported(action: Action, what: tuple[str, str]) -> tuple[File | None, Result]:
    """The file, None if the read failed, and the result of the read."""
    is_backup = what == BACKUP
    read = _read(action, what, {"include_scripts": True} if is_backup else {})
    if read.get("failed"):
        return None, read
    server = action.server() or "" if is_backup else None
    return to_file(plain(read["runtimes"]), what[1], server), read


def _read(action: Action, what: tuple[str, str], options: Result) -> Result:
    """The result of the read with these options. Raises ValidationError if it is incomplete."""
    read = action.run_module("mstr_runtime_info", options, action.check_mode)
    if not read.get("failed") and not any(runtime["is_default"] for runtime in plain(read["runtimes"])):
        without = ", or without mstr_runtimes_backup_dest" if what == BACKUP else ""
        raise refused(
            f"{INCOMPLETE}. So {what[0]} may lack others, too. Nothing was changed. Run the playbook again, or as a "
            f"user who sees every runtime{without}."
        )
    return read


def checked_dest(action: Action, variable: str) -> str:
    """The path of the role's file that a variable names, of which each environment has its own.

    Raises ValidationError if the modules run on another host, whose files nobody here reads or writes. In the role by
    itself, also if the file cannot be written, or if it is also the file of another host.
    """
    if action.transport != "local":
        raise refused(
            f"{variable} needs ansible_connection: local, because its file is on the control node, and the modules run "
            f"there, too. The connection of {action.host} is {action.transport}."
        )
    path = action.own_path(variable)
    if not action.in_playbook:
        # Ansible removes a host that has failed from its list, but its role may still run, in `always` of a block.
        all_hosts = dict.fromkeys([*action.task_vars.get("ansible_play_hosts", ()), action.host])
        dests = {host: values.get(variable) for host, values in action.of_hosts(all_hosts, (variable,)).items()}
        real_path = os.path.realpath(path)
        hosts = [
            host
            for host, dest in dests.items()
            if is_known(dest) and os.path.realpath(action.path_of(dest)) == real_path
        ]
        with ErrorList() as errors:
            errors.add(*own_file_errors(variable, path, hosts))
    return path


def write_dest(variable: str, path: str, text: str, *, private: bool = False) -> None:
    """Write the file that a variable names, see `destination.write`. Raises ValidationError."""
    try:
        write(path, [text], private=private)
    except OSError as exc:
        raise refused(f"{variable} {path} could not be written: {exc.strerror}.") from None
