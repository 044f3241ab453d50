# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about projects and the metadata search. They only read, and they read no user's scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import ApiError
from .._session.response import says_no_such_call
from .._work.saved_script import SCRIPT_TYPE
from .scratch import PREFIX, Scratch
from .words import Answer, Unanswered, refused

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
    return (there[0] if len(there) == 1 else "both"), f"Version {' and '.join(there)} was answered."


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
            raise Unanswered("A search says how much it found; whether it counts what an ACL hides is unknown.")
    raise Unanswered("Neither version of the metadata search exists.")


def unloaded_projects(scratch: Scratch) -> Answer:
    """Whether the list shows projects that are not loaded."""
    if any(one.get("status", _LOADED) != _LOADED for one in scratch.once(_projects)):
        return "listed", "The list shows a project that is not loaded."
    raise Unanswered("The list shows no project that is not loaded; there may be none.")
