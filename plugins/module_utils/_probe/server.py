# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about releases, privileges, guests, errors, projects and searches: reading answers them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._errors import ApiError
from .._session.response import says_no_such_call, says_no_such_object
from .._work.script_usage import SCRIPT_TYPE
from .creates import minimal_runtime
from .scratch import OTHER, PREFIX, Answer, Scratch, Unanswered, refused

_RELEASE = re.compile(r"[\w. -]{1,60}", re.ASCII)


def _status_call(scratch: Scratch) -> Mapping[str, Any] | None:
    """The response to GET /status; None if the server refuses it even with a session."""
    try:
        data = scratch.session.call("GET", "/status", doing="read the server's releases", renews=False).data()
    except ApiError as exc:
        if exc.status in (401, 403):
            return None
        raise
    except ValueError:
        data = None
    if not isinstance(data, Mapping):
        raise Unanswered("GET /api/status returned an unexpected response.")
    return data


def product(scratch: Scratch) -> dict[str, str | None]:
    """The releases of the product; null if the server does not reveal them."""
    try:
        data = scratch.once(_status_call) or {}
    except Unanswered:
        data = {}
    return {
        name: _release(data.get(api))
        for name, api in (("iserver_version", "iServerVersion"), ("web_version", "webVersion"))
    }


def _release(value: Any) -> str | None:
    return value if isinstance(value, str) and _RELEASE.fullmatch(value) else None


def status_call(scratch: Scratch) -> Answer:
    """Whether the server reports its releases."""
    if scratch.once(_status_call) is None:
        return "locked", "GET /api/status was refused."
    return "open", "GET /api/status returned the releases."


def iserver_version(scratch: Scratch) -> Answer:
    """The release of the Intelligence Server."""
    value = _release((scratch.once(_status_call) or {}).get("iServerVersion"))
    if value is None:
        raise Unanswered("GET /api/status does not contain it.")
    return value, "GET /api/status contains it."


def deployment_type(scratch: Scratch) -> Answer:
    """The kind of deployment."""
    data = scratch.once(_status_call)
    if data is None:
        raise Unanswered("GET /api/status was refused.")
    value = data.get("deploymentType", "")
    if value and not _release(value):
        raise Unanswered("GET /api/status contains a value that is not a release, so it is not published.")
    return value, f"GET /api/status {'contains it' if value else 'contains none'}."


def _versions_call(scratch: Scratch) -> list[str] | ApiError:
    try:
        data = scratch.session.get("/runtimes/versions", doing="list the runtime versions")
    except ApiError as exc:
        if exc.status in (404, 405):
            return exc
        raise
    versions = data.get("versions") if isinstance(data, Mapping) else None
    if not isinstance(versions, list) or not all(_release(one) for one in versions):
        raise Unanswered("GET /api/runtimes/versions returned an unexpected response.")
    return versions


def versions_call(scratch: Scratch) -> Answer:
    """Whether the server lists its Python versions."""
    found = scratch.once(_versions_call)
    if isinstance(found, list):
        return "yes", "GET /api/runtimes/versions returned a list."
    value = "as_id" if says_no_such_object(found) else str(found.status)
    return value, f"GET /api/runtimes/versions was {refused(found)}."


def python_versions(scratch: Scratch) -> Answer:
    """The Python versions to choose from."""
    found = scratch.once(_versions_call)
    if not isinstance(found, list):
        raise Unanswered("The server has no list of Python versions.")
    return found, "GET /api/runtimes/versions contains them."


def privilege_for_reads(scratch: Scratch) -> Answer:
    """Whether reading needs the privilege too."""
    try:
        scratch.listed()
    except ApiError as exc:
        if exc.status == 403:
            return "yes", f"Without the privilege, the list was {refused(exc)}."
        raise
    try:
        scratch.may_write()
    except Unanswered:
        if not scratch.barred:
            raise
        return "no", "The user may not create runtimes, but may list them."
    raise Unanswered("Only a probe as a user without the privilege 'Manage runtime' can find this out.")


def _session_settings(scratch: Scratch) -> Mapping[str, Any]:
    data = scratch.session.get("/sessions", doing="read the session's settings")
    return data if isinstance(data, Mapping) else {}


def iserver_timeout(scratch: Scratch) -> Answer:
    """After which time a session ends."""
    seconds = scratch.once(_session_settings).get("timeout")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise Unanswered("GET /api/sessions does not contain it.")
    return seconds, "GET /api/sessions contains it."


# --- guests


def guest_login(scratch: Scratch) -> Answer:
    """Whether the server accepts guest logins."""
    login = scratch.session.connection.login
    if login is None or login.mode != "anonymous":
        raise Unanswered("Needs a probe as a guest; set login_mode: anonymous.")
    return "yes", "The probe is logged in as guest."


def guest_manages(scratch: Scratch) -> Answer:
    """Whether guests may write."""
    guest_login(scratch)
    try:
        scratch.once(minimal_runtime)
    except Unanswered:
        if not scratch.barred:
            raise
        return "no", scratch.barred
    return "yes", "The guest may create a runtime."


# --- errors


def error_code_style(scratch: Scratch) -> Answer:
    """How error codes are written."""
    for code in scratch.codes:
        for value, pattern in (("table", r"ERR00[1-9]\d+"), ("sample", r"ERR0[1-9]\d+")):
            if re.fullmatch(pattern, code):
                return value, f"The server wrote {code}."
    raise Unanswered(
        "The server returned no code with a number of two digits, and the others look the same in both forms."
    )


def errors_wrapped(scratch: Scratch) -> Answer:
    """Whether errors come in a list."""
    if not scratch.wrapped:
        # An id that no object has.
        try:
            scratch.read("0" * 31 + "1")
        except ApiError as exc:
            if not scratch.wrapped:
                raise Unanswered(f"No error of the API's own form was seen; the last was {exc.status}.") from exc
    if len(scratch.wrapped) > 1:
        return OTHER, 'Some errors were returned as {"errors": [...]}, others were not.'
    return (
        ("yes", 'Errors were returned as {"errors": [...]}.')
        if True in scratch.wrapped
        else ("no", "Errors were returned as single objects.")
    )


# --- projects: these questions read no user's scripts


_RESULTS = "/metadataSearches/results"
_VERSIONS: tuple[tuple[str, str, Any], ...] = (("1", _RESULTS, None), ("2", f"/v2{_RESULTS}", {}))
_PROJECT_DOMAIN, _EXACTLY = 2, 2  # [mstrio]
_LOADED = 0  # status of a project [mstrio]


def _projects(scratch: Scratch) -> list[Mapping[str, Any]]:
    data = scratch.session.get("/projects", doing="list the projects")
    return [one for one in data if isinstance(one, Mapping) and one.get("id")] if isinstance(data, list) else []


def _searches(scratch: Scratch) -> dict[str, Mapping[str, Any] | ApiError]:
    """The response of each version of the search: an object, or the error for a missing call."""
    loaded = [one for one in scratch.once(_projects) if one.get("status", _LOADED) == _LOADED]
    if not loaded:
        raise Unanswered("The user may use no project that is loaded.")
    # A search for scripts with a name that no script has.
    params = {"type": SCRIPT_TYPE, "domain": _PROJECT_DOMAIN, "name": PREFIX, "pattern": _EXACTLY}
    found: dict[str, Mapping[str, Any] | ApiError] = {}
    for version, path, body in _VERSIONS:
        try:
            data = scratch.session.send(
                "POST", path, body, doing="search for scripts", params=params, project=str(loaded[0]["id"]), kind="read"
            )
        except ApiError as exc:
            if not says_no_such_call(exc):
                raise
            found[version] = exc
        else:
            found[version] = data if isinstance(data, Mapping) else {}
    return found


def search_versions(scratch: Scratch) -> Answer:
    """Which version of the metadata search exists."""
    there = [version for version, one in scratch.once(_searches).items() if not isinstance(one, ApiError)]
    if not there:
        raise Unanswered("Neither version of the metadata search exists.")
    return (there[0] if len(there) == 1 else "both"), "Both versions exist." if len(
        there
    ) > 1 else f"Only version {there[0]} exists."


def search_missing(scratch: Scratch) -> Answer:
    """How the server refuses a call that does not exist."""
    for found in scratch.once(_searches).values():
        if isinstance(found, ApiError):
            return str(found.status), f"The other version was {refused(found)}."
    raise Unanswered("Both versions of the metadata search exist.")


def search_total(scratch: Scratch) -> Answer:
    """Whether a search returns the number of objects found."""
    for found in scratch.once(_searches).values():
        if not isinstance(found, ApiError):
            if "totalItems" not in found:
                return "left_out", "The response to a search has no totalItems."
            raise Unanswered("A search returns a total, but it is unknown whether that counts what an ACL hides.")
    raise Unanswered("Neither version of the metadata search exists.")


def unloaded_projects(scratch: Scratch) -> Answer:
    """Whether the list shows projects that are not loaded."""
    if any(one.get("status", _LOADED) != _LOADED for one in scratch.once(_projects)):
        return "listed", "The list shows a project that is not loaded."
    raise Unanswered("The list shows no project that is not loaded; there may be none.")
