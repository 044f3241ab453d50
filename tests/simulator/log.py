"""The log of requests: what a test may know of what a client sent. Never a password, token or cookie value."""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from typing import Any

from simulator.messages import Call
from simulator.sessions import LB_COOKIE

KEPT = 20_000
BODIES_KEPT = 2_000
LONGEST_BODY = 16_384


class RequestLog:
    """A bounded list of entries, each a plain dict that goes to the test as it is."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._with_body: deque[dict[str, Any]] = deque()
        self._numbers = itertools.count(1)

    def begin(self, call: Call) -> dict[str, Any]:
        """Note a request that has arrived; ``status`` stays null until it is answered."""
        entry: dict[str, Any] = {
            "number": next(self._numbers),
            "time": time.time(),
            "method": call.method,
            "path": call.path,
            "query": dict(call.query),
            "status": None,
            "token": bool(call.header("X-MSTR-AuthToken")),
            "cookie": "JSESSIONID" in call.cookies,
            "lb_cookie": LB_COOKIE in call.cookies,
            "authorization": bool(call.header("Authorization")),
            "project": bool(call.header("X-MSTR-ProjectID")),
            "content_type": call.header("Content-Type"),
            "user_agent": call.header("User-Agent"),
            "session": None,
            "user": None,
            "fault": None,
            "duration_ms": None,
        }
        self._entries.append(entry)
        # Bodies of logins hold secrets; bodies of runtimes are what tests want to see.
        if call.path.startswith("/runtimes") and 0 < len(call.body) <= LONGEST_BODY:
            try:
                entry["body"] = json.loads(call.body)
            except ValueError:
                entry["body"] = None
            self._with_body.append(entry)
            if len(self._with_body) > BODIES_KEPT:
                self._with_body.popleft().pop("body", None)
        return entry

    def finish(self, entry: dict[str, Any], call: Call, status: int | None, seconds: float) -> None:
        """Note how a request ended; ``status`` None means that no answer was sent."""
        entry["status"] = status
        entry["duration_ms"] = round(seconds * 1000, 3)
        if call.session is not None:
            entry["session"] = call.session.number
            entry["user"] = call.session.user.username

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries, oldest first."""
        return list(self._entries)

    def clear(self) -> None:
        """Forget everything; the numbers go on."""
        self._entries.clear()
        self._with_body.clear()
