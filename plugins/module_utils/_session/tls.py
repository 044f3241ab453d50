# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates and proxies: checks of what a task names, and messages for the errors that TLS reports.

Reads the files of certificates; sends nothing.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from .._errors import ValidationError
from .._text import clean

_OFF = "validate_certs: false turns the check off"
_CA_HINT = f"Set ca_path (or MSTR_CA_PATH) to a file with the CA that signed it; {_OFF}"
# No CA signed it.
_SELF_HINT = f"To trust this certificate itself, set ca_path (or MSTR_CA_PATH) to a file that contains it; {_OFF}"
_HOST_HINT = f"Use a host name that the certificate contains in base_url; {_OFF}"
_DATE_HINT = f"Renew the certificate of the server, or correct the clock of this host; {_OFF}"

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_EXPECTED = (
    "expected http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with every special character of the user name and "
    "the password percent-encoded (# is %23, / is %2F, @ is %40)"
)


def file_errors(params: Mapping[str, Any]) -> Iterator[str]:
    """An error for each problem with the files in `ca_path`, `client_cert` and `client_key`."""
    if params.get("ca_path"):
        yield from _bundle_errors(params["ca_path"])
    of_client = {option: params[option] for option in ("client_cert", "client_key") if params.get(option)}
    if of_client:
        yield from _client_errors(of_client)


def _bundle_errors(path: str) -> Iterator[str]:
    if not os.access(path, os.R_OK):
        yield _unreadable("ca_path", path)
    elif not os.path.isdir(path):  # requests also accepts a directory of certificates
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except (OSError, ValueError):
            yield f"ca_path {path!r} contains no valid certificate in PEM format (-----BEGIN CERTIFICATE-----)"


def _client_errors(files: Mapping[str, str]) -> Iterator[str]:
    unreadable = [_unreadable(option, path) for option, path in files.items() if not os.access(path, os.R_OK)]
    yield from unreadable
    if "client_cert" not in files:
        yield "client_key is given without client_cert; set both"
    elif not unreadable:
        try:
            # Without a password, OpenSSL would ask for a passphrase on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(files["client_cert"], files.get("client_key"), "")
        except (OSError, ValueError):
            named = " and ".join(f"{option} {path!r}" for option, path in files.items())
            yield f"{named} must be a certificate and its key, both in PEM format and without a passphrase"


def _unreadable(option: str, path: str) -> str:
    return f"{option} {path!r} does not exist or cannot be read on this host"


def certificate_error(text: str, address: str) -> str:
    """The end of a sentence about the server's certificate, from the text of the exception that refuses it."""
    # urllib3 1.26 compares the names itself.
    match = re.search(r"certificate verify failed: ([^(\[]+)|(hostname .{1,99} doesn't match [^()]{1,99})", text)
    why = clean(match[1] or match[2], 120).rstrip(' ."') if match else "it is not valid"
    if "mismatch" in why or "doesn't match" in why:
        return f"the TLS certificate of {address} is for another host: {why}. {_HOST_HINT}"
    hint = _CA_HINT
    if "expired" in why or "not yet valid" in why:
        hint = _DATE_HINT
    elif re.fullmatch("self.signed certificate", why):
        hint = _SELF_HINT
    return f"the TLS certificate of {address} is not trusted: {why}. {hint}"


class Proxy(NamedTuple):
    """The proxy of a server for messages. `variables`: those that name it. `secrets`: what no message may contain."""

    address: str
    variables: str
    secrets: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"the proxy {self.address}"


def proxy_from(url: str, server: str, environment: Mapping[str, str]) -> Proxy:
    """The proxy with this URL, which the environment sets for the server. Raises ValidationError for an invalid URL.

    Parsers differ on a password with an unencoded # or /: some take a part of it for the host, which then appears in
    messages. So such a URL is refused, and no part of a refused URL is quoted.
    """
    variables = _variables_with(url, server, environment)
    # A password may contain an `@`.
    scheme, rest = url.split("://", 1) if "://" in url else (None, url)
    userinfo, _at, address = rest.rpartition("@")
    # Without a scheme, requests assumes http, but then ignores a user name.
    is_valid = scheme.lower() in _SCHEMES if scheme is not None else not userinfo
    is_ambiguous = re.search(r"[/?#]", userinfo) or re.search(r"[\s\x00-\x1f\\]", url)
    if not is_valid or is_ambiguous or not _has_host(address):
        raise ValidationError([f"the proxy URL in {variables} is not valid: {_EXPECTED}"])
    user, colon, password = userinfo.partition(":")
    # Without a password, the user name is a token.
    secret = password if colon else user
    return Proxy(address.rstrip("/"), variables, frozenset({userinfo, secret, unquote(secret)} - {""}))


def _variables_with(url: str, server: str, environment: Mapping[str, str]) -> str:
    """The names of the variables from which the URL of the proxy comes, for messages."""
    kinds = (f"{urlsplit(server).scheme}_proxy", "all_proxy")
    names = [name for name, value in environment.items() if name.lower() in kinds and value == url]
    # Without a variable, it comes from the settings of the operating system.
    return " and ".join(sorted(names)) or "the proxy settings of this host"


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(f"//{address}")
        return bool((parts.hostname, parts.port)[0])  # reading an invalid port raises ValueError
    except ValueError:
        return False
