# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failed calls: which are sent again and when, and after which the server is given up.

Once a server is given up, a task sends it only the calls that put things in order.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock

from .._errors import ConnectError
from .call import LOGIN, READ, RETRY_STATUSES, WRITE, Call
from .interrupt import Stop
from .response import Response, is_outage

with suppress(ImportError):
    from urllib3.exceptions import InvalidHeader
    from urllib3.util.retry import Retry

_LONGEST_PAUSE = 60.0  # seconds
_FIRST_PAUSE = 0.5


class Outage:
    """What the calls of a task saw of a server that is down or busy. Several threads may use it."""

    def __init__(self, server: str, retries: int) -> None:
        self.why_given_up = ""  # why the server gets no more calls, as the end of a sentence
        self._server, self._retries = server, retries
        self._failed: Counter[Hashable] = Counter()  # attempts that failed, by the subject of the call
        self._lock = Lock()
        self._pausing: list[SimpleQueue[None]] = []

    def ends_after(self, call: Call, attempt: int, got: Response | ConnectError) -> bool:
        """Note how an attempt, counted from 1, ended. Returns whether the call is not sent again."""
        if call.polling:
            return True
        if isinstance(got, ConnectError):
            repeats = retries_connection(call.kind, got)
        else:
            repeats = got.status in RETRY_STATUSES[call.kind]
        if is_busy(got):
            with self._lock:
                self._failed[call.subject] += 1
        elif isinstance(got, Response):
            with self._lock:
                del self._failed[call.subject]
        last = not repeats or self._number(call, attempt) > self._retries
        reason = self._reason(call, got, last)
        if reason and not self.why_given_up:
            self.why_given_up = reason
            for woken in list(self._pausing):
                woken.put(None)
        return last or bool(self.why_given_up)

    def _number(self, call: Call, attempt: int) -> int:
        """The number of this attempt. A write is sent again as a new call, so its attempts count over all calls."""
        return self._failed[call.subject] if call.kind == WRITE else attempt

    def _reason(self, call: Call, got: Response | ConnectError, last: bool) -> str:
        """Why the server is given up; empty if it is not.

        An object that fails, also because of a gateway, proves nothing about the others.
        """
        if not is_busy(got):
            return ""
        if isinstance(got, ConnectError):
            if got.connection_refused:
                return f"{self._server} does not accept connections" if last else ""
            what = "did not answer"
        else:
            what = f"answered {got.status}"
            seconds = _seconds_asked(got.headers.get("Retry-After"))
            if seconds is not None and seconds > _LONGEST_PAUSE:
                return f"{self._server} {what} and asked to wait {seconds:g} seconds"
            if got.status == 429:
                return f"{self._server} {what} to {call.name}, again and again" if last else ""
        with self._lock:
            used_up = sum(attempts > self._retries for attempts in self._failed.values())
        if used_up < 2:
            return ""
        return f"{self._server} {what}, again and again, to calls for {used_up} different objects"

    def pause(self, stop: Stop, call: Call, attempt: int, got: Response | ConnectError) -> None:
        """Sleep until the next attempt, or until the server is given up. Raises Interrupted."""
        asked = got.headers.get("Retry-After") if isinstance(got, Response) else None
        woken: SimpleQueue[None] = SimpleQueue()
        self._pausing.append(woken)
        try:
            if not self.why_given_up:
                stop.pause(pause_before(self._number(call, attempt), asked, random.random), woken)
        finally:
            self._pausing.remove(woken)


def is_busy(got: Response | ConnectError) -> bool:
    """Whether an attempt failed in a way that says something of the server."""
    if isinstance(got, ConnectError):
        return not got.permanent
    return got.status in RETRY_STATUSES[READ]


def retries_connection(kind: str, error: ConnectError) -> bool:
    """Whether a call that got no response is sent again."""
    if kind == READ:
        return is_outage(error)
    return kind == LOGIN and error.connection_refused and is_outage(error, LOGIN)


def pause_before(attempt: int, retry_after: str | None, random_fraction: Callable[[], float]) -> float:
    """Seconds to wait before the next attempt.

    `attempt` counts from 1. `retry_after` is the header Retry-After, of which at most 60 seconds are used; without a
    valid one, the pause doubles with each attempt, with jitter from `random_fraction` (0 to 1).
    """
    asked = _seconds_asked(retry_after)
    seconds = _FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + random_fraction()) if asked is None else asked
    return float(min(seconds, _LONGEST_PAUSE))


def _seconds_asked(retry_after: str | None) -> float | None:
    """The seconds in a header Retry-After; None if it is missing or invalid."""
    if retry_after:
        with suppress(InvalidHeader, ArithmeticError, IndexError, TypeError, ValueError):
            return float(min(Retry().parse_retry_after(retry_after), 10**9))
    return None
