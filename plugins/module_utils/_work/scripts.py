# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts of a task for runtimes: what a look-up shows, which runtimes they are to use, and what was done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import ErrorList, MstrError, ValidationError, counted, ended, listed
from .._model.kinds import NOTHING
from .._model.runtime import Runtime
from .._model.steps import CLEAN_UP, DELETE, NO_SCRIPTS, PLANNED, PURGE, Evidence, Row, ScriptReport, Step
from .._model.usage import used_by
from .api import Context, Work, one_named, utc_date
from .assignments import Assigner, Assignment, ScriptEntry, find_entries, plan_assignment, script_report
from .script_usage import Usage, find_usage

_READ_ALL = "Run the task as a user who may read all scripts"


class Scripts(NamedTuple):
    """The scripts of a task at one moment. Every step of the work returns a new value.

    `entries`: those that are to use certain runtimes; None if none are given. `every`: whether all scripts must be
    known. `usage`: the last look-up; None if something happened since, so that the next question needs a new one.
    `assignments`: planned, and then what was done; `unseen`: those that the look-up does not show yet. `evidence`: of
    a plan, the scripts on what would be deleted.
    """

    entries: Sequence[ScriptEntry] | None
    every: bool
    assigner: Assigner
    usage: Usage | None = None
    assignments: Sequence[Assignment] = ()
    unseen: Sequence[Assignment] = ()
    evidence: Evidence = NOTHING

    @property
    def changed(self) -> list[Assignment]:
        """The assignments that were or may have been carried out."""
        return [assignment for assignment in self.assignments if assignment.is_changed]

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
        entries, protected = self.entries or (), context.protects or ()
        if self.every or context.protects is not False:
            every = self.every or context.protects is None
            projects = [*protected, *(entry.project for entry in entries if not every)]
            return self._replace(usage=find_usage(context, projects, every=every))
        return self._replace(usage=find_entries(context, entries))

    @property
    def expected(self) -> Usage:
        """The look-up, with the runtimes that the scripts will use: none yet for one that is still to be created."""
        usage = self.usage or Usage()
        targets = {plan.script.key: plan.target.key for plan in self.unseen if plan.action == "moved"}
        scripts = [script._replace(runtime_id=targets.get(script.key, script.runtime_id)) for script in usage.scripts]
        return usage._replace(scripts=scripts)

    def refusals(self, context: Context, steps: Sequence[Step]) -> Iterator[tuple[Sequence[Runtime], str]]:
        """Which runtimes of the steps must not be deleted, and why: a script will still use it, or that is unknown."""
        advice = "Apply a definition of the runtime that it was to replace first, which assigns these scripts to it"
        for phase, usage in ((DELETE, self.usage or Usage()), (PURGE, self.expected), (CLEAN_UP, self.expected)):
            unused_only = [step.before for step in steps if step.unused_only and step.before and step.phase == phase]
            yield from _refusals(context, usage, unused_only, advice, "")
        if context.protects is not False:
            protected = [step.before for step in steps if step.before and not step.unused_only]
            advice = "Choose a different runtime for these scripts first"
            more = ", load the project, or name the projects that count in protect_projects"
            yield from _refusals(context, self.expected.within(context.protects), protected, advice, more)

    def report(self, rows: Iterable[Row]) -> ScriptReport:
        """What the result says of the scripts."""
        used = _text(self.evidence) if self.evidence else ""
        if self.entries is None and not self.assignments:
            return NO_SCRIPTS._replace(evidence=self.evidence, used=used)
        runtimes = [*self.assigner.context.existing, *(row.runtime for row in rows if row.runtime and row.runtime.id)]
        names = {runtime.key: runtime.name for runtime in runtimes}
        return script_report(self.assignments, names)._replace(evidence=self.evidence, used=used)


# --- the plan


def plan_scripts(context: Context, entries: Sequence[ScriptEntry] | None, rows: list[Row]) -> tuple[Work, list[str]]:
    """The work with the look-up of scripts and the planned assignments, and why the task must not do anything.

    Raises ValidationError for an assignment that it cannot carry out.
    """
    going = [step for row in rows if not row.failure for step in row.steps if step.plan.action == "delete"]
    # A plan shows the scripts of what it deletes.
    every = any(row.replacement or row.beside for row in rows) or any(step.unused_only for step in going)
    every = every or bool(context.check_mode and going)
    if entries is None and not every and not (going and context.protects is not False):
        return Work(rows), []
    scripts = Scripts(entries, every, Assigner(context), context.usage).looked_up(context)
    planned = _planned(context, scripts, rows)
    scripts = scripts._replace(assignments=planned, unseen=planned)
    work = Work(_without_used(context, scripts, rows), scripts)
    replacing = [repr(row.final_name) for row in rows if row.replacement and not row.failure]
    if not replacing or not scripts.expected.unread:
        return work, []
    first = scripts.expected.unread[0]
    return work, [
        f"{listed(replacing)} cannot be replaced, because not every script could be read: {first.label}: "
        f"{ended(first.error.sentence)} {_READ_ALL}"
    ]


def _planned(context: Context, scripts: Scripts, rows: Sequence[Row]) -> list[Assignment]:
    """The assignments that are asked for, and those of what is replaced. Raises ValidationError."""
    entries, by_name, usage = scripts.entries or (), _by_final_name(rows), scripts.usage or Usage()
    with ErrorList() as errors:
        targets = [errors.check(_target, context, entry, by_name, prefix=entry.place) for entry in entries]
    planned = [plan_assignment(entry, usage, target) for entry, target in zip(entries, targets)]
    check_same_scripts(planned)
    for row in rows:
        planned += [] if row.failure else _moves(row, usage, planned)
    return [plan._replace(fingerprint=_fingerprint(plan)) for plan in planned]


def check_same_scripts(planned: Iterable[Assignment]) -> None:
    """Raises ValidationError for entries that are the same script, under its name and under its id."""
    first: dict[Any, Assignment] = {}
    with ErrorList() as errors:
        for assignment in planned:
            script = assignment.script
            earlier = first.setdefault(script.key if script.id else assignment.place, assignment)
            if earlier is not assignment:
                errors.add(f"{assignment.place} and {earlier.place} are the same {script.label}; list it once")


def _moves(row: Row, usage: Usage, planned: Sequence[Assignment]) -> list[Assignment]:
    """The assignments of the scripts on what a row replaces, or on the unfinished replacement that it does not need."""
    keys = {assignment.script.key for assignment in planned}
    scripts = [script for old in (*row.old, row.unneeded) if old for script in usage.of(old.id)]
    return [Assignment.planned(script, _runtime_of(row)) for script in scripts if script.key not in keys]


def _target(context: Context, entry: ScriptEntry, by_name: Mapping[str, Row]) -> Runtime:
    """The runtime that a script is to use, as it will be. Raises ValidationError."""
    name = str(entry.runtime)
    row = by_name.get(name)
    if row:
        if row.wanted.state == "absent":
            goes = "would be purged" if row.is_purged else "is to be deleted"
            raise ValidationError([f"runtime {name!r} {goes}, so no script can use it"])
        return _runtime_of(row)
    for row in by_name.values():
        if any(runtime and runtime.name == name for runtime in (*row.old, row.main.before)):
            raise ValidationError([f"runtime {name!r} becomes {row.final_name!r} in this task; write that name"])
    runtime = one_named(context.existing, name)
    if runtime is None:
        raise ValidationError([f"the server has no runtime {name!r}, and the task does not create it"])
    return runtime


def _by_final_name(rows: Sequence[Row]) -> dict[str, Row]:
    """The first row whose runtime will have a name, by this name, even if one that is to be deleted has it now."""
    present = [row for row in rows if row.wanted.state == "present"]
    return {row.final_name: row for row in reversed([*present, *rows])}


def _runtime_of(row: Row) -> Runtime:
    """The runtime of a row as it is now, or will be, under its final name."""
    runtime = row.main.after or row.main.plan.target or row.main.before or Runtime({})
    return runtime._replace(values={**runtime.values, "name": row.final_name})


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


def spare_failed(work: Work) -> Work:
    """The work, its assignments with their runtimes as they are now, and an error for each row that must be spared.

    A runtime with an error gets no script, and what a script still uses that was to be moved is not deleted.
    """
    by_name, scripts = _by_final_name(work.rows), work.scripts
    scripts = scripts._replace(assignments=[_ready(assignment, by_name) for assignment in scripts.assignments])
    rows = [row if row.failure else row._replace(error=_error_of(scripts, row)) for row in work.rows]
    return work._replace(rows=rows, scripts=scripts)


def _ready(planned: Assignment, by_name: Mapping[str, Row]) -> Assignment:
    """The assignment with the runtime as it is now; with an error if the runtime failed."""
    name = planned.target.name
    row = by_name.get(name)
    if planned.action != "moved" or row is None or (row.main.state == PLANNED and not row.failure):
        return planned
    if row.failure or row.main.after is None:
        why = f"the runtime {name!r} failed, so no script was assigned to it"
        return planned._replace(action="failed", error=MstrError(why))
    return planned._replace(target=_runtime_of(row))


def _error_of(scripts: Scripts, row: Row) -> MstrError | None:
    """The error of a row that deletes or replaces what a script still uses that was to be moved.

    A purge is cancelled as a whole.
    """
    deletes = row.main.is_due and row.main.plan.action == "delete" and not row.is_purged
    keys = {runtime.key for runtime in ([row.main.before] if deletes else row.old) if runtime}
    for assignment in scripts.assignments if keys else ():
        if assignment.script.runtime_id in keys and assignment.error and assignment.action != "moved":
            if row.replacement:
                return MstrError(f"The {assignment.script.label} was not moved: {assignment.error}")
            return MstrError(f"{row.label} was not deleted, because a script still uses it")
    return None


# --- the guards, and what a plan shows


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
    """By the key of each runtime, the scripts on it with their schedules. For evidence only: it never fails."""
    from .script_tasks import find_tasks  # only a deletion needs it

    by_runtime = {runtime.key: usage.of(runtime.id) for runtime in runtimes}
    scripts = [script for on_runtime in by_runtime.values() for script in on_runtime]
    tasks = find_tasks(context, usage, scripts)
    return {key: list(map(tasks.with_tasks, on_runtime)) for key, on_runtime in by_runtime.items()}


def with_evidence(context: Context, scripts: Scripts, rows: Sequence[Row]) -> Scripts:
    """The scripts of a plan, with those that use what would be deleted."""
    steps = [step for row in rows for step in row.steps if step.shows and step.plan.action == "delete"]
    runtimes = [step.before for step in steps if step.before]
    usage = scripts.usage or Usage()
    if usage.unread:
        return scripts._replace(evidence=dict.fromkeys(runtime.key for runtime in runtimes))
    return scripts._replace(evidence=_with_tasks(context, usage, runtimes))


def _text(evidence: Evidence) -> str:
    scripts = [script for on_runtime in evidence.values() for script in on_runtime or ()]
    return used_by(None if None in evidence.values() else scripts, utc_date())


def _without_used(context: Context, scripts: Scripts, rows: Sequence[Row]) -> list[Row]:
    """The rows without the purge of an unfinished replacement that a script will use, or that may be used."""
    kept = []
    for row in rows:
        runtime = row.main.before
        if row.is_purged and row.main.unused_only and runtime:
            used = bool(scripts.expected.of(runtime.id))
            if used or scripts.expected.unread:
                why = "a script uses it" if used else "not every script could be read"
                context.warn(f"The purge spares {runtime.label}, an unfinished replacement, because {why}.")
                continue
        kept.append(row)
    return kept


# --- the work


def assign(work: Work) -> Work:
    """Carry out the planned assignments, with the runtimes as they are now. Returns the work as `spare_failed` does."""
    scripts = spare_failed(work).scripts
    done = scripts._replace(assignments=scripts.assigner.assign(scripts.assignments))
    return spare_failed(work._replace(scripts=done))


def move_newcomers(context: Context, scripts: Scripts, row: Row) -> tuple[Scripts, MstrError | None]:
    """Move the scripts that came to what a row replaces after the look-up. Then why a script still uses that."""
    try:
        scripts = scripts.looked_up(context)
    except MstrError as exc:  # also after a signal: what was written so far must be reported
        return scripts, exc
    usage = scripts.usage or Usage()
    if usage.unread:
        return scripts, MstrError(f"Not every script could be read again: {usage.unread[0].error.sentence}")
    moves = _moves(row, usage, scripts.assignments)
    if moves and context.plan_id:
        came = f"The {moves[0].script.label} began to use the old runtime after the plan was made"
        return scripts, MstrError(f"{came}, so the plan is different from the approved one")
    moved = scripts.assigner.assign(moves)
    scripts = scripts._replace(assignments=[*scripts.assignments, *moved], unseen=[*scripts.unseen, *moved])
    left = [script for old in row.old for script in scripts.expected.of(old.id)]
    again = MstrError(f"Somebody assigned the old runtime to the {left[0].label} again") if left else None
    return scripts, _error_of(scripts, row) or again


def assign_back(scripts: Scripts, row: Row, exists: Mapping[str, bool | None]) -> tuple[Scripts, str]:
    """Assign the scripts of a failed replacement to the runtimes that it was to replace; an earlier run's, too.

    `exists`: whether each of these exists, by its key. Returns the scripts, and what could not be assigned back.
    """
    new, by_key = row.main.runtime, {runtime.key: runtime for runtime in row.old}
    due = [
        (assignment.script._replace(runtime_id=assignment.target.key), by_key[assignment.script.runtime_id])
        for assignment in scripts.changed
        if assignment.target.name == row.final_name and assignment.script.runtime_id in by_key
    ]
    assigned = {assignment.script.key for assignment in scripts.assignments}
    earlier = (scripts.usage or Usage()).of(new.id) if new and row.beside and not row.unneeded else []
    due += [(script, row.old[0]) for script in earlier if script.key not in assigned]
    doubts = {False: "does not exist any more", None: "could not be read"}
    errors = [
        f"{script.label}: {runtime.label} {doubts[exists[runtime.key]]}"
        for script, runtime in due
        if exists[runtime.key] is not True
    ]
    back = [Assignment(script, runtime, "moved") for script, runtime in due if exists[runtime.key]]
    done = scripts.assigner.assign(back, insist=True)
    returned = {plan.script.key: plan for plan in done if plan.action in ("moved", "none")}
    errors += [f"{plan.script.label}: {plan.error}".rstrip(".") for plan in done if plan.script.key not in returned]
    assignments = []
    for assignment in scripts.assignments:
        plan = returned.pop(assignment.script.key, None)
        if plan:
            why = MstrError(f"The replacement of {plan.target.label} failed, so the script was assigned back to it.")
            assignment = assignment._replace(action="failed", error=assignment.error or plan.error or why)
        assignments.append(assignment)
    text = ended(f"{counted(len(errors), 'script')} could not be assigned back: {listed(errors)}") if errors else ""
    return scripts._replace(assignments=[*assignments, *returned.values()]).forgotten(), text
