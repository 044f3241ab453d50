# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans which runtime each script is to use, from one look-up; and refuses to delete what a script uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._errors import Consequence, ErrorList, MstrError, ValidationError
from .._model.moves import Move
from .._model.runtime import Runtime, failure_of, id_from
from .._model.schedules import used_by
from .._model.scripts import Project, SavedScript, ScriptEntry, Unread, Usage
from .._model.steps import READ, Step
from .._text import counted, listed, with_full_stop
from .api import Context, World, one_named
from .script_usage import find_tasks, find_usage

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
    """Why an entry means no script. `same`: those that it may mean. `unread`: the reads that may have failed for it."""
    if len(same) > 1:
        ids = ", ".join(sorted(script.id for script in same))
        return MstrError(f"{len(same)} scripts have this name: {ids}; choose one by id.")
    if unread:
        # A failed read of the script says more than one of the project, and is the last of them.
        return unread[-1].error
    return MstrError("The project has no such script that uses a runtime, or the user may not see it.")


# --- the plan


def look_up(context: Context, needs_users: bool) -> Usage:
    """Every script if those on deleted runtimes count, or only those that are to be assigned. Raises Interrupted."""
    inputs = context.inputs
    entries = inputs.scripts or ()
    if not needs_users:
        return find_entries(context, entries)
    warn_of_projects(context, inputs.projects)
    return find_users(context)


def find_users(context: Context) -> Usage:
    """Every script that may use a runtime to delete, of the projects that count. Raises Interrupted."""
    inputs = context.inputs
    if inputs.projects is None:
        return find_usage(context, None)
    return find_usage(context, [*inputs.projects, *(entry.project for entry in inputs.scripts or ())])


def warn_of_projects(context: Context, projects: Sequence[str] | None) -> None:
    """Say that scripts of other projects were not looked at."""
    if projects is not None:
        context.warn(f"Scripts outside these projects were not looked at: {listed(list(map(repr, projects)))}.")


def plan_moves(context: Context, world: World, steps: Sequence[Step]) -> list[Move]:
    """A move for each script that is to use a certain runtime. Raises ValidationError for an impossible one."""
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
        return with_targets(_without_secrets(context, moves), steps)
    return with_targets(_without_broken_targets(moves, steps), steps)


def with_tests(steps: Sequence[Step], moves: Sequence[Move]) -> list[Step]:
    """The steps; those to whose runtime a script is to be assigned run their smoke test, also if nothing changes."""
    targets = {move.target_place for move in moves if move.is_due}
    return [
        step._replace(runs_test=True) if step.wanted.smoke_test and step.place in targets else step for step in steps
    ]


def _without_secrets(context: Context, moves: Sequence[Move]) -> list[Move]:
    """The moves of a restore without those of scripts with a secret, which an update might lose; they are named."""

    def has_secret(move: Move) -> bool:
        return move.is_due and move.script.has_secret

    labels = sorted(move.label for move in moves if has_secret(move))
    if labels:
        context.warn(
            f"{listed(labels)}: not moved to the runtime of the backup, because a variable there holds a secret, which "
            "an update might lose. Move them with mstr_script_runtime."
        )
    return [move for move in moves if not has_secret(move)]


def _without_broken_targets(moves: Sequence[Move], steps: Sequence[Step]) -> list[Move]:
    """The moves, with an error of each to a runtime that is broken, and that this task leaves as it is."""
    unchanged = [step for step in steps if step.state == READ and step.runtime]
    broken = {step.place: failure_of(step.before_or_empty) for step in unchanged}

    def checked(move: Move) -> Move:
        failure = broken.get(move.target_place) if move.is_due else None
        return move._replace(error=ValidationError([f"It was not assigned. {failure}"])) if failure else move

    return list(map(checked, moves))


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
    named = [step for step in steps if step.name == name]
    # Even if one that is to be deleted has the name now.
    present = [step for step in named if step.wanted.state == "present"]
    if present:
        return _runtime_of(present[0]), present[0].place
    if named:
        fate = "would be purged" if named[0].is_purge else "is to be deleted"
        raise ValidationError([f"runtime {name!r} {fate}, so no script can use it"])
    renamed = [step for step in steps if step.before_or_empty.name == name]
    if renamed:
        raise ValidationError([f"runtime {name!r} becomes {renamed[0].name!r} in this task; write that name"])
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

    def with_target(move: Move) -> Move:
        step = by_place.get(move.target_place)
        if step is None or not move.is_due:
            return move
        if step.error:
            why = f"the runtime {step.name!r} failed, so no script was assigned to it"
            return move._replace(error=Consequence(why))
        return move._replace(target=_runtime_of(step))

    return list(map(with_target, moves))


# --- the guard


def used_refusals(
    context: Context, usage: Usage, runtimes: Sequence[Runtime]
) -> Iterator[tuple[Sequence[Runtime], str]]:
    """Which of the runtimes must not be deleted with protect_used, and why: scripts use them, or that is unknown."""
    used = _with_tasks(context, usage, runtimes)
    for runtime in runtimes:
        if used[runtime.key]:
            why = f"runtime {runtime.label} is {used_by(used[runtime.key])}"
            advice = "Choose a different runtime for these scripts first, or set protect_used: false"
            yield [runtime], f"{why}. It was not deleted (protect_used). {advice}"
    unproven = [runtime for runtime in runtimes if not used[runtime.key]]
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
    used = _with_tasks(context, usage, runtimes)
    for runtime in runtimes:
        if used[runtime.key]:
            users = used_by(used[runtime.key])
            context.warn(f"Runtime {runtime.label} would be deleted, and is {users} (protect_used: false).")
    if usage.unread and runtimes:
        labels = listed([failure.label for failure in usage.unread])
        context.warn(f"Other scripts may use what would be deleted, because these could not be read: {labels}.")


def _with_tasks(context: Context, usage: Usage, runtimes: Sequence[Runtime]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """By the key of each runtime, the scripts on it with their schedules. A look-up that fails leaves those out."""
    by_runtime = {runtime.key: usage.of(runtime.id) for runtime in runtimes}
    scripts = [script for on_runtime in by_runtime.values() for script in on_runtime]
    tasks = find_tasks(context, usage, scripts)
    return {key: list(map(tasks.with_tasks, on_runtime)) for key, on_runtime in by_runtime.items()}
