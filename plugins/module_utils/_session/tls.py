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

from .._errors import ValidationError, clean

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
    options = [option for option in ("ca_path", "client_cert", "client_key") if params.get(option)]
    missing = [option for option in options if not os.access(params[option], os.R_OK)]
    yield from (f"{option} {params[option]!r} does not exist or cannot be read on this host" for option in missing)
    if "client_key" in options and "client_cert" not in options:
        yield "client_key is given without client_cert; set both"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # requests also accepts a directory of certificates.
    if "ca_path" in options and "ca_path" not in missing and not os.path.isdir(params["ca_path"]):
        try:
            context.load_verify_locations(params["ca_path"])
        except (OSError, ValueError):
            start = f"ca_path {params['ca_path']!r} contains no valid certificate"
            yield f"{start} in PEM format (-----BEGIN CERTIFICATE-----)"
    if "client_cert" in options and not {"client_cert", "client_key"} & set(missing):
        try:
            # Without a password, OpenSSL would ask for a passphrase on the terminal.
            context.load_cert_chain(params["client_cert"], params.get("client_key"), "")
        except (OSError, ValueError):
            both = " and ".join(f"{option} {params[option]!r}" for option in options if option != "ca_path")
            yield f"{both} must be a certificate and its key, both in PEM format and without a passphrase"


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
    kinds = (f"{urlsplit(server).scheme}_proxy", "all_proxy")
    names = [name for name, value in environment.items() if name.lower() in kinds and value == url]
    # Without a variable, it comes from the settings of the operating system.
    variables = " and ".join(sorted(names)) or "the proxy settings of this host"
    # A password may contain an `@`.
    scheme, rest = url.split("://", 1) if "://" in url else (None, url)
    userinfo, _at, address = rest.rpartition("@")
    try:
        parts = urlsplit(f"//{address}")
        host = (parts.hostname, parts.port)[0]  # reading an invalid port raises ValueError
    except ValueError:
        host = None
    # Without a scheme, requests assumes http, but then ignores a user name.
    invalid = bool(userinfo) if scheme is None else scheme.lower() not in _SCHEMES
    if invalid or not host or re.search(r"[/?#]", userinfo) or re.search(r"[\s\x00-\x1f\\]", url):
        raise ValidationError([f"the proxy URL in {variables} is not valid: {_EXPECTED}"])
    user, colon, password = userinfo.partition(":")
    # Without a password, the user name is a token.
    secret = password if colon else user
    secrets = frozenset(text for text in (userinfo, secret, unquote(secret)) if text)
    return Proxy(address.rstrip("/"), variables, secrets)
