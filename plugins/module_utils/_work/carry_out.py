# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan of a task, the steps of one phase after another, or predicts that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .._model.runtime import Runtime
from .._model.steps import CHANGE, DELETE, PURGE, Row
from .api import Context, Work
from .side_by_side import map_steps
from .write import read_again, write


def carry_out(context: Context, work: Work) -> Work:
    """The task after its work.

    Undo or finish what earlier runs left, create and update in parallel, read again, wait, compare, run smoke tests,
    assign scripts, ask the guards again, delete what was replaced, rename what replaces, delete, purge unless there was
    an error, and check that what was deleted is gone.
    """
    replaces, scripts = any(row.replacement for row in work.rows), bool(work.scripts and work.scripts.assignments)
    if replaces or context.left:
        from . import replace  # only these tasks need it

        if context.left and work.scripts:
            work = replace.recover(context, work)
    rows, listed = _change(context, work.rows)
    work = work.outdated()._replace(rows=rows, listed=listed)
    if scripts:
        from .assign import assign  # only these tasks need it
        from .assignments import ASSIGN, SETTLE

        work = assign(context, work, ASSIGN)
    if replaces:
        work = replace.commit(context, work)
    if scripts:
        work = assign(context, work, SETTLE)
    if any(row.due(DELETE, PURGE) for row in work.rows):
        from .delete import delete  # only a task that deletes needs it

        work = delete(context, work, DELETE)
        if work.purges:
            work = delete(context, work, PURGE)
    return work


def predict(work: Work) -> Work:
    """The work as a run would leave it."""
    spared = [row.failure or (row.is_purged and not work.purges) for row in work.rows]
    return work._replace(rows=[row if spare else row.predicted() for row, spare in zip(work.rows, spared)])


def _change(context: Context, rows: list[Row]) -> tuple[list[Row], Sequence[Runtime] | None]:
    """The rows with what they create and update, ready and tried. Then the runtimes, if nothing happened since."""
    listed: Sequence[Runtime] | None = None
    writes = any(row.due(CHANGE) for row in rows)
    replaces = any(row.replacement for row in rows)
    if writes:
        step = partial(write, context, read_first=len(rows) > 1)
        rows = map_steps(context, step, rows, lambda row, step: step in row.due(CHANGE), "written")
        rows, listed = read_again(context, rows)
    # Only replacements and smoke tests wait without the option.
    tries = replaces or (writes and any(row.wanted.smoke_test for row in rows))
    if tries:
        from . import replace  # only these tasks need it

        rows = replace.check_created(context, rows, listed)
    if context.inputs.waiting or tries:
        from .wait import wait  # only a task that waits needs it

        rows, listed = wait(context, rows), None
    if tries:
        rows = replace.try_code(context, replace.compare_stored(rows))
    return rows, listed
