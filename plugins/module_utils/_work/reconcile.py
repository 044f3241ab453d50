# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from definitions to what was done, for one runtime and for a thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from .._errors import PartialError, ValidationError
from .._model.runtime import mark_in
from .._model.steps import CHANGE, DELETE, READ, Row, ScriptReport, Step, plan_id, report_one
from .api import Context, Inputs, Work, attempt
from .inputs import context_for
from .locate import find_listed, is_found_by_id, locate, needs_read, plan_step


def ensure_one(task: Any, inputs: Inputs) -> Mapping[str, Any]:
    """Create, update or delete the runtime, and report what was done."""
    context = context_for(task, inputs._replace(shows_whole=True))
    [row], scripts, refusal = reconcile(context)
    return report_one(row, scripts, refusal)


def ensure_many(task: Any, inputs: Inputs) -> Mapping[str, Any]:
    """Create, update and delete the runtimes, assign the scripts, and report what was done."""
    context = context_for(task, inputs)
    rows, scripts, refusal = reconcile(context)
    from .._model.result import report_many  # only a task for many runtimes needs it

    known = None if inputs.purge else context.api.known
    return report_many(rows, inputs.purge is not None, scripts, refusal, context.check_mode, known)


def reconcile(context: Context) -> tuple[Sequence[Row], ScriptReport, ValidationError | None]:
    """Bring the runtimes to their wanted state: a row for each definition and for each purged runtime, and the scripts.

    Order of work: list, read what the list omits, make every plan, ask the guards, [check mode stops here] `carry_out`.
    A task that is refused before any write raises PartialError, with the id of its plan; in check mode, the reason is
    returned. Raises ValidationError for entries that meet, and MstrError if runtimes cannot be listed.
    """
    inputs, definitions = context.inputs, context.inputs.definitions
    if inputs.restore:
        from .restore import check_server  # only a backup needs it

        check_server(context)
    if inputs.restore or not is_found_by_id(definitions) or inputs.purge or inputs.scripts:
        # An incomplete list is read twice, so that no create makes a second runtime.
        listed = context.api.list_known(context.warn, [definition.name for definition in definitions])
        context = context._replace(existing=listed)
        if any(mark_in(runtime.name) for runtime in listed):
            from .recover import with_left  # only what an interrupted run left needs it

            context = with_left(context)
    work, errors = _planned(context)
    if inputs.restore:
        from .restore import warn_of_restored

        warn_of_restored(context, work.rows)
    elif context.inputs.policy and len(definitions) > 1 and any(row.failure for row in work.rows):
        from .guards import violations  # only an exemption by id makes it wait for the list

        errors += violations(context.inputs.policy, work.rows)
    # Once a row, because a replacement has a plan before it is one.
    for warning in dict.fromkeys(
        row.main.plan.warning for row in work.rows if not row.failure and row.main.plan.warning
    ):
        context.warn(str(warning))
    refusal = ValidationError(errors) if errors else None
    if context.check_mode:
        from .carry_out import predict  # only check mode needs it

        work = predict(work)
    elif refusal:
        raise PartialError(refusal, {"plan_id": plan_id(work.rows, work.script_report)})
    else:
        rows = [
            row if row.failure or row.main.plan.changed else row.with_step(row.main.finished(READ)) for row in work.rows
        ]
        work = work._replace(rows=rows)
        if context.inputs.waiting or work.scripts or any(step.is_due for row in rows for step in row.steps):
            from .carry_out import carry_out  # only a task that changes something, or waits, needs it

            work = carry_out(context, work)
    return work.rows, work.script_report, refusal


def _planned(context: Context) -> tuple[Work, list[str]]:
    """Every plan, and why the task must not carry it out. Raises ValidationError for entries that meet."""
    plan = partial(plan_step, context)
    rows = [row if row.error else row.with_step(attempt(plan, row.main)) for row in _located(context)]
    inputs = context.inputs
    more: list[Any] = [inputs.purge, inputs.scripts is not None, inputs.plan_id, context.left]
    for asked in inputs.definitions:
        more += [asked.state == "absent", asked.previous_names, asked.replace_on_change]
    if any(more):
        from .plan_all import plan_all  # a single plain definition does not need it

        return plan_all(context, rows)
    return Work([row.unplanned() if row.failure else row for row in rows]), []


def _located(context: Context) -> list[Row]:
    """A row for each definition, with what was found. Raises ValidationError for entries that meet."""
    inputs = context.inputs
    by_id, by_name = {runtime.key: [runtime] for runtime in context.existing}, defaultdict(list)
    for runtime in context.existing:
        by_name[runtime.name].append(runtime)
    # An unfinished replacement of a runtime that is gone is found by the name that it is to take.
    for mark in context.left.values():
        by_name[mark.name] += [mark.runtime] if mark.is_gone else []

    def find(row: Row) -> Row:
        definition = row.wanted
        names = [str(definition.name), *definition.previous_names]
        named = [runtime for name in names for runtime in by_name.get(name, ()) if runtime.key not in meant_by_id]
        before = find_listed(context, definition, by_id.get(definition.id, []) if definition.id else named)
        return row.with_step(row.main._replace(before=before))

    def read(row: Row) -> Row:
        before = locate(context, row.wanted, row.main.before, bool(context.existing))
        return row.with_step(row.main._replace(before=before))

    def is_unread(row: Row) -> bool:
        return not row.error and needs_read(context, row.wanted, row.main.before)

    rows = [
        Row(entry, entry.place or f"runtimes[{index}]", (Step(entry, CHANGE if entry.state == "present" else DELETE),))
        for index, entry in enumerate(inputs.definitions)
    ]
    meant_by_id: set[str | None] = set()
    if inputs.restore:
        from .restore import without_deleted_id

        rows = [attempt(partial(without_deleted_id, context, by_id), row) for row in rows]
        meant_by_id = {row.wanted.id for row in rows}
    rows = [row if row.error else attempt(find, row) for row in rows]
    if sum(map(is_unread, rows)) > 1:
        from .side_by_side import map_items  # only where a list omits fields

        rows = map_items(context, read, rows, is_unread, "read")
    else:
        rows = [attempt(read, row) if is_unread(row) else row for row in rows]
    renames = any(row.wanted.name not in (None, row.main.seen.name) for row in rows)
    if len(rows) < 2 or not (renames or len({row.main.key for row in rows}) < len(rows)):
        return rows
    from .names import listed_twice, taken_names  # only what is new or renamed, or listed twice, meets another one

    located = [row for row in rows if not row.error]
    errors = list(listed_twice(located))
    # Of a backup, only the entry whose name is taken is refused.
    errors += [] if inputs.restore else taken_names(located, context.existing)
    if errors:
        raise ValidationError(errors)
    return rows
