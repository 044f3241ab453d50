# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts of a task for runtimes: one look-up, the plan of their assignments, and what was done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .._errors import ErrorList, MstrError, ValidationError, listed
from .._model.entry import NO_SCRIPTS, PURGED, Entry, ScriptReport
from .._model.runtime import Runtime
from .._model.usage import used_by
from .._session.session import Session
from .api import Context, one_named, utc_date
from .assignments import (
    Assignment,
    ScriptEntry,
    assign,
    assign_back,
    assignments_diff,
    plan_assignments,
    same_script_errors,
    sorted_by_script,
    usage_after,
)
from .request import Wanted
from .script_usage import SavedScript, Usage, find_usage


class Scripts:
    """The scripts of one task. `entries`: those that are to use certain runtimes.

    `protects`: whether a runtime that a script uses must not be deleted; `projects`: those that count for that.
    `all_projects`: whether every script must be known, because all scripts of some runtime are to move.
    """

    def __init__(
        self,
        session: Session,
        concurrency: int,
        entries: Sequence[ScriptEntry] | None = None,
        protects: bool = False,
        projects: Sequence[str] | None = None,
        all_projects: bool = False,
    ) -> None:
        self._session, self._concurrency = session, concurrency
        self._entries, self._projects = entries, projects
        self._protects, self.needs_all = protects, all_projects
        self._usage: Usage | None = None
        self._names: dict[str, str] = {}  # of the runtimes, by their id
        self.assignments: list[Assignment] = []
        self.fingerprints: list[str | None] = []  # of the plan, which a person may have approved
        self._planned: list[Assignment] = []  # what the look-up does not show yet

    @classmethod
    def of(
        cls, session: Session, concurrency: int, wanted: Wanted, protects: bool, projects: Sequence[str] | None
    ) -> Scripts:
        """The scripts of a task."""
        replaces = any(definition.replace_on_change for definition in wanted.definitions)
        return cls(session, concurrency, wanted.scripts, protects, projects, replaces)

    @property
    def usage(self) -> Usage:
        """The scripts and their runtimes, looked up once."""
        if self._usage is None:
            entries = self._entries or ()
            if self.needs_all or (self._protects and self._projects is None):
                projects = None
            else:
                counted = self._projects if self._protects and self._projects else []
                projects = list(dict.fromkeys([*counted, *(entry.project for entry in entries)]))
            every = self.needs_all or self._protects
            self._usage = find_usage(
                self._session,
                projects,
                self._concurrency,
                lambda script: every or any(entry.matches(script) for entry in entries),
            )
        return self._usage

    def used_by(self, runtimes: Sequence[Runtime]) -> dict[str, Sequence[Mapping[str, Any]] | None]:
        """By the key of each runtime, the scripts on it with their schedules; None if not all could be read."""
        if self.usage.unread:
            return {runtime.key: None for runtime in runtimes}
        to_result = self._with_runs(self.usage, runtimes)
        return {runtime.key: [to_result(script) for script in self.usage.of(runtime.id)] for runtime in runtimes}

    def _with_runs(self, usage: Usage, runtimes: Sequence[Runtime]) -> Callable[[SavedScript], Mapping[str, Any]]:
        """How a result shows a script on one of the runtimes, with its schedules. For evidence only: it never fails."""
        from .script_tasks import find_runs  # only a deletion needs it

        scripts = [script for runtime in runtimes for script in usage.of(runtime.id)]
        return find_runs(self._session, usage, scripts, self._concurrency).with_runs

    def look_up_again(self) -> None:
        """Forget what was looked up, because time has passed, and what was planned, because it is done."""
        self._usage, self._planned = None, []

    def refusals(self, runtimes: Sequence[Runtime]) -> list[tuple[Sequence[Runtime], str]]:
        """Which of the runtimes must not be deleted, and why: a script will still use it, or that is not known."""
        if not self._protects:
            return []
        usage = usage_after(self.usage, self._planned).within(self._projects)
        return usage.protected(runtimes, self._with_runs(usage, runtimes))

    def plan(self, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[str]:
        """Plan the assignments. Returns why the task must not do anything.

        Raises ValidationError for an assignment that it cannot carry out.
        """
        self._names = {runtime.key: runtime.name for runtime in existing}
        named = self._entries or ()
        with ErrorList() as errors:
            targets = {
                script.place: errors.check(_target, str(script.runtime), entries, existing, place=script.place)
                for script in named
            }
        replacing = [entry for entry in entries if entry.replacing and not entry.error]
        if named or replacing:
            self.assignments = plan_assignments(named, self.usage, lambda script: targets[script.place])
        for entry in replacing:
            self.assignments += self._moves(entry)
        with ErrorList() as errors:
            errors.add(*same_script_errors(assignment for assignment in self.assignments if assignment.place))
        self._planned = self.assignments
        self.fingerprints = [_fingerprint(assignment) for assignment in self.assignments]
        if not replacing or not self.usage.unread:
            return []
        names = listed([repr(_final_name(entry)) for entry in replacing])
        first = self.usage.unread[0]
        return [
            f"{names} cannot be replaced, because not every script could be read: {first.label}: "
            f"{first.error.sentence.rstrip('.')}. Run the task as a user who may read all scripts"
        ]

    def _moves(self, entry: Entry) -> list[Assignment]:
        """The assignments of the scripts of the runtimes that an entry replaces."""
        planned = {(assignment.script.project, assignment.script.id) for assignment in self.assignments}
        target = _named(entry.after or entry.plan.target or entry.before, _final_name(entry))
        return [
            Assignment.planned(script, target)
            for old in (entry.replacing.old if entry.replacing else ())
            for script in self.usage.of(old.id)
            if (script.project, script.id) not in planned
        ]

    def checked(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries, with those that must be spared. A runtime with an error gets no script."""
        self.assignments = [_ready(assignment, entries) for assignment in self.assignments]
        return self.spare(entries)

    def assign(self, context: Context, entries: Sequence[Entry]) -> None:
        """Carry out the plan, with the runtimes as they are now. A runtime with an error gets no script."""
        self.checked(entries)
        self.assignments = assign(context, self._session, self.assignments)

    def _of(self, entry: Entry) -> list[Assignment]:
        """The assignments from the runtimes that an entry replaces."""
        keys = {old.key for old in entry.replacing.old} if entry.replacing else set()
        return [assignment for assignment in self.assignments if assignment.script.runtime_id in keys]

    def error_of(self, entry: Entry) -> MstrError | None:
        """The error of a script that still uses a runtime that the entry replaces, or that was not moved properly."""
        for assignment in self._of(entry):
            is_own = assignment.target.name == _final_name(entry)
            if assignment.error and (is_own or assignment.action != "moved"):
                return MstrError(f"The {assignment.script.label} was not moved: {assignment.error}")
        return None

    def move_newcomers(self, context: Context, entry: Entry) -> MstrError | None:
        """Move the scripts that came to the old runtime after the look-up. Returns why it must not be deleted."""
        if entry.replacing is None:
            return None
        try:
            unread = self.usage.unread
        except MstrError as exc:  # also after a signal: what was written so far must be reported
            return exc
        if unread:
            return MstrError(f"Not every script could be read again: {unread[0].error.sentence}")
        moves = self._moves(entry)
        if moves and context.plan_id:
            return MstrError(
                f"The {moves[0].script.label} began to use the old runtime after the plan was made, so the plan is "
                "different from the approved one"
            )
        self.assignments = [*self.assignments, *assign(context, self._session, moves)]
        return self.error_of(entry)

    def assign_back(self, context: Context, entry: Entry) -> str:
        """Assign the scripts of a failed replacement to their old runtime again. Returns what could not be."""
        own = [assignment for assignment in self._of(entry) if assignment.target.name == _final_name(entry)]
        moved, errors = [assignment for assignment in own if assignment.is_changed], []
        for old in entry.replacing.old if entry.replacing else ():
            mine = [assignment for assignment in moved if assignment.script.runtime_id == old.key]
            if mine and not exists(context, old):
                errors.append(f"{old.label} does not exist any more")
                continue
            back = assign_back(context, self._session, mine, old)
            errors += [str(assignment.error) for assignment in back if assignment.error]
            returned = {assignment.script.id for assignment in back if not assignment.error}
            why = MstrError(f"The replacement of {old.label} failed, so the script was assigned back to it.")
            self.assignments = [
                assignment._replace(action="failed", error=assignment.error or why)
                if assignment.script.id in returned and assignment in mine
                else assignment
                for assignment in self.assignments
            ]
        return f"{len(errors)} scripts could not be assigned back: {listed(errors)}" if errors else ""

    def spare(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries, with an error for each that would delete what a script still uses that was to be moved.

        A purge is cancelled as a whole.
        """
        failed = [assignment for assignment in self.assignments if assignment.error and assignment.action != "moved"]
        used = {assignment.script.runtime_id for assignment in failed}

        def error_of(entry: Entry) -> MstrError | None:
            if entry.to_do == "delete" and entry.place != PURGED and entry.before and entry.before.key in used:
                return MstrError(f"{entry.label} was not deleted, because a script still uses it")
            return self.error_of(entry) if entry.replacing else None

        return [entry if entry.error else entry._replace(error=error_of(entry)) for entry in entries]

    @property
    def failed(self) -> bool:
        """Whether an assignment failed, or cannot be planned."""
        return any(assignment.error for assignment in self.assignments)

    def report(self, entries: Iterable[Entry]) -> ScriptReport:
        """What the result says of the scripts."""
        if self._entries is None and not self.assignments:
            return NO_SCRIPTS
        names = {**self._names, **{entry.after.key: entry.after.name for entry in entries if entry.after}}
        done = sorted_by_script(self.assignments)
        return ScriptReport(
            [assignment.to_result(names) for assignment in done],
            self.fingerprints,
            assignments_diff(done, names),
            [
                (f"{assignment.place} {assignment.script.label}".strip(), assignment.error)
                for assignment in self.assignments
                if assignment.error is not None
            ],
            sum(assignment.is_changed for assignment in done),
        )


def with_evidence(context: Context, entries: Sequence[Entry]) -> list[Entry]:
    """The entries of a plan; what would be deleted or replaced has the scripts that use it."""
    scripts = context.scripts or Scripts(context.session, context.concurrency, all_projects=True)
    going = [entry.before for entry in entries if entry.before and entry.action in ("deleted", "replaced")]
    used = scripts.used_by(going)

    def shown(entry: Entry) -> Entry:
        if not entry.before or entry.before.key not in used:
            return entry
        found = used[entry.before.key]
        return entry._replace(evidence={"scripts": found, "text": used_by(found, utc_date())})

    return [shown(entry) for entry in entries]


def _target(name: str, entries: Sequence[Entry], existing: Sequence[Runtime]) -> Runtime:
    """The runtime that a script is to use, as it will be. Raises ValidationError."""
    entry = _entry_named(name, entries)
    if entry:
        if entry.wanted.state == "absent":
            goes = "would be purged" if entry.place == PURGED else "is to be deleted"
            raise ValidationError([f"runtime {name!r} {goes}, so no script can use it"])
        return _named(entry.plan.target or entry.before, name)
    for entry in entries:
        old = [*(entry.replacing.old if entry.replacing else ()), *([entry.before] if entry.before else ())]
        if any(runtime.name == name for runtime in old):
            raise ValidationError([f"runtime {name!r} becomes {_final_name(entry)!r} in this task; write that name"])
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


def _final_name(entry: Entry) -> str:
    """The name that the runtime will have; of one to delete, the name that it has."""
    if entry.wanted.state == "absent":
        return entry.before.name if entry.before else "" if entry.wanted.id else str(entry.wanted.name)
    return str((entry.replacing.wanted.name if entry.replacing else None) or entry.wanted.name or entry.name)


def _entry_named(name: str, entries: Iterable[Entry]) -> Entry | None:
    """The entry whose runtime will have the name, even if a different one has it now."""
    return next((entry for entry in entries if _final_name(entry) == name), None)


def _named(runtime: Runtime | None, name: str) -> Runtime:
    return (runtime or Runtime({}))._replace(values={**(runtime.values if runtime else {}), "name": name})


def _ready(planned: Assignment, entries: Sequence[Entry]) -> Assignment:
    """The assignment with the runtime as it is now; with an error if the runtime failed."""
    name = planned.target.name
    entry = _entry_named(name, entries)
    if planned.action != "moved" or entry is None or entry.to_do:
        return planned
    if entry.error or entry.after is None:
        why = f"the runtime {name!r} failed, so no script was assigned to it"
        return planned._replace(action="failed", error=MstrError(why))
    return planned._replace(target=_named(entry.after, name))


def _fingerprint(planned: Assignment) -> str | None:
    """What a person approves of an assignment; None if it cannot be planned."""
    script: Any = planned.script
    if planned.action == "none":
        return ""
    if not script.id or not script.runtime_id:
        return None
    target = planned.target
    return json.dumps(["script", script.project.id, script.id, script.runtime_id, target.name])
