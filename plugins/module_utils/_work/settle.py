# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletes runtimes, and renames what takes their place: replacements, undone ones, absent ones and purged ones.

The API has no conditional request, so each deletion rests on reads just before it: once for all of them the list and
the scripts; of each, the runtime itself, and last the one that takes its scripts. Afterwards, scripts that still name a
deleted runtime follow to that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Optional

from .._errors import MstrError
from .._model.plan import NO_PLAN, changed_since
from .._model.runtime import Runtime, lists_default, unfinished_in
from .._model.scripts import Unread, Usage
from .._model.steps import DELETE, DELETE_OLD, FINISH, PLANNED, PURGE, READ, RENAME, UNDO, UNKNOWN, Row, Step
from .._text import ended
from .api import Context, attempt, map_rows, map_steps, with_results
from .guards import refusals
from .locate import plan_step
from .write import CHANGED, CHECK_IT, check_again, is_unproven, write, write_and_read

# The runtimes as listed; None if something happened since
Listed = Optional[Sequence[Runtime]]


class _BeforeDeletions(NamedTuple):
    """What was read just before deletions. `reasons`: why runtimes must not be deleted, by their keys."""

    runtimes: Sequence[Runtime]
    usage: Usage
    reasons: Mapping[str, str]


def settle(
    context: Context, rows: Sequence[Row], phases: Sequence[str], listed: Listed = None
) -> tuple[list[Row], Listed]:
    """Delete what is due in these phases, let scripts follow, and give names. The rows say what failed.

    `listed`: the runtimes, if nothing happened since; they are returned, too.
    """
    rows, listed = delete(context, rows, phases, listed)
    followed = _with_followers(context, rows)
    named = _renamed(context, followed, listed)
    return named, listed if named == rows else None


# --- deletions


def delete(context: Context, rows: Sequence[Row], phases: Sequence[str], listed: Listed) -> tuple[list[Row], Listed]:
    """Carry out the deletions of these phases, if the runtimes are as they were planned; check that they are gone.

    `listed`: the runtimes, if nothing happened since; they are returned, too.
    """

    def due_in(row: Row) -> list[Step]:
        return row.due(*phases)

    due = [step for row in rows for step in due_in(row)]
    if not due:
        return list(rows), listed
    # Without a list, a single deletion by id concerns nothing else.
    by_id = not context.existing and due[0].successor is None
    try:
        listed = [] if by_id else listed or context.api.list_all()
        found = _read_before_deletions(context, rows, due, listed)
    except MstrError as exc:
        # Also after a signal: what was written so far must be reported.
        return with_results(rows, due_in, [_not_deleted(step, exc) for step in due]), None
    rows = map_steps(context, partial(_delete_one, context, found), rows, due_in, "deleted")
    if not any(is_unproven(step) for row in rows for step in row.in_phase(*phases)):
        return rows, None
    check = partial(_checked_gone, context, {runtime.key for runtime in found.runtimes})
    return check_again(context, rows, not by_id, check)


def _not_deleted(step: Step, cause: MstrError) -> Step:
    return step._replace(error=MstrError(f"{step.label} was not deleted. {cause.sentence}", **cause.error))


def _read_before_deletions(
    context: Context, rows: Sequence[Row], due: Sequence[Step], listed: Sequence[Runtime]
) -> _BeforeDeletions:
    """What there is just before the deletions. Raises MstrError."""
    context = context._replace(existing=listed)
    usage = None
    if context.inputs.protects or any(step.successor for step in due):
        from .script_usage import find_usage  # only what scripts may use needs it

        usage = find_usage(context, None)
    return _BeforeDeletions(listed, usage or Usage(), dict(_reasons(context, rows, due, usage)))


def _reasons(
    context: Context, rows: Sequence[Row], due: Sequence[Step], usage: Usage | None
) -> Iterator[tuple[str, str]]:
    """Why runtimes must not be deleted, each with its key."""
    for runtimes, why in refusals(context, rows, due, usage):
        for runtime in runtimes:
            yield runtime.key, why
    purged = {step.key for step in due if step.phase == PURGE}
    for mark in unfinished_in(context.existing):
        if mark.replaced in purged:
            yield mark.replaced, f"{mark.runtime.label} is to replace it"


def _delete_one(context: Context, found: _BeforeDeletions, step: Step) -> Step:
    """The step after its deletion. Raises MstrError if the runtime is left alone."""
    if step.key in found.reasons:
        raise MstrError(f"{step.label} was not deleted, {CHANGED}: {found.reasons[step.key]}")
    context = context._replace(existing=found.runtimes)
    if step.phase == DELETE_OLD and step.successor:
        return _commit(context, found, step, step.successor)
    if _as_planned(context, found, step) is None:
        before = None if step.phase == DELETE else step.before
        return step._replace(before=before, plan=NO_PLAN).finished(READ)
    if step.successor:
        _check_scripts(found, step)
        _check_successor(context, step.successor)
    return write(context, step)


def _commit(context: Context, found: _BeforeDeletions, step: Step, new: Runtime) -> Step:
    """The deletion of the old runtime of a replacement after its write. Raises MstrError if it is left alone.

    After a lost response, a proxy may have given up before the server, which deletes the runtime after the last check.
    If scripts went back to it, they would use a runtime that does not exist.
    """
    _check_alone(found, step, new)
    if _as_planned(context, found, step) is None:
        raise MstrError(f"{step.seen.label} was deleted meanwhile")
    _check_scripts(found, step)
    changed = ", ".join(changed_since(_check_successor(context, new), new))
    if changed:
        raise MstrError(f"The runtime {new.label} changed meanwhile: {changed}")
    try:
        return write(context, step)
    except MstrError as exc:
        if exc.outcome_unknown:
            return step._replace(state=UNKNOWN, error=exc)
        raise


def _as_planned(context: Context, found: _BeforeDeletions, step: Step) -> Runtime | None:
    """The runtime to delete, None if it is gone. Raises MstrError if it has changed since the plan."""
    planned = step.seen
    # A list may omit a runtime, or a field of it, that a read by its id shows.
    current = context.api.find(str(planned.id), repr(planned.name))
    if current is None:
        return None
    changed = ", ".join(changed_since(current, planned))
    names = [runtime.name for runtime in found.runtimes]
    if not changed and not step.wanted.id and names.count(current.name) > 1:
        changed = "other runtimes now have its name"
    if changed:
        raise MstrError(f"{planned.label} was not deleted, {CHANGED}: {changed}. {CHECK_IT}")
    return current


def _check_alone(found: _BeforeDeletions, step: Step, new: Runtime) -> None:
    """Raises MstrError if another run replaces the same runtime, or somebody has the name of the new one."""
    [own] = unfinished_in([new])
    for mark in unfinished_in(found.runtimes):
        is_rival = mark.replaced == step.key and mark.key != new.key
        if is_rival:
            raise MstrError(f"Another run replaces {step.seen.label}, too: its runtime is {mark.runtime.label}")
    for other in found.runtimes:
        if other.name == own.name and other.key not in (step.key, new.key):
            raise MstrError(f"{other.label} has the name that {new.label} is to take")


def _check_scripts(found: _BeforeDeletions, step: Step) -> None:
    """Raises MstrError if a script uses the runtime to delete, or if that is not known."""
    if found.usage.unread:
        raise MstrError(f"Not every script could be read again: {found.usage.unread[0].error.sentence}")
    users = found.usage.of(step.key)
    if users:
        raise MstrError(f"The {users[0].label} uses {step.seen.label}, {CHANGED}")


def _check_successor(context: Context, successor: Runtime) -> Runtime:
    """The runtime that takes the scripts, which is read last. Raises MstrError if it does not exist."""
    current = context.api.find(str(successor.id), repr(successor.name))
    if current is None:
        raise MstrError(f"The runtime {successor.label} was deleted meanwhile")
    return current


def _checked_gone(context: Context, keys: set[str], after: Sequence[Runtime], step: Step) -> Step:
    """The step, with an error if the deleted runtime still exists. `keys`: the keys in the list before the deletions.

    The list `after` them has the last word: what it still shows was not deleted, even if its id is not found, because
    the user may lack permission. What no complete list shows is read.
    """
    why, runtime = None, step.seen
    if any(left.key == runtime.key for left in after):
        why = "the list of runtimes shows it. The user may lack permission on this object"
    elif not (runtime.key in keys and lists_default(after)) and context.api.get(str(runtime.id), repr(runtime.name)):
        why = "it can still be read"
    if why is None:
        return step._replace(state=READ)
    error = MstrError(f"The server reported {runtime.label} as deleted, but it still exists: {why}")
    return step._replace(state=PLANNED, error=error)


# --- afterwards


def _with_followers(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows, after the scripts that still name a deleted runtime were assigned to what took its place.

    Of a replacement that is finished, these are the scripts that name the runtime which is gone.
    """
    if not any(map(_deleted_and_successor, rows)):
        return list(rows)
    from .assign import assign  # only these tasks need it
    from .script_usage import find_usage

    try:
        usage = find_usage(context, None)
    except MstrError as exc:
        usage = Usage((), [Unread(None, None, exc)])
    return assign(context, [_with_follower(row, usage) for row in rows])


def _with_follower(row: Row, usage: Usage) -> Row:
    """The row with an assignment for each script that still names its deleted runtime."""
    pair = _deleted_and_successor(row)
    if pair is None or row.failure:
        return row
    if usage.unread:
        unread = f"Not every script could be read again: {ended(usage.unread[0].error.sentence)}"
        return row._replace(error=MstrError(f"{unread} {_state_of(row)}"))
    from .scripts import assignment

    deleted, successor = pair
    moves = [assignment(script, successor, [deleted]) for script in usage.of(deleted.key)]
    return row._replace(steps=(*row.steps, *moves))


def _deleted_and_successor(row: Row) -> tuple[Runtime, Runtime] | None:
    """The runtime that scripts must not name any more, and the one that they are to use; None for other rows."""
    for step in row.in_phase(DELETE_OLD, UNDO):
        if step.done and step.successor:
            return step.seen, step.successor
    finish = row.due(FINISH)
    if finish:
        [mark] = unfinished_in([finish[0].seen])
        return Runtime({}, id=mark.replaced), mark.runtime
    return None


def _state_of(row: Row) -> str:
    """What there is after a deletion, when something failed."""
    for step in row.in_phase(DELETE_OLD):
        new = step.successor or Runtime({})
        return f"{step.seen.label} is deleted, and {new.label} keeps its name. Set recover: true to finish it."
    for step in row.in_phase(UNDO):
        # Its name is gone with it, so no later run knows of these scripts.
        to = step.successor or Runtime({})
        return f"Assign the scripts that still use {step.seen.label} to {to.label} with mstr_script_runtime."
    return "Run the task again."


def _renamed(context: Context, rows: Sequence[Row], listed: Listed) -> list[Row]:
    """The rows, after what replaces others has taken its name."""
    due = [row for row in rows if row.due(RENAME, FINISH)]
    if not due:
        return list(rows)
    if listed is None:
        try:
            listed = context.api.list_all()
        except MstrError as exc:
            return [row._replace(error=exc) if row in due else row for row in rows]
    take = partial(_with_name, context._replace(existing=listed))
    return map_rows(context, take, rows, lambda row: bool(row.due(RENAME, FINISH)), "renamed")


def _with_name(context: Context, row: Row) -> Row:
    """The row, whose runtime has taken its name; or with an error that says which name it has."""
    [step] = row.due(RENAME, FINISH)
    new = row.main.after or step.seen
    name = str(step.wanted.name)
    holder = next((other for other in context.existing if other.name == name and other.key != new.key), None)
    if holder:
        used = f"the name of {new.label}, which the scripts use"
        raise MstrError(f"{holder.label} has {used}. Rename one of them by its id")
    step = step._replace(wanted=step.wanted._replace(id=new.id), before=new)
    step = attempt(partial(plan_step, context), step)
    step = step if step.error else write_and_read(context, step)
    row = row.with_step(step)
    if step.error is None or step.done:
        return row
    took = "may not have taken its name" if step.state == UNKNOWN else "could not take its name"
    text = f"{ended(step.error.sentence)} The scripts use {new.label}, which {took}. Set recover: true to finish it."
    return row._replace(error=MstrError(text, **step.error.error))
