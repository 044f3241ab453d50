# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is deleted: the plan of a purge, and the last look before and after deletions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from .._errors import MstrError
from .._model.alike import is_named
from .._model.plan import NO_PLAN
from .._model.purge import Purge
from .._model.runtime import Runtime, lists_default, mark_in
from .._model.steps import CLEAN_UP, DELETE_OLD, PLANNED, PURGE, READ, UNDO, Row, Step
from .._model.stored import changed_since, deletion_of
from .api import ALL_FIELDS, Context, Work
from .guards import Refusal, refusals
from .locate import is_found_by_id, plan_step
from .side_by_side import map_items, map_steps
from .write import CHANGED, CHECK_IT, check_again, is_unproven, write


def purge_rows(context: Context, purge: Purge, rows: Sequence[Row]) -> list[Row]:
    """A row for each unlisted runtime to delete."""
    # Compare names too: a listed runtime that cannot be read must not be deleted.
    kept = {row.wanted.name for row in rows if not row.wanted.id}
    keys = {step.key for row in rows for step in row.steps}
    renamed = {name for row in rows for name in row.wanted.previous_names}
    keys |= {row.beside.key for row in rows if row.beside}
    spared: list[str] = []
    purged: list[Row] = []
    for runtime in context.existing:
        mark = context.left.get(runtime.key)
        meant = [(runtime.name, runtime.id), *([(mark.name, mark.replaced)] if mark else [])]
        excluded, left_out = (
            any(is_named(name, entries, identity) for name, identity in meant)
            for entries in (purge.exclude, purge.left_out)
        )
        if runtime.is_default or runtime.key in keys or excluded:
            continue
        if left_out:
            spared.append(f"{runtime.label}, left out of the file")
        elif runtime.name in renamed:
            spared.append(f"{runtime.label}, a previous name of a listed one")
        elif mark and not (mark.old or mark.is_gone):
            spared.append(f"{runtime.label}, an unfinished replacement of what may exist")
        elif runtime.name not in kept:
            absent = deletion_of(runtime, purge.comment)
            step = Step(absent, PURGE, runtime, unused_only=mark is not None)
            purged.append(Row(absent, PURGE, (step,)))
    if spared:
        context.warn(f"The purge spares {'; '.join(sorted(spared))}. Delete with state: absent what nobody needs.")

    def read_and_plan(row: Row) -> Row:
        step = row.main._replace(before=context.api.with_all_fields(row.main.before, ALL_FIELDS))
        return row._replace(steps=(plan_step(context, step),))

    purged = map_items(context, read_and_plan, purged, lambda row: True, "read")
    purged = [row for row in purged if row.failure or row.main.is_due]  # one may have been deleted meanwhile
    if purged:
        _warn_of_exclusions(context, purge)
    return purged


def _warn_of_exclusions(context: Context, purge: Purge) -> None:
    for text in purge.exclude:
        # A misspelled name keeps nothing. A pattern is often for runtimes that only some servers have.
        is_used = any(is_named(runtime.name, [text], runtime.id) for runtime in context.existing)
        if not is_used and not re.search("[*?]", text):
            context.warn(f"purge_exclude {text!r} matches no runtime, so it keeps none. Check the spelling.")


def delete(context: Context, work: Work, phase: str) -> Work:
    """Carry out the deletions of a phase, if the runtimes are as they were planned; check that they are gone."""
    group = [step for row in work.rows for step in row.due(phase)]
    if not group:
        return work
    by_id = not context.inputs.purge and is_found_by_id([step.wanted for step in group])
    listed = work.listed
    if listed is None:
        try:
            listed = [] if by_id else context.api.list_all()
        except MstrError as exc:
            return _spared(work, phase, partial(_unchecked, exc))
    work = _checked_again(context._replace(existing=listed), work, phase)
    rows = map_steps(context, partial(write, context), work.rows, lambda row, step: step in row.due(phase), "deleted")
    work = work.outdated()._replace(rows=rows)
    done = [step for row in rows for step in row.in_phase(phase) if step.plan.changed]
    if any(map(is_unproven, done)):
        # Another list, which also shows what a purge may delete then.
        check = partial(_checked_gone, context, {runtime.key for runtime in listed})
        rows, listed = check_again(context, rows, not by_id, check)
    elif done:
        listed = None  # time has passed, also after a failure
    return work._replace(rows=rows, listed=listed)


def _checked_again(context: Context, work: Work, phase: str) -> Work:
    """The work, with an error for each step that deletes what has changed since the plan or what a guard now refuses.

    The context has the runtimes on the server now; none for a single one that its id finds.
    """
    read = partial(_as_planned, context, {runtime.key: runtime for runtime in context.existing})
    rows = map_steps(context, read, work.rows, lambda row, step: step in row.due(phase), "read again")
    rows = [row.with_step(row.main._replace(before=None)) if _is_gone(row, phase) else row for row in rows]
    # A purged runtime that is already gone is no part of the result.
    work = work._replace(rows=[row for row in rows if not row.is_purged or row.main.before])
    due = [step for row in work.rows for step in row.due(phase)]
    reasons: list[Refusal] = []

    def refused(step: Step) -> MstrError | None:
        why = next((why for runtimes, why in reasons if step.before in runtimes), None)
        if why is None and step.phase in (UNDO, CLEAN_UP):
            why = _only_one_left(context, step)
        return MstrError(f"{step.label} was not deleted, {CHANGED}: {why}") if why else None

    try:
        if work.scripts and any(step.unused_only or context.inputs.protects for step in due):
            work = work._replace(scripts=work.scripts.looked_up(context))
        reasons += refusals(context, work, due)
        return _spared(work, phase, refused)
    except MstrError as exc:
        # Also after a signal: what was written so far must be reported.
        return _spared(work, phase, partial(_unchecked, exc))


def _only_one_left(context: Context, step: Step) -> str | None:
    """Why an unfinished replacement must not be deleted: another run has deleted what it replaces meanwhile.

    This is asked last. If a runtime has taken the name, another replacement was finished.
    """
    found = mark_in(step.seen.name)
    if found is None or context.api.get(found[1]) or any(one.name == found[0] for one in context.api.list_all()):
        return None
    return f"the runtime {found[1]}, which it replaces, was deleted meanwhile"


def _spared(work: Work, phase: str, why: Callable[[Step], MstrError | None]) -> Work:
    """The work, with the error of each due step of a phase."""

    def spared(row: Row) -> Row:
        due = row.due(phase)
        return row._replace(steps=tuple(step._replace(error=why(step)) if step in due else step for step in row.steps))

    return work._replace(rows=list(map(spared, work.rows)))


def _unchecked(cause: MstrError, step: Step) -> MstrError:
    return MstrError(f"{step.label} was not deleted. {cause.sentence}", **cause.error)


def _as_planned(context: Context, listed: Mapping[str, Runtime], step: Step) -> Step:
    """The step, without a plan if its runtime is gone. Raises MstrError if it has changed since the plan."""
    planned = step.seen
    # A list may omit a runtime that can be read by its id. What scripts may still use is always read so.
    shown = None if step.phase == DELETE_OLD else listed.get(planned.key)
    now = shown or context.api.get(str(planned.id), repr(planned.name))
    if now and (now.facts.get("version") is None or planned.facts.get("version") is None):
        now = context.api.with_all_fields(now, ALL_FIELDS)
    if now is None:
        return step._replace(plan=NO_PLAN).finished(READ)
    changed = ", ".join(changed_since(now, planned))
    if not changed and not step.wanted.id and [runtime.name for runtime in listed.values()].count(now.name) > 1:
        changed = "other runtimes now have its name"
    if changed:
        raise MstrError(f"{planned.label} was not deleted, {CHANGED}: {changed}. {CHECK_IT}")
    return step


def _is_gone(row: Row, phase: str) -> bool:
    """Whether somebody else has deleted what the row was to delete, and nothing was done with it before."""
    return row.main.phase == phase and row.main.state == READ and not row.main.plan.changed


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
