# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The export of one environment: all runtimes, or an upgrade of those with an outdated Python.

The options come from the variables of the host.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ...module_utils._errors import ErrorList
from ...module_utils._model.runtime import INCOMPLETE, counted_runtimes
from ...module_utils._text import counted
from .._connection import is_given
from .._reports.export import File, to_file
from .._reports.finding import entries
from .._reports.findings import PYTHON_DAYS
from .._reports.texts import plain
from .._reports.upgrade import Upgrade, is_any_due, upgrade_errors, upgrade_file
from .action import Action, Result, refused
from .check import UNKNOWN, one_file_error
from .destination import dest_errors, write
from .variables import empty_errors, empty_guards, own_file, unknown_errors

# What is exported, and who writes the file.
BACKUP = "a backup", "the role mstr.library.runtimes, before it changed anything"
EXPORT = "an export", "the playbook mstr.library.export"
_UPGRADE = "mstr_export_upgrade"


def export(action: Action) -> Result:
    """The result of an export: the file, whether it changed, and the number of runtimes."""
    with ErrorList() as errors:
        errors.add(*unknown_errors(action.task_vars))
    action.check_local("mstr_export_dest")
    target = OwnFile(action, "mstr_export_dest")
    target.check()
    file, read, notes = _file(action)
    if file is None:
        return read
    changed = target.differs(file.text)
    if changed and not action.check_mode:
        target.write(file.text)
    left_out = "".join(f"\n{reason}" for reason in (notes or file.reasons)[:20])
    verb = ("would be written to" if action.check_mode else "written to") if changed else "as before in"
    number = sum(entry.get("state") != "absent" for entry in file.content["runtimes"])
    what = counted(number, "runtime") if file.content.get("partial") else counted_runtimes(number, False)
    return {
        "changed": changed,
        "dest": target.path,
        "msg": f"{what} {verb} {target.path}{left_out}",
    }


def _file(action: Action) -> tuple[File | None, Result, list[str]]:
    """The file of the export, None without one, the result without a file, and notes."""
    target = action.value(_UPGRADE)
    today = datetime.now(timezone.utc).date()
    with ErrorList() as errors:
        errors.add(*empty_errors(empty_guards("export", action.value, action.extra_vars())))
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
    upgrade = Upgrade(str(target), today)
    file, notes = upgrade_file(known, upgrade, EXPORT[1])
    nothing = f"Nothing to upgrade: no runtime has a Python that has ended or ends within {PYTHON_DAYS} days."
    if is_any_due(known["runtimes"], upgrade):
        nothing = "No file was written, because it would contain no runtime."
    return file, {"changed": False, "dest": None, "msg": "\n".join([nothing, *notes[:20]])}, notes


def _exemptions(action: Action) -> list[Any]:
    """The exemptions of the host: those of its policy, and its own ones."""
    policy = action.non_empty("mstr_runtimes_policy")
    of_policy = policy if isinstance(policy, Mapping) else {}
    exemptions = [*entries(of_policy, "exemptions"), *(action.non_empty("mstr_runtimes_exemptions") or ())]
    return [exemption for exemption in exemptions if isinstance(exemption, Mapping)]


def exported(action: Action, what: tuple[str, str], options: Result | None = None) -> tuple[File | None, Result]:
    """The file, None if the read failed, and the result of the read. `options`: of the read."""
    read = _read(action, what, options or {})
    if read.get("failed"):
        return None, read
    server = action.server() or "" if what == BACKUP else None
    file = to_file(plain(read["runtimes"]), what[1], backup_of=server, scripts=bool(options))
    return file, read


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


class OwnFile:
    """A file that each environment of a run has for itself, on the control node."""

    def __init__(self, action: Action, variable: str) -> None:
        self._action, self._variable = action, variable
        self.path = action.path_of(action.non_empty(variable) or own_file(variable, action.host, action.value))

    def check(self) -> None:
        """Raise ValidationError if the file cannot be written, or if it is also the file of another host."""
        action, target = self._action, os.path.realpath(self.path)
        with ErrorList() as errors:
            errors.add(*dest_errors(self._variable, self.path))
        same = [host for host, path in self._of_others() if os.path.realpath(action.path_of(path)) == target]
        if same:
            raise refused(one_file_error(self._variable, self.path, [action.host, *same]))

    def _of_others(self) -> Iterator[tuple[str, Any]]:
        """The other hosts of the play, each with its value of the variable, if that is known."""
        action = self._action
        hosts = [str(host) for host in action.task_vars.get("ansible_play_hosts", ()) if str(host) != action.host]
        for host, values in action.of_hosts(hosts, (self._variable,)).items():
            value = values.get(self._variable)
            if is_given(value) and value is not UNKNOWN:
                yield host, value

    def differs(self, text: str) -> bool:
        """Whether the file does not exist, or has a different content."""
        try:
            with open(self.path, "rb") as file:
                return file.read() != text.encode()
        except OSError:
            return True

    def write(self, text: str, *, private: bool = False) -> None:
        """Write the file, see `destination.write`. Raises ValidationError."""
        try:
            write(self.path, [text], private=private)
        except OSError as exc:
            raise refused(f"{self._variable} {self.path} could not be written: {exc.strerror}.") from None
