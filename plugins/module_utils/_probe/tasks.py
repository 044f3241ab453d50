# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about planned tasks and the history of scripts. They only read, and never what a script printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import ApiError
from .._session.response import LIST_WITH_IDS, OBJECT, list_of, says_no_such_call, says_no_such_object
from .._work.script_usage import SCRIPT_TYPE
from .run import (
    ALL_HANDLED,
    OTHER,
    Answer,
    ProbeRun,
    Unanswered,
    asks,
    call_verdict,
    granted,
    or_refusal,
    refusal_text,
    status_in,
)
from .server import loaded_projects, search_for_scripts

_HISTORY = "/scripts/history"
_FIELDS = "executionTime,lastStatus,id,scriptId,objectId"  # everything but `log`, what the script printed
_SCRIPTS = 20  # of which a history is read
_LISTED_TASKS = 50  # whose scripts are read


def _tasks_in(run: ProbeRun, project: str) -> list[Mapping[str, Any]]:
    params, shape = {"type": "script", "allProjects": "true"}, list_of("tasks", OBJECT)
    data = run.session.get("/tasks", params, operation="list the planned tasks", project=project, shape=shape)
    return list(data["tasks"])


def _lists(run: ProbeRun) -> list[list[Mapping[str, Any]]] | ApiError:
    """The tasks of the first two projects; the error if this release has no such call."""
    projects = run.once(loaded_projects)[:2]
    return or_refusal(says_no_such_call, lambda: [_tasks_in(run, project) for project in projects])


def _listed(run: ProbeRun) -> list[list[Mapping[str, Any]]]:
    return granted(run.once(_lists), "The server has no list of planned tasks.")


def _content(task: Mapping[str, Any]) -> Mapping[str, Any]:
    content = task.get("content")
    return content if isinstance(content, Mapping) else {}


@asks("Can the server list planned tasks?")
def tasks_call(run: ProbeRun) -> Answer:
    return call_verdict("GET /api/tasks", run.once(_lists))


@asks("Which key of a planned task contains the id of its script?")
def task_script_key(run: ProbeRun) -> Answer:
    for tasks in _listed(run):
        for task in tasks:
            keys = [key for key in ("id", "objectId") if _content(task).get(key)]
            value = keys[0] if len(keys) == 1 else OTHER
            return value, f"The content of a planned task has the keys {' and '.join(keys) or 'of neither form'}."
    raise Unanswered("The server lists no planned task.")


@asks("Does a list of planned tasks contain those of other projects?")
def tasks_all_projects(run: ProbeRun) -> Answer:
    lists = [{str(task.get("id")) for task in tasks} for tasks in _listed(run)]
    if len(lists) < 2 or not all(lists):
        raise Unanswered("Needs planned tasks in two projects that the user may use.")
    if lists[0] == lists[1]:
        return "everything", "The lists of two projects contained the same planned tasks."
    if not lists[0] & lists[1]:
        return "project", "The lists of two projects contained different planned tasks."
    return OTHER, "The lists of two projects contained partly the same planned tasks."


@asks("Does a list of planned tasks contain those of scripts that an ACL hides?")
def hidden_tasks(run: ProbeRun) -> Answer:
    for task in _listed(run)[0][:_LISTED_TASKS]:
        identity = str(_content(task).get("id") or _content(task).get("objectId"))
        # A list may contain tasks of other projects.
        found = [
            or_refusal(
                status_in(403, 404),
                run.session.get,
                f"/objects/{identity}",
                {"type": SCRIPT_TYPE},
                operation="read the script of a task",
                project=project,
            )
            for project in run.once(loaded_projects)
        ]
        if all(isinstance(script, ApiError) for script in found):
            return "listed", f"The script of a planned task was {refusal_text(found[0])}."
    raise Unanswered("The user may read the scripts of all planned tasks; there may be no others.")


def _entries(run: ProbeRun, project: str, scripts: Sequence[str]) -> list[Mapping[str, Any]]:
    params, shape = {"scriptids": ",".join(scripts), "fields": _FIELDS}, list_of("history", OBJECT)
    data = run.session.get(_HISTORY, params, operation="read the history of scripts", project=project, shape=shape)
    return list(data["history"])


def _histories(run: ProbeRun) -> tuple[str, dict[str, list[Mapping[str, Any]]]] | ApiError:
    """A project, and the history of each script that has run; the error if this release has no such call."""
    for project in run.once(loaded_projects):
        start = search_for_scripts(run, project)
        scripts = run.session.get(
            "/metadataSearches/results",
            {"searchId": str(start["id"]), "offset": 0, "limit": _SCRIPTS},
            operation="search for scripts",
            project=project,
            shape=LIST_WITH_IDS,
        )
        histories = {}
        for script in [str(entry["id"]) for entry in scripts]:
            found = or_refusal(lambda refusal: True, _entries, run, project, [script])
            if not isinstance(found, ApiError):
                histories[script] = found
            elif says_no_such_call(found) or (says_no_such_object(found) and not histories):
                return found
        ran = {script: entries for script, entries in histories.items() if entries}
        if ran:
            return project, ran
    raise Unanswered("The user may read no script that has run.")


def _ran(run: ProbeRun) -> tuple[str, dict[str, list[Mapping[str, Any]]]]:
    return granted(run.once(_histories), "The server has no history of scripts.")


@asks("Can the server return the history of scripts?")
def history_call(run: ProbeRun) -> Answer:
    return call_verdict("GET /api/scripts/history", run.once(_histories))


@asks("Does an entry of the history name its script?", ALL_HANDLED)
def history_names_script(run: ProbeRun) -> Answer:
    script, entries = next(iter(_ran(run)[1].items()))
    if script.upper() in [str(value).upper() for value in entries[0].values()]:
        return "yes", "An entry contained the id of its script."
    return "no", "An entry did not contain the id of its script."


@asks("In which order does the history show several scripts?", ALL_HANDLED)
def history_order(run: ProbeRun) -> Answer:
    project, ran = _ran(run)
    # The last two scripts whose entries differ.
    scripts = [script for script, entries in ran.items() if entries[0] != next(iter(ran.values()))[0]]
    if not scripts:
        raise Unanswered("Needs two scripts that ran at different times.")
    pair = [next(iter(ran)), scripts[-1]]
    together, alone = _entries(run, project, pair), [ran[script][0] for script in pair]
    if together == alone:
        return "asked", "The history of two scripts came in the order of the request."
    if together == alone[::-1]:
        return "reversed", "The history of two scripts came in the reversed order of the request."
    return OTHER, "The history of two scripts together was not that of each alone."
