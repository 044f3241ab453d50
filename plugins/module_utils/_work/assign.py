# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the assignments of scripts to runtimes, and checks that nothing else of a script changes.

Facts of the API: [mstrio], api/scripts.py, python_execution/script.py, utils/entity.py. An update must contain name and
folder. Whether a server keeps the fields that it omits is unknown, so it contains all, and they are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from .._errors import ApiError, ConnectError, Interrupted, MstrError, as_mstr_error
from .._model.moves import Move
from .._model.runtime import Runtime
from .._model.scripts import SavedScript, holds_secret
from .._model.steps import READ, UNKNOWN
from .._session.parallel import all_side_by_side
from .._session.response import Shape
from .api import Context
from .script_usage import SCRIPT_TYPE, read_script, shape_of
from .scripts import KEPT
from .write import PAUSES, NotFoundOut, check_after_loss, looks, retries_used_up

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


def assign(context: Context, moves: Sequence[Move]) -> list[Move]:
    """The moves after the work, in their order, to the runtimes as they are now.

    Scripts are moved one by one until one was compared after its update: if this server loses a part of it, the others
    are left as they are. An error, even an unexpected one, or a signal becomes the error of its script and affects no
    other.
    """
    due = [move for move in moves if move.is_due]
    moved: list[Move] = []
    loss: MstrError | None = None
    for move in due:
        moved.append(_moved_or_failed(context, move))
        loss = moved[-1].error if isinstance(moved[-1].error, Loss) else None
        if loss or moved[-1].state == READ:
            break  # it was compared
    following = due[len(moved) :]
    if loss:
        why = f"It was not assigned, because the first script of the task lost something: {loss.sentence}"
        moved += [move._replace(error=MstrError(why)) for move in following]
    else:
        alone = len(moved)
        moved += all_side_by_side(
            partial(_moved_or_failed, context),
            following,
            lambda number: context.progress(f"{alone + number} of {len(due)} scripts assigned"),
        )
    results = iter(moved)
    return [next(results) if move.is_due else move for move in moves]


def _moved_or_failed(context: Context, move: Move) -> Move:
    """The move after its work."""
    try:
        return _move(context, move)
    except Exception as exc:
        # A fault proves nothing: the update may have been sent.
        is_known = isinstance(exc, (MstrError, Interrupted)) and not isinstance(exc, NotFoundOut)
        state = move.state if is_known else UNKNOWN
        return move._replace(state=state, error=as_mstr_error(exc))


def _move(context: Context, move: Move) -> Move:
    """The move after its write. Raises MstrError if the script is left as it is."""
    script, target = move.script, move.target
    before = _read(context, script)
    if before[_RUNTIME] == target.key:
        return move._replace(source=target)
    if before[_RUNTIME] != script.runtime_id:
        now = script._replace(runtime_id=before[_RUNTIME])
        return move._replace(script=now, source=Runtime({}, id=before[_RUNTIME]), error=_taken(before[_RUNTIME]))
    if context.api.read(str(target.id), repr(target.name)) is None:
        raise MstrError(f"The runtime {target.label} was deleted meanwhile.")
    body = _body(before)
    is_sent = False
    try:
        _put(context, script, target, body)
        is_sent = True
        after = _read_after(context, script)
    except Interrupted as exc:
        if not (is_sent or exc.outcome_unknown):
            raise
        return _seen_at_last(context, move, exc)
    return _compared(move, before, after)


def _body(before: Mapping[str, Any]) -> dict[str, Any]:
    """What an update sends of a script that was read.

    Whatever the server does with what an update omits, nothing else of the script changes. But what was read of a
    secret may be a mask.
    """
    omitted = {_RUNTIME, _SUBTYPE, *(["variables"] if holds_secret(before) else [])}
    return {name: value for name, value in before.items() if value is not None and name not in omitted}


def _compared(move: Move, before: Mapping[str, Any], after: Mapping[str, Any]) -> Move:
    """The move with an error if the script does not use the runtime, or is different in another way."""
    lost = [word for name, word in _COMPARED.items() if (before[name] or None) != (after[name] or None)]
    is_moved = after[_RUNTIME] == move.target.key
    if lost:
        loss = Loss(f"While the server assigned the runtime, it changed {', '.join(lost)}. Check it.")
        return move._replace(state=READ if is_moved else UNKNOWN, error=loss)
    if is_moved:
        return move._replace(state=READ)
    ignored = f"The server accepted a new runtime for the {move.label}, but the script still uses {after[_RUNTIME]}."
    return move._replace(error=MstrError(ignored))


def _read(context: Context, script: SavedScript) -> dict[str, Any]:
    """The script's fields, those of an update included, and the id of its runtime. Raises MstrError."""
    data = read_script(context.session, script)
    operation, project = f"read the folder of the {script.label}", script.project.id
    path, params = f"/objects/{script.id}", {"type": SCRIPT_TYPE}
    properties = context.session.get(path, params, operation=operation, project=project, shape=_WITH_FOLDER)
    fields = {**{name: data.get(name) for name in _COMPARED}, "folderId": _folder_in(properties)}
    return {**fields, _RUNTIME: script.on_runtime(data).runtime_id}


def _read_after(context: Context, script: SavedScript) -> Mapping[str, Any]:
    """The script after its update. While it uses its old runtime, it is read again for some seconds. Raises MstrError.

    A server may show for a moment what it had before, or no script, and an outage may last for a moment.
    """
    after: Mapping[str, Any] = {}
    try:
        for after in looks(context, (0.0, *PAUSES), partial(_read, context, script)):
            if after[_RUNTIME] != script.runtime_id:
                break
    except MstrError as exc:
        unread = "could not be read again after the update, so it is unknown which runtime it uses. Check it."
        raise NotFoundOut(f"The {script.label} {unread} {exc.sentence}", **exc.error) from exc
    return after


def _put(context: Context, script: SavedScript, target: Runtime, fields: Mapping[str, Any]) -> None:
    """Update the script. The response says nothing [mstrio], so it is not read. Raises MstrError."""
    path, operation = f"/scripts/{script.id}", f"assign the runtime {target.label} to the {script.label}"
    body = {**fields, _RUNTIME: target.id}
    lost: MstrError | None = None
    try:
        for _attempt in range(context.retries + 1):
            try:
                context.session.request("PUT", path, json=body, operation=operation, project=script.project.id)
                return
            except (ApiError, ConnectError) as exc:
                if not exc.outcome_unknown:
                    raise
                lost = exc
            if _is_done_after(context, script, target, lost):
                return
    except Interrupted as exc:
        exc.outcome_unknown |= lost is not None
        raise
    if lost:
        raise retries_used_up(lost, f"the {script.label} still does not use the runtime {target.label}")


def _is_done_after(context: Context, script: SavedScript, target: Runtime, lost: MstrError) -> bool:
    """Whether an update was carried out whose response was lost. Raises MstrError."""
    unknown = f"The {script.label} may or may not use the runtime {target.label}"
    for seen in check_after_loss(context, lost, partial(_read, context, script), unknown):
        if seen[_RUNTIME] == target.key:
            return True
        if seen[_RUNTIME] != script.runtime_id:
            raise _taken(seen[_RUNTIME])
    return False


def _seen_at_last(context: Context, move: Move, stopped: Interrupted) -> Move:
    """After a signal: the move with what one request of 5 s shows of the script."""
    script = move.script
    during = stopped.during(f"the runtime of the {script.label} was being changed")
    path, operation, project = f"/scripts/{script.id}", f"check the {script.label}", script.project.id
    request = context.session.last_request
    try:
        read = request("GET", path, operation=operation, project=project, shape=shape_of(script))
        now = script.on_runtime(read).runtime_id
    except MstrError as exc:
        unchecked = MstrError(f"{during.sentence}. Check which runtime it uses. {exc.sentence}", **exc.error)
        return move._replace(state=UNKNOWN, error=unchecked)
    return move._replace(state=READ if now == move.target.key else UNKNOWN, error=during)


def _taken(runtime_id: str) -> MstrError:
    return MstrError(f"Somebody assigned {runtime_id} to it.")
