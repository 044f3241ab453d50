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
from traceback import walk_tb
from typing import Any
from urllib.parse import urlsplit

from .._errors import ApiError, AuthError, ConnectError, MstrError, clean, code_number
from .response import Response, UnreadableBody, check_place, unexpected
from .tls import Proxy, client_refused, not_tls, untrusted

# Functions of http.client, urllib3 and requests that finish before a request is sent: they check it, open the
# connection, or write its first line and headers into a buffer.
_PREPARING = {"prepare_request", "get_adapter", "get_connection", "get_connection_with_tls_context", "request_url"}
_BUFFERING = {"putrequest", "putheader"}
_CONNECTING = {"connect", "cert_verify"}
_TLS_ERRORS = {"SSLError", "CertificateError"}
_TIMEOUTS = {"ConnectTimeout", "ConnectTimeoutError", "ReadTimeout", "ReadTimeoutError", "TimeoutError", "timeout"}
_LOST = {"ConnectionError", "ChunkedEncodingError", "ProtocolError", "ContentDecodingError", "ProxyError"}
_NOT_HTTP = {"BadStatusLine", "LineTooLong", "InvalidHeader", "HeaderParsingError"}
_HTTPS_HINT = "; if this port uses TLS, write https:// in base_url"


class _Case:
    """An exception with all its causes, and the facts about the call."""

    def __init__(
        self, exc: BaseException, operation: str, request: str, server: str, proxy: Proxy | None, answered: bool
    ) -> None:
        parts = urlsplit(server)
        self.operation, self.request = operation, request
        self.host, self.server, self.proxy = parts.hostname or "", server, proxy
        self.place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        self.chain = list(_chain(exc))
        self.names = {cls.__name__ for cause in self.chain for cls in type(cause).__mro__}
        self.functions = {frame.f_code.co_name for cause in self.chain for frame, _line in walk_tb(cause.__traceback__)}
        self.text = " ".join(str(cause) for cause in self.chain)
        self.sender = f"{server}, or {proxy} ({proxy.variables}) in between," if proxy else server
        # A TLS port closes a plain http connection, or responds with something other than HTTP.
        self.hint = _HTTPS_HINT if parts.scheme == "http" and not answered else ""

    def detail(self) -> str:
        """The text of the innermost exception, without object addresses."""
        for cause in reversed(self.chain):
            if isinstance(cause, OSError) and cause.strerror:
                return clean(re.sub(r" \(_ssl\.c:\d+\)", "", cause.strerror), 100)
        last = self.chain[-1]
        text = re.sub(r"<[^>]*>(: )?|\([^()]*object at 0x[^()]*\)", "", str(last))
        return clean(text, 120) or type(last).__name__

    def not_sent(self, reason: str, *, connection_refused: bool = False, permanent: bool = False) -> ConnectError:
        """The error for a request that was not sent, or that the server did not read. `reason` ends the sentence."""
        sentence = f"Could not {self.operation}: {reason}."
        return ConnectError(sentence, request=self.request, connection_refused=connection_refused, permanent=permanent)

    def lost(self, reason: str, *, permanent: bool = False) -> ConnectError:
        """The error for a request that was sent. Only a read surely changed nothing."""
        outcome_unknown = not self.request.startswith("GET ")
        sentence = f"Could not {self.operation}: {reason}."
        return ConnectError(sentence, request=self.request, outcome_unknown=outcome_unknown, permanent=permanent)


def error_from(
    exc: BaseException,
    operation: str,
    request: str,
    server: str,
    limit: float,
    *,
    timeout: float,
    proxy: Proxy | None = None,
    answered: bool = True,
) -> BaseException:
    """The error to raise for a call that failed with `exc`: a ConnectError, or `exc` itself if it is a bug or a signal.

    `limit`: seconds that the whole call may take; `timeout`: to connect, and for each read. `proxy`: through which the
    call goes. `answered`: the server has responded to an earlier call.
    """
    if isinstance(exc, MstrError) or not isinstance(exc, Exception):
        return exc
    case = _Case(exc, operation, request, server, proxy, answered)
    if case.functions & _CONNECTING:
        return _not_connected(case, timeout)
    if proxy and "SOCKS" in case.text and "InvalidSchema" in case.names:
        reason = f"{proxy.variables} names a SOCKS proxy, which needs the Python library PySocks; install PySocks"
        return case.not_sent(reason, permanent=True)
    if case.functions & (_PREPARING | _BUFFERING):
        # Behind a proxy, the exception's text may contain the proxy's password.
        why = f"check base_url and {proxy.variables}" if proxy else f"{case.detail()}; check base_url"
        return case.not_sent(f"the request to {server} is not valid: {why}", permanent=True)
    return _lost_connection(case, exc, limit, timeout)


def _not_connected(case: _Case, timeout: float) -> ConnectError:
    refused_by_proxy = re.match(r"Tunnel connection failed: (\d{3}.*)", str(case.chain[-1]))
    if case.proxy and refused_by_proxy:
        check = "the user name and password in it" if refused_by_proxy.group(1).startswith("407") else "NO_PROXY"
        why = clean(refused_by_proxy.group(1), 80)
        cure = f"check {case.proxy.variables} and {check}"
        return case.not_sent(f"{case.proxy} refused to connect to {case.place} ({why}); {cure}")
    if case.names & _TLS_ERRORS:
        return _no_tls(case)
    unresolved = bool(case.names & {"NameResolutionError", "gaierror", "LocationParseError"})
    connection_refused = bool(case.names & {"NewConnectionError", "ConnectionRefusedError"}) and not unresolved
    if case.proxy and ("create_connection" in case.functions or "_tunnel" in case.functions):
        what = "did not open a connection" if "_tunnel" in case.functions else "cannot be reached"
        cure = f"check {case.proxy.variables} and NO_PROXY"
        reason = f"{case.proxy} on the way to {case.place} {what} ({case.detail()}); {cure}"
        return case.not_sent(reason, connection_refused=connection_refused)
    if unresolved:
        return case.not_sent(f"the host name {case.host} cannot be resolved; check base_url and the name server")
    if connection_refused:
        reason = f"cannot connect to {case.place} ({case.detail()}); check base_url, and that the server is running"
        return case.not_sent(reason, connection_refused=True)
    if case.names & _TIMEOUTS:
        reason = f"{case.place} did not answer within {timeout:g} seconds; check base_url, firewalls and proxies"
        return case.not_sent(reason)
    if "cert_verify" in case.functions:
        reason = "the certificates cannot be read; check the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"
        return case.not_sent(reason, permanent=True)
    return case.not_sent(f"no connection to {case.place} could be established ({case.detail()})")


def _no_tls(case: _Case) -> ConnectError:
    reason = untrusted(case.text, case.place) or client_refused(case.text, case.place) or not_tls(case.text, case.place)
    if reason:
        return case.not_sent(reason, permanent=True)
    if "do_handshake" not in case.functions:
        # The files in the options were checked earlier, so this one comes from the environment.
        reason = f"the CA certificates cannot be loaded ({case.detail()}); check the file that REQUESTS_CA_BUNDLE names"
        return case.not_sent(reason, permanent=True)
    return case.not_sent(f"no TLS connection to {case.place} could be established ({case.detail()})")


def _lost_connection(case: _Case, exc: Exception, limit: float, timeout: float) -> ConnectError:
    """The error, if the server may have received the request and carried it out."""
    if isinstance(exc, OverflowError):
        reason = f"{case.server} sent {exc}; responses of the API are smaller; check base_url"
        return case.lost(reason, permanent=True)
    if case.names & _TLS_ERRORS:
        reason = client_refused(case.text, case.place) or ""
        if reason:
            return case.not_sent(reason, permanent=True)
        # With TLS 1.3, a server that requires a client certificate may close the connection before its alert is read.
        hint = "; the server may require a client certificate (client_cert, client_key)" if "EOF" in case.text else ""
        return case.lost(f"the TLS connection to {case.place} broke ({case.detail()}){hint}")
    if case.names & {"ReadTimeout", "ReadTimeoutError"}:
        cause = "the server may be overloaded, or timeout too short"
        reason = f"{case.sender} sent nothing within {timeout:g} seconds; {cause}"
        return case.lost(reason)
    if isinstance(exc, TimeoutError):
        return case.lost(f"{case.sender} sent no complete response within {limit:g} seconds")
    if isinstance(exc, UnreadableBody):
        return case.lost(
            f"{case.sender} sent {exc}; check base_url and the gateways in front of the server", permanent=exc.permanent
        )
    if case.names & _NOT_HTTP and "RemoteDisconnected" not in case.names:
        return case.lost(f"{case.sender} answered with something other than HTTP{case.hint}")
    if case.names & _LOST:
        closed = f"{case.sender} closed the connection before the response was complete ({case.detail()})"
        return case.lost(f"{closed}{case.hint}")
    if isinstance(exc, OSError):
        return case.lost(f"the call to {case.server} failed ({case.detail()})")
    # The libraries check little of what arrives, so a broken response may raise anything.
    return case.lost(f"{case.sender} sent a response that cannot be read ({type(case.chain[-1]).__name__}){case.hint}")


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
_TOO_MANY_SESSIONS = re.compile(
    r"\b(max(imum)?|limit|too many|exceed\w*)\b.*\bsessions?\b"
    r"|\bsessions?\b.*\b(max(imum)?|limit|too many|exceed\w*)\b",
    re.IGNORECASE,
)
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
    try:
        return unexpected(response.data())
    except ValueError:
        pass
    kind = response.headers.get("Content-Type", "").lower()
    if "json" in kind or response.body.lstrip()[:1] in (b"{", b"["):
        return "broken JSON"
    return f"something other than JSON ({response.quote(kind, 60) or 'no content type'})"


def api_error(response: Response, operation: str, server: str) -> ApiError:
    """The error for a call that did not succeed. `operation`: what was tried, as in "create runtime 'x'"."""
    fields = _fields(response)
    answer = f" with {body_of(response)}" if fields["message"] is None else f": {fields['message']!r}"
    facts = [part for part in (fields["code"], fields["ticket_id"] and f"ticket {fields['ticket_id']}") if part]
    if facts:
        answer += f" ({', '.join(facts)})"
    if 300 <= response.status < 400:
        answer = f" with a redirect to {_target(response)}, which is not followed so that no other host gets the token"
    sentence = f"Could not {operation}: {server} answered {response.status} to {response.request}{answer}. "
    kind = AuthError if response.status == 401 else ApiError
    # Below 200 it is only an interim response, after which Python does not read the final one.
    outcome_unknown = not 200 <= response.status < 500 and not response.request.startswith("GET ")
    return kind(
        (sentence + _next_step(response, fields, server)).rstrip(),
        outcome_unknown=outcome_unknown,
        http_status=response.status,
        request=response.request,
        **fields,
    )


def wrong_response(response: Response, operation: str, server: str, wanted: str) -> ApiError:
    """The error for a success status with an unexpected body. Whether the server did the work is unclear."""
    return ApiError(
        f"Could not {operation}: {server} answered {response.status} to {response.request} "
        f"with {body_of(response)} instead of {wanted}. {check_place(server)}",
        outcome_unknown=True,
        http_status=response.status,
        request=response.request,
    )


def _fields(response: Response) -> dict[str, Any]:
    """The API's error fields: from the object, or from the first object in its list "errors" [mstrio]."""
    try:
        data = response.data()
    except ValueError:
        data = None
    if isinstance(data, Mapping) and isinstance(data.get("errors"), list) and data["errors"]:
        data = data["errors"][0]
    if not isinstance(data, Mapping):
        data = {}
    number = data.get("iServerCode")
    return {
        **{
            name: response.quote(data[key])
            if isinstance(data.get(key), (str, int, float)) and data[key] != ""
            else None
            for name, key in (("code", "code"), ("message", "message"), ("ticket_id", "ticketId"))
        },
        "iserver_code": number if isinstance(number, int) and not isinstance(number, bool) else None,
    }


def _next_step(response: Response, fields: Mapping[str, Any], server: str) -> str:
    """What to do next; empty if the server's own message is sufficient."""
    if 300 <= response.status < 400:
        return "If the target is the right server, set base_url to it."
    number, message = code_number(fields["code"]), fields["message"] or ""
    if number != 9 and _TOO_MANY_SESSIONS.search(message):
        return _NEXT_STEP_FOR_SESSIONS
    if number in _NEXT_STEP_BY_CODE:
        return _NEXT_STEP_BY_CODE[number]
    if response.status in (404, 405) and (not number or message.startswith(f"HTTP {response.status} ")):
        # Every release has the calls below /auth.
        hint = "" if "/api/auth/" in response.request else "This release of the server may not have this call. "
        return hint + check_place(server)
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
