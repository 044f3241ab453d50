# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why no answer came, in words: the exceptions of requests and urllib3, sorted.

Wing: Session, pure.
Looks at names, so that it needs neither library. The text of an exception is quoted nowhere as a whole: it
holds object addresses and, behind a proxy, may hold more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from ._errors import clean

_CA_HINT = (
    "Set ca_path (or MSTR_CA_PATH) to a file with the CA that signed it; validate_certs: false turns the check off"
)


class Failure(NamedTuple):
    """The rest of a sentence; what it means is told by ConnectError."""

    reason: str
    unclear: bool = False
    refused: bool = False
    hopeless: bool = False


def failure(exc: BaseException, server: str, limit: float) -> Failure | None:
    """What went wrong with a call, None for an exception that is no failed call."""
    parts = urlsplit(server)
    place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    chain = list(_chain(exc))
    names = {cls.__name__ for one in chain for cls in type(one).__mro__}
    if isinstance(exc, OverflowError):
        return Failure(f"{server} answered with {exc}, which no answer of this API has", unclear=True, hopeless=True)
    if "ProxyError" in names:
        return Failure(f"the proxy on the way to {place} fails ({_detail(chain)}); see HTTPS_PROXY and NO_PROXY")
    if names & {"SSLError", "SSLCertVerificationError", "CertificateError"}:
        return _tls(chain, place)
    if names & {"NameResolutionError", "gaierror"}:
        return Failure(f"the host name {parts.hostname} cannot be resolved; check base_url and the name server")
    if "NewConnectionError" in names or "ConnectionRefusedError" in names:
        reason = f"nothing listens at {place} ({_detail(chain)}); check base_url and that the server runs"
        return Failure(reason, refused=True)
    if names & {"ConnectTimeout", "ConnectTimeoutError"}:
        return Failure(f"{place} does not answer within the timeout; check base_url, firewalls and proxies")
    if names & {"ReadTimeout", "ReadTimeoutError"}:
        reason = f"{server} sent nothing for the whole timeout; it may be overloaded, or timeout too short"
        return Failure(reason, unclear=True)
    if isinstance(exc, TimeoutError):
        return Failure(f"{server} sent no whole answer within {limit:g} seconds", unclear=True)
    if names & {"ConnectionError", "ChunkedEncodingError", "ProtocolError", "ContentDecodingError"}:
        reason = f"{server} closed the connection before its answer was whole ({_detail(chain)})"
        return Failure(reason, unclear=True)
    # HTTPError is the base of urllib3's own, of which requests lets some through.
    if names & {"RequestException", "HTTPError"} or isinstance(exc, OSError):
        return Failure(f"the call to {server} failed ({_detail(chain)})", unclear=True)
    return None


def _tls(chain: list[BaseException], place: str) -> Failure:
    text = " ".join(str(one) for one in chain)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text or "doesn't match" in text:
        found = re.search(r"certificate verify failed: ([^(\[]+)", text)
        why = clean(found.group(1), 120).rstrip(" .") if found else "it is not valid for this host"
        return Failure(f"the TLS certificate of {place} is not trusted: {why}. {_CA_HINT}", hopeless=True)
    if "certificate required" in text.lower().replace("_", " ") or "handshake failure" in text:
        return Failure(
            f"{place} wants a client certificate that it trusts; set client_cert and client_key", hopeless=True
        )
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
        return Failure(f"{place} does not speak TLS; if it serves plain http, write http:// in base_url", hopeless=True)
    # With TLS 1.3 a server tells only after the handshake that it wants one, and may hang up before that is heard.
    hint = "; it may want a client certificate that it trusts, see client_cert and client_key" if "EOF" in text else ""
    return Failure(f"the TLS connection to {place} failed ({_detail(chain)}){hint}", unclear=bool(hint))


def _detail(chain: list[BaseException]) -> str:
    """The innermost reason, without the addresses of objects."""
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror:
            return clean(one.strerror, 100)
    return (
        clean(re.sub(r"<[^>]*>(: )?|\([^()]*object at 0x[^()]*\)", "", str(chain[-1])), 120) or type(chain[-1]).__name__
    )


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        inner = getattr(exc, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in exc.args if isinstance(arg, BaseException)), None)
        exc = inner or exc.__cause__ or exc.__context__
