# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts of a task for runtimes: what a look-up shows, which runtimes they are to use, and what was done."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import ErrorList, ValidationError, counted, ended, listed
from .._model.runtime import Runtime, mark_in
from .._model.scripts import ScriptEntry, Usage
from .._model.steps import DELETE, DELETE_OLD, NO_SCRIPTS, UNDO, Row, ScriptReport, Step
from .._model.usage import used_by
from .api import Context, Work, one_named, utc_date
from .assignments import ASSIGN, RECOVER, SETTLE, Assignment, find_entries, plan_assignment, script_report
from .script_usage import find_usage

_READ_ALL = "Run the task as a user who may read all scripts"


class Scripts(NamedTuple):
    """The scripts of a task at one moment. Every step of the work returns a new value.

    `entries`: those that are to use certain runtimes; None if none are given. `every`: whether all scripts must be
    known. `names`: of the runtimes on the server, by their keys. `usage`: the last look-up; None if something happened
    since, so that the next question needs a new one. `assignments`: planned, and then what was done; `unseen`: those
    that the look-up does not show yet.
    """

    entries: Sequence[ScriptEntry] | None
    every: bool
    names: Mapping[str, str]
    usage: Usage | None = None
    assignments: Sequence[Assignment] = ()
    unseen: Sequence[Assignment] = ()

    @property
    def failed(self) -> bool:
        """Whether an assignment failed, or cannot be planned."""
        return any(assignment.error for assignment in self.assignments)

    def forgotten(self) -> Scripts:
        """Without the look-up, because something happened since."""
        return self._replace(usage=None, unseen=())

    def looked_up(self, context: Context) -> Scripts:
        """With a look-up. Raises Interrupted."""
        if self.usage is not None:
            return self
        if self.every or context.inputs.protects:
            return self._replace(usage=find_usage(context, None))
        return self._replace(usage=find_entries(context, self.entries or ()))

    @property
    def expected(self) -> Usage:
        """The look-up, with the runtimes that the scripts will use: none yet for one that is still to be created."""
        usage = self.usage or Usage()
        targets = {plan.script.key: plan.target.key for plan in self.unseen if plan.action == "moved"}
        scripts = [script._replace(runtime_id=targets.get(script.key, script.runtime_id)) for script in usage.scripts]
        return usage._replace(scripts=scripts)

    def refusals(self, context: Context, steps: Sequence[Step]) -> Iterator[tuple[Sequence[Runtime], str]]:
        """Which runtimes of the steps must not be deleted, and why: a script will still use it, or that is unknown."""
        advice = "Assign these scripts to the runtime that it was to replace, or finish the replacement, first"
        for step in steps:
            if step.unused_only and step.before:
                # What a definition itself deletes is kept only for a script that is known to use it.
                usage = self.expected._replace(unread=()) if step.phase == DELETE else self.expected
                yield from _refusals(context, usage, [step.before], advice, "")
        if context.inputs.protects:
            protected = [step.before for step in steps if step.before and not step.unused_only]
            advice = "Choose a different runtime for these scripts first"
            more = ", or load the project"
            yield from _refusals(context, self.expected, protected, advice, more)

    def planning(self, more: Iterable[Assignment]) -> Scripts:
        """With more planned assignments, which the look-up does not show yet."""
        more = list(more)
        return self._replace(assignments=[*self.assignments, *more], unseen=[*self.unseen, *more])

    def report(self, rows: Iterable[Row]) -> ScriptReport:
        """What the result says of the scripts."""
        if self.entries is None and not self.assignments:
            return NO_SCRIPTS
        new = {row.runtime.key: row.runtime.name for row in rows if row.runtime and row.runtime.id}
        return script_report(self.assignments, {**self.names, **new})


# --- the plan


def plan_scripts(context: Context, entries: Sequence[ScriptEntry] | None, rows: list[Row]) -> tuple[Work, list[str]]:
    """The work with the look-up of scripts and the planned assignments, and why the task must not do anything.

    Raises ValidationError for an assignment that it cannot carry out.
    """
    going = [step for row in rows if not row.failure for step in row.steps if step.plan.action == "delete"]
    every = any(row.replacement or row.finishes for row in rows) or any(step.unused_only for step in going)
    if entries is None and not every and not (going and context.inputs.protects):
        return Work(rows), []
    names = {runtime.key: runtime.name for runtime in context.existing}
    scripts = Scripts(entries, every, names, context.usage).looked_up(context)
    planned = [row for row in rows if not row.failure]
    scripts = scripts.planning(_recovering(context, scripts, planned))
    scripts = scripts.planning(_wanted(context, scripts, rows))
    listed_keys = {plan.script.key for plan in scripts.assignments if plan.place}
    scripts = scripts.planning(moves_of(scripts, planned, DELETE_OLD, listed_keys))
    scripts = scripts.planning(moves_of(scripts, planned, DELETE, listed_keys))
    fingerprints = [plan._replace(fingerprint=_fingerprint(plan)) for plan in scripts.assignments]
    scripts = scripts._replace(assignments=fingerprints, unseen=fingerprints)
    work = Work(_without_used(context, scripts, rows), scripts)
    return work, list(_refused(scripts, planned, listed_keys))


def _refused(scripts: Scripts, rows: Sequence[Row], listed_keys: Collection[Any]) -> Iterator[str]:
    """Why scripts cannot be moved as planned."""
    replacing = [repr(row.final_name) for row in rows if row.replacement]
    unread = scripts.expected.unread
    if replacing and unread:
        cannot = f"{listed(replacing)} cannot be replaced, because not every script could be read"
        yield f"{cannot}: {unread[0].label}: {ended(unread[0].error.sentence)} {_READ_ALL}"
    moved = [plan.script for plan in scripts.assignments if plan.action == "moved"]
    secret = sorted({script.label for script in moved if script.has_secret and script.key not in listed_keys})
    if secret:
        yield (
            f"{listed(secret)} would be moved, and a variable there holds a secret, which an update might lose. List "
            "each under scripts to move it without its variables, or move it with mstr_script_runtime first"
        )


def _recovering(context: Context, scripts: Scripts, rows: Sequence[Row]) -> Iterator[Assignment]:
    """The assignments that undo or finish what an earlier run left."""
    usage, by_key = scripts.usage or Usage(), {runtime.key: runtime for runtime in context.existing}
    for row in rows:
        undone = [step.before for step in row.in_phase(UNDO) if step.before]
        undone += [row.beside] if row.beside and row.main.plan.changed else []
        for beside in undone:
            _name, replaced = mark_in(beside.name) or ("", "")
            for script in usage.of(beside.key):
                yield Assignment.planned(script, by_key[replaced], stage=RECOVER, row=row.place)
        if row.finishes:
            new = _named(row.old[0] if row.in_phase(DELETE_OLD) else row.main.seen, row.final_name)
            for script in usage.of(row.finishes):
                yield Assignment.planned(script, new, stage=RECOVER, row=row.place)


def _wanted(context: Context, scripts: Scripts, rows: Sequence[Row]) -> list[Assignment]:
    """The assignments that are asked for. Raises ValidationError."""
    entries, usage = scripts.entries or (), scripts.expected
    with ErrorList() as errors:
        targets = [errors.check(_target, context, entry, rows, prefix=entry.place) for entry in entries]
    planned = [
        plan_assignment(entry, usage, target)._replace(row=row.place if row else "")
        for entry, (target, row) in zip(entries, targets)
    ]
    check_same_scripts(planned)
    if context.inputs.restore:
        from .restore import without_secrets  # only a backup needs it

        planned = without_secrets(context, planned)
    return planned


def moves_of(scripts: Scripts, rows: Sequence[Row], phase: str, listed_keys: Collection[Any]) -> Iterator[Assignment]:
    """The assignments of the scripts on what rows replace: what is deleted in this phase."""
    stage, usage = ASSIGN if phase == DELETE_OLD else SETTLE, scripts.expected
    for row in rows:
        for step in row.in_phase(phase) if row.replacement else ():
            mark = mark_in(step.seen.name)
            # Of an unfinished replacement whose runtime is gone, scripts may still name that one.
            dangling = usage.of(mark[1]) if mark and phase == DELETE else []
            for script in (*usage.of(step.key), *dangling):
                if script.key not in listed_keys:
                    yield Assignment.planned(script, runtime_of(row), stage=stage, row=row.place)


def check_same_scripts(planned: Iterable[Assignment]) -> None:
    """Raises ValidationError for entries that are the same script, under its name and under its id."""
    first: dict[Any, Assignment] = {}
    with ErrorList() as errors:
        for assignment in planned:
            script = assignment.script
            earlier = first.setdefault(script.key if script.id else assignment.place, assignment)
            if earlier is not assignment:
                errors.add(f"{assignment.place} and {earlier.place} are the same {script.label}; list it once")


def _target(context: Context, entry: ScriptEntry, rows: Sequence[Row]) -> tuple[Runtime, Row | None]:
    """The runtime that a script is to use, as it will be, and its row, if it has one. Raises ValidationError."""
    name = str(entry.runtime)
    # Even if one that is to be deleted has the name now.
    named = sorted((row for row in rows if row.final_name == name), key=lambda row: row.wanted.state != "present")
    for row in named[:1]:
        if row.wanted.state == "absent":
            goes = "would be purged" if row.is_purged else "is to be deleted"
            raise ValidationError([f"runtime {name!r} {goes}, so no script can use it"])
        return runtime_of(row), row
    for row in rows:
        if any(runtime and runtime.name == name for runtime in (*row.old, row.main.before)):
            raise ValidationError([f"runtime {name!r} becomes {row.final_name!r} in this task; write that name"])
    runtime = one_named(context.existing, name)
    if runtime is None:
        raise ValidationError([f"the server has no runtime {name!r}, and the task does not create it"])
    return runtime, None


def runtime_of(row: Row) -> Runtime:
    """The runtime of a row as it is now, or will be, under its final name."""
    return _named(row.main.after or row.main.plan.target or row.main.before or Runtime({}), row.final_name)


def _named(runtime: Runtime, name: str) -> Runtime:
    return runtime._replace(values={**runtime.values, "name": name})


def _fingerprint(planned: Assignment) -> str | None:
    """What a person approves of an assignment; None if it cannot be planned."""
    script = planned.script
    if planned.action == "none":
        return ""
    if not script.id or not script.runtime_id:
        return None
    return json.dumps(
        ["script", script.project.id, script.id, script.runtime_id, planned.target.key or planned.target.name]
    )


# --- the guards


def _refusals(
    context: Context, usage: Usage, runtimes: Sequence[Runtime], advice: str, more: str
) -> Iterator[tuple[Sequence[Runtime], str]]:
    used = _with_tasks(context, usage, runtimes)
    option = "protect_used" if more else "The task"
    for runtime in runtimes:
        if used[runtime.key]:
            why = f"runtime {runtime.label} is {used_by(used[runtime.key], utc_date())}"
            yield [runtime], f"{why}. It was not deleted{' (protect_used)' if more else ''}. {advice}"
    unproven = [runtime for runtime in runtimes if not used[runtime.key]]
    if usage.unread and unproven:
        names = listed([runtime.label for runtime in unproven])
        labels = listed([failure.label for failure in usage.unread])
        sentence = (
            f"{option} could not find out whether scripts use {names}, so nothing was deleted: "
            f"{counted(len(usage.unread), 'look-up')} failed: {labels}. "
            f"The first reason: {ended(usage.unread[0].error.sentence)} {_READ_ALL}{more}"
        )
        yield unproven, sentence


def _with_tasks(context: Context, usage: Usage, runtimes: Sequence[Runtime]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """By the key of each runtime, the scripts on it with their schedules. A look-up that fails leaves those out."""
    from .script_tasks import find_tasks  # only a deletion needs it

    by_runtime = {runtime.key: usage.of(runtime.id) for runtime in runtimes}
    scripts = [script for on_runtime in by_runtime.values() for script in on_runtime]
    tasks = find_tasks(context, usage, scripts)
    return {key: list(map(tasks.with_tasks, on_runtime)) for key, on_runtime in by_runtime.items()}


def _without_used(context: Context, scripts: Scripts, rows: Sequence[Row]) -> list[Row]:
    """The rows without the purge of an unfinished replacement that a script will use, or that may be used."""
    kept = []
    for row in rows:
        runtime = row.main.before
        if row.is_purged and row.main.unused_only and runtime:
            mark = context.left.get(runtime.key)
            dangling = scripts.expected.of(mark.replaced) if mark and mark.is_gone else []
            used = bool(scripts.expected.of(runtime.id) or dangling)
            if used or scripts.expected.unread:
                why = "a script uses it" if used else "not every script could be read"
                context.warn(f"The purge spares {runtime.label}, an unfinished replacement, because {why}.")
                continue
        kept.append(row)
    return kept
