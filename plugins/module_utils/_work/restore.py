# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores: each runtime gets the name that the backup has, even if a different runtime holds it now.

A runtime that is in the way passes through a name beside; the next run finds it by its id after an interruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain, count

from .._errors import MstrError, ValidationError, listed
from .._model.runtime import Runtime
from .._model.steps import ASIDE, DELETE, PURGE, Row, Step
from .._model.stored import rename_of
from .api import Context, Work, attempt
from .locate import plan_step
from .write import rename_aside, write


def takes_name(row: Row) -> bool:
    """Whether the plan of a row of a backup gives its runtime a name that it does not have."""
    return row.wanted.restore and not row.failure and row.main.is_due and "name" in row.main.plan.changed_fields


def check_names(context: Context, work: Work) -> Work:
    """The work, with an error for each row whose name a runtime holds that neither moves nor is deleted.

    An error, also of a script, cancels the purge, and a runtime with an error keeps its name. Warns of the runtimes
    that are neither in the backup nor purged.
    """
    before = None
    while work != before:
        before, rows, purges = work, work.rows, work.purges
        moving = [row for row in rows if takes_name(row) or (_is_deleted(row) and (purges or not row.is_purged))]
        check = partial(_check_name, {row.main.key for row in moving}, context.existing)
        work = work._replace(rows=[attempt(check, row) if takes_name(row) else row for row in rows])
    for row in _in_the_way(work.rows, work.purges):
        goes = "purged" if row.is_purged else "deleted"
        context.warn(
            f"Runtime {row.label} ({row.id}) is renamed before it is {goes}, because the backup needs its name."
        )
    row_keys = {row.main.key for row in work.rows}
    others = [runtime.label for runtime in context.existing if runtime.key not in row_keys and not runtime.is_default]
    if others:
        context.warn(f"These runtimes are not in the backup, and were left alone: {listed(sorted(others))}.")
    return work


def _in_the_way(rows: Sequence[Row], purges: bool = True) -> list[Row]:
    """The rows of the runtimes that are to be deleted and have a name that the backup needs."""
    needed = {row.wanted.name for row in rows if takes_name(row)}
    return [row for row in rows if _is_deleted(row) and row.name in needed and (purges or not row.is_purged)]


def _is_deleted(row: Row) -> bool:
    return bool(row.due(DELETE, PURGE)) and row.main.plan.action == "delete"


def _check_name(moves: set[str], existing: Sequence[Runtime], row: Row) -> Row:
    for runtime in existing:
        if runtime.name == row.wanted.name and runtime.key not in (row.main.key, *moves):
            holder = f"the runtime with id {runtime.id}"
            advice = "which the backup does not rename. Rename or delete it, and run the restore again"
            raise ValidationError([f"name {runtime.name!r} is taken by {holder}, {advice}"])
    return row


def renamed_aside(context: Context, row: Row) -> Row:
    """The row after its step that renames its runtime. The plan of the runtime stays as it was approved."""
    [step] = row.in_phase(ASIDE)
    step = step if step.plan.changed else attempt(partial(plan_step, context), step)
    done = step if step.error else attempt(partial(rename_aside, context), step)
    row = row.with_step(done)
    if not done.done:
        return row
    # What follows knows the runtime under the name that it has now.
    following = [other for other in row.steps if other.phase != ASIDE and other.before == step.before]
    renamed = (other._replace(before=done.after) if other in following else other for other in row.steps)
    return row._replace(steps=tuple(renamed))


def write_in_order(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows; those that take a name that a different runtime holds are written, one after another."""
    work = _InOrder(context, rows)
    pending = [index for index, row in enumerate(rows) if takes_name(row)]
    if not any(map(work.holder, pending)):
        return work.rows
    for row in _in_the_way(rows):
        work.set_aside(work.rows.index(row), row.name)
    while pending:
        holders = {index: work.holder(index) for index in pending}
        free = next((index for index, key in holders.items() if not key), None)
        blocking = next((index for index in pending if work.rows[index].main.key in holders.values()), None)
        if free is not None:
            work.write(free)
            pending.remove(free)
        elif blocking is not None:
            work.set_aside(blocking, rows[blocking].wanted.name)
            if work.rows[blocking].failure:
                pending.remove(blocking)
        else:
            for index, key in holders.items():
                taken = f"name {rows[index].wanted.name!r} is still taken by the runtime with id {key}"
                work.rows[index] = work.rows[index]._replace(error=MstrError(f"{taken}; run the restore again"))
            break
    return work.rows


class _InOrder:
    """The rows of a backup, and the names that the runtimes have."""

    def __init__(self, context: Context, rows: Sequence[Row]) -> None:
        self._context, self.rows = context, list(rows)
        self._names = {runtime.key: runtime.name for runtime in context.existing}
        self._tried = set(self._names.values())

    def holder(self, index: int) -> str | None:
        """The key of a different runtime that has the name that a row needs."""
        row = self.rows[index]
        holders = (key for key, name in self._names.items() if name == row.wanted.name and key != row.main.key)
        return next(holders, None)

    def write(self, index: int) -> None:
        """Carry out the main step of a row."""
        main = attempt(partial(write, self._context), self.rows[index].main)
        self._done(index, self.rows[index].with_step(main))

    def set_aside(self, index: int, needed: str | None) -> None:
        """Give the runtime of a row a name beside the one that is needed."""
        besides = chain([f"{needed} (restore)"], (f"{needed} (restore {number})" for number in count(2)))
        beside = next(name for name in besides if name not in self._tried)
        self._tried.add(beside)
        row = self.rows[index]
        if row.main.before:
            # The order in which names get free is no part of what a person approves.
            rename = rename_of(row.main.before, beside, row.wanted.journal_comment)
            step = Step(rename, ASIDE, row.main.before, fingerprint="")
            row = row._replace(steps=(step, *(other for other in row.steps if other.phase != ASIDE)))
            self._done(index, renamed_aside(self._context, row))

    def _done(self, index: int, row: Row) -> None:
        self.rows[index] = row
        if row.main.runtime and not row.failure:
            self._names[row.main.runtime.key] = row.main.runtime.name
