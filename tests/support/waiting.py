"""Waits in tests until a condition is true, long enough for a busy machine; finds the processes of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 60.0


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for a condition to become true, and fail if it does not."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"still not: {what}"
        time.sleep(0.02)


def processes_with(mark: object) -> list[Path]:
    """The folders in /proc of all processes that have this text in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(mark).encode() in (process / "environ").read_bytes():
                found.append(process)
    return found
