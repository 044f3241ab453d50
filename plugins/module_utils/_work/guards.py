# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guards: what must not be done, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._errors import ErrorList, ValidationError
from .._model.alike import ALIKE, is_protected_by, name_key, near_names, quoted
from .._model.approval import plan_id, plan_mismatch
from .._model.change import Change
from .._model.definition import Definition, Purge
from .._model.moves import Move, all_of, failures_in, usage_after
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .._model.steps import Step
from .._text import NAMES_IN_MESSAGE, counted, listed
from .api import Context, World
from .inputs import first_violations

# Which runtimes must not be deleted, and why.
Refusal = tuple[Sequence[Runtime], str]


def refusals(context: Context, world: World, steps: Sequence[Step]) -> Iterator[Refusal]:
    """Every refusal of the deletions among these steps, with the runtimes that it is about.

    `world`: as it will be, with the scripts where they are moved to, or as it is just before the deletions.

    They are asked before the first write, when any refusal refuses the whole task, and again just before deletions,
    with each runtime and the list of runtimes as they are then; then a refusal spares its runtimes.

    To add a guard, yield its refusals here; one that concerns more than deletions belongs in `plan_refusals`.
    """
    deletions = [step for step in steps if step.deletes]
    if context.inputs.purge:
        yield from _purge_refusals(context, world, context.inputs.purge, steps)
    if context.inputs.protects and world.usage and deletions:
        from .scripts import used_refusals  # only a protected deletion needs it

        yield from used_refusals(context, world.usage, [step.before_or_empty for step in deletions])


def plan_refusals(
    context: Context, world: World, planned: str, steps: Sequence[Step], moves: Sequence[Move]
) -> Iterator[str]:
    """Why the plan must not be carried out, before the first write. `planned`: its id."""
    approved = context.inputs.plan_id
    # A plan that is empty by now writes nothing, whatever was approved.
    if approved and planned not in (approved, plan_id(context.session.base_url)):
        yield plan_mismatch(approved, steps, moves)
    if world.usage:
        world = world._replace(usage=usage_after(world.usage, moves))
    if world.usage and context.check_mode and not context.inputs.protects:
        from .scripts import warn_of_hit_scripts  # only a deletion that is not protected needs it

        warn_of_hit_scripts(context, world.usage, [step.before_or_empty for step in steps if step.deletes])
    refused = [sentence for _runtimes, sentence in refusals(context, world, steps)]
    if refused:
        # A script that cannot be moved keeps its old runtime: why it cannot is the cause.
        yield from failures_in(steps, moves)
    yield from refused


def violations(context: Context, steps: Sequence[Step], moves: Sequence[Move]) -> list[str]:
    """The violations of definitions that had to wait for the list: what a create would omit, what stays on the server,
    and what only an exemption by id could let pass. Any other one was refused before the login.
    """
    policy = context.inputs.enforced_policy
    is_alone = len(all_of(steps, moves)) == 1  # then they are the error of the step
    if policy is None or is_alone:
        return []
    found = ErrorList()
    for step in steps:
        before, wanted = step.before, step.wanted
        is_planned = wanted.state == "present" and bool(before or not wanted.id)
        if is_planned and isinstance(step.error, ValidationError):
            found.check(policy.check_change, before, wanted, prefix=f"{step.place} {wanted.label}")
    return first_violations(found.errors)


def check_planned(context: Context, world: World, step: Step, change: Change) -> None:
    """Raises ValidationError for a change that must not be made, and warns of a likely mistake."""
    wanted = step.wanted
    version = wanted.values.get("runtime_version")
    offered = context.api.versions if "runtime_version" in change.changed_fields else None
    if offered is not None and version not in offered:
        texts = ", ".join(offered) or "none"
        raise ValidationError([f"runtime_version {version!r} is not offered by the server (it offers {texts})"])
    if "name" in change.changed_fields:
        _check_name(context, world, step)
    if step.before is None and not wanted.id:
        _warn_of_near_names(context, world, wanted)


def _check_name(context: Context, world: World, step: Step) -> None:
    """Raises ValidationError if a different runtime has the name: no task could address either of them by name."""
    name = step.wanted.name
    advice = "rename that one, and run the task again" if context.inputs.restore else "choose a different name"
    runtimes = context.api.list_all() if world.listed is None else world.listed
    for runtime in runtimes:
        if runtime.name == name and runtime.key != step.key:
            raise ValidationError([f"name {name!r} is taken by the runtime with id {runtime.id}; {advice}"])


def _warn_of_near_names(context: Context, world: World, wanted: Definition) -> None:
    what = "is new" if wanted.state == "present" else "does not exist, so nothing is deleted"
    for name in (str(wanted.name), *wanted.previous_names):
        near = near_names(name, (runtime.name for runtime in world.runtimes))
        if near:
            why = f"its name differs only in {ALIKE} from {quoted(near)}"
            context.warn(f"Runtime {quoted([name])} {what}, but {why}. Check the spelling.")
        what = "does not exist, so nothing is renamed"


def _purge_refusals(context: Context, world: World, purge: Purge, steps: Sequence[Step]) -> Iterator[Refusal]:
    """Why a purge must not delete runtimes. Whatever definitions delete themselves is no part of it."""
    purged = [step.before_or_empty for step in steps if step.is_purge and step.deletes]
    if not lists_default(world.runtimes):
        why = f"{INCOMPLETE[0].lower()}{INCOMPLETE[1:]}"
        yield purged, f"purge is refused: {why}. Run the task again, or as a user who sees every runtime"
    names = _defined_names(steps)
    for runtime in purged:
        error = _purge_error(purge, runtime, names.get(name_key(runtime.name), []))
        if error:
            yield [runtime], error
    if purge.limit is not None and len(purged) > purge.limit:
        named = len(purged) if context.check_mode else NAMES_IN_MESSAGE
        yield purged, _too_many(purged, purge.limit, named)


def _too_many(purged: Sequence[Runtime], limit: int, most: int) -> str:
    """Why a purge is refused that would delete more than its limit. `most`: how many of them are named."""
    them = listed(sorted(repr(runtime.name) for runtime in purged), most)
    over = f"purge would delete {counted(len(purged), 'runtime')}, more than purge_limit {limit}"
    return f"{over}: {them}. Raise purge_limit if you want to delete them"


def _purge_error(purge: Purge, runtime: Runtime, near: Sequence[str]) -> str | None:
    """Why a purge must not delete this runtime; `near`: the defined names that a person reads as its name."""
    if not runtime.name:
        return f"purge would delete the runtime with id {runtime.id}, which has no name; list it by its id"
    label = f"purge would delete {quoted([runtime.name])} ({runtime.id})"
    if runtime.name in near:
        return f"{label}, whose name is in the list; list it by its id"
    if near:
        advice = "write the name as the server has it, or list this runtime by its id with state: absent"
        return f"{label}, whose name differs only in {ALIKE} from {quoted(near)} in the list: {advice}"
    if is_protected_by(runtime.name, purge.exclude, runtime.id):
        return f"{label}, which purge_exclude names"
    return None


def _defined_names(steps: Sequence[Step]) -> dict[str, list[str]]:
    """The names and previous names of the definitions, by the key of those that a person reads as the same."""
    names: dict[str, list[str]] = {}
    for step in steps:
        for name in () if step.is_purge else (step.wanted.name or "", *step.wanted.previous_names):
            names.setdefault(name_key(name), []).append(name)
    return names
