# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP calls: TLS, time and size limits, retries, no redirects, no ~/.netrc. Logins and tokens belong to `session`.

Each call runs in its own thread, and the task waits for it. So the limit on the whole call also ends a response that
arrives very slowly, and a signal is noticed while a call hangs, at a point where no state can be lost. Where no thread
can be started, the call runs in the thread of the caller, and only the limits on each read remain.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from http.cookiejar import DefaultCookiePolicy
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

from .._errors import ConnectError, Interrupted, MstrError, import_error
from .._text import SHORTEST_SECRET, with_escaped_forms
from .call import WRITE, Call
from .connection import Connection
from .interrupt import Stop, Uninterruptible, start_thread
from .outage import Outage
from .response import SIZE_LIMIT, Response, UnreadableBody

if TYPE_CHECKING:
    from .tls import Proxy

REQUESTS_IMPORT_ERROR = import_error("requests")
with suppress(ImportError):
    import requests

VERSION = "1.0.0"  # of galaxy.yml
CALL_LIMIT = 10  # the limit for a whole call, as a multiple of `timeout`
_PIECE = 64 * 1024
_LAST_CALL_LIMIT = 5.0  # seconds
_COOKIES_MASKED = 100  # changes of the cookies; more than the calls that may be under way


class _CookiePolicy(DefaultCookiePolicy):
    """Sends cookies over http and https: in test networks, load balancers mark cookies as Secure even on http."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        # Not by `secure_protocols`: requests copies the cookies of each call into a jar without this policy.
        cookie.secure = False
        return super().set_ok(cookie, request)


def _new_client() -> requests.Session:
    client = requests.Session()
    # Without an explicit auth, requests would read ~/.netrc.
    client.auth = lambda prepared: prepared
    # Even with allow_redirects=False, requests would read the whole body of a redirect and parse its target.
    client.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    client.cookies.set_policy(_CookiePolicy())
    client.headers["Accept-Encoding"] = "gzip"
    client.headers["User-Agent"] = f"mstr.library/{VERSION}"
    return client


class Http:
    """Calls to one server, from several threads. Raises ValidationError if its proxy variable is invalid."""

    def __init__(self, connection: Connection, stop: Stop, trace: Callable[[str], None] = lambda line: None) -> None:
        self.server, self.timeout = connection.base_url, connection.timeout
        self._connection, self._stop, self._trace = connection, stop, trace
        self.secrets: frozenset[str] = frozenset()  # texts that no message may contain; replaced, never changed
        self._fixed_secrets: frozenset[str] = frozenset()
        self._cookie_values: frozenset[str] = frozenset()
        # With each change of a cookie, all that were sent then. Ansible searches each result for each secret.
        self._cookie_secrets: deque[set[str]] = deque(maxlen=_COOKIES_MASKED)
        self.answered = False  # whether the server has responded to a call
        self._one_at_a_time = Lock()
        self.serialized = False  # whether calls are sent one at a time
        self._outage = Outage(self.server, connection.retries)
        self._lock = Lock()  # for what several threads change
        self.observer: Callable[[Response, int], None] = lambda response, milliseconds: None  # see `Session.observe`
        self._call_limit = CALL_LIMIT * self.timeout  # seconds
        self.proxy: Proxy | None = None  # through which the calls go
        self._client = _new_client()
        url = requests.utils.select_proxy(self.server, requests.utils.get_environ_proxies(self.server))
        if url:
            from .tls import proxy_from  # only a task with a proxy needs it

            self.proxy = proxy_from(url, self.server, os.environ)
            self.add_secrets(self.proxy.secrets)

    def add_secrets(self, texts: Iterable[str]) -> None:
        """Add texts, in all their forms, to those that no message may contain."""
        new = with_escaped_forms(text for text in texts if text)
        with self._lock:
            self._fixed_secrets |= new
            self.secrets = self._fixed_secrets.union(*self._cookie_secrets)

    def _add_cookie_secrets(self, client: requests.Session) -> None:
        """Add the values of the cookies. A short one would mask half a result."""
        texts = (value for _name, value, _domain, _path in self.cookies(client))
        values = frozenset(text for text in texts if len(text) >= SHORTEST_SECRET)
        with self._lock:
            if values != self._cookie_values:
                self._cookie_values = values
                self._cookie_secrets.append(with_escaped_forms(values))
                self.secrets = self._fixed_secrets.union(*self._cookie_secrets)

    def cookies(self, client: requests.Session | None = None) -> list[tuple[str, str, str, str]]:
        """Every cookie: name, value, domain, path. `client`: not the present one."""
        jar = (client or self._client).cookies
        # Take the jar's own lock, because another thread may be storing a cookie.
        with jar._cookies_lock:  # type: ignore[attr-defined]
            return [(cookie.name, cookie.value or "", cookie.domain, cookie.path) for cookie in jar]

    def take_cookies(self, cookies: Iterable[tuple[str, str, str, str]]) -> None:
        """Send these cookies from now on."""
        for name, value, domain, path in cookies:
            self._client.cookies.set(name, value, domain=domain, path=path)
        self._add_cookie_secrets(self._client)

    def forget_cookies(self) -> None:
        """Start with a new, empty cookie jar: cookies of an ended session, also of its late calls, would select it."""
        self.close()
        self._client = _new_client()

    def close(self) -> None:
        """Close the connections, those of running calls when these end.

        In process, the items of a loop share a process, and the connections would stay open until Python frees them.
        """
        self._client.close()

    def send(self, call: Call, on_late_response: Callable[[Response], object] | None = None) -> Response:
        """The response to a call, of any status. A write is sent once; after a 429 this waits as long as for a read.

        `on_late_response` gets a response that arrives after the task was asked to end, so that the caller can undo
        what it started. Raises ConnectError; Interrupted.
        """
        if self.given_up and not call.polling:
            why = self._outage.why_given_up
            cure = "Run the task again when the server is available"
            raise ConnectError(f"Could not {call.operation}: not tried, because {why}. {cure}.")
        attempt = 0
        try:
            while True:
                attempt += 1
                got = self._attempt(call, on_late_response)
                status = got.status if isinstance(got, Response) else None
                if status == 429:
                    # Some servers may accept only one call of a session at a time, and refuse the others (unknown).
                    self.serialized = True
                if self._outage.ends_after(call, attempt, got):
                    break
                self._outage.pause(self._stop, call, attempt, got)
                if call.kind == WRITE or self.given_up:
                    break
                after = status or "no response"
                call = call._replace(why=f"retry {attempt} of {self._connection.retries} after {after}")
        except Interrupted as exc:
            exc.operation = call.operation
            raise
        return _raise_or_return(got)

    def _attempt(self, call: Call, on_late_response: Callable[[Response], object] | None) -> Response | ConnectError:
        """The response to a call that is sent once, or the error without one. Raises Interrupted."""
        outcome = None
        try:
            with self._one_at_a_time if self.serialized else nullcontext():
                self._stop.check()
                outcome = self._start(call)
                return self._response(outcome, call)
        except Interrupted as exc:
            if outcome is None:
                raise
            exc.unanswered = True
            exc.outcome_unknown = call.kind == WRITE
            late = self._response(outcome, call, last=True) if on_late_response else None
            if on_late_response and isinstance(late, Response):
                exc.unanswered = False
                with suppress(MstrError):
                    on_late_response(late)
            raise

    @property
    def given_up(self) -> bool:
        """Whether the server gets no more calls, see `outage`."""
        return bool(self._outage.why_given_up)

    def send_last(self, call: Call) -> Response:
        """The response to a call that is sent even after a request to end the task. One attempt of 5 seconds.

        Raises ConnectError.
        """
        call = call._replace(timeout=_LAST_CALL_LIMIT)
        return _raise_or_return(self._response(self._start(call), call, last=True))

    def _start(self, call: Call) -> SimpleQueue[Any]:
        """Start a call. Its response, or its exception, will be in the returned queue."""
        outcome: SimpleQueue[Response | BaseException] = SimpleQueue()
        client = self._client

        def work() -> None:
            try:
                outcome.put(self._exchange(client, call))
            except BaseException as exc:  # raised again by the thread that waits
                outcome.put(exc)

        if not start_thread(work):
            work()
        return outcome

    def _response(self, outcome: SimpleQueue[Any], call: Call, last: bool = False) -> Response | ConnectError:
        """The complete response, of any status, or why none arrives.

        `last`: wait for 5 seconds, even after a request to end the task. Raises Interrupted; call it again to get a
        late response.
        """
        stop, seconds = (Uninterruptible(), _LAST_CALL_LIMIT) if last else (self._stop, self._call_limit)
        began = time.monotonic()
        try:
            got = stop.wait(outcome, seconds)
        except TimeoutError:
            got = _too_slow(seconds)
        self._trace(trace_line(call, got, time.monotonic() - began))
        if isinstance(got, Response):
            return got
        if not isinstance(got, Exception):
            raise got
        from .failures import connect_error  # only a failed call needs it

        return connect_error(got, call, self)

    def _exchange(self, client: requests.Session, call: Call) -> Response:
        """Send, and read the whole response. Raises UnreadableBody; the exceptions of requests and urllib3."""
        begun = time.monotonic()
        end = begun + self._call_limit
        timeout = call.timeout or self.timeout
        raw = client.request(
            call.method,
            f"{self.server}/api{call.path}",
            params=call.params,
            json=call.json,
            headers=call.headers,
            timeout=(timeout, timeout),
            # Set per call, because REQUESTS_CA_BUNDLE overrides the session's attributes.
            verify=self._connection.verify,
            cert=self._connection.cert,
            allow_redirects=False,
            stream=True,
        )
        self.answered = True
        # A load balancer may change its cookie with each response.
        self._add_cookie_secrets(client)
        body = bytearray()
        with raw:
            for piece in _pieces(raw.raw, raw.headers.get("Content-Encoding", "")):
                body += piece
                if len(body) > SIZE_LIMIT:
                    limit = f"more than {SIZE_LIMIT >> 20} MB; responses of the API are smaller"
                    raise UnreadableBody(limit, permanent=True)
                if time.monotonic() > end:
                    raise _too_slow(self._call_limit)
        response = Response(call.name, raw.status_code, raw.headers, bytes(body), self.secrets)
        self.observer(response, round(1000 * (time.monotonic() - begun)))
        return response


def _pieces(raw: Any, coding: str) -> Iterator[bytes]:
    """The body without its content coding, in pieces of at most 64 kB. Raises UnreadableBody.

    urllib3 would unpack any number of codings, and each piece at once: 3 kB become gigabytes.
    """
    if coding.lower() in ("", "identity"):
        yield from raw.stream(_PIECE, decode_content=False)
        return
    if coding.lower() not in ("gzip", "x-gzip"):
        raise UnreadableBody("a content coding that was not asked for", permanent=True)
    unpacked = gzip.GzipFile(fileobj=raw)
    try:
        while piece := unpacked.read(_PIECE):
            yield piece
    except EOFError:
        raise UnreadableBody("a body that ends too early") from None
    except (gzip.BadGzipFile, zlib.error):
        raise UnreadableBody("a body that cannot be unpacked") from None


def trace_line(call: Call, got: object, seconds: float) -> str:
    """A call for the trace: no body, no header, no value of a query."""
    outcome, ticket = "no response", ""
    if isinstance(got, Response):
        outcome = str(got.status)
        # The server has logged an error under it.
        ticket = "" if got.ok else got.quote(got.error.get("ticketId") or "", 60)
    details = [f"{seconds * 1000:.0f} ms", ticket and f"ticket {ticket}", call.why]
    return f"{call.name} {outcome} ({', '.join(filter(None, details))})"


def _too_slow(seconds: float) -> UnreadableBody:
    return UnreadableBody(f"no complete response within {seconds:g} seconds")


def _raise_or_return(got: Response | ConnectError) -> Response:
    if isinstance(got, ConnectError):
        raise got
    return got
