# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan of a task: the steps of one phase after another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .._model.runtime import Runtime
from .._model.steps import ASIDE, CHANGE, DELETE, PURGE, Row
from .api import Context, Work
from .side_by_side import map_steps
from .write import read_again, write


def carry_out(context: Context, work: Work) -> Work:
    """The task after its work.

    Create and update in parallel, read again, wait, compare, run smoke tests, assign scripts, ask the guards again,
    delete, rename what replaces, purge unless there was an error, and check that what was deleted is gone.
    """
    rows, listed = _change(context, work.rows)
    work = work.outdated()._replace(rows=rows, listed=listed)
    if work.scripts and work.scripts.assignments:
        from .scripts import assign  # only these tasks need it

        work = assign(work).outdated()
    if any(row.replacement for row in rows):
        from . import replace  # only these tasks need it

        work = replace.delete_old(context, replace.move_scripts(context, work))
    if any(row.due(DELETE, PURGE) for row in work.rows):
        from .delete import delete  # only a task that deletes needs it

        work = delete(context, work, DELETE)
        if work.purges:
            work = delete(context, work, PURGE)
    return work


def _change(context: Context, rows: list[Row]) -> tuple[list[Row], Sequence[Runtime] | None]:
    """The rows with what they create and update, ready and tried. Then the runtimes, if nothing happened since."""
    listed: Sequence[Runtime] | None = None
    writes = any(row.due(ASIDE, CHANGE) for row in rows)
    replaces = any(row.replacement for row in rows)
    if replaces:
        from . import replace  # only these tasks need it

        rows = replace.finish_names(context, rows)
    if writes:
        if any(row.wanted.restore for row in rows):
            from .restore import write_in_order  # only a backup needs it

            rows = write_in_order(context, rows)
        step = partial(write, context, read_first=len(rows) > 1)
        rows = map_steps(context, step, rows, lambda row, step: step in row.due(CHANGE), "written")
        rows, listed = read_again(context, rows)
    # Only replacements and smoke tests wait without the option.
    tries = replaces or (writes and any(row.wanted.smoke_test for row in rows))
    if context.waiting or tries:
        from .wait import wait  # only a task that waits needs it

        rows, listed = wait(context, rows), None
    if tries:
        from . import replace

        rows = replace.try_code(context, replace.compare_stored(rows))
    return rows, listed
