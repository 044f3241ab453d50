# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans which runtime each script is to use, from one look-up; and refuses to delete what a script uses."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._errors import ErrorList, MstrError, ValidationError
from .._model.plan import Plan
from .._model.runtime import Runtime, id_from
from .._model.scripts import Project, SavedScript, ScriptEntry, Unread, Usage
from .._model.steps import (
    ASSIGN,
    DELETE,
    DELETE_OLD,
    NO_DEFINITION,
    READ,
    Row,
    Step,
    assignments_in,
    deletions_in,
    final_name,
    is_purged,
)
from .._model.usage import used_by
from .._text import counted, ended, listed
from .api import Context, one_named
from .script_usage import Key, find_tasks, find_usage

READ_ALL = "Run the task as a user who may read all scripts"
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
_ASSIGNED = Plan("assign", None, ("runtime",))


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


# --- steps


def assignment(script: SavedScript, target: Runtime, listed_runtimes: Iterable[Runtime] = ()) -> Step:
    """The step that assigns a runtime to a script whose runtime is known, or that leaves it alone."""
    before = next((runtime for runtime in listed_runtimes if runtime.key == script.runtime_id), None)
    step = Step(NO_DEFINITION, ASSIGN, before, successor=target, script=script, fingerprint="")
    if script.runtime_id == target.key:
        return step._replace(state=READ)
    approved = ["script", script.project.id, script.id, script.runtime_id, target.key or target.name]
    return step._replace(plan=_ASSIGNED, fingerprint=json.dumps(approved))


def assignment_for(entry: ScriptEntry, usage: Usage, target: Runtime, listed_runtimes: Iterable[Runtime] = ()) -> Step:
    """The step for an entry; with an error where the look-up shows no script, or several, for it."""
    found = [script for script in usage.scripts if entry.matches(script)]
    unread = [failure for failure in usage.unread if entry.may_be_in(failure)]
    same = [*found, *(failure.script for failure in unread if failure.script)]
    if found and len(same) == 1:
        return assignment(found[0], target, listed_runtimes)
    return _not_assigned(entry, target, _why_not_found(same, unread))


def _not_assigned(entry: ScriptEntry, target: Runtime, error: MstrError) -> Step:
    """The step for an entry whose script was not found."""
    script = SavedScript(Project(None, entry.project), entry.id or "", entry.name or "")
    return Step(NO_DEFINITION, ASSIGN, successor=target, script=script, error=error)


def _why_not_found(same: Sequence[SavedScript], unread: Sequence[Unread]) -> MstrError:
    """Why an entry means no script. `same`: those that it may mean. `unread`: the reads that may have failed for it."""
    if len(same) > 1:
        ids = ", ".join(sorted(script.id for script in same))
        return MstrError(f"{len(same)} scripts have this name: {ids}; choose one by id.")
    if unread:
        # A failed read of the script says more than one of the project, and is the last of them.
        return unread[-1].error
    return MstrError("The project has no such script that uses a runtime, or the user may not see it.")


def usage_after(usage: Usage, steps: Iterable[Step]) -> Usage:
    """The look-up, with the runtimes that the scripts will use: none yet for one that is still to be created."""
    targets: dict[Key, str] = {}
    for step in steps:
        if step.script and step.successor and step.is_due:
            targets[step.script.key] = step.successor.key
    scripts = [script._replace(runtime_id=targets.get(script.key, script.runtime_id)) for script in usage.scripts]
    return usage._replace(scripts=scripts)


# --- the plan


def needs_scripts(context: Context, rows: Sequence[Row]) -> bool:
    """Whether the task has to know which scripts use which runtime."""
    return context.inputs.scripts is not None or _needs_all_scripts(context, rows)


def look_up(context: Context, rows: Sequence[Row]) -> Usage:
    """The scripts of every project, or only those that are to be assigned, if no others count. Raises Interrupted."""
    if _needs_all_scripts(context, rows):
        return find_usage(context, None)
    return find_entries(context, context.inputs.scripts or ())


def _needs_all_scripts(context: Context, rows: Sequence[Row]) -> bool:
    """Whether scripts that the task does not list count: of replacements, and of what is deleted under protection."""
    if context.inputs.protects and deletions_in(rows):
        return True
    return any(row.replacement and not row.failure for row in rows)


def plan_scripts(context: Context, rows: list[Row], usage: Usage) -> list[Row]:
    """The rows with all assignments: those of replacements, and a row for each wanted script.

    `usage`: as it will be after a recovery. Raises ValidationError for an entry that cannot be carried out.
    """
    wanted = _wanted_rows(context, rows, usage)
    listed_keys = script_keys(wanted)
    usage = usage_after(usage, assignments_in(wanted))
    rows = [_with_moves(context, row, usage, listed_keys) for row in rows]
    return spare_used(with_targets([*rows, *wanted]))


def script_keys(rows: Sequence[Row]) -> set[Key]:
    """The keys of the scripts that are to be assigned."""
    return {step.script.key for step in assignments_in(rows) if step.script}


def _with_moves(context: Context, row: Row, usage: Usage, listed_keys: Collection[Key]) -> Row:
    """The row; of a replacement, with the assignments of the scripts on the old runtime."""
    if row.failure or row.old is None:
        return row
    if usage.unread:
        return row._replace(error=_unread_refusal(f"{final_name(row)!r} cannot be replaced", usage))
    target = runtime_of(row)
    on_old = [script for script in usage.of(row.old.key) if script.key not in listed_keys]
    moves = [assignment(script, target, context.existing) for script in on_old]
    secret = secret_refusal(moves, listed_keys)
    if secret:
        return row._replace(error=secret)
    return row._replace(steps=(row.steps[0], *moves, *row.steps[1:]))


def _unread_refusal(what: str, usage: Usage) -> MstrError:
    first = usage.unread[0]
    text = f"{what}, because not every script could be read: {first.label}: {ended(first.error.sentence)} {READ_ALL}"
    return ValidationError([text])


def secret_refusal(moves: Sequence[Step], listed_keys: Collection[Key]) -> MstrError | None:
    """Why scripts are not moved: a variable holds a secret, of which a mask was read. None if they may be."""
    secret = {
        step.script.label
        for step in moves
        if step.script and step.script.has_secret and step.script.key not in listed_keys
    }
    if not secret:
        return None
    return ValidationError(
        [
            f"{listed(sorted(secret))} would be moved, and a variable there holds a secret, which an update might "
            "lose. List each under scripts to move it without its variables, or move it with mstr_script_runtime first"
        ]
    )


def _wanted_rows(context: Context, rows: Sequence[Row], usage: Usage) -> list[Row]:
    """A row for each script that is to use a certain runtime. Raises ValidationError."""
    entries = context.inputs.scripts or ()
    wanted = []
    with ErrorList() as errors:
        for entry in entries:
            found = errors.check(_target, context, entry, rows, prefix=entry.place)
            if found:
                target, row = found
                step = assignment_for(entry, usage, target, context.existing)
                wanted.append(Row(NO_DEFINITION, entry.place, (step,), target=row.place if row else ""))
    check_same_scripts(wanted)
    if context.inputs.restore:
        wanted = _without_secrets(context, wanted)
    return wanted


def _without_secrets(context: Context, planned: Sequence[Row]) -> list[Row]:
    """The rows of a restore without those of scripts with a secret, which an update might lose; they are named."""
    kept: list[Row] = []
    secret: list[str] = []
    for row in planned:
        if row.main.is_due and secret_refusal([row.main], ()):
            secret.append(row.label)
        else:
            kept.append(row)
    if secret:
        context.warn(
            f"{listed(sorted(secret))}: not moved to the runtime of the backup, because a variable there holds a "
            "secret, which an update might lose. Move them with mstr_script_runtime."
        )
    return kept


def check_same_scripts(rows: Iterable[Row]) -> None:
    """Raises ValidationError for entries that are the same script, under its name and under its id."""
    first: dict[Key | str, Row] = {}
    with ErrorList() as errors:
        for row in rows:
            script = row.main.script
            key = script.key if script and script.id else row.place
            earlier = first.setdefault(key, row)
            if earlier is not row:
                errors.add(f"{row.place} and {earlier.place} are the same {row.main.label}; list it once")


def _target(context: Context, entry: ScriptEntry, rows: Sequence[Row]) -> tuple[Runtime, Row | None]:
    """The runtime that a script is to use, as it will be, and its row, if it has one. Raises ValidationError."""
    name = str(entry.runtime)
    # Even if one that is to be deleted has the name now.
    named = sorted((row for row in rows if final_name(row) == name), key=lambda row: row.wanted.state != "present")
    for row in named[:1]:
        if row.wanted.state == "absent":
            goes = "would be purged" if is_purged(row) else "is to be deleted"
            raise ValidationError([f"runtime {name!r} {goes}, so no script can use it"])
        return runtime_of(row), row
    for row in rows:
        if any(runtime and runtime.name == name for runtime in (row.old, row.main.before)):
            raise ValidationError([f"runtime {name!r} becomes {final_name(row)!r} in this task; write that name"])
    runtime = one_named(context.existing, name)
    if runtime is None:
        raise ValidationError([f"the server has no runtime {name!r}, and the task does not create it"])
    return runtime, None


def runtime_of(row: Row) -> Runtime:
    """The runtime of a row as it is now, or will be, under its final name."""
    main = row.main
    runtime = main.after or main.plan.target or main.before or Runtime({})
    return runtime._replace(values={**runtime.values, "name": final_name(row)})


def spare_used(rows: Sequence[Row]) -> list[Row]:
    """The rows; one that deletes or replaces what a script still uses that was to be moved has an error.

    With an error, a purge is cancelled as a whole.
    """
    unmoved = [row.main.script for row in rows if row.main.script and row.failure]
    used = {script.runtime_id for script in unmoved} - {None}

    def spared(row: Row) -> Row:
        for step in row.due(DELETE, DELETE_OLD):
            if step.key in used:
                return row._replace(error=MstrError(f"{step.label} was not deleted, because a script still uses it"))
        return row

    return list(map(spared, rows))


def with_targets(rows: Sequence[Row]) -> list[Row]:
    """The rows, their assignments with the runtimes that the task has created by now.

    A runtime whose row failed gets no script.
    """
    by_place = {row.place: row for row in rows if not row.main.script}

    def with_target(row: Row) -> Row:
        owner = row if row.replacement else by_place.get(row.target)
        if owner is None or row.failure:
            return row
        steps = [_assigned_to(owner, step) for step in row.steps]
        return row._replace(steps=tuple(steps))

    return list(map(with_target, rows))


def _assigned_to(owner: Row, step: Step) -> Step:
    """The step; an assignment that is due, with the runtime of its row as it is now, or with the error of that."""
    if step.script is None or not step.is_due:
        return step
    if owner.failure:
        why = f"the runtime {final_name(owner)!r} failed, so no script was assigned to it"
        return step._replace(error=MstrError(why))
    return step._replace(successor=runtime_of(owner))


# --- the guard


def used_refusals(
    context: Context, usage: Usage, runtimes: Sequence[Runtime]
) -> Iterator[tuple[Sequence[Runtime], str]]:
    """Which of the runtimes must not be deleted with protect_used, and why: scripts use them, or that is unknown."""
    used = _with_tasks(context, usage, runtimes)
    for runtime in runtimes:
        if used[runtime.key]:
            why = f"runtime {runtime.label} is {used_by(used[runtime.key])}"
            advice = "Choose a different runtime for these scripts first"
            yield [runtime], f"{why}. It was not deleted (protect_used). {advice}"
    unproven = [runtime for runtime in runtimes if not used[runtime.key]]
    if usage.unread and unproven:
        names = listed([runtime.label for runtime in unproven])
        labels = listed([failure.label for failure in usage.unread])
        yield (
            unproven,
            f"protect_used could not find out whether scripts use {names}, so nothing was deleted: "
            f"{counted(len(usage.unread), 'look-up')} failed: {labels}. "
            f"The first reason: {ended(usage.unread[0].error.sentence)} {READ_ALL}, or load the project",
        )


def _with_tasks(context: Context, usage: Usage, runtimes: Sequence[Runtime]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """By the key of each runtime, the scripts on it with their schedules. A look-up that fails leaves those out."""
    by_runtime = {runtime.key: usage.of(runtime.id) for runtime in runtimes}
    scripts = [script for on_runtime in by_runtime.values() for script in on_runtime]
    tasks = find_tasks(context, usage, scripts)
    return {key: list(map(tasks.with_tasks, on_runtime)) for key, on_runtime in by_runtime.items()}
