# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assignments of saved scripts to runtimes: their plan, and the work, which checks that nothing else changes.

A plan is made of one look-up of scripts, without a request: `plan_assignment`, `Assignment.planned`. `Assigner` carries
it out. Facts of the API: [mstrio], api/scripts.py, python_execution/script.py, utils/entity.py. An update must contain
name and folder. Whether a server keeps the fields that it omits is unknown, so it contains all, and they are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from .._errors import UNREAD, ApiError, ConnectError, ErrorList, MstrError, as_mstr_error, texts
from .._model.runtime import Runtime, id_from
from .._model.steps import ScriptReport
from .._session.interrupt import Interrupted
from .._session.parallel import all_side_by_side
from .._session.response import Shape
from .api import Context
from .script_usage import (
    SCRIPT_TYPE,
    Project,
    SavedScript,
    Unread,
    Usage,
    find_usage,
    holds_secret,
    read_script,
    shape_of,
)
from .write import NotFoundOut, check_after_loss, not_done_error

_RUNTIME = "scriptRuntimeId"
# What must not change, by its name in the API, in the words of a message.
_KEPT = {
    "name": "name",
    "folderId": "folder",
    "description": "description",
    "variables": "variables",
    "scriptContent": "code",
    "scriptType": "type",
    "scriptResultType": "result type",
}
# When an assignment is carried out
RECOVER = "recover"  # before everything else: what an earlier run left
ASSIGN = "assign"
SETTLE = "settle"  # after the renames: from what has a previous name


def _folder_in(properties: Any) -> str | None:
    """The id of the folder of a script: the lowest that contains it [mstrio]. None if it is missing."""
    with suppress(KeyError, TypeError):
        return next((str(folder["id"]) for folder in properties["ancestors"] if folder["level"] == 1), None)
    return None


_WITH_FOLDER = Shape("an object with the script's folder", lambda data: _folder_in(data) is not None)


# --- what is wanted


class ScriptEntry(NamedTuple):
    """An entry of the option `scripts`: `id`, or else `name`, and the name or id of its project.

    `runtime`: the name of the runtime that it is to use; None if the task has one runtime for all of its scripts.
    """

    place: str
    id: str | None
    name: str | None
    project: str
    runtime: str | None = None

    def matches(self, script: SavedScript) -> bool:
        """Whether it is this script."""
        return script.project.is_called(self.project) and (
            self.id == script.id.upper() if self.id else self.name == script.name
        )

    def may_be_in(self, failure: Unread) -> bool:
        """Whether a failed read may be why this script was not found."""
        if failure.script:
            return self.matches(failure.script)
        return failure.project is None or failure.project.is_called(self.project)


def script_entries(scripts: Sequence[Mapping[str, Any]], places: Sequence[str] = ()) -> tuple[ScriptEntry, ...]:
    """The checked entries of the option `scripts`; `places` names those of a file. Raises ValidationError."""
    with ErrorList() as errors:
        entries: dict[tuple[Any, ...], ScriptEntry] = {}
        for index, options in enumerate(scripts):
            place = places[index] if places else f"scripts[{index}]"
            if not options["id"] and not options["name"]:
                errors.add(f"{place} needs an id or a name")
            named = [option for option in ("project", "runtime") if option in options]
            start = f"{place}: " if places else f"{place}."
            errors.add(*(f"{start}{option} is empty" for option in named if not options[option].strip()))
            identity = errors.check(id_from, options["id"] or None, prefix=place)
            entry = ScriptEntry(place, identity, options["name"], options["project"], options.get("runtime"))
            first = entries.setdefault((identity or entry.name, entry.project), entry)
            if first is not entry:
                errors.add(f"{place} is the same script as {first.place}; list it once")
    return tuple(entries.values())


# --- the plan


class Assignment(NamedTuple):
    """A script as it was found, the runtime that it is to use, and what is to be done, or what was done.

    `action`: "moved", "none", "failed" if nothing was done, or "unknown" if the script may use either runtime. With
    "moved", `error` is about the rest of the script. `target` has no id until the task has created it; then `row` is
    the place of the row that creates it. `stage`: when it is carried out; empty once it was. `fingerprint`: of the
    plan, which a person may have approved; None if the assignment cannot be planned.
    """

    script: SavedScript
    target: Runtime
    action: str
    error: MstrError | None = None
    place: str = ""
    fingerprint: str | None = ""
    stage: str = ASSIGN
    row: str = ""

    @classmethod
    def planned(cls, script: SavedScript, target: Runtime, **more: Any) -> Assignment:
        """What is to be done with a script whose runtime is known."""
        if UNREAD in script.name and script.runtime_id != target.key:
            return cls(script, target, "failed", _unread_error(_KEPT["name"]), **more)
        return cls(script, target, "none" if script.runtime_id == target.key else "moved", **more)

    @property
    def is_changed(self) -> bool:
        """Whether the script has or may have a different runtime than before."""
        return self.action in ("moved", "unknown")

    def to_result(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The assignment for a result. `names`: of the runtimes on the server, by their id."""
        script, identity, target = self.script, self.script.runtime_id, self.target
        before = {"id": identity, "name": names.get(identity)} if identity else None
        moved = {"id": target.key or None, "name": names.get(target.key, target.name)}
        after = {"moved": moved, "unknown": None}
        return {
            "id": script.id or None,
            "name": script.name or None,
            "project": script.project._asdict(),
            "action": "failed" if self.action == "unknown" else self.action,
            "before": before,
            "after": after.get(self.action, before),
            "error": {"msg": self.error.sentence, **self.error.error} if self.error else None,
        }


def find_entries(context: Context, entries: Sequence[ScriptEntry]) -> Usage:
    """A look-up of these scripts alone. Raises Interrupted."""
    projects = [entry.project for entry in entries]
    return find_usage(context, projects, lambda script: any(entry.matches(script) for entry in entries))


def plan_assignment(entry: ScriptEntry, usage: Usage, target: Runtime) -> Assignment:
    """What is to be done for an entry; with an error where the look-up shows no script, or several, for it."""
    matching = [script for script in usage.scripts if entry.matches(script)]
    # A failed read of the script says more than one of the project, and is the last of them.
    hidden = [failure for failure in usage.unread if entry.may_be_in(failure)]
    ids = sorted(script.id for script in (*matching, *(failure.script for failure in hidden)) if script)
    if len(ids) > 1:
        error = MstrError(f"{len(ids)} scripts have this name: {', '.join(ids)}; choose one by id.")
    elif matching:
        return Assignment.planned(matching[0], target, place=entry.place)
    elif hidden:
        error = hidden[-1].error
    else:
        error = MstrError("The project has no such script that uses a runtime, or the user may not see it.")
    unknown = SavedScript(Project(None, entry.project), entry.id or "", entry.name or "")
    return Assignment(unknown, target, "failed", error, entry.place)


def script_report(assignments: Sequence[Assignment], names: Mapping[str, str]) -> ScriptReport:
    """What a result says of the scripts. `names`: of the runtimes on the server, by their id."""
    done = sorted(_by_script(assignments), key=lambda assignment: assignment.script.sort_key)
    diff: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    for script, target in ((assignment.script, assignment.target) for assignment in done if assignment.is_changed):
        key = f"{script.project.name} / {script.name} ({script.id})"
        diff["before"][key] = _runtime_text(names.get(script.runtime_id or ""), script.runtime_id)
        diff["after"][key] = _runtime_text(names.get(target.key, target.name), target.key)
    rows = [assignment.to_result(names) for assignment in done]
    failed = [(f"{plan.place} {plan.script.label}".strip(), plan.error) for plan in assignments if plan.error]
    fingerprints = [assignment.fingerprint for assignment in assignments]
    return ScriptReport(rows, fingerprints, diff, failed, len(diff["after"]))


def _by_script(assignments: Sequence[Assignment]) -> list[Assignment]:
    """One assignment for each script: one that was moved twice is shown from its first to its last runtime."""
    merged: dict[Any, Assignment] = {}
    for number, later in enumerate(assignments):
        key = later.script.key if later.script.id else number
        first = merged.setdefault(key, later)
        if first is later or not first.is_changed:
            merged[key] = later
        elif later.is_changed:
            action = "none" if later.target.key == first.script.runtime_id and not later.error else later.action
            merged[key] = later._replace(script=first.script, action=action)
        else:
            merged[key] = first._replace(error=first.error or later.error)
    return list(merged.values())


def _runtime_text(name: str | None, identity: str | None) -> str:
    """A runtime in a diff. One that was deleted has no name, and one that is still to be created has no id."""
    return f"{name} ({identity})" if name and identity else str(name or identity)


# --- the work


class Assigner:
    """Assigns scripts to runtimes. Several threads may use it."""

    def __init__(self, context: Context) -> None:
        self.context, self._session = context, context.session

    def assign(self, planned: Sequence[Assignment]) -> list[Assignment]:
        """The assignments after the work. Only those with the action "moved" are carried out; in check mode, none.

        An error, even an unexpected one, or a signal becomes the error of its assignment and affects no other.
        """
        if self.context.check_mode:
            return list(planned)
        to_do = [assignment for assignment in planned if assignment.action == "moved"]
        # The first one alone: if this server loses a part of a script, the others are left as they are.
        done = [self._carried_out(assignment) for assignment in to_do[:1]]
        lost = done[0].error if done and done[0].action == "moved" else None

        def report_progress(number: int) -> None:
            self.context.progress(f"{1 + number} of {len(to_do)} scripts assigned")

        if lost:
            why = MstrError(
                f"It was not assigned, because the first script of the task lost something: {lost.sentence}"
            )
            done += [assignment._replace(action="failed", error=why) for assignment in to_do[1:]]
        else:
            done += all_side_by_side(self._carried_out, to_do[1:], self.context.concurrency, report_progress)
        results = iter(done)
        return [next(results) if assignment.action == "moved" else assignment for assignment in planned]

    def _carried_out(self, planned: Assignment) -> Assignment:
        """What was done."""
        try:
            return self._move(planned)
        except Exception as exc:
            action = "unknown" if isinstance(exc, NotFoundOut) else "failed"
            return planned._replace(action=action, error=as_mstr_error(exc))

    def _move(self, planned: Assignment) -> Assignment:
        script, target = planned.script, planned.target
        before = self._read(script)
        now = before[_RUNTIME]
        if now == target.key:
            return planned._replace(action="none")
        if now != script.runtime_id:
            return planned._replace(script=script._replace(runtime_id=now), action="failed", error=_taken(now))
        # Whatever the server does with what an update omits, nothing else of the script changes. But what was read of
        # a secret may be a mask.
        omitted = (_RUNTIME, "variables") if holds_secret(before) else (_RUNTIME,)
        body = {name: value for name, value in before.items() if value is not None and name not in omitted}
        unread = [name for name, value in body.items() if any(UNREAD in text for _place, text in texts(value))]
        if unread:
            raise _unread_error(_words(unread))
        is_sent = False
        try:
            self._put(script, target, body)
            is_sent = True
            after = self._read_again(script)
        except MstrError as exc:
            stopped = exc if isinstance(exc, Interrupted) else exc.__cause__
            if not isinstance(stopped, Interrupted) or not (is_sent or exc is not stopped or exc.outcome_unknown):
                raise
            return self._seen_at_last(planned, stopped.during(f"the runtime of the {script.label} was being changed"))
        lost = [name for name in _KEPT if (before[name] or None) != (after[name] or None)]
        error = (
            MstrError(f"While the server assigned the runtime, it changed {_words(lost)}. Check it.") if lost else None
        )
        if after[_RUNTIME] == target.key:
            return planned._replace(error=error)
        ignored = (
            f"The server accepted a new runtime for the {script.label}, but the script still uses {after[_RUNTIME]}."
        )
        return planned._replace(action="failed", error=error or MstrError(ignored))

    def _read(self, script: SavedScript) -> dict[str, Any]:
        """The script's fields, those of an update included, and the id of its runtime. Raises MstrError."""
        data = read_script(self._session, script)
        operation, project = f"read the folder of the {script.label}", script.project.id
        path, params = f"/objects/{script.id}", {"type": SCRIPT_TYPE}
        properties = self._session.get(path, params, operation=operation, project=project, shape=_WITH_FOLDER)
        fields = {**{name: data.get(name) for name in _KEPT}, "folderId": _folder_in(properties)}
        return {**fields, _RUNTIME: script.on_runtime(data).runtime_id}

    def _read_again(self, script: SavedScript) -> Mapping[str, Any]:
        """The script after its update. Raises MstrError."""
        try:
            return self._read(script)
        except Interrupted:
            raise
        except MstrError as exc:
            unread = "could not be read again after the update, so it is unknown which runtime it uses. Check it."
            raise NotFoundOut(f"The {script.label} {unread} {exc.sentence}", **exc.error) from exc

    def _put(self, script: SavedScript, target: Runtime, fields: Mapping[str, Any]) -> None:
        """Update the script. The response says nothing [mstrio], so it is not read. Raises MstrError."""
        path, operation = f"/scripts/{script.id}", f"assign the runtime {target.label} to the {script.label}"
        body = {**fields, _RUNTIME: target.id}
        for tries in range(self.context.retries, -1, -1):
            try:
                self._session.request("PUT", path, json=body, operation=operation, project=script.project.id)
                return
            except (ApiError, ConnectError) as exc:
                if not exc.outcome_unknown:
                    raise
                lost = exc
            unknown = f"The {script.label} may or may not use the runtime {target.label}"
            read, retries = self._session.insisting()(partial(self._read, script)), self.context.retries
            for seen in check_after_loss(self.context.pause, retries, lost, read, unknown):
                if seen[_RUNTIME] == target.key:
                    return
                if seen[_RUNTIME] != script.runtime_id:
                    raise _taken(seen[_RUNTIME])
            if not tries:
                raise not_done_error(lost, f"the {script.label} still does not use the runtime {target.label}")

    def _seen_at_last(self, planned: Assignment, stopped: MstrError) -> Assignment:
        """After a signal: the assignment with what one request of 5 s shows of it."""
        script = planned.script
        path, operation, project = f"/scripts/{script.id}", f"check the {script.label}", script.project.id
        request = self._session.last_request
        try:
            read = request("GET", path, operation=operation, project=project, shape=shape_of(script))
            now = script.on_runtime(read).runtime_id
        except MstrError as exc:
            unchecked = MstrError(f"{stopped.sentence}. Check which runtime it uses. {exc.sentence}", **exc.error)
            return planned._replace(action="unknown", error=unchecked)
        return planned._replace(action="moved" if now == planned.target.key else "unknown", error=stopped)


def _taken(runtime_id: str) -> MstrError:
    return MstrError(f"Somebody assigned {runtime_id} to it.")


def _unread_error(what: str) -> MstrError:
    why = "U+FFFD, which stands for a character that could not be read, and an update would store it"
    return MstrError(f"Its {what} has {why}. Change that in the script first.")


def _words(fields: Iterable[str]) -> str:
    return ", ".join(_KEPT[name] for name in fields)
