# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explains why a call got no response, from the exceptions of requests and urllib3.

If a connection breaks, the server may have received the request, unless the traceback proves that it was never sent: an
exception from `connect` means that there was no connection yet. The class of the exception proves nothing: behind a
proxy, urllib3 raises ProxyError for every broken connection, even after a request was sent.
The code compares class names, so that it needs neither library. It never quotes an exception's whole text, which
contains object addresses and, behind a proxy, may contain secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from .._errors import clean
from .tls import client_refused, not_tls, untrusted

# Functions of http.client, urllib3 and requests that finish before a request is sent.
_BEFORE_SENDING = {"connect", "cert_verify"}
# Exceptions of requests for an invalid request.
_NO_REQUEST = {"InvalidURL", "InvalidSchema", "MissingSchema", "InvalidHeader", "InvalidJSONError"}
_TLS_ERRORS = {"SSLError", "CertificateError"}
_TIMEOUTS = {"ConnectTimeout", "ConnectTimeoutError", "ReadTimeout", "ReadTimeoutError", "TimeoutError", "timeout"}
_LOST = {"ConnectionError", "ChunkedEncodingError", "ProtocolError", "ContentDecodingError", "ProxyError"}
_HTTPS_HINT = "; if this port uses TLS, write https:// in base_url"


class Failure(NamedTuple):
    """The reason, as the rest of a sentence. For the flags, see `ConnectError`."""

    reason: str
    unclear: bool = False
    refused: bool = False
    hopeless: bool = False


class _Case:
    """An exception with all its causes, and the facts about the call."""

    def __init__(self, exc: BaseException, server: str, proxied: bool, answered: bool) -> None:
        parts = urlsplit(server)
        self.host, self.server, self.proxied = parts.hostname or "", server, proxied
        self.place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        self.chain = list(_chain(exc))
        self.names = {cls.__name__ for one in self.chain for cls in type(one).__mro__}
        self.functions = {name for one in self.chain for name in _functions(one)}
        self.text = " ".join(str(one) for one in self.chain)
        self.sender = f"{server}, or the proxy in between," if proxied else server
        # A TLS port closes a plain http connection, or responds with something other than HTTP.
        self.hint = _HTTPS_HINT if parts.scheme == "http" and not answered else ""

    def detail(self) -> str:
        """The text of the innermost exception, without object addresses."""
        for one in reversed(self.chain):
            if isinstance(one, OSError) and one.strerror:
                return clean(re.sub(r" \(_ssl\.c:\d+\)", "", one.strerror), 100)
        last = self.chain[-1]
        text = re.sub(r"<[^>]*>(: )?|\([^()]*object at 0x[^()]*\)", "", str(last))
        return clean(text, 120) or type(last).__name__


def explain(
    exc: BaseException, server: str, limit: float, *, proxied: bool = False, answered: bool = True
) -> Failure | None:
    """Why a call failed; None for an exception that has a different origin.

    `limit`: seconds that the whole call may take. `proxied`: the call goes through a proxy. `answered`: the server has
    responded to an earlier call.
    """
    case = _Case(exc, server, proxied, answered)
    if isinstance(exc, OverflowError):
        reason = f"{server} sent {exc}; responses of the API are smaller; check base_url"
        return Failure(reason, unclear=True, hopeless=True)
    if case.names & _NO_REQUEST and not case.functions & _BEFORE_SENDING:
        # Behind a proxy, the exception's text may contain the proxy's password.
        why = "check base_url and HTTPS_PROXY" if proxied else f"{case.detail()}; check base_url"
        return Failure(f"the request to {server} is not valid: {why}", hopeless=True)
    if case.functions & _BEFORE_SENDING:
        return _not_connected(case)
    return _lost(case, exc, limit)


def _not_connected(case: _Case) -> Failure:
    """The reason, if the request was not sent."""
    refused_by_proxy = re.match(r"Tunnel connection failed: (\d{3}.*)", str(case.chain[-1]))
    if refused_by_proxy:
        check = "the user name and password in it" if refused_by_proxy.group(1).startswith("407") else "NO_PROXY"
        why = clean(refused_by_proxy.group(1), 80)
        return Failure(f"the proxy refused to connect to {case.place} ({why}); check HTTPS_PROXY and {check}")
    if case.names & _TLS_ERRORS:
        return _no_tls(case)
    unresolved = bool(case.names & {"NameResolutionError", "gaierror", "LocationParseError"})
    refused = bool(case.names & {"NewConnectionError", "ConnectionRefusedError"}) and not unresolved
    if case.proxied and ("create_connection" in case.functions or "_tunnel" in case.functions):
        what = "did not open a connection" if "_tunnel" in case.functions else "cannot be reached"
        return Failure(
            f"the proxy on the way to {case.place} {what} ({case.detail()}); check HTTPS_PROXY and NO_PROXY",
            refused=refused,
        )
    if unresolved:
        return Failure(f"the host name {case.host} cannot be resolved; check base_url and the name server")
    if refused:
        reason = f"cannot connect to {case.place} ({case.detail()}); check base_url, and that the server is running"
        return Failure(reason, refused=True)
    if case.names & _TIMEOUTS:
        return Failure(f"{case.place} did not answer within the timeout; check base_url, firewalls and proxies")
    if "cert_verify" in case.functions:
        reason = "the certificates cannot be read; check the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"
        return Failure(reason, hopeless=True)
    return Failure(f"no connection to {case.place} could be established ({case.detail()})")


def _no_tls(case: _Case) -> Failure:
    reason = untrusted(case.text, case.place) or client_refused(case.text, case.place) or not_tls(case.text, case.place)
    if reason:
        return Failure(reason, hopeless=True)
    if "do_handshake" not in case.functions:
        # The files in the options were checked earlier, so this one comes from the environment.
        reason = f"the CA certificates cannot be loaded ({case.detail()}); check the file that REQUESTS_CA_BUNDLE names"
        return Failure(reason, hopeless=True)
    return Failure(f"no TLS connection to {case.place} could be established ({case.detail()})")


def _lost(case: _Case, exc: BaseException, limit: float) -> Failure | None:
    """The reason, if the server may have received the request and carried it out."""
    if case.names & _TLS_ERRORS:
        reason = client_refused(case.text, case.place)
        if reason:
            return Failure(reason, hopeless=True)
        # With TLS 1.3, a server that requires a client certificate may close the connection before its alert is read.
        hint = "; the server may require a client certificate (client_cert, client_key)" if "EOF" in case.text else ""
        return Failure(f"the TLS connection to {case.place} broke ({case.detail()}){hint}", unclear=True)
    if case.names & {"ReadTimeout", "ReadTimeoutError"}:
        reason = f"{case.sender} sent nothing within the timeout; the server may be overloaded, or timeout too short"
        return Failure(reason, unclear=True)
    if isinstance(exc, TimeoutError):
        return Failure(f"{case.sender} sent no complete response within {limit:g} seconds", unclear=True)
    if "BadStatusLine" in case.names and "RemoteDisconnected" not in case.names:
        return Failure(f"{case.sender} answered with something other than HTTP{case.hint}", unclear=True)
    if case.names & _LOST:
        closed = f"{case.sender} closed the connection before the response was complete ({case.detail()})"
        return Failure(f"{closed}{case.hint}", unclear=True)
    # HTTPError is the base class of urllib3's exceptions; requests does not wrap all of them.
    if case.names & {"RequestException", "HTTPError"} or isinstance(exc, OSError):
        return Failure(f"the call to {case.server} failed ({case.detail()})", unclear=True)
    return None


def _functions(exc: BaseException) -> Iterator[str]:
    """Names of the functions in an exception's traceback."""
    trace = exc.__traceback__
    while trace:
        yield trace.tb_frame.f_code.co_name
        trace = trace.tb_next


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
