# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the runtime that a definition means, and plans what to do with it. Several threads may run these steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from .._errors import MstrError, ValidationError
from .._model.change import compare, plan_change
from .._model.definition import Definition
from .._model.fields import POOL
from .._model.runtime import Runtime
from .._model.steps import READ, Step
from .api import ALL_FIELDS, STATUS_FIELDS, Context, World, capture_error, map_steps, one_named, one_with_id
from .guards import check_planned


def match_all(context: Context, world: World) -> list[Step]:
    """A step for each definition, with the runtime that it means.

    Raises ValidationError for two definitions that mean one runtime.
    """
    waits = context.inputs.waits
    steps = [Step(wanted, is_awaited=waits and wanted.state == "present") for wanted in context.inputs.definitions]
    by_id_or_name: dict[str, list[Runtime]] = {}
    for runtime in world.runtimes:
        for key in dict.fromkeys((runtime.key, runtime.name)):
            by_id_or_name.setdefault(key, []).append(runtime)
    claimed: set[str | None] = set()
    if context.inputs.restore:
        steps = [capture_error(partial(_without_deleted_id, context, by_id_or_name), step) for step in steps]
        claimed = {step.wanted.id for step in steps}
    steps = [capture_error(partial(_match, by_id_or_name, claimed), step) for step in steps]
    read = partial(with_needed_fields, context, world)
    steps = map_steps(context, read, steps, partial(_is_unread, context), "read")
    errors = list(_duplicate_targets(steps))
    if errors:
        raise ValidationError(errors)
    return steps


def _without_deleted_id(context: Context, listed: Collection[str], step: Step) -> Step:
    """The step of a backup; without its id if no runtime has that any more: the name decides. Raises MstrError."""
    wanted = step.wanted
    if wanted.id is None or wanted.id in listed or context.api.read(wanted.id):
        return step
    return step._replace(wanted=wanted._replace(id=None))


def _match(by_id_or_name: Mapping[str, Sequence[Runtime]], claimed: Collection[str | None], step: Step) -> Step:
    """The step with the listed runtime that it means. `claimed`: the ids by which other definitions mean runtimes."""
    wanted = step.wanted
    keys = [wanted.id] if wanted.id else [str(wanted.name), *wanted.previous_names]
    candidates = [runtime for key in keys for runtime in by_id_or_name.get(key, ())]
    if wanted.id is None:
        candidates = [runtime for runtime in candidates if runtime.key not in claimed]
    return step._replace(before=find_in_list(wanted, candidates))


def _is_unread(context: Context, step: Step) -> bool:
    """Whether `with_needed_fields` may send a request."""
    lacks = step.before.lacking(needed_fields(context, step)) if step.before else step.wanted.id
    return not step.error and bool(lacks)


def _duplicate_targets(steps: Sequence[Step]) -> Iterator[str]:
    """An error for each definition that means the runtime of an earlier one."""
    owners: dict[str, Step] = {}
    for step in steps:
        current = step.before
        if current is None or step.error:
            continue
        first = owners.setdefault(current.key, step)
        if first is not step:
            yield f"{step.place} and {first.place} are the same runtime, {current.label}; list it once"


def needed_fields(context: Context, step: Step) -> set[str]:
    """The fields that a list must show: managed or awaited; all of one to delete, whose diff serves as a backup."""
    wanted = step.wanted
    needed = {"name", *wanted.values}
    if set(POOL) & set(wanted.values):
        needed |= set(POOL)
    if step.is_awaited:
        needed |= set(STATUS_FIELDS)
    if wanted.state == "absent" or context.inputs.shows_all_fields:
        needed |= set(ALL_FIELDS)
    return needed


def find_in_list(wanted: Definition, listed: Sequence[Runtime]) -> Runtime | None:
    """The runtime that a definition means: the one with its id, its name, or a previous name. Sends nothing.

    Raises ValidationError if there are several.
    """
    if wanted.id:
        return one_with_id(listed, wanted.id)
    found = one_named(listed, str(wanted.name))
    if found:
        return found
    earlier = previous_of(wanted, listed)
    if len(earlier) > 1:
        labels = ", ".join(runtime.label for runtime in earlier)
        raise ValidationError([f"several runtimes have a previous name of {wanted.name!r}: {labels}; keep one of them"])
    return earlier[0] if earlier else None


def previous_of(wanted: Definition, listed: Sequence[Runtime]) -> list[Runtime]:
    """The runtimes with a previous name of a definition."""
    names = set(wanted.previous_names)
    return [runtime for runtime in listed if runtime.name in names] if names else []


def with_needed_fields(context: Context, world: World, step: Step) -> Step:
    """The step with its runtime as it is now, with the needed fields; without one that does not exist any more.

    So far, the step has its runtime as the list shows it. Raises MstrError.
    """
    wanted, found = step.wanted, step.before
    if found is None:
        read = context.api.read_or_prove_gone if world.listed is None else context.api.read
        return step._replace(before=read(wanted.id)) if wanted.id else step
    runtime = _read_if_needed(context, step, found)
    is_same = runtime is not None and runtime.name in ("", found.name)
    if is_same or wanted.id:
        return step._replace(before=runtime)
    if wanted.state == "absent":
        return step._replace(before=None)
    # What took its place may be seen only in the next list, so a create could make a second one.
    now = f"renamed to {runtime.name!r}" if runtime else "deleted"
    raise MstrError(f"{found.label} was {now} after the list was read. Run the task again.")


def _read_if_needed(context: Context, step: Step, found: Runtime) -> Runtime | None:
    """The listed runtime with the needed fields; None if it was deleted meanwhile. Raises MstrError."""
    api, wanted, needed = context.api, step.wanted, needed_fields(context, step)
    if wanted.state == "absent":
        return api.read_if_lacking(found, needed)
    runtime = api.read_unless_never_set(found, needed)
    _merged, different = compare(runtime.values, wanted) if runtime else ({}, ())
    return api.read_if_lacking(runtime, needed) if different else runtime  # because it will be written


def plan_step(context: Context, world: World, step: Step) -> Step:
    """The step with its plan, checked against the server; without a change, it is done. Raises ValidationError."""
    change = plan_change(step.before, step.wanted, context.inputs.enforced_policy)
    if change.changed or step.before is None:
        check_planned(context, world, step, change)
    # Planned again, also without a change: whatever wrote the runtime meanwhile, no test has passed on it.
    runs_test = step.runs_test or (change.changed and step.wanted.smoke_test is not None)
    step = step._replace(change=change, runs_test=runs_test, is_awaited=step.is_awaited or runs_test)
    return step if change.changed else step.finished(READ)
