# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The apply of one environment: its options from the variables of the host, its backup, and one call of mstr_runtimes.

`backups/dev.yml` names the folder, the beginning and the suffix of the backups of `dev`. Each one has the time at which
its run began in its name, such as `backups/dev.20261130T041500Z.yml`, so that none is ever replaced. It is written
before the first change, and never changed afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, count
from typing import Any, NamedTuple

from ...module_utils._errors import ErrorList, ValidationError
from ...module_utils._model.schedules import name_of
from ...module_utils._text import listed, with_full_stop
from .._reports.export import File
from .._reports.finding import entries
from .action import Action, Result, now, refused
from .destination import kind_at
from .export import BACKUP, checked_dest, exported, write_dest
from .variables import APPLIED, DEFINITIONS

_DEST = "mstr_runtimes_backup_dest"


def apply(action: Action, plan_id: str | None = None, check_mode: bool = False) -> Result:
    """The result of mstr_runtimes for the definitions of the host, with the path of its `backup`, if it has one.

    `plan_id`: of the approved plan, if it is not in a variable of its own. `check_mode`: only what it would do, also if
    the task is not in check mode. Raises ValidationError if a variable is invalid.
    """
    options = _options(action)
    if plan_id:
        options["plan_id"] = plan_id
    if action.non_empty(_DEST) is None:
        return action.run_module("mstr_runtimes", options, check_mode or None)
    backup, read = _read_backup(action)
    if backup is None:
        return read
    excluded = options.get("purge_exclude") or []
    if isinstance(excluded, (list, tuple)):  # the module refuses anything else
        options["purge_exclude"] = [*excluded, *backup.spared]
    if check_mode or action.check_mode:
        return _with_warnings(action.run_module("mstr_runtimes", options, True), backup.warnings)
    path = _write_backup(action, backup)
    try:
        result = action.run_module("mstr_runtimes", options, on_stop=partial(_stopped, path))
    except Exception as exc:
        result = action.failure(exc)
    return {**_with_warnings(result, backup.warnings), "backup": _kept(path, result)}


def _options(action: Action) -> Result:
    """The options of mstr_runtimes. Raises ValidationError with every error of a variable."""
    with ErrorList() as errors:
        errors.add(*action.variable_errors("apply"))
        definitions = errors.check(definitions_of, action)
        if definitions == {}:
            errors.add("Set mstr_runtimes or mstr_runtimes_src; neither is set.")
    return {**definitions, **action.options(APPLIED), **policy_of(action)}


def definitions_of(action: Action) -> Result:
    """The options with the definitions. A file that -e names counts in place of the definitions of an inventory.

    Raises ValidationError if there are two.
    """
    options = action.options(DEFINITIONS)
    extra = action.extra_vars()
    if "src" in options and DEFINITIONS["src"] in extra and DEFINITIONS["runtimes"] not in extra:
        options.pop("runtimes", None)
    if len(options) > 1:
        raise refused(
            "Set only one of mstr_runtimes and mstr_runtimes_src; both are set. To apply only the file, name it with "
            "-e."
        )
    return options


def policy_of(action: Action) -> Result:
    """The option `policy` with the exemptions of the host; nothing if there are none. Raises ValidationError."""
    exemptions = action.non_empty("mstr_runtimes_exemptions")
    if not exemptions:
        return {}
    if not isinstance(exemptions, (list, tuple)):
        raise refused(f"mstr_runtimes_exemptions must be a list, not {str(exemptions)[:60]!r}.")
    policy = action.non_empty("mstr_runtimes_policy") or {}
    if not isinstance(policy, Mapping):
        return {"policy": policy}  # which has its own error
    return {"policy": {**policy, "exemptions": [*(policy.get("exemptions") or ()), *exemptions]}}


def _with_warnings(result: Result, warnings: Sequence[str]) -> Result:
    return {**result, "warnings": [*entries(result, "warnings"), *warnings]} if warnings else result


class _Backup(NamedTuple):
    """What there was. `spared`: the ids of the runtimes that are not in the file; `warnings`: what it lacks."""

    dest: str
    file: File
    spared: list[str]
    warnings: list[str]


def _read_backup(action: Action) -> tuple[_Backup | None, Result]:
    """The backup, None if the server could not be read, and the result of the read. Raises ValidationError."""
    dest = checked_dest(action, _DEST)
    file, read = exported(action, BACKUP)
    if file is None:
        return None, read
    warnings = [f"{with_full_stop(reason)} It is not in the backup, and a purge spares it." for reason in file.reasons]
    unread = [name_of(entry["project"]) or "the list of projects" for entry in entries(read, "unread")]
    if unread:
        warnings.append(
            f"The backup lacks scripts that could not be read: {listed(list(dict.fromkeys(unread)))}. Going back does "
            "not assign them."
        )
    return _Backup(dest, file, [identity for _name, identity in file.inexpressible], warnings), read


def _write_backup(action: Action, backup: _Backup) -> str:
    """Write the file, under a name that no file has. Returns its path. Raises ValidationError."""
    stem, suffix = os.path.splitext(backup.dest)
    numbers = chain([""], map("-{}".format, count(2)))
    # The role by itself has no other time than its own.
    began = str(action.task_vars["mstr_run"]["began"]) if action.in_playbook else now()
    paths = (f"{stem}.{began}{number}{suffix}" for number in numbers)
    path = next(path for path in paths if not kind_at(path))
    try:
        write_dest(_DEST, path, backup.file.text, private=True)
    except ValidationError as exc:
        raise refused(f"{exc.sentence} Nothing was changed.") from None
    return path


def _kept(path: str, result: Mapping[str, Any]) -> str | None:
    """The path of the backup; None if the run wrote nothing: then the backup is removed, because nobody needs it.

    Only a result of the module proves that it wrote nothing. A run that was killed, or that could not be run, returns
    none, and a fault has the action `unknown`.
    """
    is_of_module = {"summary", "error"} & result.keys()
    is_proven = is_of_module and result.get("action") != "unknown"
    has_failed_move = any(script.get("action") == "failed" for script in entries(result, "scripts"))
    if result.get("changed") or has_failed_move or not is_proven:
        return path
    with suppress(OSError):  # one that cannot be removed does no harm
        os.unlink(path)
    return None


def _stopped(path: str, result: Mapping[str, Any]) -> str:
    """What a person has to know of a run that was stopped."""
    kept = _kept(path, result)
    where = f"The backup of what was there before is {kept}" if kept else "Nothing was changed."
    return f"{result.get('msg')} {where}"
