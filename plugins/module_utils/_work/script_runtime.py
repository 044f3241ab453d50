# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assigns saved scripts to a different runtime, and checks that nothing else of them changes.

Facts of the API: [mstrio], api/scripts.py, python_execution/script.py, utils/entity.py. An update contains the fields
to change, and always name and folder. Whether a server keeps the other fields is unknown, so they are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import ApiError, ConnectError, ErrorList, MstrError, PartialError, ValidationError, failures, unforeseen
from .._model.fields import LIST_AS_WRITTEN
from .._model.names import id_from, near_names, quoted
from .._model.runtime import Runtime
from .._session.interrupt import Interrupted, all_side_by_side
from .._session.response import Shape
from .._session.session import Session
from .api import Context, one_named
from .script_usage import SCRIPT_TYPE, Project, SavedScript, Unread, Usage, check_projects, find_usage, read_script
from .write import check_after_loss, not_done_error

OPTIONS: dict[str, Any] = {
    "runtime": {"type": "str"},
    "runtime_id": {"type": "str"},
    "from_runtime": {"type": "str"},
    "from_runtime_id": {"type": "str"},
    "scripts": {
        "type": "list",
        "elements": "dict",
        "options": {"id": {"type": "str"}, "name": {"type": "str"}, "project": {"type": "str", "required": True}},
    },
    "projects": {"type": LIST_AS_WRITTEN, "elements": "str"},
}
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
_REQUIRED = ("name", "folderId")  # in every update


def _folder_in(properties: Any) -> str | None:
    """The id of the folder of a script: the lowest that contains it [mstrio]. None if it is not there."""
    with suppress(KeyError, TypeError):
        return next((str(one["id"]) for one in properties["ancestors"] if one["level"] == 1), None)
    return None


_WITH_FOLDER = Shape("an object with the script's folder", lambda data: _folder_in(data) is not None)


class Named(NamedTuple):
    """A script of the option `scripts`: `id`, or else `name`, and the name or id of its project."""

    place: str
    id: str | None
    name: str | None
    project: str

    def means(self, script: SavedScript) -> bool:
        """Whether it is this script."""
        return script.project.is_called(self.project) and (
            self.id == script.id.upper() if self.id else self.name == script.name
        )


class Request(NamedTuple):
    """The checked options: names or ids. `named` is None if all scripts of the runtime `source` are to move."""

    target_name: str | None
    target_id: str | None
    source_name: str | None
    source_id: str | None
    named: tuple[Named, ...] | None
    projects: Sequence[str] | None


def request_from(params: Mapping[str, Any]) -> Request:
    """The checked options. Raises ValidationError with all of their errors."""
    with ErrorList() as errors:
        ids = {name: errors.check(id_from, params[name], place=name) for name in ("runtime_id", "from_runtime_id")}
        for name in ("runtime", "from_runtime"):
            if params[name] is not None and not params[name].strip():
                errors.add(f"{name} is empty")
        errors.check(check_projects, params["projects"])
        named = None if params["scripts"] is None else errors.check(_named, params["scripts"])
        same = {params["runtime"], ids["runtime_id"]} & {params["from_runtime"], ids["from_runtime_id"]} - {None}
        errors.add(*(f"the scripts of {one!r} cannot be assigned to {one!r} itself" for one in same))
    return Request(
        params["runtime"], ids["runtime_id"], params["from_runtime"], ids["from_runtime_id"], named, params["projects"]
    )


def _named(given: Sequence[Mapping[str, Any]]) -> tuple[Named, ...]:
    with ErrorList() as errors:
        if not given:
            errors.add("scripts is empty, so there is nothing to assign")
        found: dict[tuple[Any, ...], Named] = {}
        for index, one in enumerate(given):
            place = f"scripts[{index}]"
            if not one["id"] and not one["name"]:
                errors.add(f"{place} needs an id or a name")
            if not one["project"].strip():
                errors.add(f"{place}.project is empty")
            identity = errors.check(id_from, one["id"] or None, place=place)
            script = Named(place, identity, one["name"], one["project"])
            first = found.setdefault((identity or script.name, script.project), script)
            if first is not script:
                errors.add(f"{place} is the same script as {first.place}; list it once")
    return tuple(found.values())


class Move(NamedTuple):
    """A script and what was done. An error with action "moved" is about the rest of the script."""

    script: SavedScript
    action: str = "none"
    error: MstrError | None = None


class Assignment:
    """Assigns scripts to the runtime `target`. Several threads may use it."""

    def __init__(self, context: Context, session: Session, target: Runtime) -> None:
        self._context, self._session, self._target = context, session, target
        self.loses: bool | None = None  # whether this server loses what an update omits; None: not known yet

    def attempt(self, script: SavedScript) -> Move:
        """What was done. An error, even an unexpected one, affects no other script."""
        if self._context.check_mode:
            return Move(script, "moved")
        try:
            return self._move(script)
        except MstrError as exc:
            return Move(script, "failed", exc)
        except Exception as exc:
            return Move(script, "failed", unforeseen(exc))

    def _move(self, script: SavedScript) -> Move:
        before = self._read(script)
        now = _runtime_of(script, before)
        if now == self._target.key:
            return Move(script)
        if now != script.runtime_id:
            return Move(script._replace(runtime_id=now), "failed", MstrError(f"Somebody assigned {now} to it."))
        try:
            self._put(script, _body(before, _KEPT if self.loses else _REQUIRED))
            return self._checked(script, before)
        except Interrupted as exc:
            stopped = exc.during(f"the runtime of the {script.label} was being changed")
            return Move(script, "failed", self._check_at_last(script, before, stopped))

    def _checked(self, script: SavedScript, before: Mapping[str, Any]) -> Move:
        """What the update did. Raises Interrupted."""
        try:
            after = self._read(script)
        except Interrupted:
            raise
        except MstrError as exc:
            unread = "was updated, but could not be read again. Check its description, code and variables."
            return Move(script, "moved", MstrError(f"The {script.label} {unread} {exc.sentence}", **exc.error))
        lost, now = _lost(before, after), _runtime_of(script, after)
        self.loses = bool(lost) or bool(self.loses)
        error = self._put_back(script, before, lost) if lost else None
        if now != self._target.key and not error:
            ignored = f"The server accepted a new runtime for the {script.label}, but the script still uses {now}."
            return Move(script, "failed", MstrError(ignored))
        return Move(script, "moved", error)

    def _read(self, script: SavedScript) -> dict[str, Any]:
        """The script's fields, those of an update included. Raises MstrError."""
        data = read_script(self._session, script)
        operation, project = f"read the folder of the {script.label}", script.project.id
        path, params = f"/objects/{script.id}", {"type": SCRIPT_TYPE}
        properties = self._session.get(path, params, operation=operation, project=project, shape=_WITH_FOLDER)
        return {**{name: data.get(name) for name in (*_KEPT, _RUNTIME)}, "folderId": _folder_in(properties)}

    def _put(self, script: SavedScript, body: Mapping[str, Any]) -> None:
        """Update the script. The response says nothing [mstrio], so it is not read. Raises MstrError."""
        path, operation = f"/scripts/{script.id}", f"assign the runtime {self._target.label} to the {script.label}"
        body = {**body, _RUNTIME: self._target.id}
        tries = self._context.retries
        while True:
            try:
                self._session.request("PUT", path, json=body, operation=operation, project=script.project.id)
                return
            except (ApiError, ConnectError) as exc:
                if not exc.outcome_unknown:
                    raise
                lost = exc
            unknown = f"The {script.label} may or may not use the runtime {self._target.label}"
            for seen in check_after_loss(
                self._context.pause, self._context.retries, lost, lambda: self._read(script), unknown
            ):
                if _runtime_of(script, seen) == self._target.key and not set(_lost(body, seen)) & set(body):
                    return
            if tries < 1:
                raise not_done_error(lost, f"the {script.label} still does not use the runtime {self._target.label}")
            tries -= 1

    def _put_back(self, script: SavedScript, before: Mapping[str, Any], lost: Sequence[str]) -> MstrError:
        """Put back what the server lost; the error that says so."""
        sentence = f"While the server assigned the runtime, it changed {_words(lost)}."
        try:
            self._put(script, _body(before, _KEPT))
            still = _lost(before, self._read(script))
        except Interrupted:
            raise
        except MstrError as exc:
            return MstrError(f"{sentence} The task could not put that back: {exc.sentence}", **exc.error)
        if still:
            return MstrError(f"{sentence} The task could not put back {_words(still)}.")
        return MstrError(f"{sentence} All of it is put back, and the script uses {self._target.label}.")

    def _check_at_last(self, script: SavedScript, before: Mapping[str, Any], stopped: MstrError) -> MstrError:
        """After a signal: put back what the server lost, with requests of 5 s each. Returns the error that says so."""
        if self.loses is False:
            return stopped
        path, operation, project = f"/scripts/{script.id}", f"check the {script.label}", script.project.id
        try:
            after = self._session.last_request("GET", path, operation=operation, project=project)
            lost = _lost(before, {**before, **{name: after.get(name) for name in _KEPT if name != "folderId"}})
            if lost:
                body = {**_body(before, _KEPT), _RUNTIME: after.get(_RUNTIME) or self._target.id}
                self._session.last_request("PUT", path, operation=operation, project=project, json=body)
        except (MstrError, AttributeError) as exc:
            why = exc.sentence if isinstance(exc, MstrError) else "The server returned no script."
            return MstrError(f"{stopped.sentence}. Check its description, code and variables. {why}")
        return stopped


def _words(fields: Iterable[str]) -> str:
    return ", ".join(_KEPT[name] for name in fields)


def _body(before: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    return {name: before[name] for name in fields if before[name] is not None}


def _runtime_of(script: SavedScript, read: Mapping[str, Any]) -> str:
    return str(script.on_runtime(read).runtime_id)


def _lost(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    # Null equals empty.
    return [name for name in _KEPT if (before.get(name) or None) != (after.get(name) or None)]


def assign_scripts(context: Context, session: Session, request: Request) -> dict[str, Any]:
    """The result. Raises ValidationError before any write; PartialError with the result if a script failed."""
    there = context.api.list_all()
    with ErrorList() as errors:
        target = errors.check(_runtime, there, request.target_name, request.target_id, "runtime")
        source = request.source_id
        if request.source_name:
            found = errors.check(_runtime, there, request.source_name, None, "from_runtime")
            source = found.key if found else None
        if target and target.key == source:
            errors.add(f"the scripts of {target.label} cannot be assigned to the same runtime")
    moves, unread = _found(session, context.concurrency, request, source, target)
    chosen = [move.action == "none" and move.script.runtime_id != target.key for move in moves]
    to_do = [move.script for move, is_chosen in zip(moves, chosen) if is_chosen]
    done = iter(_assign(context, Assignment(context, session, target), to_do))
    moves = [next(done) if is_chosen else move for move, is_chosen in zip(moves, chosen)]
    return _report(moves, unread, target, there, context.check_mode)


def _runtime(there: Sequence[Runtime], name: str | None, identity: str | None, option: str) -> Runtime:
    """The runtime. Raises ValidationError."""
    if name is None:
        found = next((one for one in there if one.key == identity), None)
        wanted = f"{option}_id {identity!r}"
    else:
        found, wanted = one_named(there, name), f"{option} {name!r}"
    if found is None:
        near = near_names(name, (one.name for one in there)) if name else []
        hint = f"; did you mean {quoted(near)}?" if near else ""
        if option == "from_runtime" and not near:
            hint = "; if it was deleted, give its id in from_runtime_id"
        raise ValidationError([f"the server lists no runtime for {wanted}{hint}"])
    return found


def _found(
    session: Session, concurrency: int, request: Request, source: str | None, target: Runtime
) -> tuple[list[Move], Sequence[Unread]]:
    """The scripts that are to use the target, and what could not be read."""
    if request.named is None:
        usage = find_usage(session, request.projects, concurrency)
        return [Move(one) for one in (*usage.of(source), *usage.of(target.id))], usage.unread
    named, projects = request.named, list(dict.fromkeys(one.project for one in request.named))
    usage = find_usage(session, projects, concurrency, lambda script: any(one.means(script) for one in named))
    moves = [_one(usage, one) for one in named]
    # Two entries may mean one script, by its name and by its id.
    return list({(move.script.project, move.script.id, move.script.name): move for move in moves}.values()), ()


def _one(usage: Usage, wanted: Named) -> Move:
    """The only script that is meant, or the reason why none can be chosen."""
    found = [one for one in usage.scripts if wanted.means(one)]
    if len(found) == 1:
        return Move(found[0])
    failed = [one.error for one in usage.unread if one.script and wanted.means(one.script)]
    whole = [one for one in usage.unread if not one.script]
    failed += [one.error for one in whole if not one.project or one.project.is_called(wanted.project)]
    if found:
        ids = ", ".join(sorted(one.id for one in found))
        failed = [MstrError(f"{len(found)} scripts have this name: {ids}; choose one by id.")]
    elif not failed:
        failed = [MstrError("The project has no such script that uses a runtime, or the user may not see it.")]
    unknown = SavedScript(Project(None, wanted.project), wanted.id or "", wanted.name or "")
    return Move(unknown, "failed", failed[0])


def _assign(context: Context, assignment: Assignment, scripts: Sequence[SavedScript]) -> list[Move]:
    """What was done with each script."""
    done: list[Move] = []
    # One by one, until it is known whether an update must contain every field for this server to keep them.
    while len(done) < len(scripts) and assignment.loses is None and not context.check_mode:
        done.append(assignment.attempt(scripts[len(done)]))
    rest, first = scripts[len(done) :], len(done)

    def report_progress(number: int) -> None:
        context.progress(f"{first + number} of {len(scripts)} scripts assigned")

    return done + all_side_by_side(assignment.attempt, rest, context.concurrency, report_progress)


def _report(
    moves: Sequence[Move], unread: Sequence[Unread], target: Runtime, there: Sequence[Runtime], check_mode: bool
) -> dict[str, Any]:
    """The result. Raises PartialError with it if a script failed, or if it is not known which runtime a script uses."""
    names = {one.key: one.name for one in there}

    def runtime(identity: str | None) -> dict[str, Any] | None:
        return {"id": identity, "name": names.get(identity)} if identity else None

    def differences(after: str | None) -> dict[str, str]:
        return {
            f"{one.project.name} / {one.name} ({one.id})": f"{names.get(key)} ({key})"
            for one in moved
            for key in [after or str(one.runtime_id)]
        }

    moves = sorted(moves, key=lambda move: (move.script.project.name or "", move.script.name, move.script.id))
    moved = [move.script for move in moves if move.action == "moved"]
    already = len([move for move in moves if move.action == "none"])
    result = {
        "changed": bool(moved),
        "msg": _summary(len(moved), already, target.name, "would use" if check_mode else ""),
        "scripts": [
            {
                "id": script.id or None,
                "name": script.name or None,
                "project": script.project._asdict(),
                "action": action,
                "before": runtime(script.runtime_id),
                "after": runtime(target.key if action == "moved" else script.runtime_id),
                "error": {"msg": error.sentence, **error.error} if error else None,
            }
            for script, action, error in moves
        ],
        "unread": [one.to_result() for one in unread],
        "diff": {"before": differences(None), "after": differences(target.key)},
    }
    failed = [(move.script.label, move.error) for move in moves if move.error]
    everything = [*failed, *((f"could not read the {one.label}", one.error) for one in unread)]
    if not everything:
        return result
    unsure = "There may be more scripts that use the old runtime"
    what = f"{len(failed)} of {len(moves)} scripts failed" if failed else unsure
    raise PartialError(MstrError(f"{result['msg']} {failures(what, everything)}", **everything[0][1].error), result)


def _summary(moved: int, already: int, name: str, would: str) -> str:
    if not moved and not already:
        return f"No script was assigned to {name!r}."
    count = moved or already
    noun, verb = ("script", "uses") if count == 1 else ("scripts", "use")
    if not moved:
        return f"{count} {noun} already {verb} {name!r}."
    rest = f", {already} already did" if already else ""
    return f"{count} {noun} {would or f'now {verb}'} {name!r}{rest}."
