# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about releases, privileges, guests, errors, projects and searches: reading answers them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._errors import ApiError
from .._session.response import (
    LIST_WITH_IDS,
    OBJECT,
    OBJECT_WITH_ID,
    Shape,
    list_of,
    says_no_such_call,
)
from .._work.script_usage import start_search
from .creates import minimal_runtime
from .run import (
    ALL_HANDLED,
    OTHER,
    PREFIX,
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

_RELEASE = re.compile(r"[\w. -]{1,60}", re.ASCII)


def _release(value: Any) -> str | None:
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


_VERSIONS = list_of("versions", Shape("a release", lambda version: _release(version) is not None))


def _status(run: ProbeRun) -> Mapping[str, Any] | ApiError:
    """The response to GET /status, or the refusal, even with a session."""
    get, operation = run.session.get, "read the server's releases"
    return or_refusal(status_in(401, 403), get, "/status", operation=operation, renews=False, shape=OBJECT)


def _releases(run: ProbeRun) -> Mapping[str, Any]:
    return granted(run.once(_status), "GET /api/status was refused.")


def product(run: ProbeRun) -> dict[str, str | None]:
    """The releases of the product; null if the server does not reveal them."""
    try:
        data = run.once(_releases)
    except Unanswered:
        data = {}
    return {
        name: _release(data.get(api))
        for name, api in (("iserver_version", "iServerVersion"), ("web_version", "webVersion"))
    }


@asks("Does the server report its releases?")
def status_call(run: ProbeRun) -> Answer:
    if isinstance(run.once(_status), ApiError):
        return "locked", "GET /api/status was refused."
    return "open", "GET /api/status returned the releases."


@asks("Which release of the Intelligence Server is it?")
def iserver_version(run: ProbeRun) -> Answer:
    value = _release(run.once(_releases).get("iServerVersion"))
    if value is None:
        raise Unanswered("GET /api/status does not contain it.")
    return value, "GET /api/status contains it."


@asks("Which type of deployment is it?")
def deployment_type(run: ProbeRun) -> Answer:
    value = run.once(_releases).get("deploymentType", "")
    if value and not _release(value):
        raise Unanswered("GET /api/status contains a value that is not a release, so it is not published.")
    return value, f"GET /api/status {'contains it' if value else 'contains none'}."


def _versions(run: ProbeRun) -> Mapping[str, Any] | ApiError:
    get, operation = run.session.get, "list the runtime versions"
    return or_refusal(status_in(404, 405), get, "/runtimes/versions", operation=operation, shape=_VERSIONS)


@asks("Can the server list its Python versions?")
def versions_call(run: ProbeRun) -> Answer:
    return call_verdict("GET /api/runtimes/versions", run.once(_versions))


@asks("Which Python versions does it offer?")
def python_versions(run: ProbeRun) -> Answer:
    found = granted(run.once(_versions), "The server has no list of Python versions.")
    return list(found["versions"]), "GET /api/runtimes/versions contains them."


@asks("Does reading need the privilege 'Manage runtime', too?")
def privilege_for_reads(run: ProbeRun) -> Answer:
    refusal = or_refusal(status_in(403), run.listed)
    if isinstance(refusal, ApiError):
        return "yes", f"Without the privilege, the list was {refusal_text(refusal)}."
    try:
        run.may_write()
    except Unanswered:
        if not run.write_refusal:
            raise
        return "no", "The user may not create runtimes, but may list them."
    raise Unanswered("Only a probe as a user without the privilege 'Manage runtime' can find this out.")


@asks("After how many seconds without a request does a session end?")
def iserver_timeout(run: ProbeRun) -> Answer:
    seconds = run.session.get("/sessions", operation="read the session's settings", shape=OBJECT).get("timeout")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise Unanswered("GET /api/sessions does not contain it.")
    return seconds, "GET /api/sessions contains it."


# --- guests


@asks("Can guests log in?")
def guest_login(run: ProbeRun) -> Answer:
    login = run.session.connection.login
    if login is None or login.mode != "anonymous":
        raise Unanswered("Needs a probe as a guest; set login_mode: anonymous.")
    return "yes", "The probe is logged in as guest."


@asks("May guests manage runtimes?")
def guest_manages(run: ProbeRun) -> Answer:
    run.once(guest_login.ask)
    try:
        run.once(minimal_runtime)
    except Unanswered:
        if not run.write_refusal:
            raise
        return "no", run.write_refusal
    return "yes", "The guest may create a runtime."


# --- errors


@asks("In which form does the server write error codes?", ALL_HANDLED)
def error_code_style(run: ProbeRun) -> Answer:
    for code in run.codes:
        for value, pattern in (("table", r"ERR00[1-9]\d+"), ("sample", r"ERR0[1-9]\d+")):
            if re.fullmatch(pattern, code):
                return value, f"The server wrote {code}."
    raise Unanswered(
        "The server returned no code with a number of two digits, and the others look the same in both forms."
    )


@asks("Does the server return errors in a list?")
def errors_wrapped(run: ProbeRun) -> Answer:
    if not run.wrapped:
        # An id that no object has.
        last = or_refusal(lambda refusal: True, run.read, "0" * 31 + "1")
        if not run.wrapped and isinstance(last, ApiError):
            raise Unanswered(f"No error of the API's own form was seen; the last was {last.status}.")
    if len(run.wrapped) > 1:
        return OTHER, 'Some errors were returned as {"errors": [...]}, others were not.'
    if True in run.wrapped:
        return "yes", 'Errors were returned as {"errors": [...]}.'
    return "no", "Errors were returned as single objects."


# --- projects: these questions read no user's scripts


_EXACTLY = 2  # how a search compares names [mstrio]
_LOADED = 0  # status of a project [mstrio]
_SEARCH = "search for scripts"


def projects(run: ProbeRun) -> list[Mapping[str, Any]]:
    """The projects that the user may use."""
    return list(run.session.get("/projects", operation="list the projects", shape=LIST_WITH_IDS))


def loaded_projects(run: ProbeRun) -> list[str]:
    """The ids of those that are loaded. Raises Unanswered if there are none."""
    loaded = [str(project["id"]) for project in run.once(projects) if project.get("status", _LOADED) == _LOADED]
    if not loaded:
        raise Unanswered("The user may use no project that is loaded.")
    return loaded


def _searches(run: ProbeRun) -> dict[int, Mapping[str, Any] | ApiError]:
    """The response of each version of the search: an object, or the error for a missing call."""
    project = run.once(loaded_projects)[0]
    # For a name that no script has.
    limits = {"operation": _SEARCH, "shape": OBJECT, "name": PREFIX, "pattern": _EXACTLY}
    return {
        version: or_refusal(says_no_such_call, start_search, run.session, version, project, **limits)
        for version in (1, 2)
    }


def _existing_searches(run: ProbeRun) -> dict[int, Mapping[str, Any]]:
    existing = {version: found for version, found in run.once(_searches).items() if not isinstance(found, ApiError)}
    if not existing:
        raise Unanswered("Neither version of the metadata search exists.")
    return existing


def search_for_scripts(run: ProbeRun, project: str) -> Mapping[str, Any]:
    """The response to a search for all scripts of a project. Raises MstrError, Unanswered."""
    version = min(_existing_searches(run))
    return start_search(run.session, version, project, operation=_SEARCH, shape=OBJECT_WITH_ID)


@asks("Which version of the metadata search exists?")
def search_versions(run: ProbeRun) -> Answer:
    existing = list(_existing_searches(run))
    if len(existing) > 1:
        return "both", "Both versions exist."
    return str(existing[0]), f"Only version {existing[0]} exists."


@asks("How does the server refuse the other version of the search?")
def search_missing(run: ProbeRun) -> Answer:
    for found in run.once(_searches).values():
        if isinstance(found, ApiError):
            return str(found.status), f"The other version was {refusal_text(found)}."
    raise Unanswered("Both versions of the metadata search exist.")


@asks("Does a search return the number of objects found?")
def search_total(run: ProbeRun) -> Answer:
    if "totalItems" not in next(iter(_existing_searches(run).values())):
        return "left_out", "The response to a search has no totalItems."
    raise Unanswered("A search returns a total, but it is unknown whether that counts what an ACL hides.")


@asks("Does the list of projects contain those that are not loaded?")
def unloaded_projects(run: ProbeRun) -> Answer:
    if any(project.get("status", _LOADED) != _LOADED for project in run.once(projects)):
        return "listed", "The list shows a project that is not loaded."
    raise Unanswered("The list shows no project that is not loaded; there may be none.")
