# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans what becomes of the unfinished replacements that earlier runs left.

Before the runtime that one replaces is deleted, it is gone on with or undone; afterwards it is finished.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .._errors import MstrError, ValidationError, ended
from .._model.marks import Mark, marks_in
from .._model.plan import NO_PLAN
from .._model.runtime import Runtime, lists_default, mark_in
from .._model.scripts import Usage
from .._model.steps import UNDO, Row, Step
from .._model.stored import deletion_of
from .._model.usage import name_of
from .._session.interrupt import Interrupted
from .api import Context
from .locate import plan_step
from .names import as_listed, is_own, successor
from .script_usage import find_usage


def with_left(context: Context) -> Context:
    """The context with the unfinished replacements that concern the task, and with the scripts, if there are any."""
    inputs = context.inputs
    names = {name for entry in inputs.definitions for name in (entry.name, *entry.previous_names)}
    ids = {entry.id for entry in inputs.definitions}
    by_key = {runtime.key: runtime for runtime in context.existing}
    left: dict[str, Mark] = {}
    for mark in marks_in(context.existing):
        old = by_key.get(mark.replaced)
        known = {mark.name, mark.runtime.name, *([old.name] if old else [])}
        if inputs.purge or known & names or {mark.key, mark.replaced} & ids:
            left[mark.key] = with_state(context, mark, by_key)
    if not left:
        return context
    usage = context.usage or find_usage(context, None)
    return context._replace(left=left, usage=usage)


def with_state(context: Context, mark: Mark, listed: Mapping[str, Runtime]) -> Mark:
    """The unfinished replacement with what is known of the runtime that it replaces. `listed`: the runtimes by key.

    That one is gone if no complete list shows it, and it cannot be read by its id, either.
    """
    old = listed.get(mark.replaced)
    try:
        is_gone = old is None and lists_default(listed.values()) and context.api.get(mark.replaced) is None
    except Interrupted:
        raise
    except MstrError:
        is_gone = False
    return mark._replace(old=old, is_gone=is_gone)


def _usage(context: Context) -> Usage:
    return context.usage or Usage()


def users(context: Context, mark: Mark) -> Sequence[object]:
    """The scripts that use it, and those that still name the runtime that is gone."""
    gone = _usage(context).of(mark.replaced) if mark.is_gone else []
    return [*_usage(context).of(mark.key), *gone]


def plan_recovery(
    context: Context,
    claimed: Collection[str],
    absent: Collection[str],
    row: Row,
    old: Sequence[Runtime],
    differs: bool,
) -> tuple[Row, Runtime | None]:
    """The row with the steps that undo or finish what an earlier run left, and the runtime that it goes on with.

    `claimed`: the keys of unfinished replacements that definitions mean by themselves; `absent`: of what they delete,
    which takes no name any more. `old`: what the row replaces;
    `differs`: with a runtime beside. Raises ValidationError if the row must not be carried out.
    """
    wanted, before = row.wanted, row.main.before
    names = () if wanted.id else (wanted.name, *wanted.previous_names)
    marks = [mark for mark in context.left.values() if mark.key not in claimed]
    for mark in marks:
        if not mark.old and not mark.is_gone and (mark.name in names or wanted.id == mark.replaced):
            unknown = f"whether the runtime {mark.replaced} still exists, which {mark.runtime.label} replaces"
            raise ValidationError([f"It could not be found out {unknown}. Run the task again; or {mark.ends}"])
    own = context.left.get(before.key) if before and before.key not in claimed else None
    name = own.name if own else before.name if before else None
    for mark in marks:
        takes_name = mark.is_gone and mark.name in names and mark.key not in absent
        if takes_name and mark is not own and mark.name != (own.name if own else None):
            _check_beside(context, row, mark, name, old)
    if own:
        row = _finished(context, row, own, differs)
    meant = {runtime.key for runtime in (before, *old, *previous_of(context, row)) if runtime}
    there = [mark for mark in marks if mark.old and mark.old.key in meant]
    first = old[0].key if differs else ""
    there = [mark for mark in there if _may_be_used(context, mark, mark.replaced == first)]
    beside = min((mark for mark in there if mark.replaced == first), key=lambda mark: mark.key, default=None)
    undone = [mark for mark in there if mark is not beside]
    if undone and _usage(context).unread and not differs:
        why = f"{ended(_usage(context).unread[0].error.sentence)}"
        text = f"{undone[0].runtime.label}, an unfinished replacement, was left alone, because its scripts could not"
        if wanted.state == "absent":
            raise ValidationError([f"{text} all be read, so what it replaces is not deleted: {why}"])
        context.warn(f"{text} all be read: {why}")
        undone = []
    steps = [_undo(context, mark, wanted.journal_comment) for mark in undone]
    row = row._replace(steps=(*steps, *row.steps))
    return row, as_listed(context, beside.runtime) if beside else None


def previous_of(context: Context, row: Row) -> list[Runtime]:
    """The runtimes with previous names, where the name exists, too."""
    wanted, before = row.wanted, row.main.before
    mark = context.left.get(before.key) if before else None
    if before is None or wanted.name not in (before.name, mark.name if mark else None):
        return []
    found = [named(context, name) for name in dict.fromkeys(wanted.previous_names)]
    return [runtime for runtime in found if runtime]


def named(context: Context, name: str) -> Runtime | None:
    """The runtime that has a name, or the unfinished replacement that is to take it from one that is gone."""
    return next((one for one in context.existing if one.name == name), None) or successor(
        context, name, context.existing
    )


def _undo(context: Context, mark: Mark, comment: str | None) -> Step:
    whole = as_listed(context, mark.runtime)
    return plan_step(context, Step(deletion_of(whole, comment), UNDO, whole, unused_only=True))


def _finished(context: Context, row: Row, mark: Mark, differs: bool) -> Row:
    """The row of a definition whose runtime is an unfinished replacement, which takes its name."""
    _may_be_used(context, mark, True)
    if row.wanted.state == "absent":
        return row
    if _usage(context).unread and not differs:
        first = _usage(context).unread[0]
        context.warn(
            f"{mark.runtime.label} keeps its name, because not every script that may still name {mark.replaced} could "
            f"be read: {first.label}: {ended(first.error.sentence)}"
        )
        kept = row.main.wanted._replace(values={**row.main.wanted.values, "name": mark.runtime.name})
        return row.with_step(plan_step(context, row.main._replace(wanted=kept, plan=NO_PLAN, fingerprint=None)))
    return row._replace(finishes=mark.replaced)


def _check_beside(context: Context, row: Row, mark: Mark, name: str | None, old: Sequence[Runtime]) -> None:
    """Raises ValidationError for an unfinished replacement that needs a name of a definition that has its runtime."""
    holder = row.main.before.label if row.main.before else "no runtime"
    if mark.name == row.wanted.name and users(context, mark):
        raise ValidationError(
            [
                f"{mark.runtime.label} is to take the name {mark.name!r}, which {holder} has, and scripts use it. "
                f"Assign them to the other one with mstr_script_runtime and delete it by its id, or rename that one, "
                f"and {mark.ends}"
            ]
        )
    if mark.name != row.wanted.name and name == row.wanted.name:
        if mark.key in [runtime.key for runtime in old]:
            _may_be_used(context, mark, True)
        else:
            raise ValidationError(
                [
                    f"{mark.runtime.label} has the previous name {mark.name!r} of {row.wanted.name!r}, which exists, "
                    f"too: {holder}. Add name to replace_on_change, which moves its scripts and deletes it"
                ]
            )


def _may_be_used(context: Context, mark: Mark, needed: bool) -> bool:
    """Whether it belongs to the user of the task, or may. A name is no identity.

    Raises ValidationError for one of somebody else if it is needed, or if scripts use it.
    """
    own = is_own(context, mark.runtime)
    if own:
        return True
    whole = context.api.with_all_fields(mark.runtime, ["owner"])
    owner = (whole.facts.get("owner") if whole else None) or {}
    who = f"{name_of(owner)!r} ({owner.get('id')})" if owner else "unknown"
    what = f"{mark.runtime.label} is an unfinished replacement of {mark.old.label if mark.old else mark.replaced}"
    if own is None:
        context.warn(f"{what}. Whether it belongs to the user of this task could not be checked (owner: {who}).")
        return True
    text = f"{what}, and has a different owner: {who}"
    if not (needed or users(context, mark) or _usage(context).unread):
        context.warn(f"{text}, so it was left alone. As its owner, {mark.ends}.")
        return False
    text = f"{text}. Run the task as its owner, or as that user {mark.ends}"
    if not context.check_mode:
        raise ValidationError([text])
    # A plan may be made with a different account than the run, which decides.
    context.warn(f"{text}.")
    return True


def _stays(context: Context, rows: Sequence[Row]) -> list[Mark]:
    """The unfinished replacements that the task leaves alone."""
    keys = {step.key for row in rows for step in row.steps} | {row.beside.key for row in rows if row.beside}
    return [mark for mark in context.left.values() if mark.key not in keys]


def without_replaced(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows without the purge of what such a one replaces: it would take the place of that, unasked."""
    kept = list(rows)
    for mark in _stays(context, rows):
        if mark.old and any(row.is_purged and row.main.key == mark.replaced for row in kept):
            kept = [row for row in kept if not (row.is_purged and row.main.key == mark.replaced)]
            context.warn(f"The purge spares {mark.old.label}, because {mark.runtime.label} is to replace it.")
    return kept


def warn_of_left(context: Context, rows: Sequence[Row]) -> None:
    """Name each unfinished replacement that a purge meets and that stays: no definition means it."""
    for mark in _stays(context, rows):
        context.warn(mark.advice)


def of_existing(context: Context, runtime: Runtime) -> bool:
    """Whether a runtime has the name of an unfinished replacement of one that exists. Raises MstrError."""
    found = mark_in(runtime.name)
    if found is None:
        return False
    if context.existing:
        return any(other.key == found[1] for other in context.existing)
    return context.api.find(found[1]) is not None
