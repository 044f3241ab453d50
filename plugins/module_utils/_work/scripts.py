# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans which runtime each script is to use, from one look-up; and refuses to delete what a script uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from .._errors import Consequence, ErrorList, MstrError, ValidationError
from .._model.moves import Move
from .._model.runtime import Runtime, failure_of, id_from
from .._model.schedules import used_by
from .._model.scripts import Project, SavedScript, ScriptEntry, Unread, Usage
from .._model.steps import READ, Step
from .._session.parallel import all_side_by_side
from .._text import counted, listed, with_full_stop
from .api import STATUS_FIELDS, Context, World, one_named
from .script_tasks import find_tasks
from .script_usage import find_usage

_READ_ALL = (
    "Run the task as a user who may read all scripts, load the project, set projects to those that count, or set "
    "protect_used: false"
)
# What must not change, by its name in the API, in the words of a message.
KEPT = {
    "name": "name",
    "folderId": "folder",
    "description": "description",
    "variables": "variables",
    "scriptContent": "code",
    "scriptType": "type",
    "scriptResultType": "result type",
}


# --- what is wanted


def script_entries(scripts: Sequence[Mapping[str, Any]], places: Sequence[str] = ()) -> tuple[ScriptEntry, ...]:
    """The checked entries of the option `scripts`; `places` names those of a file. Raises ValidationError."""
    with ErrorList() as errors:
        entries: dict[tuple[Any, ...], ScriptEntry] = {}
        for index, options in enumerate(scripts):
            place = places[index] if places else f"scripts[{index}]"
            if not options["id"] and not options["name"]:
                errors.add(f"{place} needs an id or a name")
            for option in ("project", "runtime"):
                if option in options and not options[option].strip():
                    errors.add(f"{place}: {option} is empty")
            identity = errors.check(id_from, options["id"] or None, prefix=place)
            entry = ScriptEntry(place, identity, options["name"], options["project"], options.get("runtime"))
            first = entries.setdefault((identity or entry.name, entry.project), entry)
            if first is not entry:
                errors.add(f"{place} is the same script as {first.place}; list it once")
    return tuple(entries.values())


def find_entries(context: Context, entries: Sequence[ScriptEntry]) -> Usage:
    """A look-up of these scripts alone. Raises Interrupted."""
    projects = [entry.project for entry in entries]
    return find_usage(context, projects, lambda script: any(entry.matches(script) for entry in entries))


# --- moves


def move_to(script: SavedScript, target: Runtime, runtimes: Iterable[Runtime] = (), place: str = "") -> Move:
    """The move of a script whose runtime is known. `runtimes`: as listed. `place`: of the entry that wants it."""
    unlisted = Runtime({}, id=script.runtime_id)
    source = next((runtime for runtime in runtimes if runtime.key == script.runtime_id), unlisted)
    return Move(script, source, target, place)


def move_for(entry: ScriptEntry, usage: Usage, target: Runtime, runtimes: Iterable[Runtime] = ()) -> Move:
    """The move for an entry; with an error where the look-up shows no script, or several, for it."""
    found = list(filter(entry.matches, usage.scripts))
    unread = list(filter(entry.may_be_in, usage.unread))
    unread_scripts = [failure.script for failure in unread if failure.script]
    is_known = len(found) == 1 and not unread_scripts
    if is_known:
        return move_to(found[0], target, runtimes, entry.place)
    nothing = SavedScript(Project(None, entry.project), entry.id or "", entry.name or "")
    error = _why_not_found([*found, *unread_scripts], unread)
    return Move(nothing, Runtime({}), target, entry.place, error=error)


def _why_not_found(same: Sequence[SavedScript], unread: Sequence[Unread]) -> MstrError:
    """Why an entry means no script: a ValidationError unless something could not be read.

    `same`: those that it may mean. `unread`: the reads that may have failed for it.
    """
    if len(same) > 1:
        ids = ", ".join(sorted(script.id for script in same))
        return ValidationError([f"{len(same)} scripts have this name: {ids}; choose one by id."])
    if unread:
        # A failed read of the script says more than one of the project, and is the last of them.
        return unread[-1].error
    return ValidationError(["The project has no such script that uses a runtime, or the user may not see it."])


# --- the plan


def look_up(context: Context, needs_usage: bool) -> Usage:
    """Every script if those on deleted runtimes count, or only those that are to be assigned. Raises Interrupted."""
    inputs = context.inputs
    entries = inputs.scripts or ()
    if not needs_usage:
        return find_entries(context, entries)
    warn_of_projects(context, inputs.projects)
    return usage_for_deletions(context)


def usage_for_deletions(context: Context) -> Usage:
    """Every script that may use a runtime to delete, of the projects that count. Raises Interrupted."""
    inputs = context.inputs
    if inputs.projects is None:
        return find_usage(context, None)
    return find_usage(context, [*inputs.projects, *(entry.project for entry in inputs.scripts or ())])


def warn_of_projects(context: Context, projects: Sequence[str] | None) -> None:
    """Say that scripts of other projects were not looked at."""
    if projects is not None:
        context.warn(f"Scripts outside these projects were not looked at: {listed(list(map(repr, projects)))}.")


def plan_moves(context: Context, world: World, steps: Sequence[Step]) -> tuple[list[Step], list[Move]]:
    """The steps, and a move for each script that is to use a certain runtime.

    Raises ValidationError for an impossible move.
    """
    moves = []
    usage = world.usage or Usage()
    with ErrorList() as errors:
        for entry in context.inputs.scripts or ():
            target = errors.check(_target, world, entry, steps, prefix=entry.place)
            if target:
                runtime, target_place = target
                move = move_for(entry, usage, runtime, world.runtimes)
                moves.append(move._replace(target_place=target_place))
    check_same_scripts(moves)
    if context.inputs.restore:
        moves = _without_secrets(context, moves)
    steps, moves = _with_unwritten_targets(context, steps, moves)
    moves = with_targets(moves, steps)
    return _with_tests(context, steps, moves), moves


def _with_tests(context: Context, steps: Sequence[Step], moves: Sequence[Move]) -> list[Step]:
    """The steps; those to whose runtime a script is to be assigned run their smoke test, also if nothing changes.

    A restore gives scripts back also to a runtime that was broken before, unless this task writes or tests it.
    """
    targets = {move.target_place for move in moves if move.is_due}

    def as_target(step: Step) -> Step:
        runs_test = step.wanted.smoke_test is not None
        is_awaited = runs_test or step.change.changed or not context.inputs.restore
        return step._replace(runs_test=runs_test, is_awaited=is_awaited or step.is_awaited)

    return [as_target(step) if step.place in targets else step for step in steps]


def _without_secrets(context: Context, moves: Sequence[Move]) -> list[Move]:
    """The moves of a restore without those of scripts with a secret, which an update might lose; they are named."""

    labels = {move.place: move.label for move in moves if move.is_due and move.script.has_secret}
    if labels:
        names = listed(sorted(labels.values()))
        context.warn(
            f"{names}: not moved to the runtime of the backup, because a variable there holds a secret, which an "
            "update might lose. Move them with mstr_script_runtime."
        )
    return [move for move in moves if move.place not in labels]


def _unwritten_targets(steps: Sequence[Step], moves: Sequence[Move]) -> dict[str, Runtime]:
    """The runtimes that scripts are to use, and that this task leaves as they are, by their keys."""
    unwritten = {step.place for step in steps if step.state == READ}
    places = {*unwritten, ""}  # a target without a place has no definition
    return {move.target.key: move.target for move in moves if move.is_due and move.target_place in places}


def _with_unwritten_targets(
    context: Context, steps: Sequence[Step], moves: Sequence[Move]
) -> tuple[list[Step], list[Move]]:
    """The steps and moves after a look at the runtimes that this task leaves as they are, and that scripts are to use.

    A list may omit whether they are ready. To a broken one, no script is moved.
    """
    targets = _unwritten_targets(steps, moves)
    looks = all_side_by_side(partial(_usable, context), list(targets.values()))
    by_key = dict(zip(targets, looks))

    def checked(move: Move) -> Move:
        _runtime, error = by_key.get(move.target.key, (None, None))
        return move._replace(error=error) if error and move.is_due else move

    read = [step._replace(after=by_key[step.key][0]) if step.key in by_key else step for step in steps]
    return read, list(map(checked, moves))


def _usable(context: Context, target: Runtime) -> tuple[Runtime, MstrError | None]:
    """The target, read if the list lacks its status, and why no script can use it."""
    try:
        runtime = context.api.read_unless_never_set(target, STATUS_FIELDS)
    except MstrError as exc:
        return target, exc
    if runtime is None:
        return target, MstrError(f"The runtime {target.label} was deleted meanwhile.")
    failure = None if context.inputs.restore else failure_of(runtime)
    return runtime, ValidationError([f"It was not assigned. {failure}"]) if failure else None


def check_same_scripts(moves: Iterable[Move]) -> None:
    """Raises ValidationError for entries that are the same script, under its name and under its id."""
    first: dict[Any, Move] = {}
    with ErrorList() as errors:
        for move in moves:
            key = move.script.key if move.script.id else move.place
            earlier = first.setdefault(key, move)
            if earlier is not move:
                errors.add(f"{move.place} and {earlier.place} are the same {move.label}; list it once")


def _target(world: World, entry: ScriptEntry, steps: Sequence[Step]) -> tuple[Runtime, str]:
    """The runtime that a script is to use, as it will be, and the place of its definition, if it has one.

    Raises ValidationError.
    """
    name = str(entry.runtime)
    # First of all, even if one that is to be deleted has the name now.
    for step in steps:
        if step.name == name and step.wanted.state == "present":
            return _runtime_of(step), step.place
    for step in steps:
        if step.name == name:
            fate = "would be purged" if step.is_purge else "is to be deleted"
            raise ValidationError([f"runtime {name!r} {fate}, so no script can use it"])
        if step.before_or_empty.name == name:
            raise ValidationError([f"runtime {name!r} becomes {step.name!r} in this task; write that name"])
    runtime = one_named(world.runtimes, name)
    if runtime is None:
        raise ValidationError([f"the server has no runtime {name!r}, and the task does not create it"])
    return runtime, ""


def _runtime_of(step: Step) -> Runtime:
    """The runtime of a step as it is now, or will be."""
    runtime = step.after or step.change.target or step.before_or_empty
    return runtime._replace(values={**runtime.values, "name": step.name or ""})


def with_targets(moves: Sequence[Move], steps: Sequence[Step]) -> list[Move]:
    """The moves with their targets as they are by now. To a runtime whose step failed, no script is moved."""
    by_place = {step.place: step for step in steps}
    targeted = []
    for move in moves:
        step = by_place.get(move.target_place) if move.is_due else None
        if step and step.error:
            why = f"the runtime {step.name!r} failed, so no script was assigned to it"
            move = move._replace(error=Consequence(why))
        elif step:
            move = move._replace(target=_runtime_of(step))
        targeted.append(move)
    return targeted


# --- the guard


def used_refusals(
    context: Context, usage: Usage, runtimes: Sequence[Runtime]
) -> Iterator[tuple[Sequence[Runtime], str]]:
    """Which of the runtimes must not be deleted with protect_used, and why: scripts use them, or that is unknown."""
    uses = _uses(context, usage, runtimes)
    unproven = []
    for runtime in runtimes:
        if runtime.key in uses:
            why = f"runtime {runtime.label} is {uses[runtime.key]}"
            advice = "Choose a different runtime for these scripts first, or set protect_used: false"
            yield [runtime], f"{why}. It was not deleted (protect_used). {advice}"
        else:
            unproven.append(runtime)
    if usage.unread and unproven:
        names = listed([runtime.label for runtime in unproven])
        labels = listed([failure.label for failure in usage.unread])
        yield (
            unproven,
            f"protect_used could not find out whether scripts use {names}, so nothing was deleted: "
            f"{counted(len(usage.unread), 'look-up')} failed: {labels}. "
            f"The first reason: {with_full_stop(usage.unread[0].error.sentence)} {_READ_ALL}",
        )


def warn_of_hit_scripts(context: Context, usage: Usage, runtimes: Sequence[Runtime]) -> None:
    """Say which scripts lose their runtime by deletions without protect_used."""
    uses = _uses(context, usage, runtimes)
    for runtime in runtimes:
        if runtime.key in uses:
            what = f"would be deleted, and is {uses[runtime.key]}"
            context.warn(f"Runtime {runtime.label} {what} (protect_used: false).")
    if usage.unread and runtimes:
        labels = listed([failure.label for failure in usage.unread])
        context.warn(f"Other scripts may use what would be deleted, because these could not be read: {labels}.")


def _uses(context: Context, usage: Usage, runtimes: Sequence[Runtime]) -> dict[str, str]:
    """Which scripts use a runtime, with their schedules, as messages name them; by the key of each that is used."""
    by_runtime = {runtime.key: usage.of(runtime.id) for runtime in runtimes}
    # A look-up of tasks that fails leaves out schedules.
    tasks = find_tasks(context, usage, list(chain.from_iterable(by_runtime.values())))
    return {key: used_by(list(map(tasks.with_tasks, scripts))) for key, scripts in by_runtime.items() if scripts}
