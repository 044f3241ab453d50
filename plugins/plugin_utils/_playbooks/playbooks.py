# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work on one environment: apply its definitions, restore its backup, audit it, or probe its server.

The options come from the variables of the host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ...module_utils._errors import ErrorList, ValidationError, ended, listed
from ...module_utils._model.runtime import DEFAULT_RUNTIME_ID
from ...module_utils._model.src import Source
from ...module_utils._model.usage import name_of
from .._reports.evaluation import violations_of
from .._reports.export import File
from .._reports.texts import json_text, plain
from .action import Action, Result, refused
from .backup import DEST, Backup, OwnFile, existing, mark_finished, may_take_away, means, source_of
from .backups import age, choice_error, dest_of
from .check import backup_errors, foreign_errors
from .export import BACKUP, exported
from .new_run import dests
from .variables import AUDITED, DEFINITIONS, RESTORED, empty_errors, name_errors, passed_on, role_types, with_exemptions


def apply(action: Action, approved: Result | None = None, check_mode: bool = False) -> Result:
    """The result of mstr_runtimes for the definitions of the host, with `backup` if there is one.

    `approved`, `check_mode`: see `_backed_up`. Raises ValidationError if a variable is invalid.
    """
    with ErrorList() as errors:
        empty = [name for name in role_types() if action.value(name) == ""]
        errors.add(*name_errors(action.task_vars), *empty_errors(empty), *_definition_errors(action))
    source = Source(action.non_empty("mstr_runtimes"), action.non_empty("mstr_runtimes_scripts"))
    if action.non_empty("mstr_runtimes_src") is not None:
        path, in_file = _source(action, "mstr_runtimes_src")
        if in_file and in_file.restore:
            raise ValidationError(backup_errors({action.host: path}, action.command_line()))
        # The module reports a file that does not exist.
        source = Source(in_file.runtimes, source.scripts or in_file.scripts) if in_file else Source()
    options = {**action.options(DEFINITIONS), **action.options(passed_on()), **_policy(action)}
    return _backed_up(action, options, source, approved, check_mode)


def restore(action: Action, approved: Result | None = None, check_mode: bool = False) -> Result:
    """The result of mstr_runtimes for the backup of the host, with `backup`; `left_alone` if it has no file.

    `approved`, `check_mode`: see `_backed_up`. Raises ValidationError if a variable is invalid, and for a file that is
    no backup of this environment and server.
    """
    if action.non_empty("mstr_restore_src") is None:
        raise refused("Set mstr_restore_src to the file of a backup.")
    path = action.path_of(action.non_empty("mstr_restore_src"))
    named = dest_of(path)
    found = existing(action, named or path)
    if found and not named:
        read = partial(source_of, action)
        raise refused(choice_error("mstr_restore_src", {action.host: found}, action.command_line(), read))
    path, source = _source(action, "mstr_restore_src")
    if source is None:
        return {"changed": False, "left_alone": f"it has no backup {path}, so it was left alone"}
    with ErrorList() as errors:
        errors.add(*foreign_errors("mstr_restore_src", path, source, action.host, action.server()))
    options = {**action.options({option: passed_on()[option] for option in RESTORED}), "src": path}
    result = _backed_up(action, options, source, approved, check_mode)
    result["restored"] = age(path, found)
    if source.unfinished and not (result.get("failed") or action.check_mode or check_mode):
        try:
            mark_finished(action, path)
        except ValidationError as exc:
            result = _with_warnings(result, f"The backup stays unfinished, although it was restored: {exc.sentence}")
    return _with_warnings(result, *_violations(action, source.runtimes or (), result))


def _violations(action: Action, runtimes: Sequence[Any], result: Result) -> Iterator[str]:
    """A warning of what was restored, or would be, although it violates the policy: the way back is never refused."""
    rows = result.get("runtimes") or ()
    restored = {str(row["name"]) for row in rows if row.get("action") not in ("none", "deleted", "failed")}
    try:
        policy = with_exemptions(action.non_empty("mstr_runtimes_policy"), action.non_empty("mstr_runtimes_exemptions"))
        for name, sentences in violations_of(policy, runtimes).items() if policy and restored else ():
            if name in restored:
                yield f"Runtime {name!r} is restored, although {'; '.join(sentences)}."
    except ValidationError as exc:
        yield f"Whether what is restored violates mstr_runtimes_policy is unknown: {exc.sentence}"


def _with_warnings(result: Result, *warnings: str) -> Result:
    return {**result, "warnings": [*(result.get("warnings") or ()), *warnings]} if warnings else result


def _policy(action: Action) -> Result:
    """The option `policy` with the exemptions of the host; nothing if there are none."""
    exemptions = action.non_empty("mstr_runtimes_exemptions")
    return {"policy": with_exemptions(action.non_empty("mstr_runtimes_policy"), exemptions)} if exemptions else {}


def _source(action: Action, name: str) -> tuple[str, Source | None]:
    """The file in a variable, and what it says; None if it does not exist. Raises ValidationError if it is invalid."""
    path = action.path_of(action.non_empty(name))
    try:
        return path, source_of(action, path)
    except ValidationError as exc:
        raise ValidationError(f"{name} {error.removeprefix('src ')}" for error in exc.errors) from None


def _backed_up(action: Action, options: Result, source: Source, approved: Result | None, check_mode: bool) -> Result:
    """The result of mstr_runtimes with these options, after a backup if there is to be one.

    `source`: the definitions, or the backup that is restored. `approved`: the options of an approved plan.
    `check_mode`: only what it would do, also if the task is not in check mode; then without a backup.
    """
    options |= approved or {}
    looks = check_mode and not action.check_mode
    if action.non_empty(DEST) is None:
        return action.run_module("mstr_runtimes", options, *[True] * looks)
    backup = Backup(action, options["src"] if source.restore else None)
    checked = action.run_module("mstr_runtimes", options, True) if looks else None
    if checked and not checked.get("changed"):
        return checked
    asked = action.non_empty("mstr_runtimes_backup_scripts")
    takes_away = source.restore or may_take_away(source, action.is_on("mstr_runtimes_purge"))
    with_scripts = takes_away if asked is None else action.is_on("mstr_runtimes_backup_scripts")
    file, read = exported(action, BACKUP, {"include_scripts": True} if with_scripts else {})
    if file is None:
        return backup.named(read)
    without = _without_backup(file, plain(read["runtimes"]))
    if without:
        checked = _sparing(action, options, source, without, checked)
        _check_backed_up(checked or {}, without, file)
    if looks:
        return checked or {}
    unread = [name_of(entry["project"]) or "the list of projects" for entry in read.get("unread") or ()]
    unread_text = ", ".join(dict.fromkeys(unread))
    if unread and asked is not None:
        raise refused(
            f"The scripts of these projects could not be read, so a backup would lack some: {unread_text}. Nothing "
            "was changed. Run the playbook again, or as a user who may read them, or without "
            "mstr_runtimes_backup_scripts."
        )
    backup.begin(file, plain(read["runtimes"]), with_scripts)
    planned = checked if action.check_mode else None
    result = backup.finish(planned or action.run_module("mstr_runtimes", options, on_stop=backup.stopped))
    lacking = [f"{ended(reason)} It is not in the backup." for reason in file.reasons]
    if file.inexpressible:
        lacking.append("A purge spares what no definition can express.")
    if unread:
        lacking.append(
            f"The backup lacks scripts of projects that could not be read: {unread_text}. Going back does not move "
            "them."
        )
    return _with_warnings(result, *lacking)


def _sparing(
    action: Action, options: Result, source: Source, without: Mapping[str, str], checked: Result | None
) -> Result | None:
    """What the run would do, if that is known or definitions name what is not in the backup. Its purge spares that."""
    excluded = options.get("purge_exclude") or []
    options["purge_exclude"] = [*excluded, *without] if isinstance(excluded, (list, tuple)) else excluded
    if checked or any(means(entry, name, key) for entry in source.runtimes or () for key, name in without.items()):
        return action.run_module("mstr_runtimes", options, *[True] * (not action.check_mode))
    return None


def _without_backup(file: File, runtimes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What must stay as it is: by id, the names of the runtimes that the backup cannot bring back.

    Somebody who excludes a runtime accepts that, but not of the built-in default one, which cannot be made again.
    """
    names = {identity: name for name, identity in file.inexpressible}
    default = next(str(runtime["name"]) for runtime in runtimes if runtime["is_default"])
    return {**({DEFAULT_RUNTIME_ID: default} if DEFAULT_RUNTIME_ID in file.left_out else {}), **names}


def _check_backed_up(planned: Result, without: Mapping[str, str], file: File) -> None:
    """Raise ValidationError if the plan of a run changes what the backup cannot bring back."""
    rows = [row for row in planned.get("runtimes") or () if row.get("action") not in ("none", "failed")]
    ids = {str(row.get("id")).upper() for row in rows}
    touched = [f"{name!r} ({identity})" for identity, name in without.items() if identity.upper() in ids]
    if touched:
        why = "\n".join(["", *(reason for reason in file.reasons if any(label in reason for label in touched))])
        raise refused(
            f"The run would change or delete {listed(touched, 20)}, but the backup cannot bring that back. Nothing was "
            "changed. Repair it on the server, take it out of the definitions, or run without "
            f"mstr_runtimes_backup_dest.{why}"
        )


def _definition_errors(action: Action) -> Iterator[str]:
    names = [name for name in DEFINITIONS.values() if action.non_empty(name) is not None]
    if not names and action.non_empty("mstr_runtimes_scripts") is None:
        yield "Set mstr_runtimes or mstr_runtimes_src; neither is set."
    if len(names) > 1:
        yield (
            "Set only one of mstr_runtimes and mstr_runtimes_src; both are set. To apply only the file, add "
            "-e mstr_runtimes= to the command."
        )


def wants_details(action: Action) -> bool:
    """Whether the report of the run has every runtime."""
    return action.non_empty("mstr_report_dest") is not None


def audit(action: Action) -> Result:
    """The result of mstr_audit, with the definitions and the policy of the host."""
    if all(action.non_empty(name) is not None for name in DEFINITIONS.values()):
        raise refused(f"Set only one of {' and '.join(DEFINITIONS.values())}; both are set.")
    options = {**action.options(DEFINITIONS), **action.options(AUDITED), **_policy(action)}
    options["include_tasks"] = options.get("include_scripts")
    options["detail"] = wants_details(action)
    return action.run_module("mstr_audit", options)


def report_paths(action: Action) -> list[str]:
    """The files of the report."""
    return [action.path_of(dest) for dest in dests(action.non_empty("mstr_report_dest") or ())]


def probe(action: Action) -> Result:
    """The result of mstr_probe, and the file with its answers."""
    target = OwnFile(action, "mstr_probe_dest")
    target.check()
    options = {option: f"mstr_probe_{option}" for option in ("scripts", "reach", "wait_timeout", "cleanup")}
    result = action.run_module("mstr_probe", action.options(options))
    if result.get("failed"):
        return result
    answers = plain({key: result[key] for key in ("product", "profile", "answers")})
    if not action.check_mode:
        target.write(json_text(answers) + "\n")
    return {**result, "dest": target.path}
