# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the assignments of scripts to runtimes, and checks that nothing else of a script changes.

Facts of the API: [mstrio], api/scripts.py, python_execution/script.py, utils/entity.py. An update must contain name and
folder. Whether a server keeps the fields that it omits is unknown, so it contains all, and they are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from .._errors import ApiError, ConnectError, MstrError, as_mstr_error, counted, ended, listed
from .._model.runtime import Runtime
from .._model.scripts import SavedScript, Usage, holds_secret
from .._model.steps import DELETE_OLD, PLANNED, Row
from .._session.interrupt import Interrupted
from .._session.parallel import all_side_by_side
from .._session.response import Shape
from .api import Context, Work
from .assignments import ASSIGN, KEPT, RECOVER, Assignment, words
from .script_usage import SCRIPT_TYPE, read_script, shape_of
from .scripts import Scripts, moves_of, runtime_of
from .write import NotFoundOut, check_after_loss, not_done_error

_RUNTIME = "scriptRuntimeId"
_TURNS = 3  # times that scripts are moved which somebody assigned meanwhile


def _folder_in(properties: Any) -> str | None:
    """The id of the folder of a script: the lowest that contains it [mstrio]. None if it is missing."""
    with suppress(KeyError, TypeError):
        return next((str(folder["id"]) for folder in properties["ancestors"] if folder["level"] == 1), None)
    return None


_WITH_FOLDER = Shape("an object with the script's folder", lambda data: _folder_in(data) is not None)

# --- the assignments of a task


def assign(context: Context, work: Work, stage: str) -> Work:
    """Carry out the planned assignments of a stage, to the runtimes as they are now; see `spare_failed`."""
    scripts = spare_failed(work, stage).scripts
    # One whose runtime is created late has to wait.
    due = [plan.stage == stage and (plan.action != "moved" or bool(plan.target.id)) for plan in scripts.assignments]
    if not any(due):
        return spare_failed(work, stage)
    done = iter(assign_all(context, [plan for plan, is_due in zip(scripts.assignments, due) if is_due]))
    plans = [next(done)._replace(stage="") if is_due else plan for plan, is_due in zip(scripts.assignments, due)]
    return spare_failed(work._replace(scripts=scripts._replace(assignments=plans)).outdated(), stage)


def move_newcomers(context: Context, work: Work, places: Collection[str]) -> Work:
    """Move the scripts that came to what the rows at these places copy since the look-up.

    Each of them has an error if a script still uses what it replaces, or if that is unknown.
    """

    def failed(why: MstrError) -> Work:
        rows = [row._replace(error=row.failure or why) if row.place in places else row for row in work.rows]
        return work._replace(rows=rows)

    for _turn in range(_TURNS):
        try:
            work = work._replace(scripts=work.scripts.looked_up(context))
        except MstrError as exc:  # also after a signal: what was written so far must be reported
            return failed(exc)
        usage = work.scripts.usage
        if usage.unread:
            return failed(MstrError(f"Not every script could be read again: {usage.unread[0].error.sentence}"))
        rows = [row for row in work.rows if row.place in places and not row.failure]
        moves = list(moves_of(work.scripts, rows, DELETE_OLD, ()))
        if not moves:
            return work
        script = moves[0].script
        came = f"The {script.label} began to use the old runtime after the plan was made"
        if context.inputs.plan_id:
            return failed(MstrError(f"{came}, so the plan is different from the approved one"))
        if any(plan.script.has_secret for plan in moves):
            return failed(MstrError(f"{came}, and a variable of such a script holds a secret"))
        work = assign(context, work._replace(scripts=work.scripts.planning(moves)), ASSIGN)
    return failed(MstrError(f"Somebody assigned the old runtime to the {script.label} again and again"))


def assign_back(context: Context, work: Work, row: Row, old: Runtime) -> tuple[Work, str]:
    """Assign the scripts of a failed replacement to the runtime that it was to replace; an earlier run's, too.

    Returns the work, and what could not be assigned back.
    """
    scripts: Scripts = work.scripts.looked_up(context)
    new = row.main.after or row.beside
    moved = [plan for plan in scripts.assignments if plan.row == row.place and not plan.stage]
    moved = [plan for plan in moved if plan.action in ("moved", "unknown") and plan.target.key != old.key]
    due = {plan.script.key: plan.script._replace(runtime_id=plan.target.key) for plan in moved}
    due |= {script.key: script for script in (scripts.usage or Usage()).of(new.key if new else None)}
    back = [Assignment(script, old, "moved") for script in due.values() if script.runtime_id]
    done = assign_all(context, back)
    failed = [plan for plan in done if plan.action not in ("moved", "none")]
    errors = [f"{plan.script.label}: {plan.error}".rstrip(".") for plan in failed]
    returned = {plan.script.key: plan for plan in done if plan not in failed}
    assignments = []
    for plan in scripts.assignments:
        again = returned.pop(plan.script.key, None) if plan in moved else None
        if again:
            why = MstrError(f"The replacement of {old.label} failed, so the script was assigned back to it.")
            plan = plan._replace(action="failed", error=plan.error or again.error or why)
        assignments.append(plan)
    text = ended(f"{counted(len(errors), 'script')} could not be assigned back: {listed(errors)}") if errors else ""
    scripts = scripts._replace(assignments=[*assignments, *(plan._replace(stage="") for plan in returned.values())])
    return work._replace(scripts=scripts).outdated(), text


def follow(context: Context, work: Work, old: Runtime, new: Runtime) -> Work:
    """Assign the scripts that name a runtime which is gone to the one that replaces it."""
    with suppress(MstrError):
        usage = work.outdated().scripts.looked_up(context).usage
        assign_all(context, [Assignment(script, new, "moved") for script in usage.of(old.key)])
    return work.outdated()


def spare_failed(work: Work, stage: str = "") -> Work:
    """The work, its assignments of a stage with their runtimes as they are now, and an error for each row to spare.

    A runtime with an error gets no script, and what a script still uses that was to be moved is not deleted.
    """
    by_place, scripts = {row.place: row for row in work.rows}, work.scripts
    assignments = [
        _ready(plan, by_place[plan.row]) if plan.row and plan.stage and stage in ("", plan.stage) else plan
        for plan in scripts.assignments
    ]
    # A script that could not leave one runtime cannot go on from the next one.
    broken: dict[Any, MstrError] = {}
    for index, plan in enumerate(assignments):
        if plan.error and plan.action != "moved" and plan.script.id:
            broken.setdefault(plan.script.key, plan.error)
        elif plan.script.key in broken and plan.action == "moved" and plan.stage:
            assignments[index] = plan._replace(action="failed", error=broken[plan.script.key])
    scripts = scripts._replace(assignments=assignments)
    rows = [row if row.failure else row._replace(error=_error_of(scripts, row)) for row in work.rows]
    return work._replace(rows=rows, scripts=scripts)


def _ready(planned: Assignment, row: Row) -> Assignment:
    """The assignment with the runtime of its row as it is now; with an error if the row failed."""
    waits = row.main.state == PLANNED or planned.stage == RECOVER
    if planned.action != "moved" or (waits and not row.failure):
        return planned
    if row.failure or row.main.after is None:
        why = f"the runtime {planned.target.name!r} failed, so no script was assigned to it"
        return planned._replace(action="failed", error=MstrError(why))
    return planned._replace(target=runtime_of(row))


def _error_of(scripts: Scripts, row: Row) -> MstrError | None:
    """The error of a row that deletes or replaces what a script still uses that was to be moved.

    A purge is cancelled as a whole.
    """
    deletes = row.main.is_due and row.main.plan.action == "delete" and not row.is_purged
    keys = {step.key for step in row.going}
    keys |= {row.finishes, row.beside.key if row.beside else "", row.main.key if deletes else ""} - {""}
    for plan in scripts.assignments if keys else ():
        from_row = plan.script.runtime_id in keys or (row.replacement and plan.row == row.place and not plan.place)
        if from_row and plan.error:
            if deletes:
                return MstrError(f"{row.label} was not deleted, because a script still uses it")
            moved = "was moved, but" if plan.action == "moved" else "was not moved:"
            return MstrError(f"The {plan.script.label} {moved} {plan.error}")
    return None


# --- one assignment after another


def assign_all(context: Context, planned: Sequence[Assignment]) -> list[Assignment]:
    """The assignments after the work. Only those with the action "moved" are carried out; in check mode, none.

    An error, even an unexpected one, or a signal becomes the error of its assignment and affects no other.
    """
    if context.check_mode:
        return list(planned)
    to_do = [assignment for assignment in planned if assignment.action == "moved"]
    # The first one alone: if this server loses a part of a script, the others are left as they are.
    done = [_moved_or_failed(context, assignment) for assignment in to_do[:1]]
    lost = done[0].error if done and done[0].action == "moved" else None

    def report_progress(number: int) -> None:
        context.progress(f"{1 + number} of {len(to_do)} scripts assigned")

    if lost:
        why = MstrError(f"It was not assigned, because the first script of the task lost something: {lost.sentence}")
        done += [assignment._replace(action="failed", error=why) for assignment in to_do[1:]]
    else:
        done += all_side_by_side(partial(_moved_or_failed, context), to_do[1:], report_progress)
    results = iter(done)
    return [next(results) if assignment.action == "moved" else assignment for assignment in planned]


def _moved_or_failed(context: Context, planned: Assignment) -> Assignment:
    """What was done."""
    try:
        return _move(context, planned)
    except Exception as exc:
        action = "unknown" if isinstance(exc, NotFoundOut) else "failed"
        return planned._replace(action=action, error=as_mstr_error(exc))


def _move(context: Context, planned: Assignment) -> Assignment:
    script, target = planned.script, planned.target
    before = _read(context, script)
    now = before[_RUNTIME]
    if now == target.key:
        return planned._replace(action="none")
    if now != script.runtime_id:
        return planned._replace(script=script._replace(runtime_id=now), action="failed", error=_taken(now))
    # Whatever the server does with what an update omits, nothing else of the script changes. But what was read of
    # a secret may be a mask.
    omitted = (_RUNTIME, "variables") if holds_secret(before) else (_RUNTIME,)
    body = {name: value for name, value in before.items() if value is not None and name not in omitted}
    is_sent = False
    try:
        _put(context, script, target, body)
        is_sent = True
        after = _read_again(context, script)
    except MstrError as exc:
        stopped = exc if isinstance(exc, Interrupted) else exc.__cause__
        if not isinstance(stopped, Interrupted) or not (is_sent or exc is not stopped or exc.outcome_unknown):
            raise
        return _seen_at_last(context, planned, stopped.during(f"the runtime of the {script.label} was being changed"))
    lost = [name for name in KEPT if (before[name] or None) != (after[name] or None)]
    error = MstrError(f"While the server assigned the runtime, it changed {words(lost)}. Check it.") if lost else None
    if after[_RUNTIME] == target.key:
        return planned._replace(error=error)
    ignored = f"The server accepted a new runtime for the {script.label}, but the script still uses {after[_RUNTIME]}."
    return planned._replace(action="failed", error=error or MstrError(ignored))


def _read(context: Context, script: SavedScript) -> dict[str, Any]:
    """The script's fields, those of an update included, and the id of its runtime. Raises MstrError."""
    data = read_script(context.session, script)
    operation, project = f"read the folder of the {script.label}", script.project.id
    path, params = f"/objects/{script.id}", {"type": SCRIPT_TYPE}
    properties = context.session.get(path, params, operation=operation, project=project, shape=_WITH_FOLDER)
    fields = {**{name: data.get(name) for name in KEPT}, "folderId": _folder_in(properties)}
    return {**fields, _RUNTIME: script.on_runtime(data).runtime_id}


def _read_again(context: Context, script: SavedScript) -> Mapping[str, Any]:
    """The script after its update. Raises MstrError."""
    try:
        return _read(context, script)
    except Interrupted:
        raise
    except MstrError as exc:
        unread = "could not be read again after the update, so it is unknown which runtime it uses. Check it."
        raise NotFoundOut(f"The {script.label} {unread} {exc.sentence}", **exc.error) from exc


def _put(context: Context, script: SavedScript, target: Runtime, fields: Mapping[str, Any]) -> None:
    """Update the script. The response says nothing [mstrio], so it is not read. Raises MstrError."""
    path, operation = f"/scripts/{script.id}", f"assign the runtime {target.label} to the {script.label}"
    body = {**fields, _RUNTIME: target.id}
    for tries in range(context.retries, -1, -1):
        try:
            context.session.request("PUT", path, json=body, operation=operation, project=script.project.id)
            return
        except (ApiError, ConnectError) as exc:
            if not exc.outcome_unknown:
                raise
            lost = exc
        unknown = f"The {script.label} may or may not use the runtime {target.label}"
        read, retries = context.session.insisting()(partial(_read, context, script)), context.retries
        for seen in check_after_loss(context.pause, retries, lost, read, unknown):
            if seen[_RUNTIME] == target.key:
                return
            if seen[_RUNTIME] != script.runtime_id:
                raise _taken(seen[_RUNTIME])
        if not tries:
            raise not_done_error(lost, f"the {script.label} still does not use the runtime {target.label}")


def _seen_at_last(context: Context, planned: Assignment, stopped: MstrError) -> Assignment:
    """After a signal: the assignment with what one request of 5 s shows of it."""
    script = planned.script
    path, operation, project = f"/scripts/{script.id}", f"check the {script.label}", script.project.id
    request = context.session.last_request
    try:
        read = request("GET", path, operation=operation, project=project, shape=shape_of(script))
        now = script.on_runtime(read).runtime_id
    except MstrError as exc:
        unchecked = MstrError(f"{stopped.sentence}. Check which runtime it uses. {exc.sentence}", **exc.error)
        return planned._replace(action="unknown", error=unchecked)
    return planned._replace(action="moved" if now == planned.target.key else "unknown", error=stopped)


def _taken(runtime_id: str) -> MstrError:
    return MstrError(f"Somebody assigned {runtime_id} to it.")
