# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions that reads answer: about releases, privileges, guests, projects, searches, planned tasks and errors.

They never read a script, or what it printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, cast

from .._errors import ApiError
from .._session.response import LIST_WITH_IDS, OBJECT, OBJECT_WITH_ID, Shape, id_in, list_of, says_no_such_call
from .._work.script_usage import SCRIPT_TYPE, start_search
from .base import HANDLED, OTHER, Answer, ProbeRun, Unanswered, asks, needs, or_refusal, refusal_text, status_in
from .runtimes import minimal_runtime

# Of the vendor's client [mstrio]
_LOCKS = (
    "not_locked",
    *(f"{lasts}_{of}" for lasts in ("temporal", "permanent") for of in ("individual", "constituent")),
)
_RELEASE = re.compile(r"[\w. -]{1,60}", re.ASCII)


def _release(value: Any) -> str | None:
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


_VERSIONS = list_of("versions", Shape("a release", lambda version: _release(version) is not None))


def _status(run: ProbeRun) -> Mapping[str, Any]:
    status: Mapping[str, Any] = run.session.get("/status", renews=False, shape=OBJECT)
    return status


def product(run: ProbeRun) -> dict[str, str | None]:
    """The releases of the product; null if the server does not reveal them."""
    try:
        status = run.once(_status)
    except Unanswered:
        status = {}
    keys = {"iserver_version": "iServerVersion", "web_version": "webVersion"}
    return {name: _release(status.get(api)) for name, api in keys.items()}


@asks("Does the server report its releases?")
def status_call(run: ProbeRun) -> Answer:
    # Some servers refuse it even with a session.
    if isinstance(run.once_or_refusal(_status, status_in(401, 403)), ApiError):
        return "locked", "GET /api/status was refused."
    return "open", "GET /api/status returned the releases."


@asks("Which release of the Intelligence Server is it?")
def iserver_version(run: ProbeRun) -> Answer:
    value = _release(run.once(_status).get("iServerVersion"))
    return needs(value, "GET /api/status does not contain it."), "GET /api/status contains it."


@asks("Which type of deployment is it?")
def deployment_type(run: ProbeRun) -> Answer:
    value = run.once(_status).get("deploymentType") or ""
    private = "GET /api/status contains a value that is not a release, so it is not published."
    needs(not value or _release(value), private)
    return value, f"GET /api/status {'contains it' if value else 'contains none'}."


def _has_call(
    run: ProbeRun, call: str, find: Callable[[ProbeRun], object], expected: Callable[[ApiError], bool]
) -> Answer:
    """The answer to whether the release has a call, which `find` sends. `expected`: how the server says that."""
    outcome = run.once_or_refusal(find, expected)
    if not isinstance(outcome, ApiError):
        return "yes", f"{call} returned a list."
    return str(outcome.status) if says_no_such_call(outcome) else "as_id", f"{call} was {refusal_text(outcome)}."


def _versions(run: ProbeRun) -> list[str]:
    return list(run.session.get("/runtimes/versions", shape=_VERSIONS)["versions"])


@asks("Can the server list its Python versions?")
def versions_call(run: ProbeRun) -> Answer:
    return _has_call(run, "GET /api/runtimes/versions", _versions, status_in(404, 405))


@asks("Which Python versions does it offer?")
def python_versions(run: ProbeRun) -> Answer:
    return run.once(_versions), "GET /api/runtimes/versions contains them."


@asks("After how many seconds without a request does a session end?")
def iserver_timeout(run: ProbeRun) -> Answer:
    seconds = run.session.get("/sessions", shape=OBJECT).get("timeout")
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    needs(is_number, "GET /api/sessions does not contain it.")
    return seconds, "GET /api/sessions contains it."


@asks("Does another tool hold a lock on the configuration?", HANDLED)
def configuration_lock(run: ProbeRun) -> Answer:
    """Only read: whether such a lock stops changes of runtimes is not documented."""
    lock = or_refusal(run.session.get, "/iserver/lock", expected=says_no_such_call, shape=OBJECT)
    if isinstance(lock, ApiError):
        return str(lock.status), f"GET /api/iserver/lock was {refusal_text(lock)}."
    kind = str(lock.get("lockType")).lower()
    value = kind if kind in _LOCKS else OTHER
    return value, f"GET /api/iserver/lock returned {'the type ' + kind if value == kind else 'an unexpected type'}."


# --- users: the creates are over, so it is known whether the user may create runtimes


@asks("Does reading need the privilege 'Manage runtime', too?")
def privilege_for_reads(run: ProbeRun) -> Answer:
    refusal = or_refusal(run.listed, expected=status_in(403))
    # A page without a code may come from a gateway, and a user who has created a runtime has the privilege.
    if isinstance(refusal, ApiError) and refusal.error["code"] and not run.created:
        return "yes", f"Without the privilege, the list was {refusal_text(refusal)}."
    if isinstance(refusal, ApiError):
        raise refusal
    if run.write_refusal:
        return "no", "The user may not create runtimes, but may list them."
    run.may_write()
    raise Unanswered("Only a probe as a user without the privilege 'Manage runtime' can find this out.")


@asks("Can guests log in?")
def guest_login(run: ProbeRun) -> Answer:
    login = run.session.connection.login
    needs(login and login.mode == "anonymous", "Needs a probe as a guest; set login_mode: anonymous.")
    return "yes", "The probe is logged in as guest."


@asks("May guests manage runtimes?")
def guest_manages(run: ProbeRun) -> Answer:
    run.once(guest_login.ask)
    if run.write_refusal:
        return "no", run.write_refusal
    run.once(minimal_runtime)
    return "yes", "The guest may create a runtime."


# --- projects and searches


_EXACTLY = 2  # how a search compares names [mstrio]
_LOADED = 0  # status of a project [mstrio]
_SEARCH = "search for scripts"


def _projects(run: ProbeRun) -> list[Mapping[str, Any]]:
    """The projects that the user may use."""
    return list(run.session.get("/projects", shape=LIST_WITH_IDS))


def _loaded_projects(run: ProbeRun) -> list[str]:
    """The ids of those that are loaded. Raises Unanswered if there are none."""
    loaded = [str(project["id"]) for project in run.once(_projects) if project.get("status", _LOADED) == _LOADED]
    return needs(loaded, "The user may use no project that is loaded.")


def _searches(run: ProbeRun) -> dict[int, Mapping[str, Any] | ApiError]:
    """The response of each version of the search: an object, or the error for a missing call."""
    project = run.once(_loaded_projects)[0]
    # For a name that no script has.
    limits: dict[str, Any] = {"operation": _SEARCH, "shape": OBJECT, "name": run.base, "pattern": _EXACTLY}
    return {
        version: or_refusal(start_search, run.session, version, project, expected=says_no_such_call, **limits)
        for version in (1, 2)
    }


def _search_versions(run: ProbeRun) -> list[int]:
    """The versions that exist. Raises Unanswered if there are none."""
    versions = [version for version, search in run.once(_searches).items() if not isinstance(search, ApiError)]
    return needs(versions, "Neither version of the metadata search exists.")


@asks("Which version of the metadata search exists?")
def search_versions(run: ProbeRun) -> Answer:
    version, *others = _search_versions(run)
    return ("both", "Both versions exist.") if others else (str(version), f"Only version {version} exists.")


@asks("How does the server refuse the other version of the search?")
def search_missing(run: ProbeRun) -> Answer:
    needs(len(_search_versions(run)) == 1, "Both versions of the metadata search exist.")
    [refusal] = [search for search in run.once(_searches).values() if isinstance(search, ApiError)]
    return str(refusal.status), f"The other version was {refusal_text(refusal)}."


@asks("Does a search return the number of objects found?")
def search_total(run: ProbeRun) -> Answer:
    search = cast("Mapping[str, Any]", run.once(_searches)[_search_versions(run)[0]])
    counted = "A search returns a total, but it is unknown whether that counts what an ACL hides."
    needs("totalItems" not in search, counted)
    return "left_out", "The response to a search has no totalItems."


_SEARCHED_PROJECTS, _SCRIPTS = 5, 20  # how many of each are looked at
_NO_OBJECT, _RUNTIME_TYPE = "0" * 31 + "1", 80  # an id that no object has


def _found(run: ProbeRun, project: str, **limits: Any) -> list[str]:
    """The ids of the first scripts that a search finds."""
    limits = {"operation": _SEARCH, "shape": OBJECT_WITH_ID, **limits}
    start = start_search(run.session, _search_versions(run)[0], project, **limits)
    params = {"searchId": str(start["id"]), "offset": 0, "limit": _SCRIPTS}
    results = run.session.get("/metadataSearches/results", params, project=project, shape=LIST_WITH_IDS)
    return [str(entry["id"]) for entry in results]


def _scripts(run: ProbeRun) -> dict[str, list[str]]:
    """The first scripts of each of a few projects."""
    return {project: _found(run, project) for project in run.once(_loaded_projects)[:_SEARCHED_PROJECTS]}


@asks("Does a search find the scripts of a runtime?", HANDLED)
def search_uses_object(run: ProbeRun) -> Answer:
    """One such search for each project could replace one read for each script. No script is read."""
    project = needs(next((key for key, found in run.once(_scripts).items() if found), ""), "No script was found.")
    outcome = or_refusal(_found, run, project, usesObject=f"{_NO_OBJECT};{_RUNTIME_TYPE}")
    if isinstance(outcome, ApiError):
        return "refused", f"A search with usesObject was {refusal_text(outcome)}."
    if outcome:
        return "ignored", "A search for the scripts of a runtime that does not exist found scripts."
    for identity in list(run.names())[:_SCRIPTS]:
        if _found(run, project, usesObject=f"{identity};{_RUNTIME_TYPE}"):
            return "finds", "A search found scripts of one runtime, and none of a runtime that does not exist."
    raise Unanswered("A search found no script of any runtime; perhaps all scripts use the default one.")


@asks("Does the list of projects contain those that are not loaded?")
def unloaded_projects(run: ProbeRun) -> Answer:
    unloaded = any(project.get("status", _LOADED) != _LOADED for project in run.once(_projects))
    needs(unloaded, "The list shows no project that is not loaded; there may be none.")
    return "listed", "The list shows a project that is not loaded."


# --- planned tasks


_LISTED_TASKS = 50  # whose scripts are read


def _entries(run: ProbeRun, path: str, params: Mapping[str, str], key: str, project: str) -> list[Mapping[str, Any]]:
    """The objects in the list under `key`, in the response to a call in a project."""
    return list(run.session.get(path, params, project=project, shape=list_of(key, OBJECT))[key])


def _task_lists(run: ProbeRun) -> list[list[Mapping[str, Any]]]:
    """The tasks of the first two projects."""
    params = {"type": "script", "allProjects": "true"}
    return [_entries(run, "/tasks", params, "tasks", project) for project in run.once(_loaded_projects)[:2]]


def _script_ids(task: Mapping[str, Any]) -> dict[str, str]:
    """What the content of a task contains as the id of its script, by key."""
    content = task.get("content")
    if not isinstance(content, Mapping):
        return {}
    ids = {key: id_in({"id": content.get(key)}) for key in ("id", "objectId")}
    return {key: identity for key, identity in ids.items() if identity}


@asks("Can the server list planned tasks?")
def tasks_call(run: ProbeRun) -> Answer:
    return _has_call(run, "GET /api/tasks", _task_lists, says_no_such_call)


@asks("Which key of a planned task contains the id of its script?")
def task_script_key(run: ProbeRun) -> Answer:
    tasks = needs(list(chain(*run.once(_task_lists))), "The server lists no planned task.")
    keys = list(_script_ids(tasks[0]))
    value = keys[0] if len(keys) == 1 else OTHER
    return value, f"The content of a planned task has the keys {' and '.join(keys) or 'of neither form'}."


@asks("Does a list of planned tasks contain those of other projects?")
def tasks_all_projects(run: ProbeRun) -> Answer:
    lists = [{str(task.get("id")) for task in tasks} for tasks in run.once(_task_lists)]
    needs(len(lists) == 2 and all(lists), "Needs planned tasks in two projects that the user may use.")
    if lists[0] == lists[1]:
        return "everything", "The lists of two projects contained the same planned tasks."
    if not lists[0] & lists[1]:
        return "project", "The lists of two projects contained different planned tasks."
    return OTHER, "The lists of two projects contained partly the same planned tasks."


@asks("Does a list of planned tasks contain those of scripts that an ACL hides?")
def hidden_tasks(run: ProbeRun) -> Answer:
    for task in run.once(_task_lists)[0][:_LISTED_TASKS]:
        refusal = _script_refusal(run, task)
        if refusal:
            return "listed", f"The script of a planned task was {refusal_text(refusal)}."
    raise Unanswered("The user may read the scripts of all planned tasks; there may be no others.")


def _script_refusal(run: ProbeRun, task: Mapping[str, Any]) -> ApiError | None:
    """How the server refuses to show the script of a task in each project; None if one of them shows it."""
    identity, refusal = next(iter(_script_ids(task).values()), None), None
    path, params = f"/objects/{identity}", {"type": SCRIPT_TYPE}
    # A list may contain tasks of other projects.
    for project in run.once(_loaded_projects) if identity else ():
        script = or_refusal(run.session.get, path, params, expected=status_in(403, 404), project=project)
        if not isinstance(script, ApiError):
            return None
        refusal = refusal or script
    return refusal


# --- the history of scripts


_FIELDS = "executionTime,lastStatus,id,scriptId,objectId"  # everything but `log`, what the script printed


def _history(run: ProbeRun, project: str, scripts: Sequence[str]) -> list[Mapping[str, Any]]:
    return _entries(run, "/scripts/history", {"scriptids": ",".join(scripts), "fields": _FIELDS}, "history", project)


def _histories(run: ProbeRun) -> tuple[str, dict[str, list[Mapping[str, Any]]]]:
    """A project, and the history of each script that has run."""
    for project, scripts in run.once(_scripts).items():
        histories = {}
        for script in scripts:
            # A user may not read the history of every script.
            history = or_refusal(_history, run, project, [script], expected=lambda refusal: True)
            if not isinstance(history, ApiError):
                histories[script] = history
            elif history.status in (404, 405) and (says_no_such_call(history) or not histories):
                raise history
        ran = {script: entries for script, entries in histories.items() if entries}
        if ran:
            return project, ran
    raise Unanswered("No script that has run was found among those that the user may read.")


@asks("Can the server return the history of scripts?")
def history_call(run: ProbeRun) -> Answer:
    # A search may be refused in the same way.
    return _has_call(run, "GET /api/scripts/history", _histories, status_in(404, 405, of="/history"))


@asks("Does an entry of the history name its script?", HANDLED)
def history_names_script(run: ProbeRun) -> Answer:
    script, entries = next(iter(run.once(_histories)[1].items()))
    if script.upper() in [str(value).upper() for value in entries[0].values()]:
        return "yes", "An entry contained the id of its script."
    return "no", "An entry did not contain the id of its script."


@asks("In which order does the history show several scripts?", HANDLED)
def history_order(run: ProbeRun) -> Answer:
    project, ran = run.once(_histories)
    # The last two scripts whose entries differ.
    scripts = [script for script, entries in ran.items() if entries[0] != next(iter(ran.values()))[0]]
    needs(scripts, "Needs two scripts that ran at different times.")
    pair = [next(iter(ran)), scripts[-1]]
    together, alone = _history(run, project, pair), [ran[script][0] for script in pair]
    if together == alone:
        return "asked", "The history of two scripts came in the order of the request."
    if together == alone[::-1]:
        return "reversed", "The history of two scripts came in the reversed order of the request."
    return OTHER, "The history of two scripts together was not that of each alone."


# --- errors, of which the other questions have caused some


@asks("In which form does the server write error codes?", HANDLED)
def error_code_style(run: ProbeRun) -> Answer:
    for code, _wrapped in run.errors:
        for value, pattern in (("table", r"ERR00[1-9]\d+"), ("sample", r"ERR0[1-9]\d+")):
            if re.fullmatch(pattern, code):
                return value, f"The server wrote {code}."
    others = "the others look the same in both forms"
    raise Unanswered(f"The server returned no code with a number of two digits, and {others}.")


@asks("Does the server return errors in a list?")
def errors_wrapped(run: ProbeRun) -> Answer:
    if not run.errors:
        last = or_refusal(run.read, _NO_OBJECT, expected=lambda refusal: True)
        status = last.status if isinstance(last, ApiError) else "a success"
        needs(run.errors, f"No error of the API's own form was seen; the last was {status}.")
    wrapped = {wrapped for _code, wrapped in run.errors}
    if len(wrapped) > 1:
        return OTHER, 'Some errors were returned as {"errors": [...]}, others were not.'
    if True in wrapped:
        return "yes", 'Errors were returned as {"errors": [...]}.'
    return "no", "Errors were returned as single objects."
