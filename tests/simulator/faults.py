"""The faults that tests order: which requests they affect, and how. injection.py executes them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.messages import Call

# Names for tests, each for a method (empty: all) and a path.
OPERATIONS: Mapping[str, tuple[str, str]] = {
    "any": ("", r".*"),
    "login": ("POST", r"/auth/(login|delegate)"),
    "logout": ("POST", r"/auth/logout"),
    "list": ("GET", r"/runtimes"),
    "read": ("GET", r"/runtimes/(?!versions$)[^/]+"),
    "create": ("POST", r"/runtimes"),
    "update": ("PATCH", r"/runtimes/[^/]+"),
    "delete": ("DELETE", r"/runtimes/[^/]+"),
    "run": ("POST", r"/scripts/evaluation"),
    "result": ("GET", r"/scripts/evaluation/[^/]+"),
}

# kind: the parameters with their defaults. `done`: whether the server does what the request asks for.
KINDS: Mapping[str, Mapping[str, Any]] = {
    "close": {"done": False, "reset": False},
    "hang": {"done": False},
    "held": {"done": True, "when": "after"},
    "raw": {"done": True, "text": "", "for_ever": "", "pause": 0.0},
    "answer": {"done": False, "status": 500, "headers": {}, "body": "", "json": None},
    "html": {"done": False, "status": 502},
    "error": {"done": False, "status": 500, "number": 1, "message": "An error happened."},
    "session_killed": {"done": True},
    "filled": {"done": True},
}
_COMMON = {"kind", "operation", "times", "skip"}


@dataclass
class Fault:
    """One order. ``times`` None means no limit. ``skip`` is the number of matching requests to ignore first."""

    kind: str
    operation: str = "any"
    times: int | None = 1
    skip: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """Create an order from a test's JSON, or raise ValueError with a readable text."""
        common = {key: value for key, value in data.items() if key in _COMMON}
        defaults, given = KINDS[data["kind"]], {key: value for key, value in data.items() if key not in _COMMON}
        if given.keys() - defaults.keys():
            raise ValueError(f"fault {data['kind']} takes {', '.join(defaults)}, not {', '.join(given)}")
        fault = cls(**common, parameters={**defaults, **given})
        OPERATIONS[fault.operation]
        return fault

    def applies_to(self, call: Call) -> bool:
        """Whether the order applies to this call."""
        method, pattern = OPERATIONS[self.operation]
        return method in ("", call.method) and bool(re.fullmatch(pattern, call.path))


class Faults:
    """All orders, oldest first, and what waits because of them."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.released = asyncio.Event()  # what the fault `held` waits for

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
