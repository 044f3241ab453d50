# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts about a connection: the server, its releases, the user, and the runtimes visible to the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import ApiError
from .._session.response import wrong_shape
from .._session.session import Library
from .api import RuntimeApi


def connection_info(library: Library) -> dict[str, Any]:
    """The result: server, user, session and runtimes. Raises MstrError if one of the requests fails."""
    user = _user(library)
    session = _object(library.get("/sessions", doing="read the session's settings"))
    api = RuntimeApi(library)
    runtimes = len(api.everything())
    versions = api.versions()
    status = _status(library)
    server = {
        "base_url": library.base_url,
        "iserver_version": _text(status.get("iServerVersion")),
        "web_version": _text(status.get("webVersion")),
    }
    return {
        "changed": False,
        "server": server,
        "user": {"id": _text(user.get("id")), "name": _text(user.get("fullName"))},
        "session": {"timeout": session.get("timeout")},
        "runtimes": runtimes,
        "python_versions": None if versions is None else list(versions),
        "msg": _sentence(server, _text(user.get("fullName")) or "a user without a name", runtimes, versions),
    }


def _user(library: Library) -> Mapping[str, Any]:
    path, doing = "/sessions/userInfo", "read who is logged in"
    user = library.get(path, doing=doing)
    if not isinstance(user, Mapping):
        raise wrong_shape(user, doing, library.base_url, f"GET /api{path}", "an object with the user")
    return user


def _status(library: Library) -> Mapping[str, Any]:
    """The server's releases; empty if it does not reveal them: a hardened server responds with 401 [mstrio]."""
    try:
        return _object(library.call("GET", "/status", doing="read the server's releases", renews=False).data())
    except (ApiError, ValueError):
        return {}


def _object(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _sentence(server: Mapping[str, Any], user: str, runtimes: int, versions: tuple[str, ...] | None) -> str:
    release = server["iserver_version"] and f" (Intelligence Server {server['iserver_version']})"
    visible = "1 runtime is" if runtimes == 1 else f"{runtimes} runtimes are"
    offered = f" Python versions: {', '.join(versions)}." if versions else ""
    return f"Logged in to {server['base_url']}{release or ''} as {user}; {visible} visible.{offered}"
