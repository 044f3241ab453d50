# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about planned tasks and the history of scripts. They only read, and never what a script printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import ApiError
from .._session.response import LIST_WITH_IDS, list_of, says_no_such_call, says_no_such_object
from .._work.script_usage import SCRIPT_TYPE
from .scratch import ANY, OTHER, Answer, Scratch, Unanswered, asks, refused
from .server import LOADED, projects, search_for_scripts

_HISTORY = "/scripts/history"
_FIELDS = "executionTime,lastStatus,id,scriptId,objectId"  # everything but `log`, what the script printed
_SCRIPTS = 20  # of which a history is read
_LISTED_TASKS = 50  # whose scripts are read


def _loaded(scratch: Scratch) -> list[str]:
    loaded = [str(project["id"]) for project in scratch.once(projects) if project.get("status", LOADED) == LOADED]
    if not loaded:
        raise Unanswered("The user may use no project that is loaded.")
    return loaded


def _tasks_in(scratch: Scratch, project: str) -> list[Mapping[str, Any]]:
    params = {"type": "script", "allProjects": "true"}
    operation = "list the planned tasks"
    data = scratch.session.get("/tasks", params, operation=operation, project=project, shape=list_of("tasks"))
    return [task for task in data["tasks"] if isinstance(task, Mapping)]


def _lists(scratch: Scratch) -> list[list[Mapping[str, Any]]] | ApiError:
    """The tasks of the first two projects; the error if this release has no such call."""
    try:
        return [_tasks_in(scratch, project) for project in _loaded(scratch)[:2]]
    except ApiError as exc:
        if not says_no_such_call(exc):
            raise
        return exc


def _listed(scratch: Scratch) -> list[list[Mapping[str, Any]]]:
    found = scratch.once(_lists)
    if isinstance(found, ApiError):
        raise Unanswered("The server has no list of planned tasks.")
    return found


def _content(task: Mapping[str, Any]) -> Mapping[str, Any]:
    content = task.get("content")
    return content if isinstance(content, Mapping) else {}


@asks("Can the server list planned tasks?")
def tasks_call(scratch: Scratch) -> Answer:
    found = scratch.once(_lists)
    if isinstance(found, ApiError):
        return str(found.status), f"GET /api/tasks was {refused(found)}."
    return "yes", "GET /api/tasks returned a list."


@asks("Which key of a planned task contains the id of its script?")
def task_script_key(scratch: Scratch) -> Answer:
    for tasks in _listed(scratch):
        for task in tasks:
            keys = [key for key in ("id", "objectId") if _content(task).get(key)]
            value = keys[0] if len(keys) == 1 else OTHER
            return value, f"The content of a planned task has the keys {' and '.join(keys) or 'of neither form'}."
    raise Unanswered("The server lists no planned task.")


@asks("Does a list of planned tasks contain those of other projects?")
def tasks_all_projects(scratch: Scratch) -> Answer:
    lists = [{str(task.get("id")) for task in tasks} for tasks in _listed(scratch)]
    if len(lists) < 2 or not all(lists):
        raise Unanswered("Needs planned tasks in two projects that the user may use.")
    if lists[0] == lists[1]:
        return "everything", "The lists of two projects contained the same planned tasks."
    if not lists[0] & lists[1]:
        return "project", "The lists of two projects contained different planned tasks."
    return OTHER, "The lists of two projects contained partly the same planned tasks."


@asks("Does a list of planned tasks contain those of scripts that an ACL hides?")
def hidden_tasks(scratch: Scratch) -> Answer:
    for task in _listed(scratch)[0][:_LISTED_TASKS]:
        identity = str(_content(task).get("id") or _content(task).get("objectId"))
        # A list may contain tasks of other projects.
        refusals = [_refusal(scratch, project, identity) for project in _loaded(scratch)]
        if all(refusals):
            return "listed", f"The script of a planned task was {refusals[0]}."
    raise Unanswered("The user may read the scripts of all planned tasks; there may be no others.")


def _refusal(scratch: Scratch, project: str, identity: str) -> str | None:
    """How the server refuses to read the properties of a script; None if it returns them."""
    path, params = f"/objects/{identity}", {"type": SCRIPT_TYPE}
    try:
        scratch.session.get(path, params, operation="read the script of a task", project=project)
    except ApiError as exc:
        if exc.status not in (403, 404):
            raise
        return refused(exc)
    return None


def _entries(scratch: Scratch, project: str, scripts: Sequence[str]) -> list[Mapping[str, Any]]:
    params = {"scriptids": ",".join(scripts), "fields": _FIELDS}
    operation = "read the history of scripts"
    data = scratch.session.get(_HISTORY, params, operation=operation, project=project, shape=list_of("history"))
    return [entry for entry in data["history"] if isinstance(entry, Mapping)]


def _histories(scratch: Scratch) -> tuple[str, dict[str, list[Mapping[str, Any]]]] | ApiError:
    """A project, and the history of each of its scripts; the error if this release has no such call."""
    found: tuple[str, dict[str, list[Mapping[str, Any]]]] = ("", {})
    for project in _loaded(scratch):
        start = search_for_scripts(scratch, project)
        scripts = [
            str(entry["id"])
            for entry in scratch.session.get(
                "/metadataSearches/results",
                {"searchId": str(start["id"]), "offset": 0, "limit": _SCRIPTS},
                operation="search for scripts",
                project=project,
                shape=LIST_WITH_IDS,
            )
        ]
        for script in scripts:
            try:
                entries = _entries(scratch, project, [script])
            except ApiError as exc:
                if says_no_such_call(exc) or (says_no_such_object(exc) and not found[1]):
                    return exc
                continue
            found = (project, {**found[1], script: entries})
        if any(found[1].values()):
            return found
        found = ("", {})
    raise Unanswered("The user may read no script that has run.")


def _ran(scratch: Scratch) -> tuple[str, dict[str, list[Mapping[str, Any]]]]:
    found = scratch.once(_histories)
    if isinstance(found, ApiError):
        raise Unanswered("The server has no history of scripts.")
    return found[0], {script: entries for script, entries in found[1].items() if entries}


@asks("Can the server return the history of scripts?")
def history_call(scratch: Scratch) -> Answer:
    found = scratch.once(_histories)
    if not isinstance(found, ApiError):
        return "yes", "GET /api/scripts/history returned a list."
    value = "as_id" if says_no_such_object(found) else str(found.status)
    return value, f"GET /api/scripts/history was {refused(found)}."


@asks("Does an entry of the history name its script?", ANY)
def history_names_script(scratch: Scratch) -> Answer:
    script, entries = next(iter(_ran(scratch)[1].items()))
    if script.upper() in [str(value).upper() for value in entries[0].values()]:
        return "yes", "An entry contained the id of its script."
    return "no", "An entry did not contain the id of its script."


@asks("In which order does the history show several scripts?", ANY)
def history_order(scratch: Scratch) -> Answer:
    project, ran = _ran(scratch)
    # The last two scripts whose entries differ.
    scripts = [script for script, entries in ran.items() if entries[0] != next(iter(ran.values()))[0]]
    if not scripts:
        raise Unanswered("Needs two scripts that ran at different times.")
    pair = [next(iter(ran)), scripts[-1]]
    together, alone = _entries(scratch, project, pair), [ran[script][0] for script in pair]
    if together == alone:
        return "asked", "The history of two scripts came in the order of the request."
    if together == alone[::-1]:
        return "reversed", "The history of two scripts came in the reversed order of the request."
    return OTHER, "The history of two scripts together was not that of each alone."
