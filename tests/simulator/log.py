"""The log of requests for tests. It never contains a password, token or cookie value."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any

from simulator.messages import Call

KEPT = 20_000
LONGEST_BODY = 16_384


class RequestLog:
    """The last requests, oldest first. ``status`` None: no response; ``duration_ms`` None: still open."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def begin(self, call: Call) -> dict[str, Any]:
        """Record the arrival of a request."""
        entry: dict[str, Any] = {
            "time": time.time(),
            "method": call.method,
            "path": call.path,
            "query": dict(call.query),
            "user_agent": call.header("User-Agent"),
            "content_type": call.header("Content-Type"),
            "token": bool(call.header("X-MSTR-AuthToken")),
            "cookie": "JSESSIONID" in call.cookies,
            "authorization": bool(call.header("Authorization")),
            "project": bool(call.header("X-MSTR-ProjectID")),
            "user": None,
            "session": None,
            "fault": None,
            "status": None,
            "duration_ms": None,
        }
        # The body of a login contains secrets. Tests need only the bodies of calls for runtimes.
        if call.path.startswith("/runtimes") and 0 < len(call.body) <= LONGEST_BODY:
            try:
                entry["body"] = json.loads(call.body)
            except ValueError:
                entry["body"] = None
        self.entries.append(entry)
        return entry
