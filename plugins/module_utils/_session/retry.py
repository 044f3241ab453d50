# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a call is sent again, and after what pause.

The caller passes in the random numbers and the time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from .._errors import ApiError, ConnectError, MstrError

LONGEST_PAUSE = 60.0  # seconds
_FIRST_PAUSE = 0.5

# Statuses after which a call of each kind is sent again. A read changes nothing, so it is always safe to repeat. The
# server rejects a call with 429 before processing it. A 503 to a login means that the server is still starting; to a
# write, it may come after the work was done.
RETRY_STATUSES: dict[str, frozenset[int]] = {
    "read": frozenset({429, 502, 503, 504}),
    "login": frozenset({429, 503}),
    "write": frozenset({429}),
    "once": frozenset(),
}


def retries_connection(kind: str, unclear: bool, refused: bool) -> bool:
    """Whether a call that got no response is sent again. `unclear` and `refused`: see `ConnectError`."""
    return kind == "read" or (kind == "login" and refused and not unclear)


def is_outage(error: MstrError) -> bool:
    """Whether a read failed only because the server is temporarily unreachable, so that polling continues."""
    if isinstance(error, ConnectError):
        return not error.hopeless
    return isinstance(error, ApiError) and error.status in RETRY_STATUSES["read"]


def pause_before(attempt: int, retry_after: str | None, random_fraction: Callable[[], float], now: datetime) -> float:
    """Seconds to wait before the next attempt.

    `attempt` counts from 1. `retry_after` is the header Retry-After, of which at most 60 seconds are used; without a
    valid one, the pause doubles with each attempt, with jitter from `random_fraction` (0 to 1).
    """
    asked = _seconds(retry_after, now) if retry_after else None
    if asked is not None:
        return min(max(asked, 0.0), LONGEST_PAUSE)
    return float(min(_FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + random_fraction()), LONGEST_PAUSE))


def _seconds(retry_after: str, now: datetime) -> float | None:
    """Retry-After comes in seconds or as a date (RFC 9110)."""
    text = retry_after.strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError, IndexError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return (date - now).total_seconds()
