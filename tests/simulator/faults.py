"""The faults that tests order: which requests they affect, and how. injection.py executes them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.messages import Call

# Names for tests, each for methods (none: all) and a path.
OPERATIONS: Mapping[str, tuple[str, str]] = {
    "any": ("", r".*"),
    "login": ("POST", r"/auth/(login|delegate)"),
    "logout": ("POST", r"/auth/logout"),
    "list": ("GET", r"/runtimes"),
    "read": ("GET", r"/runtimes/(?!versions$)[^/]+"),
    "create": ("POST", r"/runtimes"),
    "update": ("PATCH", r"/runtimes/[^/]+"),
    "delete": ("DELETE", r"/runtimes/[^/]+"),
    "write": ("POST PATCH DELETE", r"/runtimes(/[^/]+)?"),
    "versions": ("GET", r"/runtimes/versions"),
    "run": ("POST", r"/scripts/evaluation"),
    "result": ("GET", r"/scripts/evaluation/[^/]+"),
    "stop": ("DELETE", r"/scripts/evaluation/[^/]+"),
    "projects": ("GET", r"/projects"),
    "search": ("POST", r"(/v2)?/metadataSearches/results"),
    "found": ("GET", r"/metadataSearches/results"),
    "script": ("GET", r"/scripts/(?!(evaluation|history)$)[^/]+"),
    "tasks": ("GET", r"/tasks"),
    "task": ("GET", r"/tasks/[^/]+"),
    "history": ("GET", r"/scripts/history"),
    "object": ("GET", r"/objects/[^/]+"),
    "move": ("PUT", r"/scripts/(?!evaluation$)[^/]+"),
}

# kind: (the default of `work`: whether the call's work is done, the parameters with their defaults)
KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "close_before": ("none", {"reset": False}),
    "close_after": ("before", {"reset": False}),
    "late_work": ("late", {"status": 502, "title": "502 Bad Gateway", "body": None}),
    "slow": ("before", {"seconds": 1.0, "when": "after"}),
    "held": ("before", {"when": "after"}),
    "drip": ("before", {"seconds": 1.0}),
    "hang": ("none", {}),
    "status": ("none", {"status": 500, "headers": {}}),
    "unavailable": ("none", {"status": 503, "retry_after": 1}),
    "html": ("none", {"status": 502, "title": "502 Bad Gateway", "body": None}),
    "broken_json": ("none", {"status": 200, "body": '{"runtimes": [{"id": "0F35'}),
    "json": ("none", {"status": 200, "json": None}),
    "error": ("none", {"status": 500, "number": 1, "message": "An error happened."}),
    "truncated": ("before", {}),
    "garbled": (
        "before",
        {"text": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "for_ever": ""},
    ),
    "redirect": ("none", {"status": 302, "location": "https://elsewhere.invalid/MicroStrategyLibrary/api"}),
    "session_killed": ("before", {}),
    "echo_secret": ("none", {"status": 500, "number": 1, "message": "Refused: {secrets}"}),
    "filled": ("before", {}),
}
WORK = ("none", "before", "late")
_COMMON = {"name", "operation", "times", "skip", "kind", "work", "after"}


@dataclass
class Fault:
    """One order. ``times`` None means no limit. ``skip`` is the number of matching requests to ignore first."""

    kind: str
    operation: str = "any"
    name: str = ""
    times: int | None = 1
    skip: int = 0
    work: str = "none"
    after: float = 1.0
    parameters: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """Create an order from a test's JSON, or raise ValueError with a readable text."""
        kind = str(data.get("kind"))
        if kind not in KINDS:
            raise ValueError(f"no fault is called {kind!r} (there are: {', '.join(KINDS)})")
        work, defaults = KINDS[kind]
        unknown = set(data) - _COMMON - set(defaults)
        if unknown:
            raise ValueError(f"fault {kind} takes no {', '.join(sorted(unknown))} (it takes: {', '.join(defaults)})")
        if data.get("operation", "any") not in OPERATIONS:
            raise ValueError(f"no operation is called {data['operation']!r} (there are: {', '.join(OPERATIONS)})")
        if data.get("work", work) not in WORK:
            raise ValueError(f"work is one of {', '.join(WORK)}")
        parameters = {key: data.get(key, default) for key, default in defaults.items()}
        common = {key: value for key, value in data.items() if key not in defaults}
        return cls(**{"work": work, **common}, parameters=parameters)

    def applies_to(self, call: Call) -> bool:
        """Whether the order applies to this call."""
        methods, pattern = OPERATIONS[self.operation]
        return call.method in (methods.split() or [call.method]) and bool(re.fullmatch(pattern, call.path))


class Faults:
    """All orders, oldest first, and what goes on because of them."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.released = asyncio.Event()  # what the fault `held` waits for
        self.late: set[asyncio.Task[Any]] = set()  # the loop keeps only weak references

    def release(self) -> None:
        """Let the held calls go on."""
        self.released.set()
        self.released = asyncio.Event()

    def take(self, call: Call) -> Fault | None:
        """The fault for this call, and count it. The first matching order is used."""
        for fault in self.orders:
            if fault.times == 0 or not fault.applies_to(call):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                return None
            if fault.times is not None:
                fault.times -= 1
            fault.hits += 1
            return fault
        return None
