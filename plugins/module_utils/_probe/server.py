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
    says_no_such_object,
)
from .._work.script_usage import start_search
from .creates import minimal_runtime
from .run import ALL_HANDLED, OTHER, PREFIX, Answer, ProbeRun, Unanswered, asks, refusal_text

_RELEASE = re.compile(r"[\w. -]{1,60}", re.ASCII)


def _release(value: Any) -> str | None:
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


_VERSIONS = list_of("versions", Shape("a release", lambda version: _release(version) is not None))


def _releases(run: ProbeRun) -> Mapping[str, Any] | None:
    """The response to GET /status; None if the server refuses it even with a session."""
    try:
        found: Mapping[str, Any] = run.session.get(
            "/status", operation="read the server's releases", renews=False, shape=OBJECT
        )
    except ApiError as exc:
        if exc.status in (401, 403):
            return None
        raise
    return found


def product(run: ProbeRun) -> dict[str, str | None]:
    """The releases of the product; null if the server does not reveal them."""
    try:
        data = run.once(_releases) or {}
    except Unanswered:
        data = {}
    return {
        name: _release(data.get(api))
        for name, api in (("iserver_version", "iServerVersion"), ("web_version", "webVersion"))
    }


@asks("Does the server report its releases?")
def status_call(run: ProbeRun) -> Answer:
    if run.once(_releases) is None:
        return "locked", "GET /api/status was refused."
    return "open", "GET /api/status returned the releases."


@asks("Which release of the Intelligence Server is it?")
def iserver_version(run: ProbeRun) -> Answer:
    value = _release((run.once(_releases) or {}).get("iServerVersion"))
    if value is None:
        raise Unanswered("GET /api/status does not contain it.")
    return value, "GET /api/status contains it."


@asks("Which type of deployment is it?")
def deployment_type(run: ProbeRun) -> Answer:
    data = run.once(_releases)
    if data is None:
        raise Unanswered("GET /api/status was refused.")
    value = data.get("deploymentType", "")
    if value and not _release(value):
        raise Unanswered("GET /api/status contains a value that is not a release, so it is not published.")
    return value, f"GET /api/status {'contains it' if value else 'contains none'}."


def _versions(run: ProbeRun) -> list[str] | ApiError:
    try:
        data = run.session.get("/runtimes/versions", operation="list the runtime versions", shape=_VERSIONS)
    except ApiError as exc:
        if exc.status in (404, 405):
            return exc
        raise
    return list(data["versions"])


@asks("Can the server list its Python versions?")
def versions_call(run: ProbeRun) -> Answer:
    found = run.once(_versions)
    if isinstance(found, list):
        return "yes", "GET /api/runtimes/versions returned a list."
    value = "as_id" if says_no_such_object(found) else str(found.status)
    return value, f"GET /api/runtimes/versions was {refusal_text(found)}."


@asks("Which Python versions does it offer?")
def python_versions(run: ProbeRun) -> Answer:
    found = run.once(_versions)
    if not isinstance(found, list):
        raise Unanswered("The server has no list of Python versions.")
    return found, "GET /api/runtimes/versions contains them."


@asks("Does reading need the privilege 'Manage runtime', too?")
def privilege_for_reads(run: ProbeRun) -> Answer:
    try:
        run.listed()
    except ApiError as exc:
        if exc.status == 403:
            return "yes", f"Without the privilege, the list was {refusal_text(exc)}."
        raise
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
    guest_login.ask(run)
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
        try:
            run.read("0" * 31 + "1")
        except ApiError as exc:
            if not run.wrapped:
                raise Unanswered(f"No error of the API's own form was seen; the last was {exc.status}.") from exc
    if len(run.wrapped) > 1:
        return OTHER, 'Some errors were returned as {"errors": [...]}, others were not.'
    if True in run.wrapped:
        return "yes", 'Errors were returned as {"errors": [...]}.'
    return "no", "Errors were returned as single objects."


# --- projects: these questions read no user's scripts


_EXACTLY = 2  # how a search compares names [mstrio]
LOADED = 0  # status of a project [mstrio]


def projects(run: ProbeRun) -> list[Mapping[str, Any]]:
    """The projects that the user may use."""
    return list(run.session.get("/projects", operation="list the projects", shape=LIST_WITH_IDS))


def _searches(run: ProbeRun) -> dict[int, Mapping[str, Any] | ApiError]:
    """The response of each version of the search: an object, or the error for a missing call."""
    loaded = [project for project in run.once(projects) if project.get("status", LOADED) == LOADED]
    if not loaded:
        raise Unanswered("The user may use no project that is loaded.")
    project, operation = str(loaded[0]["id"]), "search for scripts"
    found: dict[int, Mapping[str, Any] | ApiError] = {}
    for version in (1, 2):
        try:
            # For a name that no script has.
            found[version] = start_search(
                run.session, version, project, operation=operation, shape=OBJECT, name=PREFIX, pattern=_EXACTLY
            )
        except ApiError as exc:
            if not says_no_such_call(exc):
                raise
            found[version] = exc
    return found


def search_for_scripts(run: ProbeRun, project: str) -> Mapping[str, Any]:
    """The response to a search for all scripts of a project. Raises MstrError, Unanswered."""
    for version, found in run.once(_searches).items():
        if not isinstance(found, ApiError):
            shape = OBJECT_WITH_ID
            return start_search(run.session, version, project, operation="search for scripts", shape=shape)
    raise Unanswered("Neither version of the metadata search exists.")


@asks("Which version of the metadata search exists?")
def search_versions(run: ProbeRun) -> Answer:
    existing = [version for version, found in run.once(_searches).items() if not isinstance(found, ApiError)]
    if not existing:
        raise Unanswered("Neither version of the metadata search exists.")
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
    for found in run.once(_searches).values():
        if not isinstance(found, ApiError):
            if "totalItems" not in found:
                return "left_out", "The response to a search has no totalItems."
            raise Unanswered("A search returns a total, but it is unknown whether that counts what an ACL hides.")
    raise Unanswered("Neither version of the metadata search exists.")


@asks("Does the list of projects contain those that are not loaded?")
def unloaded_projects(run: ProbeRun) -> Answer:
    if any(project.get("status", LOADED) != LOADED for project in run.once(projects)):
        return "listed", "The list shows a project that is not loaded."
    raise Unanswered("The list shows no project that is not loaded; there may be none.")
