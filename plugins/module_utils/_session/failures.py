# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of calls that failed: with an error response, or without a response.

Without a response, the exceptions of requests and urllib3 say why. If a connection breaks, the server may have received
the request, unless the traceback proves that it was never sent: an exception from a function that works before the
request goes out. The class of the exception proves nothing: behind a proxy, urllib3 raises ProxyError for every broken
connection, and it raises InvalidHeader for headers of a response. The code compares names, so that it needs neither
library. It never quotes an exception's whole text, which contains object addresses and, behind a proxy, may contain
secrets.

Only a call that fails imports this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from traceback import walk_tb
from typing import Any, Protocol
from urllib.parse import urlsplit

from .._errors import ApiError, AuthError, ConnectError, clean, code_number
from .connection import Connection
from .response import Response, UnreadableBody, too_large
from .tls import Proxy, client_refused, handshake_error

# Functions of http.client, urllib3 and requests that finish before a request is sent: they check it, open the
# connection, or write its first line and headers into a buffer.
_PREPARING = {"prepare_request", "get_adapter", "get_connection", "get_connection_with_tls_context", "request_url"}
_PREPARING |= {"putrequest", "putheader"}
_CONNECTING = {"connect", "cert_verify"}
_TLS_ERRORS = {"SSLError", "CertificateError"}
_TIMEOUTS = {"ConnectTimeout", "ConnectTimeoutError", "ReadTimeout", "ReadTimeoutError", "TimeoutError", "timeout"}
_LOST = {"ConnectionError", "ChunkedEncodingError", "ProtocolError", "ContentDecodingError", "ProxyError"}
_NOT_HTTP = {"BadStatusLine", "LineTooLong", "InvalidHeader", "HeaderParsingError"}
_HTTPS_HINT = "; if this port uses TLS, write https:// in base_url"


class Http(Protocol):
    """See `transport.Http`, which imports this file."""

    server: str
    timeout: float
    proxy: Proxy | None
    answered: bool  # whether the server has responded to a call
    secrets: frozenset[str]


class FailedCall:
    """A call that ended with an exception instead of a response. `limit`: seconds that the whole call may take."""

    def __init__(self, exc: Exception, operation: str, request: str, http: Http, limit: float) -> None:
        self.server, self.proxy, self.secrets, parts = http.server, http.proxy, http.secrets, urlsplit(http.server)
        self.exc, self.operation, self.request, self.host = exc, operation, request, parts.hostname
        self.limit, self.timeout = limit, min(http.timeout, limit)
        self.address = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        self.chain = list(_chain(exc))
        if self.chain[-1].__class__ is HTTPException:  # not of a subclass: only for too many headers
            self.exc = too_large("100 headers")
        self.permanent = isinstance(self.exc, UnreadableBody) and self.exc.permanent
        self.names = {cls.__name__ for cause in self.chain for cls in type(cause).__mro__}
        self.functions = {frame.f_code.co_name for cause in self.chain for frame, _line in walk_tb(cause.__traceback__)}
        self.text = " ".join(str(cause) for cause in self.chain)
        between = f", or {http.proxy} ({http.proxy.variables}) in between," if http.proxy else ""
        self.sender = f"{http.server}{between}"
        # A TLS port closes a plain http connection, or responds with something other than HTTP.
        self.hint = _HTTPS_HINT if parts.scheme == "http" and not http.answered else ""

    def error(self) -> ConnectError:
        """The error to raise."""
        if self.functions & _CONNECTING:
            return self._not_connected()
        if self.proxy and "SOCKS" in self.text and "InvalidSchema" in self.names:
            cure = "which needs the Python library PySocks; install PySocks"
            return self._failed(f"{self.proxy.variables} names a SOCKS proxy, {cure}", permanent=True)
        if self.functions & _PREPARING:
            # Behind a proxy, the exception's text may contain the proxy's password.
            why = f"check base_url and {self.proxy.variables}" if self.proxy else f"{self._detail}; check base_url"
            return self._failed(f"the request to {self.server} is not valid: {why}", permanent=True)
        return self._lost_connection()

    @property
    def _detail(self) -> str:
        """The text of the innermost exception, without object addresses."""
        for cause in reversed(self.chain):
            if isinstance(cause, OSError) and cause.strerror:
                return clean(re.sub(r" \(_ssl\.c:\d+\)", "", cause.strerror), 100)
        last = self.chain[-1]
        text = re.sub(r"<[^>]*>(: )?|\([^()]*object at 0x[^()]*\)", "", str(last))
        return clean(text, 120, self.secrets) or type(last).__name__

    def _failed(self, reason: str, **facts: bool) -> ConnectError:
        """The error with this reason. `facts`: see `ConnectError`; without any, the server did not read the request."""
        return ConnectError(f"Could not {self.operation}: {reason}.", request=self.request, **facts)

    def _not_connected(self) -> ConnectError:
        refused_by_proxy = re.match(r"Tunnel connection failed: (\d{3}.*)", str(self.chain[-1]))
        if self.proxy and refused_by_proxy:
            why = clean(refused_by_proxy[1], 80, self.secrets)
            check = "the user name and password in it" if why.startswith("407") else "NO_PROXY"
            cure = f"check {self.proxy.variables} and {check}"
            return self._failed(f"{self.proxy} refused to connect to {self.address} ({why}); {cure}")
        if self.names & _TLS_ERRORS:
            return self._no_tls()
        unresolved = bool(self.names & {"NameResolutionError", "gaierror", "LocationParseError"})
        refused = bool(self.names & {"NewConnectionError", "ConnectionRefusedError"}) and not unresolved
        if self.proxy and self.functions & {"create_connection", "_tunnel"}:
            what = "did not open a connection" if "_tunnel" in self.functions else "cannot be reached"
            cure = f"check {self.proxy.variables} and NO_PROXY"
            reason = f"{self.proxy} on the way to {self.address} {what} ({self._detail}); {cure}"
        elif unresolved:
            reason = f"the host name {self.host} cannot be resolved; check base_url and the name server"
        elif refused:
            reason = (
                f"cannot connect to {self.address} ({self._detail}); check base_url, and that the server is running"
            )
        elif self.names & _TIMEOUTS:
            cure = "check base_url, firewalls and proxies"
            reason = f"{self.address} did not answer within {self.timeout:g} seconds; {cure}"
        elif "cert_verify" in self.functions:
            cure = "check the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"
            return self._failed(f"the certificates cannot be read; {cure}", permanent=True)
        else:
            reason = f"no connection to {self.address} could be established ({self._detail})"
        return self._failed(reason, connection_refused=refused, permanent=self.permanent)

    def _no_tls(self) -> ConnectError:
        reason = handshake_error(self.text, self.address)
        if not reason and "do_handshake" not in self.functions:
            # The files in the options were checked earlier, so this one comes from the environment.
            cure = "check the file that REQUESTS_CA_BUNDLE names"
            reason = f"the CA certificates cannot be loaded ({self._detail}); {cure}"
        broken = f"no TLS connection to {self.address} could be established ({self._detail})"
        return self._failed(reason or broken, permanent=bool(reason))

    def _lost_connection(self) -> ConnectError:
        """The error, if the server may have received the request and carried it out."""
        if self.names & _TLS_ERRORS:
            if refused := client_refused(self.text, self.address):
                return self._failed(refused, permanent=True)
            # With TLS 1.3, a server that requires a client certificate may close the connection before its alert is
            # read.
            hint = "; the server may require a client certificate (client_cert, client_key)"
            reason = f"the TLS connection to {self.address} broke ({self._detail}){hint if 'EOF' in self.text else ''}"
        elif self.names & {"ReadTimeout", "ReadTimeoutError"}:
            cause = "the server may be overloaded, or timeout too short"
            reason = f"{self.sender} sent nothing within {self.timeout:g} seconds; {cause}"
        elif isinstance(self.exc, TimeoutError):
            reason = f"{self.sender} sent no complete response within {self.limit:g} seconds"
        elif isinstance(self.exc, UnreadableBody):
            reason = f"{self.sender} sent {self.exc}; check base_url and the gateways in front of the server"
        elif self.names & _NOT_HTTP and "RemoteDisconnected" not in self.names:
            reason = f"{self.sender} answered with something other than HTTP{self.hint}"
        elif self.names & _LOST:
            reason = f"{self.sender} closed the connection before the response was complete ({self._detail}){self.hint}"
        elif isinstance(self.exc, OSError):
            reason = f"the call to {self.server} failed ({self._detail})"
        else:
            # The libraries check little of what arrives, so a broken response may raise anything.
            kind = type(self.chain[-1]).__name__
            reason = f"{self.sender} sent a response that cannot be read ({kind}){self.hint}"
        # Only a read surely changed nothing.
        return self._failed(reason, permanent=self.permanent, outcome_unknown=not self.request.startswith("GET "))


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        inner = getattr(exc, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in exc.args if isinstance(arg, BaseException)), None)
        # urllib3 1.26 suppresses the TypeError of a first attempt, which is unrelated to the failure.
        exc = inner or exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)


_LIBRARY = "/MicroStrategyLibrary"
_KINDS_OF_JSON = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_HTML = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
# What to do next, by the number of the API's error code [doc].
_NEXT_STEP_BY_CODE = {
    3: "Check the credentials and login_mode.",
    9: "The session has ended: it timed out, or another job of the same user logged out.",
    14: "The user needs the privilege 'Manage runtime' and a licence for the API.",
    17: "The user needs permission on this object, and the privilege 'Manage runtime'.",
}
_NEXT_STEP_BY_STATUS = {
    401: "Check the credentials and login_mode.",
    403: "The user may lack the privilege 'Manage runtime' or a licence for the API, or a gateway refuses the call.",
    429: "The server received too many requests; try again later.",
    503: "The server is not available now; try again later.",
}
_TOO_MANY_SESSIONS = re.compile(r"(?=.*\b(max(imum)?|limit|too many|exceed\w*)\b).*\bsessions?\b", re.IGNORECASE)
_NEXT_STEP_FOR_SESSIONS = (
    "End other sessions of this user, wait until they time out on the server, or raise the limit there. "
    "With mstr_session, all tasks of a play share one session."
)


def body_of(response: Response) -> str:
    """What came instead of the expected JSON, such as an HTML page."""
    if not response.body.strip():
        return "an empty body"
    if _HTML.match(response.body[:1000]):
        title = _TITLE.search(response.body[:20000].decode("utf-8", "replace"))
        return f"an HTML page, title {response.quote(title.group(1), 80)!r}" if title else "an HTML page"
    with suppress(ValueError):
        return f"unexpected JSON ({_KINDS_OF_JSON.get(type(response.data()), 'a number')})"
    kind = response.headers.get("Content-Type", "").lower()
    if "json" in kind or response.body.lstrip()[:1] in (b"{", b"["):
        return "broken JSON"
    return f"something other than JSON ({response.quote(kind, 60) or 'no content type'})"


def api_error(response: Response, operation: str, server: str, expected: str = "") -> ApiError:
    """The error for a response that reports a failure, or for one that is not what was `expected`.

    `operation`: what was tried, as in "create runtime 'x'".
    """
    fields: dict[str, Any] = {}
    if expected:
        answer, next_step = f" with {body_of(response)} instead of {expected}", _check_base_url(server)
    else:
        fields = _fields(response)
        answer = f" with {body_of(response)}" if fields["message"] is None else f": {fields['message']!r}"
        facts = [fact for fact in (fields["code"], fields["ticket_id"] and f"ticket {fields['ticket_id']}") if fact]
        if facts:
            answer += f" ({', '.join(facts)})"
        next_step = _next_step(response, fields, server)
        if 300 <= response.status < 400:
            target = _target(response)
            answer = f" with a redirect to {target}, which is not followed so that no other host gets the token"
            next_step = "If the target is the right server, set base_url to it."
        if _is_elsewhere(response, server):
            next_step = _check_base_url(server)
    kind = AuthError if response.status == 401 else ApiError
    sentence = f"Could not {operation}: {server} answered {response.status} to {response.request}{answer}. {next_step}"
    # Below 200 it is only an interim response, after which Python does not read the final one. After an unexpected
    # body, nobody knows whether the server did the work.
    outcome_unknown = not (300 <= response.status < 500 or _is_elsewhere(response, server))
    outcome_unknown &= not response.request.startswith("GET ")
    fields |= {"http_status": response.status, "request": response.request}
    return kind(sentence.rstrip(), outcome_unknown=outcome_unknown, **fields)


def no_new_login(error: ApiError, connection: Connection) -> ApiError:
    """The error for a session that has ended, if the task cannot log in again. `error`: of the call that failed."""
    if connection.login is None:
        return AuthError(
            f"{error.sentence} The task has a session and no credentials to log in again: log in with mstr_session "
            "again, or supply base_url and credentials in addition to the session.",
            **error.error,
        )
    if connection.retries:
        error.add(
            f"The task has already logged in again as often as retries allows ({connection.retries}). "
            "If other jobs log in as the same user, give each job a user of its own."
        )
    return error


def _is_elsewhere(response: Response, server: str) -> bool:
    """Whether an address without a path made something else than a Library server answer the login: a portal, a proxy.

    Whatever it answered, a login page or a cookie, says nothing of credentials or sessions.
    """
    is_busy = response.status >= 500 or response.status in (400, 429)
    return "/api/auth/" in response.request and not (urlsplit(server).path or is_busy or error_in(response).get("code"))


def _check_base_url(server: str) -> str:
    usual = f" It {'usually' if urlsplit(server).path else 'has no path, and usually'} ends in {_LIBRARY}."
    usual = "" if server.endswith(_LIBRARY) else usual
    return f"Check that base_url is the URL of the Library server, and that no gateway answers in its place.{usual}"


def error_in(response: Response) -> Mapping[str, Any]:
    """The API's error: the object, or the first object in its list "errors" [mstrio], or an empty mapping."""
    data: Any = None
    with suppress(ValueError):
        data = response.data()
    if isinstance(data, Mapping) and isinstance(data.get("errors"), list) and data["errors"]:
        data = data["errors"][0]
    return data if isinstance(data, Mapping) else {}


def _fields(response: Response) -> dict[str, Any]:
    """The facts of an error, under `ERROR_KEYS`."""
    error, fields = error_in(response), dict[str, Any]()
    for name, key in {"code": "code", "message": "message", "ticket_id": "ticketId"}.items():
        value = error.get(key)
        fields[name] = response.quote(value) if isinstance(value, (str, int, float)) and value != "" else None
    number = error.get("iServerCode")
    return {**fields, "iserver_code": number if isinstance(number, int) and not isinstance(number, bool) else None}


def _next_step(response: Response, fields: Mapping[str, Any], server: str) -> str:
    """What to do next; empty if the server's own message is sufficient."""
    number, message = code_number(fields["code"]), fields["message"] or ""
    if number != 9 and _TOO_MANY_SESSIONS.match(message):
        return _NEXT_STEP_FOR_SESSIONS
    if number in _NEXT_STEP_BY_CODE:
        return _NEXT_STEP_BY_CODE[number]
    if response.status in (404, 405) and (not number or message.startswith(f"HTTP {response.status} ")):
        # Every release has the calls below /auth.
        hint = "" if "/api/auth/" in response.request else "This release of the server may not have this call. "
        return hint + _check_base_url(server)
    if fields["code"]:
        return ""
    if response.status == 400 and server.startswith("http:"):
        return "If this port uses TLS, write https:// in base_url."
    return _NEXT_STEP_BY_STATUS.get(response.status, "")


def _target(response: Response) -> str:
    """Where a redirect points, without the parts that might be secret."""
    location = response.headers.get("Location", "")
    try:
        parts = urlsplit(location)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "an invalid URL"
    return response.quote(f"{parts.scheme}://{host}{parts.path}" if host else parts.path) or "no target"
