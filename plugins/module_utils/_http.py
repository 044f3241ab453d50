# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP call: TLS, time and size limits, no redirects, no ~/.netrc. Knows neither sessions nor retries.

Wing: Session.
Each call runs in a thread of its own, and the task waits for it: so a limit on the whole call also ends an
response that drips, and a signal is heard while a call hangs, at a place where nothing can be lost.
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Iterable, Mapping
from http.cookiejar import DefaultCookiePolicy
from queue import SimpleQueue
from typing import Any

from ._connection import Connection
from ._errors import ConnectError
from ._failures import failure
from ._interrupt import Stop, start_thread
from ._response import Response

REQUESTS_IMPORT_ERROR: str | None
try:
    import requests
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

SIZE_LIMIT = 64 * 1024 * 1024  # bytes of a response
CALL_LIMIT = 10  # a whole call ends at this many times `timeout`
_PIECE = 64 * 1024
_SHORTEST_SECRET = 8  # characters: a shorter part of a session would mask half of every result


class _AnyProtocol(DefaultCookiePolicy):
    """Takes a cookie for http and https alike: a load balancer may mark its own Secure on plain http on a test net."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        # Not by `secure_protocols`: requests copies the cookies of each call into a jar without this policy.
        cookie.secure = False
        return bool(super().set_ok(cookie, request))


def _session() -> requests.Session:
    session = requests.Session()
    # Without an auth of its own, requests would look into ~/.netrc.
    session.auth = lambda prepared: prepared
    # Without following a redirect, requests would still read its whole body and stumble over its target.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    session.cookies.set_policy(_AnyProtocol())
    return session


class Http:
    """A requests session for one server."""

    def __init__(self, connection: Connection) -> None:
        self.server = connection.base_url
        self._connection = connection
        self.secrets: set[str] = set()  # texts that no sentence may quote
        self.session = _session()
        if connection.unproven:
            # The task warns once; urllib3 would with each call, on a stream that most never see.
            warnings.filterwarnings("ignore", "Unverified HTTPS request")

    def keep_secret(self, texts: Iterable[str | None]) -> None:
        """Parts of a session, which no sentence may quote from now on."""
        self.secrets.update(text for text in texts if text and len(text) >= _SHORTEST_SECRET)

    def cookies(self) -> list[tuple[str, str, str, str]]:
        """Every cookie: name, value, domain, path."""
        # The jar's own lock: another thread may just be taking a cookie out of its response.
        with self.session.cookies._cookies_lock:  # type: ignore[attr-defined]
            return [(one.name, one.value or "", one.domain, one.path) for one in self.session.cookies]

    def take_cookies(self, cookies: Iterable[tuple[str, str, str, str]]) -> None:
        """Send these cookies from now on."""
        for name, value, domain, path in cookies:
            self.session.cookies.set(name, value, domain=domain, path=path)

    def forget_cookies(self) -> None:
        """Begin anew: the cookies of a dead session would lead to it again.

        In a jar of their own, since calls still under way on the dead session bring more of its cookies.
        """
        self.session = _session()

    def start(self, method: str, path: str, **options: Any) -> Call:
        """Begin a call of `path` below /api. `options`: `json`, `params`, `headers`, and `timeout` in seconds."""
        return Call(self, method, path, options)

    def exchange(
        self, session: requests.Session, method: str, path: str, options: dict[str, Any], limit: float
    ) -> Response:
        """Send, and read the whole response within `limit` seconds and 64 MB. Raises what requests raises."""
        end = time.monotonic() + limit
        timeout = options.pop("timeout", self._connection.timeout)
        raw = session.request(
            method,
            f"{self.server}/api{path}",
            timeout=(timeout, timeout),
            # With each call: as the session's attributes they would lose to REQUESTS_CA_BUNDLE.
            verify=self._connection.verify,
            cert=self._connection.cert,
            allow_redirects=False,
            stream=True,
            **options,
        )
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
        """Seconds after which a whole call ends."""
        return CALL_LIMIT * float(options.get("timeout", self._connection.timeout))


class Call:
    """A call that is under way."""

    def __init__(self, http: Http, method: str, path: str, options: dict[str, Any]) -> None:
        self._http, self._method, self._request = http, method, f"{method} /api{path}"
        self._limit = http.limit(options)
        self._box: SimpleQueue[Response | BaseException] = SimpleQueue()
        start_thread(self._work, http.session, path, dict(options))

    def _work(self, session: requests.Session, path: str, options: dict[str, Any]) -> None:
        try:
            self._box.put(self._http.exchange(session, self._method, path, options, self._limit))
        except BaseException as exc:  # handed to whoever waits
            self._box.put(exc)

    def response(self, stop: Stop, doing: str, seconds: float | None = None) -> Response:
        """The response, of whatever status, when it is whole.

        Raises ConnectError where none came; Interrupted, and then the call may be asked again for a late response.
        """
        seconds = self._limit if seconds is None else seconds
        try:
            got = stop.wait(self._box, seconds)
        except TimeoutError as exc:
            got = exc
        if isinstance(got, Response):
            return got
        why = failure(got, self._http.server, seconds)
        if why is None:
            raise got
        raise ConnectError(
            f"Could not {doing}: {why.reason}.",
            request=self._request,
            unclear=why.unclear and self._method != "GET",
            refused=why.refused,
            hopeless=why.hopeless,
        ) from got
