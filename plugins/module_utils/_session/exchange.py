# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends one call, with retries, until a response arrives or a signal ends the task.

Logins and tokens are handled by `session`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import datetime, timezone
from threading import Lock
from typing import Any

from .._errors import ConnectError, MstrError
from .connection import Connection
from .interrupt import Interrupted, Stop, Unstoppable
from .response import Response
from .transport import RETRY_STATUSES, Http, pause_before, retries_connection

_LAST_CALL_LIMIT = 5.0  # seconds


class Exchange:
    """Calls to one server, from several threads. `on_response` is called with each response, of any status."""

    def __init__(self, connection: Connection, stop: Stop, on_response: Callable[[Response], object]) -> None:
        self.http = Http(connection)
        self._retries, self._stop, self._on_response = connection.retries, stop, on_response
        self._turns = Lock()
        self._in_turn = False

    def take_turns(self) -> None:
        """From now on, allow only one call at a time."""
        self._in_turn = True

    def send(
        self,
        kind: str,
        method: str,
        path: str,
        *,
        doing: str,
        late: Callable[[Response], object] | None = None,
        **options: Any,
    ) -> Response:
        """The response, of any status. `kind`: a key of `RETRY_STATUSES`. `doing`: for messages, such as "log in".

        `late` gets a response that arrives after the task was asked to end, so that the caller can undo what it
        started. `options`: see `Http.start`. Raises ConnectError; Interrupted.
        """
        try:
            return self._send(kind, method, path, doing, late, options)
        except Interrupted as exc:
            exc.doing = doing
            raise

    def send_last(self, method: str, path: str, *, doing: str, **options: Any) -> Response:
        """The response to a call that is sent even after a request to end the task. One attempt of 5 seconds.

        Raises ConnectError.
        """
        call = self.http.start(method, path, timeout=_LAST_CALL_LIMIT, **options)
        response = call.response(Unstoppable(), doing, _LAST_CALL_LIMIT)
        self._on_response(response)
        return response

    def _send(
        self,
        kind: str,
        method: str,
        path: str,
        doing: str,
        late: Callable[[Response], object] | None,
        options: dict[str, Any],
    ) -> Response:
        for attempt in range(1, self._retries + 2):
            last, call, retry_after = attempt > self._retries, None, None
            try:
                with self._turns if self._in_turn else nullcontext():
                    self._stop.check()
                    call = self.http.start(method, path, **options)
                    response = call.response(self._stop, doing)
                    self._on_response(response)
            except ConnectError as exc:
                if last or exc.hopeless or not retries_connection(kind, exc.unclear, exc.refused):
                    raise
            except Interrupted as exc:
                exc.unclear = call is not None and kind == "write"
                if late and call:
                    with suppress(MstrError):
                        late(call.response(Unstoppable(), doing, _LAST_CALL_LIMIT))
                raise
            else:
                # Some servers might accept only one call of a session at a time and reject the others (unknown).
                self._in_turn |= response.status == 429
                if last or response.status not in RETRY_STATUSES[kind]:
                    return response
                retry_after = response.headers.get("Retry-After")
            self._stop.pause(pause_before(attempt, retry_after, random.random, datetime.now(timezone.utc)))
        raise AssertionError("the last attempt returns or raises")
