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
import re
import time
import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from http.cookiejar import DefaultCookiePolicy
from itertools import accumulate, chain
from queue import SimpleQueue
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

from .._errors import SHORTEST_SECRET, ConnectError, MstrError, import_error, with_escaped_forms
from .connection import Connection
from .interrupt import Interrupted, Stop, Uninterruptible, start_thread
from .response import RETRY_STATUSES, SIZE_LIMIT, BoundedResponse, Response, UnreadableBody, too_large

if TYPE_CHECKING:
    from .outage import Outage
    from .tls import Proxy

REQUESTS_IMPORT_ERROR = import_error("requests")
with suppress(ImportError):
    import requests

_LARGE = 256 * 1024  # bytes; smaller responses do not count
CALL_LIMIT = 10  # the limit for a whole call, as a multiple of `timeout`
PROJECT = "X-MSTR-ProjectID"  # the header with the id of a project
_PIECE = 64 * 1024
_LAST_REQUEST_LIMIT = 5.0  # seconds
_MOST_COOKIES, _COOKIE_LIMIT = 50, 64 * 2**10  # of a session; bytes of all names, values, domains and paths
_COOKIES_MASKED = 100  # more than the calls that may be under way


class _CookiePolicy(DefaultCookiePolicy):
    """Sends cookies over http and https: in test networks, load balancers mark cookies as Secure even on http."""

    def __init__(self, jar: Iterable[Any]) -> None:
        super().__init__()
        self._jar, self.exceeded = jar, ""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        # Not by `secure_protocols`: requests copies the cookies of each call into a jar without this policy.
        cookie.secure = False
        # A header with a control character is refused, by http.client or by the server, so no later call would succeed.
        is_clean = not re.search("[\x00-\x1f\x7f]", f"{cookie.name}{cookie.value}")
        if not is_clean or not super().set_ok(cookie, request):
            return False
        # It replaces one with the same name, domain and path.
        key = cookie.name, cookie.domain, cookie.path
        others = [kept for kept in self._jar if (kept.name, kept.domain, kept.path) != key]
        texts = ((kept.name, kept.value or "", kept.domain, kept.path) for kept in (cookie, *others))
        if len(others) < _MOST_COOKIES and sum(map(len, chain(*texts))) <= _COOKIE_LIMIT:
            return True
        self.exceeded = f"more than {_MOST_COOKIES} cookies, or cookies of more than {_COOKIE_LIMIT >> 10} kB together"
        return False


def _new_client() -> requests.Session:
    client = requests.Session()
    # Without an explicit auth, requests would read ~/.netrc.
    client.auth = lambda prepared: prepared
    # Even with allow_redirects=False, requests would read the whole body of a redirect and parse its target.
    client.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    client.cookies.set_policy(_CookiePolicy(client.cookies))
    client.headers["Accept-Encoding"] = "gzip"
    for adapter in client.adapters.values():
        _bound(adapter)
    return client


def _bound(adapter: Any) -> None:
    """Let the connections of an adapter of requests read each response within bounds, also that of a proxy."""

    def bound(manager: Any) -> Any:
        for scheme, pool in manager.pool_classes_by_scheme.items():
            if getattr(pool.ConnectionCls, "response_class", None) is not BoundedResponse:
                connection = type("Connection", (pool.ConnectionCls,), {"response_class": BoundedResponse})
                bounded = type(pool.__name__, (pool,), {"ConnectionCls": connection})
                # A new mapping, because all managers share the one of urllib3.
                manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, scheme: bounded}
        return manager

    manager_for_proxy = adapter.proxy_manager_for
    adapter.proxy_manager_for = lambda *args, **options: bound(manager_for_proxy(*args, **options))
    bound(adapter.poolmanager)


class Http:
    """Calls to one server, from several threads. Raises ValidationError if its proxy variable is invalid."""

    def __init__(self, connection: Connection, stop: Stop) -> None:
        self.server, self.timeout = connection.base_url, connection.timeout
        self._connection, self._stop = connection, stop
        self.secrets: frozenset[str] = frozenset()  # texts that no message may contain; replaced, never changed
        self._fixed_secrets: frozenset[str] = frozenset()
        # By the value of a cookie. Of those that are no longer sent, the last ones: Ansible searches for each secret.
        self._cookie_secrets: dict[str, set[str]] = {}
        self.answered = False  # whether the server has responded to a call
        self._one_at_a_time = Lock()
        self.serialized = False  # whether calls are sent one at a time
        self._outage: Outage | None = None
        self._shares: dict[Thread, float] = {}  # of the limits, by the thread that has the response
        self._lock = Lock()  # for what several threads change
        self._call_limit = CALL_LIMIT * self.timeout  # seconds
        self.proxy: Proxy | None = None  # through which the calls go
        self._client = _new_client()
        url = requests.utils.select_proxy(self.server, requests.utils.get_environ_proxies(self.server))
        if url:
            from .tls import proxy_from  # only a task with a proxy needs it

            self.proxy = proxy_from(url, self.server, os.environ)
            self.add_secrets(self.proxy.secrets)

    def add_secrets(self, texts: Iterable[str | None], *, of_cookies: bool = False) -> None:
        """Add texts, in all their forms, to those that no message may contain. Short values of cookies are left out."""
        shortest = SHORTEST_SECRET if of_cookies else 1
        new = {text for text in texts if text and len(text) >= shortest and text not in self.secrets}
        if not new:
            return
        sent = {value for _name, value, _domain, _path in self.cookies()}
        with self._lock:
            if of_cookies:
                self._cookie_secrets |= {text: with_escaped_forms([text]) for text in new}
                old = [text for text in reversed(self._cookie_secrets) if text not in sent]
                for number, size in enumerate(accumulate(map(len, old))):
                    if number >= _COOKIES_MASKED or size > _COOKIE_LIMIT:
                        del self._cookie_secrets[old[number]]
            else:
                self._fixed_secrets |= with_escaped_forms(new)
            self.secrets = self._fixed_secrets.union(*self._cookie_secrets.values())

    def cookies(self, client: requests.Session | None = None) -> list[tuple[str, str, str, str]]:
        """Every cookie: name, value, domain, path. `client`: not the present one."""
        jar = (client or self._client).cookies
        # Take the jar's own lock, because another thread may be storing a cookie.
        with jar._cookies_lock:  # type: ignore[attr-defined]
            return [(cookie.name, cookie.value or "", cookie.domain, cookie.path) for cookie in jar]

    @property
    def too_many_cookies(self) -> str:
        """What the server set, if it is more than a session may have. The jar has the cookies that came first."""
        return str(getattr(self._client.cookies.get_policy(), "exceeded", ""))

    def take_cookies(self, cookies: Iterable[tuple[str, str, str, str]]) -> None:
        """Send these cookies from now on."""
        for name, value, domain, path in cookies:
            self._client.cookies.set(name, value, domain=domain, path=path)
            self.add_secrets([value], of_cookies=True)

    def forget_cookies(self) -> None:
        """Start with a new, empty cookie jar: cookies of an ended session, also of its late calls, would select it."""
        self.close()
        self._client = _new_client()

    def close(self) -> None:
        """Close the connections, those of running calls when these end.

        In process, the items of a loop share a process, and the connections would stay open until Python frees them.
        """
        self._client.close()

    def send(
        self,
        kind: str,
        method: str,
        path: str,
        *,
        operation: str,
        on_late_response: Callable[[Response], object] | None = None,
        polling: bool = False,
        **options: Any,
    ) -> Response:
        """The response to a call to `path` below /api, of any status. `kind`: a key of `RETRY_STATUSES`.

        `operation`: for messages, such as "log in". `on_late_response` gets a response that arrives after the task was
        asked to end, so that the caller can undo what it started. `polling`: the caller asks again by itself, even
        after the server was given up. `options`: `json`, `params`, `headers`. Raises ConnectError; Interrupted.
        """
        request, thing = f"{method} /api{path}", None if polling or kind == "once" else _thing(method, path, options)
        attempt, outcome, got = 0, None, None
        try:
            while True:
                attempt += 1
                with self._one_at_a_time if self.serialized else nullcontext():
                    self._stop.check()
                    if self._outage and self._outage.given_up and thing:
                        return _returned(got or self._outage.not_tried(operation))
                    outcome = self._start(method, path, options)
                    got = self._response(outcome, operation, request)
                if self._is_last(kind, attempt, got, thing) or self._outage is None:
                    return _returned(got)
                outcome = None
                self._outage.pause(self._stop, attempt, got)
        except Interrupted as exc:
            exc.operation, exc.unanswered = operation, outcome is not None
            exc.outcome_unknown = exc.unanswered and kind in ("write", "once") and method != "GET"
            if on_late_response and outcome:
                late = self._response(outcome, operation, request, last=True)
                if isinstance(late, Response):
                    exc.unanswered = False
                    with suppress(MstrError):
                        on_late_response(late)
            raise

    @property
    def given_up(self) -> bool:
        """Whether the server gets no more calls, see `outage`."""
        return bool(self._outage and self._outage.given_up)

    def _is_last(self, kind: str, attempt: int, got: Response | ConnectError, thing: Hashable) -> bool:
        """Whether a call is not sent again after this attempt."""
        if isinstance(got, Response):
            # Some servers might accept only one call of a session at a time and reject the others (unknown).
            self.serialized |= got.status == 429
            if got.status not in RETRY_STATUSES["read"] and not self._outage:
                return True
        from .outage import Outage  # only a failed call needs it

        with self._lock:
            self._outage = self._outage or Outage(self.server, self._connection.retries)
        return self._outage.is_last(kind, attempt, got, thing)

    def send_last(self, method: str, path: str, *, operation: str, **options: Any) -> Response:
        """The response to a call that is sent even after a request to end the task. One attempt of 5 seconds.

        Raises ConnectError.
        """
        outcome = self._start(method, path, {"timeout": _LAST_REQUEST_LIMIT, **options})
        return _returned(self._response(outcome, operation, f"{method} /api{path}", last=True))

    def _start(self, method: str, path: str, options: dict[str, Any]) -> SimpleQueue[Any]:
        """Start a call. Its response, or its exception, will be in the returned queue."""
        outcome: SimpleQueue[Response | BaseException] = SimpleQueue()
        client, owner = self._client, current_thread()

        def call() -> None:
            try:
                outcome.put(self._exchange(client, owner, method, path, dict(options)))
            except BaseException as exc:  # raised again by the thread that waits
                outcome.put(exc)

        if not start_thread(call):
            call()
        return outcome

    def _response(
        self, outcome: SimpleQueue[Any], operation: str, request: str, last: bool = False
    ) -> Response | ConnectError:
        """The complete response, of any status, or why none arrives.

        `last`: wait for 5 seconds, even after a request to end the task. Raises Interrupted; call it again to get a
        late response.
        """
        stop, seconds = (Uninterruptible(), _LAST_REQUEST_LIMIT) if last else (self._stop, self._call_limit)
        try:
            got = stop.wait(outcome, seconds)
        except TimeoutError as exc:
            got = exc
        if isinstance(got, Response):
            return got
        if not isinstance(got, Exception):
            raise got
        from .failures import FailedCall  # only a failed call needs it

        return FailedCall(got, operation, request, self, seconds).error()

    def _exchange(
        self, client: requests.Session, owner: Thread, method: str, path: str, options: dict[str, Any]
    ) -> Response:
        """Send, and read the whole response, of at most 64 MB and a million objects, with those of other threads.

        Raises the exceptions of requests and urllib3; TimeoutError; UnreadableBody.
        """
        end = time.monotonic() + self._call_limit
        timeout = options.pop("timeout", self.timeout)
        raw = client.request(
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
        self.add_secrets((value for _name, value, _domain, _path in self.cookies(client)), of_cookies=True)
        with raw:
            body = bytearray()
            for piece in _pieces(raw.raw, raw.headers.get("Content-Encoding")):
                body += piece
                if len(body) > _LARGE:
                    self._take(owner, len(body) / SIZE_LIMIT, f"{SIZE_LIMIT >> 20} MB")
                if time.monotonic() > end:
                    raise TimeoutError
            if len(body) > _LARGE or owner in self._shares:
                from .size import MOST_OBJECTS, share_of_objects  # only a large response needs it

                self._take(owner, max(len(body) / SIZE_LIMIT, share_of_objects(body)), f"{MOST_OBJECTS} objects")
            return Response(f"{method} /api{path}", raw.status_code, raw.headers, bytes(body), self.secrets)

    def _take(self, owner: Thread, share: float, limit: str) -> None:
        """Note how much of a limit a response takes. Raises UnreadableBody if it and those of other threads exceed it.

        A thread works with one response at a time, so only its last one counts.
        """
        with self._lock:
            others = sum(taken for thread, taken in self._shares.items() if thread is not owner and thread.is_alive())
            refused = others + share > 1
            self._shares[owner] = 0.0 if refused else share
        if refused:
            raise too_large(limit)


def _pieces(raw: Any, codings: str | None) -> Iterator[bytes]:
    """The body without its content coding, in pieces of at most 64 kB. Raises UnreadableBody.

    urllib3 would unpack any number of codings, and each piece at once: 3 kB become gigabytes.
    """
    names = [name for name in re.split(r"[\s,]+", (codings or "").lower()) if name not in ("", "identity")]
    if not names:
        yield from raw.stream(_PIECE, decode_content=False)
        return
    if names not in (["gzip"], ["x-gzip"]):
        raise UnreadableBody("a content coding that was not asked for", permanent=True)
    unpacked = gzip.GzipFile(fileobj=raw)
    try:
        while piece := unpacked.read(_PIECE):
            yield piece
    except EOFError:
        raise UnreadableBody("a body that ends too early") from None
    except (gzip.BadGzipFile, zlib.error):
        raise UnreadableBody("a body that cannot be unpacked") from None


def _thing(method: str, path: str, options: Mapping[str, Any]) -> Hashable:
    """The object that a call is about, as far as the call shows it. All creates have the same path."""
    body = options.get("json")
    name = str(body.get("name")) if method == "POST" and isinstance(body, Mapping) else None
    return path, str(options.get("params")), options.get("headers", {}).get(PROJECT), name


def _returned(got: Response | ConnectError) -> Response:
    if isinstance(got, ConnectError):
        raise got
    return got
