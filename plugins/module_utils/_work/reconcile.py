# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from definitions to what was done, for one runtime and for a thousand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from .._errors import PartialError, ValidationError
from .._model.alike import is_protected_by
from .._model.approval import plan_id
from .._model.definition import Purge, purge_of
from .._model.moves import Move, all_of
from .._model.result import report_one
from .._model.runtime import DEFAULT_RUNTIME_ID, INCOMPLETE, Runtime, failure_of, lists_default
from .._model.scripts import Usage
from .._model.steps import Step, has_failed
from .api import ALL_FIELDS, Context, Inputs, World, capture_error, map_steps
from .guards import plan_refusals, violations
from .inputs import context_for
from .locate import match_all, plan_step, previous_of


class Outcome(NamedTuple):
    """What was done. `plan_id`: of what was planned. `refusal`: why nothing was done, in check mode.

    `listed`: the runtimes before the work; None if no list was read.
    """

    steps: Sequence[Step]
    moves: Sequence[Move]
    plan_id: str
    refusal: ValidationError | None = None
    listed: Sequence[Runtime] | None = None


def ensure_one(task: Any, inputs: Inputs) -> Mapping[str, Any]:
    """Create, update or delete the runtime, and report what was done."""
    context = context_for(task, inputs._replace(shows_all_fields=True))
    outcome = reconcile(context)
    warn_of_broken(context, outcome.steps)
    [step] = outcome.steps
    return report_one(step, outcome.plan_id, outcome.refusal)


def warn_of_broken(context: Context, steps: Sequence[Step]) -> None:
    """Say which of the defined runtimes are broken, as they were read last.

    After a write, a first look may still show the status from before it; a failed wait is an error of its own.
    """
    for step in steps:
        failure = failure_of(step.runtime) if step.runtime and step.wanted.state == "present" else None
        if failure and not step.is_stored and not step.error:
            context.warn(f"{failure}.")


def reconcile(context: Context, usage: Usage | None = None) -> Outcome:
    """Bring the runtimes to their wanted state, and the scripts to their runtimes.

    Order of work: list, read what the list omits, make every plan, ask the guards, [check mode stops here] `carry_out`.
    `usage`: which scripts use which runtime, if that was already looked up. A task that is refused before any write
    raises PartialError, with the id of its plan; in check mode, the reason is returned. Raises ValidationError for
    entries that mean one runtime, and MstrError if runtimes cannot be listed.
    """
    world = World(_listed(context), usage)
    steps = match_all(context, world)
    world, steps, moves = _plan_all(context, world, steps)
    planned = plan_id(context.session.base_url, steps, moves)
    errors = [*violations(context, steps, moves), *plan_refusals(context, world, planned, steps, moves)]
    refusal = ValidationError(errors) if errors else None
    if refusal and not context.check_mode:
        raise PartialError(refusal, {"plan_id": planned})
    done = _done(context, world, steps, moves)
    return Outcome(*done, planned, refusal, world.listed)


def _listed(context: Context) -> list[Runtime] | None:
    """The runtimes on the server; None for a single one that its id finds. Raises MstrError."""
    inputs = context.inputs
    is_found_by_id = len(inputs.definitions) == 1 and inputs.definitions[0].id is not None
    if is_found_by_id and not (inputs.purge or inputs.scripts or inputs.restore):
        return None
    listed = context.api.list_all()
    if not lists_default(listed):
        context.warn(f"{INCOMPLETE}.")
    return listed


def _done(
    context: Context, world: World, steps: list[Step], moves: list[Move]
) -> tuple[Sequence[Step], Sequence[Move]]:
    """The steps and moves after the work; in check mode, as it would leave them."""
    if context.check_mode:
        from .carry_out import predict  # only check mode needs it

        return predict(steps, moves)
    if context.inputs.waits or any(item.is_due for item in all_of(steps, moves)):
        from .carry_out import carry_out  # only a task that changes something, or waits, needs it

        return carry_out(context, world, steps, moves)
    return steps, moves


# --- the plan


def _plan_all(context: Context, world: World, steps: list[Step]) -> tuple[World, list[Step], list[Move]]:
    """The steps with every plan, those of a purge, and the moves. Raises ValidationError for an impossible move."""
    steps = [capture_error(partial(plan_step, context, world), step) for step in steps]
    for step in steps:
        _warn_of_previous_names(context, world, step)
    purge = context.inputs.purge
    # A step that failed may mean one of the runtimes that appear to be undefined.
    if purge and not has_failed(steps):
        steps += _purge_steps(context, world, purge, steps)
    # Scripts on deleted runtimes count if they are protected; and check mode names those that a deletion hits.
    protects_or_names = context.inputs.protects or context.check_mode
    needs_usage = protects_or_names and any(step.deletes for step in steps)
    if context.inputs.scripts is None and not needs_usage:
        return world, steps, []
    from .scripts import look_up, plan_moves  # only a task that moves or protects scripts needs it

    world = world._replace(usage=world.usage or look_up(context, needs_usage))
    return (world, *plan_moves(context, world, steps))


def _warn_of_previous_names(context: Context, world: World, step: Step) -> None:
    """Say that nothing was renamed, because both runtimes exist."""
    wanted, before = step.wanted, step.before
    if step.error or before is None or before.name != wanted.name:
        return
    for runtime in previous_of(wanted, world.runtimes):
        context.warn(
            f"Runtime {wanted.name!r} exists, and {runtime.label} has one of its previous names, so nothing was "
            "renamed. Delete one of them."
        )


# --- the purge


def _purge_steps(context: Context, world: World, purge: Purge, steps: Sequence[Step]) -> list[Step]:
    """A step for each undefined runtime to delete."""
    undefined = _undefined(context, world, purge, steps)
    planned = [Step(purge_of(runtime, purge.comment), runtime) for runtime in undefined]

    def read_and_plan(step: Step) -> Step:
        before = context.api.read_if_lacking(step.before, ALL_FIELDS)
        return plan_step(context, world, step._replace(before=before))

    planned = map_steps(context, read_and_plan, planned, lambda _step: True, "read")
    planned = [step for step in planned if step.error or step.is_due]  # one may have been deleted meanwhile
    if planned:
        _warn_of_exclusions(context, world, purge)
    return planned


def _undefined(context: Context, world: World, purge: Purge, steps: Sequence[Step]) -> list[Runtime]:
    """The runtimes that no definition means and nothing spares. Warns of those with a previous name."""
    keys = {DEFAULT_RUNTIME_ID, *(step.key for step in steps)}
    # Compare names too: a defined runtime that cannot be read must not be deleted.
    names = {step.wanted.name for step in steps if step.wanted.id is None}
    previous = {name for step in steps for name in step.wanted.previous_names}
    undefined: list[Runtime] = []
    spared: list[str] = []
    for runtime in world.runtimes:
        is_defined = runtime.key in keys or runtime.name in names
        if is_defined or is_protected_by(runtime.name, purge.exclude, runtime.id):
            continue
        if runtime.name in previous:
            spared.append(f"{runtime.label}, a previous name of a defined one")
        else:
            undefined.append(runtime)
    if spared:
        context.warn(
            f"The purge spares {'; '.join(sorted(spared))}. Delete those that you do not need with state: absent."
        )
    return undefined


def _warn_of_exclusions(context: Context, world: World, purge: Purge) -> None:
    for text in purge.exclude:
        # A misspelled name keeps nothing. A pattern is often for runtimes that only some servers have.
        is_used = any(is_protected_by(runtime.name, [text], runtime.id) for runtime in world.runtimes)
        if not is_used and not re.search("[*?]", text):
            context.warn(f"purge_exclude {text!r} matches no runtime, so it keeps none. Check the spelling.")
