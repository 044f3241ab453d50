# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions that reads answer: about releases, the privilege, searches, planned tasks and histories.

They never read a script, or what it printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .._errors import ApiError
from .._session.response import LIST_WITH_IDS, OBJECT, OBJECT_WITH_ID, Shape, id_in, list_of, says_no_such_call
from .._work.script_usage import start_search
from .base import OTHER, Answer, ProbeRun, Unanswered, asks, needs, or_refusal, refusal_text, status_in

_RELEASE = re.compile(r"[\w. -]{1,60}", re.ASCII)


def _release(value: Any) -> str | None:
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


_VERSIONS = list_of("versions", Shape("a release", lambda version: _release(version) is not None))


def _status(run: ProbeRun) -> Mapping[str, Any]:
    return dict(run.session.get("/status", renews=False, shape=OBJECT))


def product(run: ProbeRun) -> dict[str, str | None]:
    """The releases of the product; null if the server does not reveal them."""
    status: Mapping[str, Any] = {}
    with suppress(Unanswered):
        status = run.once(_status)
    keys = {"iserver_version": "iServerVersion", "web_version": "webVersion"}
    return {name: _release(status.get(api)) for name, api in keys.items()}


def _versions(run: ProbeRun) -> list[str]:
    return list(run.session.get("/runtimes/versions", shape=_VERSIONS)["versions"])


@asks("Can the server list its Python versions?")
def versions_call(run: ProbeRun) -> Answer:
    return _has_call("GET /api/runtimes/versions", run.once_or_refusal(_versions, status_in(404, 405)))


def _has_call(call: str, outcome: object) -> Answer:
    if not isinstance(outcome, ApiError):
        return "yes", f"{call} returned a list."
    # Else the server takes the path for that of an object.
    return str(outcome.status) if says_no_such_call(outcome) else "as_id", f"{call} was {refusal_text(outcome)}."


@asks("Which Python versions does it offer?")
def python_versions(run: ProbeRun) -> Answer:
    return run.once(_versions), "GET /api/runtimes/versions contains them."


@asks("After how many seconds without a request does a session end?")
def iserver_timeout(run: ProbeRun) -> Answer:
    seconds = run.session.get("/sessions", shape=OBJECT).get("timeout")
    needs(type(seconds) in (int, float), "GET /api/sessions does not contain it.")
    return seconds, "GET /api/sessions contains it."


# --- users: the creates are over, so it is known whether the user may create runtimes


@asks("Does reading need the privilege 'Manage runtime', too?")
def privilege_for_reads(run: ProbeRun) -> Answer:
    refusal = or_refusal(run.listed, expected=status_in(403))
    if isinstance(refusal, ApiError):
        # A page without a code may come from a gateway, and a user who has created a runtime has the privilege.
        if not refusal.error["code"] or run.created:
            raise refusal
        return "yes", f"Without the privilege, the list was {refusal_text(refusal)}."
    if run.write_refusal:
        return "no", "The user may not create runtimes, but may list them."
    run.may_write()
    raise Unanswered("Only a probe as a user without the privilege 'Manage runtime' can find this out.")


# --- projects and searches


_MOST_PROJECTS, _SCRIPTS = 5, 20  # how many of each are looked at
_LOADED = 0  # status of a project [mstrio]


def _projects(run: ProbeRun) -> list[str]:
    """The ids of the first loaded projects that the user may use. Raises Unanswered if there are none."""
    projects = run.session.get("/projects", shape=LIST_WITH_IDS)
    loaded = [str(project["id"]) for project in projects if project.get("status", _LOADED) == _LOADED]
    return needs(loaded[:_MOST_PROJECTS], "The user may use no project that is loaded.")


_NO_OBJECT, _RUNTIME_TYPE = "0" * 31 + "1", 80  # an id that no object has


def _found(run: ProbeRun, project: str, **limits: Any) -> list[str]:
    """The ids of the first scripts that a search finds."""
    limits = {"operation": "search for scripts", "shape": OBJECT_WITH_ID, **limits}
    start = or_refusal(start_search, run.session, 2, project, expected=says_no_such_call, **limits)
    if isinstance(start, ApiError):  # an older release
        start = start_search(run.session, 1, project, **limits)
    params = {"searchId": str(start["id"]), "offset": 0, "limit": _SCRIPTS}
    results = run.session.get("/metadataSearches/results", params, project=project, shape=LIST_WITH_IDS)
    return [str(entry["id"]) for entry in results]


@asks("Does a search find the scripts of a runtime?")
def search_uses_object(run: ProbeRun) -> Answer:
    """One such search for each project could replace one read for each script. No script is read."""
    project = next((project for project in run.once(_projects) if _found(run, project)), "")
    needs(project, "No script was found.")
    outcome = or_refusal(_found, run, project, usesObject=f"{_NO_OBJECT};{_RUNTIME_TYPE}")
    if isinstance(outcome, ApiError):
        return "refused", f"A search with usesObject was {refusal_text(outcome)}."
    if outcome:
        return "ignored", "A search for the scripts of a runtime that does not exist found scripts."
    for identity in list(run.names())[:_SCRIPTS]:
        if _found(run, project, usesObject=f"{identity};{_RUNTIME_TYPE}"):
            return "finds", "A search found scripts of one runtime, and none of a runtime that does not exist."
    raise Unanswered("A search found no script of any runtime; perhaps all scripts use the default one.")


# --- planned tasks


def _tasks(run: ProbeRun) -> list[Mapping[str, Any]]:
    """The tasks of the first project that has any."""
    params = {"type": "script", "allProjects": "true"}
    shape = list_of("tasks", OBJECT)
    for project in run.once(_projects):
        tasks = run.session.get("/tasks", params, project=project, shape=shape)["tasks"]
        if tasks:
            return list(tasks)
    return []


@asks("Can the server list planned tasks?")
def tasks_call(run: ProbeRun) -> Answer:
    return _has_call("GET /api/tasks", run.once_or_refusal(_tasks, says_no_such_call))


@asks("Which key of a planned task contains the id of its script?")
def task_script_key(run: ProbeRun) -> Answer:
    task = needs(run.once(_tasks), "The server lists no planned task.")[0]
    content = task.get("content")
    content = content if isinstance(content, Mapping) else {}
    keys = [key for key in ("id", "objectId") if id_in({"id": content.get(key)})]
    value = keys[0] if len(keys) == 1 else OTHER
    return value, f"The content of a planned task has the keys {' and '.join(keys) or 'of neither form'}."
