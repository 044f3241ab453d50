# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the runtime that a definition means, and plans what to do with it. Several threads may run these steps."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import MstrError
from .._model.definition import Definition
from .._model.fields import POOL
from .._model.plan import NO_PLAN, compare, make_plan
from .._model.runtime import Runtime
from .._model.steps import CHANGE, Step
from .api import ALL_FIELDS, Context, one_named


def is_found_by_id(definitions: Sequence[Definition]) -> bool:
    """Whether this is a single runtime that its id finds, so that no list needs to be read."""
    return len(definitions) == 1 and definitions[0].id is not None


def needed_fields(context: Context, wanted: Definition) -> set[str]:
    """The fields that a list must show: managed or awaited; all of one to delete, whose diff serves as a backup."""
    awaited = ("status", "packages") if context.inputs.waiting or wanted.replace_on_change or wanted.smoke_test else ()
    managed = {"name", *wanted.values, *(POOL if set(POOL) & set(wanted.values) else ())}
    every = ALL_FIELDS if wanted.state == "absent" or context.inputs.shows_whole else ()
    return {*managed, *awaited, *every}


def find_listed(context: Context, wanted: Definition, listed: Sequence[Runtime]) -> Runtime | None:
    """The runtime that a definition means, of those in the list that its name or id may mean. Sends nothing.

    Raises ValidationError if there are several.
    """
    if wanted.id:
        return next((runtime for runtime in listed if runtime.key == wanted.id), None)
    found = one_named(listed, str(wanted.name))
    if found is None and listed:
        from .names import known_otherwise  # only a runtime that does not have the name needs it

        found = known_otherwise(context, wanted, listed)
    return found


def needs_read(context: Context, wanted: Definition, found: Runtime | None) -> bool:
    """Whether `locate` may send a request."""
    return bool(found.lacking(needed_fields(context, wanted)) if found else wanted.id)


def locate(context: Context, wanted: Definition, found: Runtime | None, has_list: bool = False) -> Runtime | None:
    """The runtime as it is now, with the needed fields; None if it does not exist. Raises MstrError.

    `found`: as the list shows it. `has_list`: whether a list was read.
    """
    api, needed = context.api, needed_fields(context, wanted)
    if found is None:
        return (api.get if has_list else api.find)(wanted.id) if wanted.id else None
    if wanted.state == "absent":
        runtime = api.with_all_fields(found, needed)
    else:
        runtime = api.with_set_fields(found, needed)
        if runtime and runtime.lacking(needed) and compare(runtime.values, wanted)[1]:
            runtime = api.with_all_fields(runtime, needed)  # because it will be written
    if wanted.id or (runtime and runtime.name in ("", found.name)):
        return runtime
    if wanted.state == "present":
        # What took its place may be seen only in the next list, so a create could make a second one.
        now = f"renamed to {runtime.name!r}" if runtime else "deleted"
        raise MstrError(f"{found.label} was {now} after the list was read. Run the task again.")
    return None


def plan_step(context: Context, step: Step) -> Step:
    """The step with its plan, checked against the server. Raises ValidationError, before anything is written."""
    wanted, before = step.wanted, step.before
    policy = None if context.inputs.restore else context.inputs.policy
    plan = make_plan(before, wanted, policy)
    is_again = step.plan is not NO_PLAN and step.phase == CHANGE  # of a first plan, `reconcile` warns
    if plan.warning and is_again and plan.warning != step.plan.warning:
        context.warn(plan.warning)
    planned = step.fingerprint
    if plan.changed or before is None:
        from .._model.stored import fingerprint  # only a task that writes, or finds no runtime, needs them
        from .guards import check_plan

        check_plan(context, step, plan)
        planned = fingerprint(before, plan) if planned is None else planned
    return step._replace(plan=plan, fingerprint=planned or "")
