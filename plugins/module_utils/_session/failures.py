# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of calls that failed: with an error response, or without a response.

Without a response, the exceptions of requests and urllib3 say why. Only the causes that are marked `never_sent` prove
that the server did nothing: whatever else breaks may have been carried out, also behind a proxy. The errors never quote
an exception's whole text, which contains object addresses and, behind a proxy, may contain secrets.

Only a call that fails imports this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http.client import BadStatusLine, LineTooLong, RemoteDisconnected
from itertools import product
from socket import gaierror
from ssl import SSLCertVerificationError, SSLError
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from .._errors import ApiError, AuthError, ConnectError, code_number
from .._text import clean
from .call import READ, Call
from .connection import Connection
from .response import Response, UnreadableBody
from .tls import Proxy, certificate_error

with suppress(ImportError):
    from requests import exceptions as requests_errors
    from urllib3 import exceptions as of_urllib3
    from urllib3.connection import CertificateError  # type: ignore[attr-defined,unused-ignore]


class Http(Protocol):
    """See `transport.Http`, which imports this file."""

    server: str
    timeout: float
    proxy: Proxy | None
    answered: bool  # whether the server has responded to a call
    secrets: frozenset[str]


class _Cause(NamedTuple):
    """Why a call got no response: one of its exceptions is an instance of `classes`, with a text that has `text`.

    `sentence`, and `behind_proxy` in its place, have the names of `_facts`. `never_sent`: the server did not receive
    the request. `refused`: nothing listens there. `permanent`: a retry will not succeed. `at_first`: only while the
    server has answered no call.
    """

    classes: tuple[type[BaseException], ...]
    sentence: str
    text: str = ""
    behind_proxy: str = ""
    never_sent: bool = False
    refused: bool = False
    permanent: bool = False
    at_first: bool = False


# TLS alerts that a server sends when it rejects the client's certificate. With TLS 1.3 they arrive after the client
# has sent its request, which the server does not read.
_CLIENT_REFUSED = (
    "(?i)alert (certificate|bad certificate|unsupported certificate|unknown ca|access denied|handshake failure)"
    "|certificate required|handshake failure"
)
_CLOSED = "{sender} closed the connection before the response was complete ({detail}){hint}"
_FROM_PROXY = "{proxy} on the way to {address} cannot be reached ({detail}); check {variables} and NO_PROXY"
_REFUSED_BY_PROXY = "{proxy} refused to connect to {address} ({detail}); check {variables} and "


def _causes() -> tuple[_Cause, ...]:
    """The causes, of which the first one that explains a failure counts. urllib3 and requests wrap the inner ones."""
    # Not InvalidHeader of requests, which may be about the response.
    invalid = (
        *(requests_errors.InvalidURL, requests_errors.InvalidSchema, requests_errors.MissingSchema),
        of_urllib3.LocationValueError,
    )
    lost = (requests_errors.ConnectionError, requests_errors.ChunkedEncodingError, requests_errors.ContentDecodingError)
    return (
        _Cause(
            (OSError,),
            f"{_REFUSED_BY_PROXY}the user name and password in it",
            text="^Tunnel connection failed: 407",
            never_sent=True,
        ),
        _Cause((OSError,), f"{_REFUSED_BY_PROXY}NO_PROXY", text="^Tunnel connection failed: ", never_sent=True),
        _Cause(
            (gaierror,),
            "the host name {host} cannot be resolved; check base_url and the name server",
            behind_proxy=_FROM_PROXY,
            never_sent=True,
        ),
        _Cause(
            (of_urllib3.NewConnectionError,),
            "cannot connect to {address} ({detail}); check base_url, and that the server is running",
            behind_proxy=_FROM_PROXY,
            never_sent=True,
            refused=True,
        ),
        _Cause(
            (of_urllib3.ConnectTimeoutError,),
            "{address} did not answer within {timeout:g} seconds; check base_url, firewalls and proxies",
            behind_proxy=_FROM_PROXY,
            never_sent=True,
        ),
        _Cause((SSLCertVerificationError, CertificateError), "{certificate}", never_sent=True, permanent=True),
        _Cause(
            (SSLError,),
            "{address} does not use TLS; if the server uses plain http, write http:// in base_url",
            text="WRONG_VERSION_NUMBER|record layer failure",
            never_sent=True,
            permanent=True,
            at_first=True,
        ),
        _Cause(
            (SSLError,),
            "{address} requires a client certificate that it trusts; check client_cert and client_key",
            text=_CLIENT_REFUSED,
            never_sent=True,
            permanent=True,
        ),
        _Cause(
            (SSLError,),
            "the CA certificates cannot be loaded ({detail}); check the file that REQUESTS_CA_BUNDLE names",
            text="X509|PEM",
            never_sent=True,
            permanent=True,
        ),
        _Cause(
            (OSError,),
            "the certificates cannot be read; check the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names",
            text="^Could not find (a suitable TLS CA|the TLS) certificate",
            never_sent=True,
            permanent=True,
        ),
        _Cause(
            (SSLError,),
            "the TLS connection to {address} broke ({detail}); the server may require a client certificate "
            "(client_cert, client_key)",
            text="EOF",
        ),
        _Cause((SSLError,), "the TLS connection to {address} broke ({detail})"),
        _Cause(
            (requests_errors.InvalidSchema,),
            "{variables} names a SOCKS proxy, which needs the Python library PySocks; install PySocks",
            text="SOCKS",
            never_sent=True,
            permanent=True,
        ),
        _Cause(
            invalid,
            "the request to {server} is not valid: {detail}; check base_url",
            # The exception's text may contain the proxy's password.
            behind_proxy="the request to {server} is not valid: check base_url and {variables}",
            never_sent=True,
            permanent=True,
        ),
        _Cause((UnreadableBody,), "{sender} sent {detail}; check base_url and the gateways in front of the server"),
        _Cause(
            (requests_errors.ReadTimeout, of_urllib3.ReadTimeoutError),
            "{sender} sent nothing within {timeout:g} seconds; the server may be overloaded, or timeout too short",
        ),
        _Cause((RemoteDisconnected,), _CLOSED),
        _Cause(
            (BadStatusLine, LineTooLong, of_urllib3.InvalidHeader, of_urllib3.HeaderParsingError),
            "{sender} answered with something other than HTTP{hint}",
        ),
        _Cause((*lost, of_urllib3.ProtocolError), _CLOSED),
        _Cause((OSError,), "the call to {server} failed ({detail})"),
        # The libraries check little of what arrives, so a broken response may raise anything.
        _Cause((BaseException,), "{sender} sent a response that cannot be read ({kind}){hint}"),
    )


def connect_error(exc: Exception, call: Call, http: Http) -> ConnectError:
    """The error of a call that ended with an exception instead of a response."""
    chain = list(_chain(exc))
    cause, found = _cause_of(chain, http.answered)
    sentence = cause.behind_proxy if http.proxy and cause.behind_proxy else cause.sentence
    facts = _facts(chain, found, call, http)
    return ConnectError(
        f"Could not {call.operation}: {sentence.format(**facts)}.",
        request=call.name,
        connection_refused=cause.refused,
        permanent=cause.permanent or getattr(found, "permanent", False),
        outcome_unknown=call.kind != READ and not cause.never_sent,
    )


def _cause_of(chain: list[BaseException], answered: bool) -> tuple[_Cause, BaseException]:
    """The first cause that explains an exception of the chain, and that exception."""
    for cause, exc in product(_causes(), chain):
        is_possible = not (cause.at_first and answered)
        if is_possible and isinstance(exc, cause.classes) and re.search(cause.text, str(exc)):
            return cause, exc
    raise AssertionError("the last cause explains every exception")


def _facts(chain: list[BaseException], found: BaseException, call: Call, http: Http) -> dict[str, Any]:
    """What the sentence of a cause may name. `found`: the exception that it explains."""
    parts = urlsplit(http.server)
    address = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    variables = http.proxy.variables if http.proxy else "the environment"
    # A TLS port closes a plain http connection, or responds with something other than HTTP.
    may_be_tls = parts.scheme == "http" and not http.answered
    return {
        "server": http.server,
        "host": parts.hostname,
        "address": address,
        "proxy": http.proxy,
        "variables": variables,
        "sender": f"{http.server}, or {http.proxy} ({variables}) in between," if http.proxy else http.server,
        "timeout": call.timeout or http.timeout,
        "certificate": certificate_error(str(found), address),
        "detail": _detail(chain, http.secrets),
        "kind": type(chain[-1]).__name__,
        "hint": "; if this port uses TLS, write https:// in base_url" if may_be_tls else "",
    }


def _detail(chain: list[BaseException], secrets: Iterable[str]) -> str:
    """The text of the innermost exception, without object addresses."""
    for cause in reversed(chain):
        if isinstance(cause, OSError) and cause.strerror:
            return clean(re.sub(r" \(_ssl\.c:\d+\)", "", cause.strerror), 100)
    last = chain[-1]
    text = re.sub(r"<[^>]*>(: )?|\([^()]*object at 0x[^()]*\)", "", str(last))
    return clean(text, 120, secrets) or type(last).__name__


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception, and those that it wraps, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        # urllib3 1.26 suppresses the TypeError of a first attempt, which is unrelated to the failure.
        context = None if current.__suppress_context__ else current.__context__
        wrapped = (getattr(current, "reason", None), *current.args, current.__cause__, context)
        current = next((inner for inner in wrapped if isinstance(inner, BaseException)), None)


_LIBRARY = "/MicroStrategyLibrary"
_KINDS_OF_JSON = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_HTML = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_EXISTS = 15  # an object of this name exists [doc]: whatever the status is, a 500 in the schema, nothing was done
# Whoever runs or changes scripts needs both [schema].
_PRIVILEGES = "the privilege 'Manage runtime', for scripts also the privilege to use Python scripts"
# What to do next, by the number of the API's error code [doc].
_NEXT_STEP_BY_CODE = {
    3: "Check the credentials and login_mode.",
    9: "The session has ended: it timed out, or another job of the same user logged out.",
    14: f"The user needs {_PRIVILEGES}, and a licence for the API.",
    17: f"The user needs permission on this object, and {_PRIVILEGES}.",
}
_NEXT_STEP_BY_STATUS = {
    **dict.fromkeys(range(300, 400), "If the target is the right server, set base_url to it."),
    401: "Check the credentials and login_mode.",
    403: f"The user needs {_PRIVILEGES}, and a licence for the API; or a gateway refuses the call.",
    429: "The server received too many requests; try again later.",
    503: "The server is not available now; try again later.",
}
_TOO_MANY_SESSIONS = re.compile(r"(?=.*\b(max(imum)?|limit|too many|exceed\w*)\b).*\bsessions?\b", re.IGNORECASE)
# Not every release has these for a write [schema, mstrio].
_JOURNAL = re.compile(r".*\b(changeJournal|userComments)\b", re.DOTALL)
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
    fields = {} if expected else _fields(response)
    if expected:
        answer = f" with {body_of(response)} instead of {expected}"
    elif 300 <= response.status < 400:
        target = _target(response)
        answer = f" with a redirect to {target}, which is not followed so that no other host gets the token"
    else:
        answer = _answer(response, fields)
    next_step = _next_step(response, fields, server)
    if expected or _is_elsewhere(response, server):
        next_step = _check_base_url(server)
    kind = AuthError if response.status == 401 else ApiError
    sentence = f"Could not {operation}: {server} answered {response.status} to {response.request}{answer}. {next_step}"
    # Below 200 it is only an interim response, after which Python does not read the final one. After an unexpected
    # body, nobody knows whether the server did the work.
    outcome_unknown = not (300 <= response.status < 500 or _is_elsewhere(response, server))
    outcome_unknown &= not response.request.startswith("GET ") and code_number(fields.get("code")) != _EXISTS
    fields |= {"http_status": response.status, "request": response.request}
    return kind(sentence.rstrip(), outcome_unknown=outcome_unknown, **fields)


def _answer(response: Response, fields: Mapping[str, Any]) -> str:
    """What the server answered: its own message, its error code and its ticket, or what came instead."""
    answer = f" with {body_of(response)}" if fields["message"] is None else f": {fields['message']!r}"
    facts = [fields["code"]] if fields["code"] else []
    if fields["ticket_id"]:
        facts.append(f"ticket {fields['ticket_id']}")
    return f"{answer} ({', '.join(facts)})" if facts else answer


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
    return "/api/auth/" in response.request and not (urlsplit(server).path or is_busy or response.error.get("code"))


def _check_base_url(server: str) -> str:
    usual = f" It {'usually' if urlsplit(server).path else 'has no path, and usually'} ends in {_LIBRARY}."
    usual = "" if server.endswith(_LIBRARY) else usual
    return f"Check that base_url is the URL of the Library server, and that no gateway answers in its place.{usual}"


def _fields(response: Response) -> dict[str, Any]:
    """The facts of an error, under `ERROR_KEYS`."""
    error, fields = response.error, dict[str, Any]()
    for name, key in {"code": "code", "message": "message", "ticket_id": "ticketId"}.items():
        value = error.get(key)
        fields[name] = response.quote(value) if isinstance(value, (str, int, float)) and value != "" else None
    number = error.get("iServerCode")
    return {**fields, "iserver_code": number if isinstance(number, int) and not isinstance(number, bool) else None}


def _next_step(response: Response, fields: Mapping[str, Any], server: str) -> str:
    """What to do next; empty if the server's own message is sufficient."""
    number, message = code_number(fields.get("code")), fields.get("message") or ""
    of_tomcat = message.startswith(f"HTTP {response.status} ")
    if number != 9 and _TOO_MANY_SESSIONS.match(message):
        return _NEXT_STEP_FOR_SESSIONS
    if response.status == 400 and _JOURNAL.match(message):
        return "This release does not take a comment here: leave out journal_comment."
    if number in _NEXT_STEP_BY_CODE:
        return _NEXT_STEP_BY_CODE[number]
    if response.status in (404, 405) and (not number or of_tomcat):
        check = _check_base_url(server)
        # Every release has the calls below /auth.
        if "/api/auth/" in response.request:
            return check
        return f"This release of the server may not have this call. {check}"
    if fields.get("code"):
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
