"""The simulator's core behind real HTTP, for one user. Each test may replace the responses of calls."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from simulator.messages import Call
from simulator.users import ADMINISTRATOR_ID, STANDARD, User

from .make import PASSWORD
from .server import Server, answer
from .wire import Listener, Request, reply

_HEADERS = {name.lower(): name for name in ("X-MSTR-AuthToken", "X-MSTR-ProjectID", "Content-Type")}


class LibraryServer(Listener):
    """`answers` replace the responses of calls. `user` may log in with their password, or with the API token."""

    API_TOKEN = "a-token-of-somebody"

    def __init__(self, *runtimes: dict[str, Any]) -> None:
        super().__init__(self._answer)
        self.core = Server(*runtimes).core
        self.core.sessions.open()[0].iserver.ended = True  # that of the tests in memory
        self.user = self.core.users["u"] = User("u", PASSWORD, ADMINISTRATOR_ID, "Administrator", STANDARD)
        self.core.api_tokens[self.API_TOKEN] = "u"
        self.answers: dict[str, Any] = {}

    @property
    def open(self) -> int:
        """The number of sessions that are not closed."""
        return len(self.core.sessions.open())

    @property
    def secrets(self) -> list[str]:
        """The token and the cookie of the newest session."""
        return list(self.core.sessions.issued)[-2:]

    def _answer(self, request: Request) -> bytes:
        method, target = request.call.split(" /api")
        path, _mark, query = target.partition("?")
        if f"{method} {path}" in self.answers:
            given = self.answers[f"{method} {path}"]
            return given(request) if callable(given) else given
        headers = {_HEADERS[name]: value for name, value in request.headers.items() if name in _HEADERS}
        cookies = {name: entry.value for name, entry in SimpleCookie(request.headers.get("cookie", "")).items()}
        done = answer(self.core.handle(Call(method, path, dict(parse_qsl(query)), headers, cookies, request.body)))
        for name, value in done.cookies.items():  # one at most
            done.headers["Set_Cookie"] = f"{name}={value}; Path=/"
        return reply(done.status, done.body(), **done.headers)
