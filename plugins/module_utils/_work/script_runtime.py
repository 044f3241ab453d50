# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of mstr_script_runtime: all scripts of a runtime, or those listed, are assigned to one runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import ErrorList, MstrError, PartialError, ValidationError
from .._model.checks import check_projects
from .._model.moves import Move, errors_of, move_result, moves_diff, predicted_moves
from .._model.result import failures
from .._model.runtime import Runtime, id_or_name, is_id
from .._model.scripts import ScriptEntry, Unread
from .._text import counted
from .api import Context, named_or_with_id
from .assign import assign
from .inputs import PROJECTS_OPTION, context_for
from .many import SCRIPT_OPTIONS
from .script_usage import find_usage
from .scripts import check_same_scripts, find_entries, move_for, move_to, script_entries, warn_of_projects

OPTIONS: dict[str, Any] = {
    "runtime": {"type": "str", "required": True},
    "from_runtime": {"type": "str"},
    "scripts": {"type": "list", "elements": "dict", "options": SCRIPT_OPTIONS},
    **PROJECTS_OPTION,
}


def script_inputs_from(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The checked options, with entries in `scripts`. Raises ValidationError with all of their errors."""
    target, source = params["runtime"], params["from_runtime"]
    with ErrorList() as errors:
        for option in ("runtime", "from_runtime"):
            if params[option] is not None and not params[option].strip():
                errors.add(f"{option} is empty")
        if source is not None and id_or_name(source) == id_or_name(target):
            errors.add(f"the scripts of {source!r} cannot be assigned to {source!r} itself")
        if params["scripts"] == []:
            errors.add("scripts is empty, so there is nothing to assign")
        errors.check(check_projects, params["projects"])
        entries = None if params["scripts"] is None else errors.check(script_entries, params["scripts"])
    return {**params, "scripts": entries}


def assign_scripts(task: Any, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Assign the scripts, and report what was done.

    Raises ValidationError before any write; PartialError if a script failed, or could not be read.
    """
    context = context_for(task)
    runtimes = context.api.list_all()
    with ErrorList() as errors:
        target = errors.check(_target, runtimes, inputs["runtime"])
        source = None if inputs["scripts"] is not None else errors.check(_source, runtimes, inputs["from_runtime"])
        if target and target.key == source:
            errors.add(f"the scripts of {target.label} cannot be assigned to the same runtime")
    moves, unread = _moves_for(context, runtimes, inputs["scripts"], source, target, inputs["projects"])
    moves = predicted_moves(moves) if context.check_mode else assign(context, moves)
    scripts = list(map(move_result, moves))
    moved = counted(sum(move.is_moved for move in moves), "script")
    unchanged = sum(script["action"] == "none" for script in scripts)
    would_be = "would be " if context.check_mode else ""
    msg = f"{moved} {would_be}moved to {target.name!r}, {unchanged} already there."
    result = {
        "changed": any(move.is_changed for move in moves),
        "msg": msg,
        "scripts": scripts,
        "diff": moves_diff(moves),
    }
    error = _error_of(moves, unread, msg)
    if error is not None:
        raise PartialError(error, result)
    return result


def _error_of(moves: Sequence[Move], unread: Sequence[Unread], msg: str) -> MstrError | None:
    """What failed, after what was done (`msg`), with the facts of the first cause. None if nothing failed."""
    failed = errors_of(moves)
    causes = [*failed, *((f"could not read the {failure.label}", failure.error) for failure in unread)]
    if not causes:
        return None
    what = "There may be more scripts that use the old runtime"
    if failed:
        what = f"{len(failed)} of {len(moves)} scripts failed"
    return MstrError(f"{msg} {failures(what, causes)}", **causes[0][1].error)


def _moves_for(
    context: Context,
    runtimes: Sequence[Runtime],
    entries: Sequence[ScriptEntry] | None,
    source: str | None,
    target: Runtime,
    projects: Sequence[str] | None,
) -> tuple[list[Move], Sequence[Unread]]:
    """What is to be done, and the failed reads because of which it may be too little. Raises ValidationError."""
    if entries is None:
        warn_of_projects(context, projects)
        usage = find_usage(context, projects)
        scripts = [*usage.of(source), *usage.of(target.id)]
        return [move_to(script, target, runtimes) for script in scripts], usage.unread
    usage = find_entries(context, entries)
    moves = [move_for(entry, usage, target, runtimes) for entry in entries]
    check_same_scripts(moves)
    return moves, ()


def _target(runtimes: Sequence[Runtime], text: str) -> Runtime:
    """The runtime that the scripts are to use. Raises ValidationError."""
    runtime = named_or_with_id(runtimes, text)
    if runtime is None:
        raise ValidationError([f"runtime: no runtime has the name or id {text!r}"])
    return runtime


def _source(runtimes: Sequence[Runtime], text: str) -> str:
    """The key of the runtime whose scripts are to be assigned, which may be gone. Raises ValidationError."""
    if is_id(text):
        return text.upper()
    runtime = named_or_with_id(runtimes, text)
    if runtime is None:
        raise ValidationError([f"from_runtime: no runtime has the name {text!r}; if it was deleted, give its id"])
    return runtime.key
