"""Waits in tests until a condition is true, long enough for a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for a condition to become true, and fail if it does not."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"still not: {what}"
        time.sleep(0.02)
