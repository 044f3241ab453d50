"""The log of requests for tests. It never contains a password, token or cookie value."""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from dataclasses import dataclass
from sys import intern
from typing import Any

from simulator.messages import Call
from simulator.sessions import LB_COOKIE

KEPT = 20_000
BODIES_KEPT = 2_000
LONGEST_BODY = 16_384
NO_BODY = object()


@dataclass
class Entry:
    """One request. ``status`` None: no response; if ``duration_ms`` is also None, the request is still open."""

    number: int
    time: float
    method: str
    path: str
    query: dict[str, str] | None
    token: bool
    cookie: bool
    load_balancer_cookie: bool
    authorization: bool
    project: bool
    content_type: str
    user_agent: str
    status: int | None = None
    session: int | None = None
    user: str | None = None
    fault: str | None = None
    duration_ms: float | None = None
    body: Any = NO_BODY

    def finish(self, call: Call, status: int | None, seconds: float) -> None:
        """Record the end of the request."""
        self.status = status
        self.duration_ms = round(seconds * 1000, 3)
        if call.session is not None:
            self.session = call.session.number
            self.user = call.session.user.username

    def to_json(self) -> dict[str, Any]:
        """The entry for a test, with ``body`` only if it has one."""
        shown = {name: value for name, value in vars(self).items() if name != "body"}
        shown["query"] = self.query or {}
        if self.body is not NO_BODY:
            shown["body"] = self.body
        return shown


class RequestLog:
    """The last entries."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._with_body: deque[Entry] = deque()
        self._numbers = itertools.count(1)

    def begin(self, call: Call) -> Entry:
        """Record the arrival of a request."""
        entry = Entry(
            number=next(self._numbers),
            time=time.time(),
            method=intern(call.method),
            path=intern(call.path),
            query=dict(call.query) or None,
            token=bool(call.header("X-MSTR-AuthToken")),
            cookie="JSESSIONID" in call.cookies,
            load_balancer_cookie=LB_COOKIE in call.cookies,
            authorization=bool(call.header("Authorization")),
            project=bool(call.header("X-MSTR-ProjectID")),
            content_type=intern(call.header("Content-Type")),
            user_agent=intern(call.header("User-Agent")),
        )
        self._entries.append(entry)
        # The body of a login contains secrets. Tests need only the bodies of other calls.
        if call.path.startswith("/runtimes") and 0 < len(call.body) <= LONGEST_BODY:
            try:
                entry.body = json.loads(call.body)
            except ValueError:
                entry.body = None
            self._with_body.append(entry)
            if len(self._with_body) > BODIES_KEPT:
                self._with_body.popleft().body = NO_BODY
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """The entries, oldest first."""
        return [entry.to_json() for entry in self._entries]

    def clear(self) -> None:
        """Delete all entries, but continue their numbers."""
        self._entries.clear()
        self._with_body.clear()
