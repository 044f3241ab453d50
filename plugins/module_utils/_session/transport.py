# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP call: TLS, time and size limits, no redirects, no ~/.netrc, no sessions, no retries.

Each call runs in its own thread, and the task waits for it. So the limit on the whole call also ends a response that
arrives very slowly, and a signal is noticed while a call hangs, at a point where no state can be lost.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from queue import SimpleQueue
from typing import Any

from .._errors import ApiError, ConnectError, MstrError, ValidationError
from .connection import Connection
from .failures import explain
from .interrupt import Stop, start_thread
from .response import Response
from .tls import proxy_fault, proxy_secrets

REQUESTS_IMPORT_ERROR: str | None
try:
    import requests
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

SIZE_LIMIT = 64 * 1024 * 1024  # bytes of a response
CALL_LIMIT = 10  # the limit for a whole call, as a multiple of `timeout`
_PIECE = 64 * 1024
SHORTEST_SECRET = 8  # characters; masking a shorter part of a session would make results unreadable


class _AnyProtocol(DefaultCookiePolicy):
    """Sends cookies over http and https: in test networks, load balancers mark cookies as Secure even on http."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        # Not by `secure_protocols`: requests copies the cookies of each call into a jar without this policy.
        cookie.secure = False
        return bool(super().set_ok(cookie, request))


def _session() -> requests.Session:
    session = requests.Session()
    # Without an explicit auth, requests would read ~/.netrc.
    session.auth = lambda prepared: prepared
    # Even with allow_redirects=False, requests would read the whole body of a redirect and parse its target.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    session.cookies.set_policy(_AnyProtocol())
    return session


class Http:
    """A requests session for one server. Raises ValidationError if the proxy variable for it is invalid."""

    def __init__(self, connection: Connection) -> None:
        self.server = connection.base_url
        self._connection = connection
        self.secrets: set[str] = set()  # texts that no message may contain
        self.answered = False  # whether the server has responded to a call
        self.proxied = self._check_proxy()
        self.session = _session()

    def _check_proxy(self) -> bool:
        """Whether calls go through a proxy. Raises ValidationError if its variable is invalid."""
        proxies = requests.utils.get_environ_proxies(self.server)
        proxy = requests.utils.select_proxy(self.server, proxies)
        if not proxy:
            return False
        fault = proxy_fault(proxy)
        if fault:
            names = [name for name, value in os.environ.items() if name.lower().endswith("_proxy") and value == proxy]
            raise ValidationError([f"the environment variable {' and '.join(names) or 'for the proxy'} {fault}"])
        self.secrets |= proxy_secrets(proxy)
        return True

    def keep_secret(self, texts: Iterable[str | None]) -> None:
        """Add parts of a session to the texts that no message may contain."""
        self.secrets.update(text for text in texts if text and len(text) >= SHORTEST_SECRET)

    def cookies(self) -> list[tuple[str, str, str, str]]:
        """Every cookie: name, value, domain, path."""
        # Take the jar's own lock, because another thread may be storing a cookie.
        with self.session.cookies._cookies_lock:  # type: ignore[attr-defined]
            return [(one.name, one.value or "", one.domain, one.path) for one in self.session.cookies]

    def take_cookies(self, cookies: Iterable[tuple[str, str, str, str]]) -> None:
        """Send these cookies from now on."""
        for name, value, domain, path in cookies:
            self.session.cookies.set(name, value, domain=domain, path=path)

    def forget_cookies(self) -> None:
        """Start with an empty cookie jar, because the cookies of an ended session would select it again.

        The jar is a new object, because calls of the ended session that still run may add more of its cookies.
        """
        self.session = _session()

    def start(self, method: str, path: str, **options: Any) -> Call:
        """Start a call to `path` below /api. `options`: `json`, `params`, `headers`, and `timeout` in seconds."""
        return Call(self, method, path, options)

    def exchange(
        self, session: requests.Session, method: str, path: str, options: dict[str, Any], limit: float
    ) -> Response:
        """Send, and read the whole response, at most `limit` seconds and 64 MB.

        Raises the exceptions of requests; TimeoutError; OverflowError.
        """
        end = time.monotonic() + limit
        timeout = options.pop("timeout", self._connection.timeout)
        raw = session.request(
            method,
            f"{self.server}/api{path}",
            timeout=(timeout, timeout),
            # Set per call, because REQUESTS_CA_BUNDLE overrides the session's attributes.
            verify=self._connection.verify,
            cert=self._connection.cert,
            allow_redirects=False,
            stream=True,
            **options,
        )
        self.answered = True
        # A load balancer may change its cookie with each response.
        self.keep_secret(cookie.value for cookie in raw.cookies)
        with raw:
            body = bytearray()
            for piece in raw.iter_content(_PIECE):
                body += piece
                if len(body) > SIZE_LIMIT:
                    raise OverflowError(f"more than {SIZE_LIMIT >> 20} MB")
                if time.monotonic() > end:
                    raise TimeoutError
            return Response(f"{method} /api{path}", raw.status_code, raw.headers, bytes(body), frozenset(self.secrets))

    def limit(self, options: Mapping[str, Any]) -> float:
        """The limit for a whole call, in seconds."""
        return CALL_LIMIT * float(options.get("timeout", self._connection.timeout))


class Call:
    """A call in progress."""

    def __init__(self, http: Http, method: str, path: str, options: dict[str, Any]) -> None:
        self._http, self._method, self._request = http, method, f"{method} /api{path}"
        self._limit = http.limit(options)
        self._box: SimpleQueue[Response | BaseException] = SimpleQueue()
        start_thread(self._work, http.session, path, dict(options))

    def _work(self, session: requests.Session, path: str, options: dict[str, Any]) -> None:
        try:
            self._box.put(self._http.exchange(session, self._method, path, options, self._limit))
        except BaseException as exc:  # raised again by the thread that waits
            self._box.put(exc)

    def response(self, stop: Stop, doing: str, seconds: float | None = None) -> Response:
        """The complete response, of any status; waits at most `seconds`.

        Raises ConnectError if there is none. Raises Interrupted; call it again to get a late response.
        """
        seconds = self._limit if seconds is None else seconds
        try:
            got = stop.wait(self._box, seconds)
        except TimeoutError as exc:
            got = exc
        if isinstance(got, Response):
            return got
        http = self._http
        why = explain(got, http.server, seconds, proxied=http.proxied, answered=http.answered)
        if why is None:
            raise got
        raise ConnectError(
            f"Could not {doing}: {why.reason}.",
            request=self._request,
            unclear=why.unclear and self._method != "GET",
            refused=why.refused,
            hopeless=why.hopeless,
        ) from got


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
