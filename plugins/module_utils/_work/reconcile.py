# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from definitions to what was done, for one runtime and for a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from .._errors import MstrError, PartialError, ValidationError
from .._model.approval import plan_id
from .._model.kinds import EMPTY_MAPPING
from .._model.result import report_one
from .._model.runtime import INCOMPLETE, Runtime, Unfinished, lists_default, unfinished_in
from .._model.steps import Row, unplanned
from .api import Context, Inputs, attempt
from .inputs import context_for
from .locate import is_found_by_id, located, plan_step


class Outcome(NamedTuple):
    """What was done. `refusal`: why nothing was, in check mode. `listed`: the runtimes as listed before the work.

    `unfinished`: the unfinished replacements that were left alone.
    """

    rows: Sequence[Row]
    refusal: ValidationError | None = None
    listed: Sequence[Runtime] | None = None
    unfinished: Sequence[Unfinished] = ()


def ensure_one(task: Any, inputs: Inputs) -> Mapping[str, Any]:
    """Create, update or delete the runtime, and report what was done."""
    outcome = reconcile(context_for(task, inputs._replace(shows_all_fields=True)))
    return report_one(outcome.rows, outcome.refusal)


def reconcile(context: Context) -> Outcome:
    """Bring the runtimes to their wanted state, and the scripts to their runtimes.

    Order of work: list, refuse or recover what earlier runs left, read what the list omits, make every plan, ask the
    guards, [check mode stops here] `carry_out`. A task that is refused before any write raises PartialError, with the
    id of its plan; in check mode, the reason is returned. Raises ValidationError for entries that meet, and MstrError
    if runtimes cannot be listed.
    """
    listed = _listed(context)
    recovery: Sequence[Row] = ()
    refused: Mapping[str, MstrError] = EMPTY_MAPPING
    if listed is not None:
        context = context._replace(existing=listed)
        if unfinished_in(listed):
            from .recover import recovered  # only what an interrupted run left needs it

            context, recovery, refused = recovered(context)
    rows, errors = _with_plans(context, located(context, refused), recovery)
    refusal = ValidationError(errors) if errors else None
    if refusal and not context.check_mode:
        raise PartialError(refusal, {"plan_id": plan_id(rows)})
    return Outcome(_done(context, rows), refusal, listed, context.unfinished)


def _listed(context: Context) -> list[Runtime] | None:
    """The runtimes on the server; None for a single one that its id finds. Raises MstrError."""
    inputs = context.inputs
    needs_list = inputs.purge or inputs.scripts or inputs.restore or inputs.recover
    if is_found_by_id(inputs.definitions) and not needs_list:
        return None
    listed = context.api.list_all()
    if not lists_default(listed):
        context.warn(f"{INCOMPLETE}.")
    return listed


def _done(context: Context, rows: list[Row]) -> list[Row]:
    """The rows after the work; in check mode, as it would leave them."""
    if context.check_mode:
        from .carry_out import predict  # only check mode needs it

        return predict(rows)
    is_due = any(step.is_due for row in rows for step in row.steps)
    if is_due or context.inputs.waits:
        from .carry_out import carry_out  # only a task that changes something, or waits, needs it

        return carry_out(context, rows)
    return rows


def _with_plans(context: Context, rows: list[Row], recovery: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows with every plan, and why the task must not carry them out. Raises ValidationError."""
    plan = partial(plan_step, context)
    rows = [row if row.error else row.with_step(attempt(plan, row.main)) for row in rows]
    policy = context.inputs.enforced_policy
    violated: list[str] = []
    if policy and len(rows) > 1:
        from .guards import violations  # only an exemption by id makes it wait for the list

        violated = violations(policy, rows)
    if recovery or _needs_more(context.inputs):
        from .plan_all import plan_all  # a single plain definition does not need it

        rows, errors = plan_all(context, rows, recovery)
        return rows, [*errors, *violated]
    return [unplanned(row) if row.failure else row for row in rows], violated


def _needs_more(inputs: Inputs) -> bool:
    """Whether a plan is about more than each runtime by itself."""
    if inputs.purge or inputs.plan_id or inputs.scripts is not None:
        return True
    return any(
        entry.state == "absent" or entry.previous_names or entry.replace_on_change for entry in inputs.definitions
    )
