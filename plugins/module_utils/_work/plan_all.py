# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans what concerns more than one runtime: replacements, a purge, scripts, restores, and the guards of all."""

from __future__ import annotations

from collections.abc import Sequence

from .._model.runtime import Runtime
from .._model.steps import Row
from .api import Context, Work
from .guards import plan_refusals
from .inputs import Inputs
from .names import warn_of_previous_names
from .replace_plan import plan_replacements, warn_of_unused


def plan_all(context: Context, inputs: Inputs, rows: list[Row], existing: Sequence[Runtime]) -> tuple[Work, list[str]]:
    """The task with every plan, and why it must not carry them out. Raises ValidationError for entries that meet."""
    for row in rows:
        if row.wanted.previous_names and not row.failure:
            warn_of_previous_names(context, row, existing)
    rows, errors = plan_replacements(context, rows, existing)
    if inputs.purge and not any(row.failure for row in rows):
        from .delete import purge_rows  # only a purge needs it

        # A failed row may mean one of the runtimes that appear to be unlisted.
        rows += purge_rows(context, inputs.purge, rows, existing)
    work = _with_scripts(context, inputs, rows, existing)
    if work.scripts:
        from .scripts import plan_assignments, spare_failed, spare_used

        scripts, refused = plan_assignments(work.scripts, rows, existing)
        work, errors = Work(spare_used(context, scripts, rows), scripts), errors + refused
    if any(definition.restore for definition in inputs.definitions):
        from .restore import check_names  # only a backup needs it

        work = check_names(context, work, existing)
    if work.scripts:
        scripts, rows = spare_failed(work.scripts, work.rows)
        work = Work(rows, scripts)
    work = work._replace(rows=[row.unplanned() if row.failure else row for row in work.rows])
    if any(row.beside for row in work.rows):
        warn_of_unused(context, work)
    if context.purge or context.plan_id or any(row.wanted.state == "absent" or row.replacement for row in work.rows):
        errors += plan_refusals(context, work, existing)
    return work, errors


def _with_scripts(context: Context, inputs: Inputs, rows: list[Row], existing: Sequence[Runtime]) -> Work:
    """The work with its scripts, if something depends on them."""
    if inputs.scripts is None and not any(row.beside or row.going or row.wanted.state == "absent" for row in rows):
        return Work(rows)
    from .scripts import scripts_for

    return Work(rows, scripts_for(context, inputs.scripts, rows, existing))
