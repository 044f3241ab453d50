# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan of a task, the steps of one phase after another, or predicts that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from .._errors import MstrError
from .._model.runtime import Runtime
from .._model.steps import (
    ASSIGN,
    CHANGE,
    DELETE,
    DELETE_OLD,
    PURGE,
    RECOVERY,
    UNDO,
    Row,
    has_failed,
    is_purged,
    predicted,
)
from .api import Context, map_steps
from .write import read_again, write


def carry_out(context: Context, rows: list[Row]) -> list[Row]:
    """The rows after the work.

    Recover what earlier runs left, create and update in parallel, read again, wait, compare, run smoke tests, assign
    scripts, ask the guards again, delete, rename what replaces, undo what failed, and purge unless there was an error.
    """
    replaces = any(row.replacement for row in rows)
    if any(row.place == RECOVERY for row in rows):
        rows = _recovered(context, rows)
    rows, listed = _changed(context, rows, replaces)
    if _has_due(rows, ASSIGN):
        from .assign import assign  # only these tasks need it
        from .scripts import spare_used

        rows, listed = spare_used(assign(context, rows)), None
    if _has_due(rows, DELETE_OLD, DELETE):
        from .settle import settle  # only a task that deletes needs it

        rows, listed = settle(context, rows, (DELETE_OLD, DELETE), listed)
    if replaces:
        from .replace import undo

        rows = undo(context, rows)
    if _has_due(rows, PURGE) and not has_failed(rows):
        from .settle import delete

        rows, _listed = delete(context, rows, (PURGE,), listed)
    return rows


def _has_due(rows: Sequence[Row], *phases: str) -> bool:
    return any(row.due(*phases) for row in rows)


def predict(rows: Sequence[Row]) -> list[Row]:
    """The rows as a run would leave them."""
    is_purge_cancelled = has_failed(rows)

    def after(row: Row) -> Row:
        if row.failure:
            return row
        return row if is_purged(row) and is_purge_cancelled else predicted(row)

    return list(map(after, rows))


def _recovered(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows, after what earlier runs left was undone or finished. What needs it and does not get it has an error."""
    from .assign import assign  # only these tasks need it
    from .settle import settle

    recovery = [row for row in rows if row.place == RECOVERY]
    recovery, _listed = settle(context, assign(context, recovery), (UNDO,))
    failures: dict[str, MstrError] = {}
    renamed: dict[str, Runtime] = {}
    for row in recovery:
        if row.failure:
            failures.update(dict.fromkeys(row.needed_by, row.failure))
        elif row.main.after:
            renamed[row.main.key] = row.main.after
    others = [row for row in rows if row.place != RECOVERY]
    return [*recovery, *(_after_recovery(row, failures, renamed) for row in others)]


def _after_recovery(row: Row, failures: Mapping[str, MstrError], renamed: Mapping[str, Runtime]) -> Row:
    """The row with the runtimes as they are now, or with the failure of what it needs."""
    failure = failures.get(row.place)
    if failure and not row.failure:
        return row._replace(error=MstrError(f"What it needs failed: {failure.sentence}", **failure.error))
    steps = [step._replace(before=renamed.get(step.key, step.before)) for step in row.steps]
    return row._replace(steps=tuple(steps))


def _changed(context: Context, rows: list[Row], replaces: bool) -> tuple[list[Row], Sequence[Runtime] | None]:
    """The rows with what they create and update, ready and tried; and the runtimes, if nothing happened since."""
    listed: Sequence[Runtime] | None = None
    writes = _has_due(rows, CHANGE)
    if writes:
        step = partial(write, context, read_first=len(rows) > 1)
        rows = map_steps(context, step, rows, lambda row: row.due(CHANGE), "written")
        rows, listed = read_again(context, rows)
    # Only replacements and smoke tests wait without the option.
    is_tried = replaces or (writes and any(row.wanted.smoke_test for row in rows))
    if is_tried:
        from . import replace  # only these tasks need it

        rows = replace.check_names(context, rows)
    if context.inputs.waits or is_tried:
        from .wait import wait  # only a task that waits needs it

        rows, listed = wait(context, rows), None
    if is_tried:
        rows = replace.try_code(context, replace.compare_stored(rows))
        rows = replace.with_new_runtimes(rows)
    return rows, listed
