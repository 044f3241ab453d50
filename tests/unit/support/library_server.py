# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small model of a server behind real HTTP, with a login that wants token and cookie together."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError

from .server import Server
from .wire import Listener, Request, reply

TOKEN, COOKIE = "token-that-is-secret", "cookie-that-is-secret"


class LibraryServer(Listener):
    """`open` counts the sessions that are not closed. `answers` replace the normal responses of calls."""

    def __init__(self, *runtimes: dict[str, Any], **how: Any) -> None:
        super().__init__(self._answer)
        self.model = Server(*runtimes, **how)
        self.open = 0
        self.answers: dict[str, Any] = {}

    def _answer(self, request: Request) -> bytes:
        method, path = request.call.split(" /api")
        if f"{method} {path}" in self.answers:
            given = self.answers[f"{method} {path}"]
            return given(request) if callable(given) else given
        if path == "/auth/login":
            self.open += 1
            return reply(204, X_MSTR_AuthToken=TOKEN, Set_Cookie=f"JSESSIONID={COOKIE}; Path=/")
        if request.headers.get("x-mstr-authtoken") != TOKEN or COOKIE not in request.headers.get("cookie", ""):
            return reply(401, {"code": "ERR009", "message": "The session is gone."})
        if path == "/auth/logout":
            self.open -= 1
            return reply(204)
        if path == "/sessions/userInfo":
            return reply(200, {"fullName": "Administrator"})
        try:
            done = self.model._call(method, path.partition("?")[0], json.loads(request.body or b"null"))
        except ApiError as exc:
            return reply(exc.status, {"code": exc.error["code"], "message": exc.error["message"]})
        return reply(204) if done is None else reply(200, done)
