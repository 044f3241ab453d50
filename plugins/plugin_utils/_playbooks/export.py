# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The export of one environment: all runtimes, those that have to leave an old Python, or those that nobody uses.

The options come from the variables of the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ...module_utils._errors import ErrorList, ValidationError, counted, listed
from ...module_utils._model.result import counted_runtimes
from ...module_utils._model.runtime import INCOMPLETE
from ...module_utils._model.src import Source
from .._reports.export import File, to_file
from .._reports.texts import plain
from .._reports.upgrade import UPGRADE_DAYS, Upgrade, locked, unused_file, upgrade_file
from .action import Action, Result, refused
from .backup import OwnFile, source_of
from .check import export_errors, type_error
from .variables import EXPORTS, empty_errors, is_chosen, is_given, name_errors, role_types

# What is exported, the variable that leaves runtimes out, and who writes the file.
BACKUP = "a backup", "mstr_runtimes_backup_exclude", "the role mstr.library.runtimes, before it changed anything"
EXPORT = "an export", "mstr_export_exclude", "the playbook mstr.library.export"
# What an entry of an earlier file of such an export may have. Anything else was written by somebody.
_OF_PARTIAL = (
    {"name", "runtime_version", "replace_on_change", "smoke_test"},
    {"id", "name", "state"},
)


def export(action: Action) -> Result:
    """The result of an export: the file, whether it changed, and the number of runtimes."""
    with ErrorList() as errors:
        errors.add(*name_errors(action.task_vars))
    target = OwnFile(action, "mstr_export_dest")
    target.check()
    file, read, notes = _file(action)
    if file is None:
        return read
    changed = target.differs(file.text)
    if changed and not action.is_on("mstr_export_force"):
        _check_replaced(action, target.path, bool(file.content.get("partial")))
    if changed and not action.check_mode:
        target.write(file.text)
    left_out = f", left out: {listed(file.left_out, 20)}" if file.left_out else ""
    left_out += "".join(f"\n{reason}" for reason in (notes or file.reasons)[:20])
    verb = ("would be written to" if action.check_mode else "written to") if changed else "as before in"
    number = len(file.content["runtimes"])
    what = counted(number, "runtime") if file.content.get("partial") else counted_runtimes(number, False)
    return {
        "changed": changed,
        "dest": target.path,
        "left_out": file.left_out,
        "msg": f"{what} {verb} {target.path}{left_out}",
    }


def _file(action: Action) -> tuple[File | None, Result, list[str]]:
    """The file of the export that the variables choose, None without one, the result without a file, and notes."""
    values = {name: action.value(name) for name in role_types(entry_point="export") if name.startswith("mstr_export_")}
    days: Any = values.get("mstr_export_upgrade_days")
    days = days if is_given(days) else UPGRADE_DAYS
    today = datetime.now(timezone.utc).date()
    with ErrorList() as errors:
        wrong = type_error("mstr_export_upgrade_days", "int", days)
        errors.add(*([f"{wrong}."] if wrong else export_errors(values, action.check_mode, today)))
        errors.add(*empty_errors([name for name, value in values.items() if value == ""]))
    mode = next((name for name in EXPORTS if is_chosen(values.get(name))), None)
    if mode is None:
        return (*exported(action, EXPORT), [])
    options = {
        "mstr_export_upgrade": {"include_scripts": True, "include_tasks": True, "include_versions": True},
        "mstr_export_unused": {"include_scripts": True},
        "mstr_export_versions": {"include_installed": True},
    }[mode]
    read, exclude = _read(action, EXPORT, options)
    if read.get("failed"):
        return None, read, []
    writer, plain_read = EXPORT[2], plain({key: read.get(key) for key in ("runtimes", "versions", "unread")})
    if mode == "mstr_export_versions":
        runtimes, comments = locked(plain_read["runtimes"])
        return to_file(runtimes, writer, exclude, comments=comments), read, []
    if mode == "mstr_export_upgrade":
        upgrade = Upgrade(str(values[mode]), int(days), today)
        file, notes = upgrade_file(plain_read, upgrade, writer, exclude, _defined(action))
        nothing = f"Nothing to upgrade: no runtime has a Python that has ended or ends within {days} days."
    else:
        file, notes = unused_file(plain_read, writer, exclude)
        nothing = "Each runtime is used by a script, so no file was written."
    return file, {"changed": False, "dest": None, "msg": "\n".join([nothing, *notes[:20]])}, notes


def _defined(action: Action) -> list[tuple[str, Any]]:
    """The definitions that the environment has, each after its place."""
    entries = [
        (f"mstr_runtimes[{index}]", entry) for index, entry in enumerate(action.non_empty("mstr_runtimes") or ())
    ]
    src = action.non_empty("mstr_runtimes_src")
    source = None if src is None else source_of(action, action.path_of(src))
    found = source.runtimes or () if source else ()
    lines = getattr(found, "lines", ()) or range(1, len(found) + 1)
    word = "line" if getattr(found, "lines", ()) else "entry"
    return [*entries, *((f"{src} {word} {line}", entry) for line, entry in zip(lines, found))]


def _check_replaced(action: Action, path: str, partial: bool) -> None:
    """Raise ValidationError if an export would replace what it cannot write again. `partial`: of a part."""
    try:
        source = source_of(action, path)
        lost = _edits(source, partial) if source else []
        why = f"{path} has {listed(lost)}, and an export does not" if lost else ""
    except ValidationError as exc:
        why = f"{exc.sentence.removeprefix('src ').rstrip('.')}, so nobody knows what would be lost"
    if why:
        remedy = "Name a different file, or set mstr_export_force: true to replace it."
        raise refused(f"mstr_export_dest {why}. {remedy}")


def _edits(source: Source, partial: bool) -> list[str]:
    """What a file has that such an export has not, each with the name of its runtime."""
    if partial and source.partial and not source.scripts:
        entries = [set(entry) if isinstance(entry, Mapping) else {""} for entry in source.runtimes or ()]
        if any(all(keys <= own for keys in entries) for own in _OF_PARTIAL):
            return []  # an earlier one of such an export
    elif partial:
        return ["all runtimes, without partial: true"]
    edits = ["restore: true, which only a backup has"] if source.restore else []
    for entry in source.runtimes or ():
        if isinstance(entry, Mapping):
            keys = [key for key in ("previous_names", "replace_on_change", "smoke_test") if entry.get(key)]
            keys += ["state: absent"] if entry.get("state") == "absent" else []
            edits += [f"{key} of {str(entry.get('name') or entry.get('id'))!r}" for key in keys]
    return edits


def exported(action: Action, what: tuple[str, str, str], options: Result | None = None) -> tuple[File | None, Result]:
    """The file, None if the read failed, and the result of the read. `options`: of the read."""
    read, exclude = _read(action, what, options or {})
    if read.get("failed"):
        return None, read
    time = plain(read.get("server_time") or f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")
    owner = (action.host, action.server(), time) if what == BACKUP else None
    return to_file(plain(read["runtimes"]), what[2], exclude, owner, bool(options)), read


def _read(action: Action, what: tuple[str, str, str], options: Result) -> tuple[Result, list[str]]:
    """The result of the read with these options, and what is left out. Raises ValidationError if it is incomplete."""
    name, exclude, _writer = what
    patterns = action.non_empty(exclude) or []
    if not isinstance(patterns, (list, tuple)):
        raise refused(f"{exclude} must be a list, such as [{patterns!r}], not {str(patterns)!r}.")
    read = action.run_module("mstr_runtime_info", options, action.check_mode)
    if not read.get("failed") and not any(runtime["is_default"] for runtime in plain(read["runtimes"])):
        without = ", or without mstr_runtimes_backup_dest" if what == BACKUP else ""
        raise refused(
            f"{INCOMPLETE}. So {name} may lack others, too. Nothing was changed. Run the playbook again, or as a "
            f"user who sees every runtime{without}."
        )
    return read, [str(pattern) for pattern in patterns]
