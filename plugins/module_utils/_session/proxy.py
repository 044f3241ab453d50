# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the URL in a proxy variable, and finds the secrets in it.

Parsers differ on a password with an unencoded C(#) or C(/): some take a part of it for the host, which then appears in
messages. So such a URL is refused here, and no part of a refused URL is quoted.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_EXPECTED = (
    "expected http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with every special character of the user name and "
    "the password percent-encoded (# is %23, / is %2F, @ is %40)"
)


def proxy_fault(url: str) -> str | None:
    """The fault of an invalid URL, as the rest of a sentence; None for a valid URL."""
    scheme, userinfo, place = _parts(url)
    fault = f"is not a valid proxy URL: {_EXPECTED}"
    # Without a scheme, requests assumes http, but then ignores a user name.
    if (scheme is None and userinfo) or (scheme is not None and scheme.lower() not in _SCHEMES):
        return fault
    if re.search(r"[/?#]", userinfo) or re.search(r"[\s\x00-\x1f\\]", url):
        return fault
    try:
        parts = urlsplit(f"//{place}")
        host, _port = parts.hostname, parts.port
    except ValueError:
        return fault
    return None if host else fault


def secrets_in(url: str) -> set[str]:
    """The texts in a proxy URL that no message may contain: the user information, and the password also decoded."""
    _scheme, userinfo, _place = _parts(url)
    user, colon, password = userinfo.partition(":")
    # Without a password, the user name is a token.
    secret = password if colon else user
    return {text for text in (userinfo, secret, unquote(secret)) if text}


def _parts(url: str) -> tuple[str | None, str, str]:
    """Scheme, user information and the rest, split at the last C(@), because a password may contain one."""
    scheme, rest = url.split("://", 1) if "://" in url else (None, url)
    userinfo, _at, place = rest.rpartition("@")
    return scheme, userinfo, place
