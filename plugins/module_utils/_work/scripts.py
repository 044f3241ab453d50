# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts of a task for runtimes: one look-up, the plan of their assignments, and what was done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._errors import ErrorList, MstrError, ValidationError, counted, listed
from .._model.entry import NO_SCRIPTS, PURGED, Entry, ScriptReport
from .._model.report import going
from .._model.runtime import Runtime
from .._model.usage import Json, used_by
from .api import Context, one_named, utc_date
from .assignments import (
    Assigner,
    Assignment,
    ScriptEntry,
    check_same_scripts,
    plan_assignment,
    report_scripts,
    usage_after,
)
from .script_usage import Usage, find_usage


@dataclass(eq=False)
class Scripts:
    """The scripts of one task. `entries`: those that are to use certain runtimes.

    `protects`: whether a runtime that a script uses must not be deleted; `projects`: those that count for that.
    `needs_all`: whether every script must be known, because all scripts of some runtime are to move or to be shown.
    """

    context: Context
    entries: Sequence[ScriptEntry] | None = None
    protects: bool = False
    projects: Sequence[str] | None = None
    needs_all: bool = False

    def __post_init__(self) -> None:
        self._assigner = Assigner(self.context)
        self._names: dict[str, str] = {}  # of the runtimes, by their id
        self.assignments: list[Assignment] = []
        self._planned: list[Assignment] = []  # what the look-up does not show yet

    @cached_property
    def usage(self) -> Usage:
        """The scripts and their runtimes, looked up once."""
        entries = self.entries or ()
        every = self.needs_all or (self.protects and self.projects is None)
        projects = [*(self.projects or ()), *(entry.project for entry in entries if not every)]
        if self.needs_all or self.protects:
            return find_usage(self.context, projects, every=every)
        return find_usage(self.context, projects, lambda script: any(entry.matches(script) for entry in entries))

    def used_by(self, runtimes: Sequence[Runtime]) -> Mapping[str, Sequence[Json] | None]:
        """By the key of each runtime, the scripts on it with their schedules; None if not all could be read."""
        if self.usage.unread:
            return dict.fromkeys(runtime.key for runtime in runtimes)
        return self._with_runs(self.usage, runtimes)

    def _with_runs(self, usage: Usage, runtimes: Sequence[Runtime]) -> Mapping[str, Sequence[Json]]:
        """By the key of each runtime, the scripts on it with their schedules. For evidence only: it never fails."""
        from .script_tasks import find_runs  # only a deletion needs it

        found = {runtime.key: usage.of(runtime.id) for runtime in runtimes}
        scripts = [script for on_runtime in found.values() for script in on_runtime]
        runs = find_runs(self.context, usage, scripts)
        return {key: list(map(runs.with_runs, on_runtime)) for key, on_runtime in found.items()}

    def look_up_again(self) -> None:
        """Forget what was looked up, because time has passed, and what was planned, because it is done."""
        self.__dict__.pop("usage", None)
        self._planned = []

    def refusals(self, runtimes: Sequence[Runtime]) -> Iterator[tuple[Sequence[Runtime], str]]:
        """Which of the runtimes must not be deleted, and why: a script will still use it, or that is not known."""
        if not self.protects:
            return
        usage = usage_after(self.usage, self._planned).within(self.projects)
        used = self._with_runs(usage, runtimes)
        for runtime in runtimes:
            if used[runtime.key]:
                why = f"runtime {runtime.label} is {used_by(used[runtime.key], utc_date())}"
                advice = "It was not deleted (protect_used). Choose a different runtime for these scripts first"
                yield [runtime], f"{why}. {advice}"
        unproven = [runtime for runtime in runtimes if not used[runtime.key]]
        if usage.unread and unproven:
            names = listed([runtime.label for runtime in unproven])
            labels = listed([failure.label for failure in usage.unread])
            sentence = (
                f"protect_used could not find out whether scripts use {names}, so nothing was deleted: "
                f"{counted(len(usage.unread), 'look-up')} failed: {labels}. "
                f"The first reason: {usage.unread[0].error.sentence.rstrip('.')}. Run the task as a user who may read "
                "all scripts, load the project, or name the projects that count in protect_projects"
            )
            yield unproven, sentence

    def plan(self, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[str]:
        """Plan the assignments. Returns why the task must not do anything.

        Raises ValidationError for an assignment that it cannot carry out.
        """
        self._names = {runtime.key: runtime.name for runtime in existing}
        named, by_name = self.entries or (), _by_final_name(entries)
        with ErrorList() as errors:
            targets = [errors.check(_target, script, by_name, existing, place=script.place) for script in named]
        self.assignments = [plan_assignment(script, self.usage, target) for script, target in zip(named, targets)]
        check_same_scripts(self.assignments)
        replacing = [entry for entry in entries if entry.replacing and not entry.error]
        for entry in replacing:
            self.assignments += self._moves(entry)
        self.assignments = [plan._replace(fingerprint=_fingerprint(plan)) for plan in self.assignments]
        self._planned = self.assignments
        if not replacing or not self.usage.unread:
            return []
        names = listed([repr(final_name(entry)) for entry in replacing])
        first = self.usage.unread[0]
        return [
            f"{names} cannot be replaced, because not every script could be read: {first.label}: "
            f"{first.error.sentence.rstrip('.')}. Run the task as a user who may read all scripts"
        ]

    def _moves(self, entry: Entry) -> list[Assignment]:
        """The assignments of the scripts of the runtimes that an entry replaces."""
        planned = {assignment.script.key for assignment in self.assignments}
        found = [script for old in entry.replaces for script in self.usage.of(old.id)]
        return [Assignment.planned(script, _runtime_of(entry)) for script in found if script.key not in planned]

    def checked(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries, with those that must be spared. A runtime with an error gets no script."""
        by_name = _by_final_name(entries)
        self.assignments = [_ready(assignment, by_name) for assignment in self.assignments]
        return [entry if entry.error else entry._replace(error=self._error_of(entry)) for entry in entries]

    def assign(self, entries: Sequence[Entry]) -> list[Entry]:
        """Carry out the plan, with the runtimes as they are now. Returns the entries, as `checked` does."""
        self.checked(entries)
        self.assignments = self._assigner.assign(self.assignments)
        return self.checked(entries)

    def _error_of(self, entry: Entry) -> MstrError | None:
        """The error of an entry that deletes or replaces what a script still uses that was to be moved.

        A purge is cancelled as a whole.
        """
        going = [entry.before] if entry.to_do == "delete" and entry.place != PURGED else entry.replaces
        keys = {runtime.key for runtime in going if runtime}
        for assignment in self.assignments if keys else ():
            if assignment.script.runtime_id in keys and assignment.error and assignment.action != "moved":
                if entry.replaces:
                    return MstrError(f"The {assignment.script.label} was not moved: {assignment.error}")
                return MstrError(f"{entry.label} was not deleted, because a script still uses it")
        return None

    def move_newcomers(self, entry: Entry) -> MstrError | None:
        """Move the scripts that came to the old runtime after the look-up. Returns why it must not be deleted."""
        try:
            unread = self.usage.unread
        except MstrError as exc:  # also after a signal: what was written so far must be reported
            return exc
        if unread:
            return MstrError(f"Not every script could be read again: {unread[0].error.sentence}")
        moves = self._moves(entry)
        if moves and self.context.plan_id:
            return MstrError(
                f"The {moves[0].script.label} began to use the old runtime after the plan was made, so the plan is "
                "different from the approved one"
            )
        moved = self._assigner.assign(moves)
        self.assignments, self._planned = [*self.assignments, *moved], [*self._planned, *moved]
        left = [script for old in entry.replaces for script in usage_after(self.usage, self._planned).of(old.id)]
        again = MstrError(f"Somebody assigned the old runtime to the {left[0].label} again") if left else None
        return self._error_of(entry) or again

    def assign_back(self, entry: Entry) -> str:
        """Assign the scripts of a failed replacement to their old runtime again. Returns what could not be."""
        errors = []
        for old in entry.replaces:
            moved = {
                place: assignment
                for place, assignment in enumerate(self.assignments)
                if assignment.is_changed
                and assignment.script.runtime_id == old.key
                and assignment.target.name == final_name(entry)
            }
            if moved and not exists(self.context, old):
                gone = f"{old.label} does not exist any more"
                errors += [f"{assignment.script.label}: {gone}" for assignment in moved.values()]
                continue
            why = MstrError(f"The replacement of {old.label} failed, so the script was assigned back to it.")
            back = [
                Assignment(assignment.script._replace(runtime_id=assignment.target.key), old, "moved")
                for assignment in moved.values()
            ]
            for (place, assignment), returned in zip(moved.items(), self._assigner.assign(back, insist=True)):
                if returned.action in ("moved", "none"):
                    error = assignment.error or returned.error or why
                    self.assignments[place] = assignment._replace(action="failed", error=error)
                else:
                    errors.append(f"{assignment.script.label}: {returned.error}".rstrip("."))
        return f"{counted(len(errors), 'script')} could not be assigned back: {listed(errors)}." if errors else ""

    @property
    def failed(self) -> bool:
        """Whether an assignment failed, or cannot be planned."""
        return any(assignment.error for assignment in self.assignments)

    def report(self, entries: Iterable[Entry]) -> ScriptReport:
        """What the result says of the scripts."""
        if self.entries is None and not self.assignments:
            return NO_SCRIPTS
        names = {
            **self._names,
            **{entry.after.key: entry.after.name for entry in entries if entry.after and entry.after.id},
        }
        return report_scripts(self.assignments, names)


def with_evidence(context: Context, entries: Sequence[Entry]) -> list[Entry]:
    """The entries of a plan; what would be deleted or replaced has the scripts that use it."""
    scripts = context.scripts or Scripts(context, needs_all=True)
    used = scripts.used_by([runtime for entry in entries for runtime in going(entry)])

    def evidence(entry: Entry) -> Mapping[str, Any]:
        found = {runtime.key: used[runtime.key] for runtime in going(entry)}
        known = [script for on_runtime in found.values() for script in on_runtime or ()]
        text = used_by(None if None in found.values() else known, utc_date())
        return {"scripts": found, "text": text} if found else {}

    return [entry._replace(evidence=evidence(entry)) for entry in entries]


def _target(script: ScriptEntry, by_name: Mapping[str, Entry], existing: Sequence[Runtime]) -> Runtime:
    """The runtime that a script is to use, as it will be. Raises ValidationError."""
    name = str(script.runtime)
    entry = by_name.get(name)
    if entry:
        if entry.wanted.state == "absent":
            goes = "would be purged" if entry.place == PURGED else "is to be deleted"
            raise ValidationError([f"runtime {name!r} {goes}, so no script can use it"])
        return _runtime_of(entry)
    for entry in by_name.values():
        if any(runtime and runtime.name == name for runtime in (*entry.replaces, entry.before)):
            raise ValidationError([f"runtime {name!r} becomes {final_name(entry)!r} in this task; write that name"])
    found = one_named(existing, name)
    if found is None:
        raise ValidationError([f"the server has no runtime {name!r}, and the task does not create it"])
    return found


def exists(context: Context, runtime: Runtime) -> bool:
    """Whether the runtime exists, as far as the server says."""
    try:
        return context.api.find(str(runtime.id), repr(runtime.name)) is not None
    except MstrError:
        return True


def final_name(entry: Entry) -> str:
    """The name that the runtime will have; of one to delete, the name that it has."""
    if entry.wanted.state == "absent":
        return entry.before.name if entry.before else "" if entry.wanted.id else str(entry.wanted.name)
    return str(entry.definition.name or entry.name)


def _by_final_name(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The first entry whose runtime will have a name, by this name, even if a different runtime has it now."""
    return {final_name(entry): entry for entry in reversed(entries)}


def _runtime_of(entry: Entry) -> Runtime:
    """The runtime of an entry as it is now, or will be, under its final name."""
    runtime = entry.after or entry.plan.target or entry.before or Runtime({})
    return runtime._replace(values={**runtime.values, "name": final_name(entry)})


def _ready(planned: Assignment, by_name: Mapping[str, Entry]) -> Assignment:
    """The assignment with the runtime as it is now; with an error if the runtime failed."""
    name = planned.target.name
    entry = by_name.get(name)
    if planned.action != "moved" or entry is None or entry.to_do:
        return planned
    if entry.error or entry.after is None:
        why = f"the runtime {name!r} failed, so no script was assigned to it"
        return planned._replace(action="failed", error=MstrError(why))
    return planned._replace(target=_runtime_of(entry))


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
