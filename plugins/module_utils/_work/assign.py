# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the assignments of scripts to runtimes, and checks that nothing else of a script changes.

Facts of the API: [mstrio], api/scripts.py, python_execution/script.py, utils/entity.py. An update must contain name and
folder. Whether a server keeps the fields that it omits is unknown, so it contains all, and they are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from .._errors import ApiError, ConnectError, MstrError, as_mstr_error
from .._model.runtime import Runtime
from .._model.scripts import SavedScript, holds_secret
from .._model.steps import ASSIGN, READ, UNKNOWN, Row, Step, assignments_in
from .._session.interrupt import Interrupted
from .._session.parallel import all_side_by_side
from .._session.response import Shape
from .api import Context, with_results
from .script_usage import SCRIPT_TYPE, read_script, shape_of
from .scripts import KEPT, with_targets
from .write import NotFoundOut, check_after_loss, finds_out, not_done_error

_RUNTIME = "scriptRuntimeId"
# An update does not contain it. It shows whether a script is still a data source, a transaction or a function, which
# an update may change by scriptUsageType; responses lack that [schema].
_SUBTYPE = "subtype"
_COMPARED = {**KEPT, _SUBTYPE: "kind"}


class Loss(MstrError):
    """The server assigned the runtime, and changed something else of the script."""


def _folder_in(properties: Any) -> str | None:
    """The id of the folder of a script: the lowest that contains it [mstrio]. None if it is missing."""
    with suppress(KeyError, TypeError):
        return next((str(folder["id"]) for folder in properties["ancestors"] if folder["level"] == 1), None)
    return None


_WITH_FOLDER = Shape("an object with the script's folder", lambda data: _folder_in(data) is not None)


def assign(context: Context, rows: Sequence[Row]) -> list[Row]:
    """Carry out the assignments that are due, in the order of the rows, to the runtimes as they are now.

    An error, even an unexpected one, or a signal becomes the error of its script and affects no other.
    """
    rows = with_targets(rows)
    due = [step for row in rows for step in row.due(ASSIGN)]
    if not due:
        return rows
    assigned = _assign_all(context, due, assignments_in(rows))
    return list(map(_with_reason, with_results(rows, lambda row: row.due(ASSIGN), assigned)))


def _with_reason(row: Row) -> Row:
    """The row of a runtime; if one of its scripts failed, its error says which."""
    if row.error or row.main.script:
        return row
    for step in row.in_phase(ASSIGN):
        if step.error:
            return row._replace(error=_reason(step, step.error))
    return row


def _reason(step: Step, error: MstrError) -> MstrError:
    """The error of a runtime whose script failed."""
    if step.is_reported and not isinstance(error, Loss):
        return error
    how = "was moved, but" if step.done else "was not moved:"
    return MstrError(f"The {step.label} {how} {error}", **error.error)


def _assign_all(context: Context, due: Sequence[Step], all_of_task: Iterable[Step]) -> list[Step]:
    """The steps after the work."""
    done = [step for step in all_of_task if step.done and step.plan.changed]
    # The first one alone: if this server loses a part of a script, the others are left as they are.
    first = [] if done else [_moved_or_failed(context, due[0])]
    following = due[len(first) :]

    def report_progress(number: int) -> None:
        context.progress(f"{len(first) + number} of {len(due)} scripts assigned")

    losses = [step.error for step in (*done, *first) if isinstance(step.error, Loss)]
    if losses:
        why = f"It was not assigned, because the first script of the task lost something: {losses[0].sentence}"
        failed = [step._replace(error=MstrError(why)) for step in following]
        return [*first, *failed]
    return [*first, *all_side_by_side(partial(_moved_or_failed, context), following, report_progress)]


def _moved_or_failed(context: Context, step: Step) -> Step:
    """The step after its work."""
    try:
        return _move(context, step)
    except Exception as exc:
        state = UNKNOWN if isinstance(exc, NotFoundOut) else step.state
        return step._replace(state=state, error=as_mstr_error(exc))


def _move(context: Context, step: Step) -> Step:
    """The step after its write. Raises MstrError if the script is left as it is."""
    script, target = step.script, step.successor
    if script is None or target is None:
        return step
    before = _read(context, script)
    if before[_RUNTIME] == target.key:
        return step._replace(state=READ, plan=step.plan._replace(action="none"))
    if before[_RUNTIME] != script.runtime_id:
        now = script._replace(runtime_id=before[_RUNTIME])
        return step._replace(script=now, before=None, error=_taken(before[_RUNTIME]))
    if context.api.get(str(target.id), repr(target.name)) is None:
        raise MstrError(f"The runtime {target.label} was deleted meanwhile.")
    body = _body(before)
    is_sent = False
    try:
        _put(context, script, target, body)
        is_sent = True
        after = _read_again(context, script)
    except MstrError as exc:
        stopped = exc if isinstance(exc, Interrupted) else exc.__cause__
        may_be_done = is_sent or exc is not stopped or exc.outcome_unknown
        if not isinstance(stopped, Interrupted) or not may_be_done:
            raise
        return _seen_at_last(context, step, script, stopped)
    return _compared(step, script, target, before, after)


def _body(before: Mapping[str, Any]) -> dict[str, Any]:
    """What an update sends of a script that was read.

    Whatever the server does with what an update omits, nothing else of the script changes. But what was read of a
    secret may be a mask.
    """
    omitted = {_RUNTIME, _SUBTYPE, *(["variables"] if holds_secret(before) else [])}
    return {name: value for name, value in before.items() if value is not None and name not in omitted}


def _compared(
    step: Step, script: SavedScript, target: Runtime, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Step:
    """The step with an error if the script does not use the runtime, or is different in another way."""
    lost = [name for name in _COMPARED if (before[name] or None) != (after[name] or None)]
    error: MstrError | None = None
    if lost:
        words = ", ".join(_COMPARED[name] for name in lost)
        error = Loss(f"While the server assigned the runtime, it changed {words}. Check it.")
    if after[_RUNTIME] == target.key:
        return step._replace(state=READ, error=error)
    ignored = f"The server accepted a new runtime for the {script.label}, but the script still uses {after[_RUNTIME]}."
    return step._replace(error=error or MstrError(ignored))


def _read(context: Context, script: SavedScript) -> dict[str, Any]:
    """The script's fields, those of an update included, and the id of its runtime. Raises MstrError."""
    data = read_script(context.session, script)
    operation, project = f"read the folder of the {script.label}", script.project.id
    path, params = f"/objects/{script.id}", {"type": SCRIPT_TYPE}
    properties = context.session.get(path, params, operation=operation, project=project, shape=_WITH_FOLDER)
    fields = {**{name: data.get(name) for name in _COMPARED}, "folderId": _folder_in(properties)}
    return {**fields, _RUNTIME: script.on_runtime(data).runtime_id}


def _read_again(context: Context, script: SavedScript) -> Mapping[str, Any]:
    """The script after its update. Raises MstrError."""
    try:
        return _read(context, script)
    except Interrupted:
        raise
    except MstrError as exc:
        unread = "could not be read again after the update, so it is unknown which runtime it uses. Check it."
        raise NotFoundOut(f"The {script.label} {unread} {exc.sentence}", **exc.error) from exc


def _put(context: Context, script: SavedScript, target: Runtime, fields: Mapping[str, Any]) -> None:
    """Update the script. The response says nothing [mstrio], so it is not read. Raises MstrError."""
    path, operation = f"/scripts/{script.id}", f"assign the runtime {target.label} to the {script.label}"
    body = {**fields, _RUNTIME: target.id}
    for tries in range(context.retries, -1, -1):
        try:
            context.session.request("PUT", path, json=body, operation=operation, project=script.project.id)
            return
        except (ApiError, ConnectError) as exc:
            if not exc.outcome_unknown:
                raise
            lost = exc
        if _is_done_after(context, script, target, lost):
            return
        if not tries:
            raise not_done_error(lost, f"the {script.label} still does not use the runtime {target.label}")


def _is_done_after(context: Context, script: SavedScript, target: Runtime, lost: MstrError) -> bool:
    """Whether an update was carried out whose response was lost. Raises MstrError."""
    unknown = f"The {script.label} may or may not use the runtime {target.label}"
    despite_outage = context.session.despite_outage(finds_out(lost))
    read = despite_outage(partial(_read, context, script))
    for seen in check_after_loss(context.pause, context.retries, lost, read, unknown):
        if seen[_RUNTIME] == target.key:
            return True
        if seen[_RUNTIME] != script.runtime_id:
            raise _taken(seen[_RUNTIME])
    return False


def _seen_at_last(context: Context, step: Step, script: SavedScript, stopped: Interrupted) -> Step:
    """After a signal: the step with what one request of 5 s shows of the script."""
    during = stopped.during(f"the runtime of the {script.label} was being changed")
    path, operation, project = f"/scripts/{script.id}", f"check the {script.label}", script.project.id
    request = context.session.last_request
    try:
        read = request("GET", path, operation=operation, project=project, shape=shape_of(script))
        now = script.on_runtime(read).runtime_id
    except MstrError as exc:
        unchecked = MstrError(f"{during.sentence}. Check which runtime it uses. {exc.sentence}", **exc.error)
        return step._replace(state=UNKNOWN, error=unchecked)
    is_moved = step.successor is not None and now == step.successor.key
    return step._replace(state=READ if is_moved else UNKNOWN, error=during)


def _taken(runtime_id: str) -> MstrError:
    return MstrError(f"Somebody assigned {runtime_id} to it.")
