# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An open session as one opaque string, which a play passes from task to task.

It is one string, because Ansible masks every secret value wherever it occurs: as a separate value, a cookie "1" would
make 10.0.0.0/16 unreadable in every result. Only a task with such a string imports this file.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError
from .._secrets import with_escaped_forms

INVALID = "is not a complete session string; give result.session of the task that registered the result of mstr_session"
_DIGEST = 8  # bytes


class SessionString(NamedTuple):
    """The parts of an open session. A cookie is (name, value, domain, path)."""

    base_url: str
    token: str
    cookies: Sequence[tuple[str, str, str, str]]
    delegated: bool = False


def string_for(session: SessionString, secrets: Iterable[str], secret_options: Mapping[str, str]) -> str:
    """The string for `decode`, without the `secrets` of the task and the values of `secret_options`.

    Raises MstrError, which names the option, if one is so short that it occurs in any string.
    """
    avoid = {option: with_escaped_forms([text]) for option, text in secret_options.items() if text}
    text = encode(session, frozenset(secrets).union(*avoid.values()))
    if text:
        return text
    options = [option for option, forms in avoid.items() if not encode(session, forms)]
    raise MstrError(
        f"Could not return the session: the value of {' and '.join(options) or 'a credential'} is so short that it "
        "occurs in every session string, and Ansible would mask it there. Use a longer value, or omit the option if "
        "the login does not need it."
    )


def encode(session: SessionString, avoid: Iterable[str] = ()) -> str:
    """The string for `decode`, without the texts in `avoid`, which Ansible would mask in it.

    It is empty if one of them is too short to avoid.
    """
    body = json.dumps([session.base_url, session.token, list(session.cookies), session.delegated]).encode()
    body = hashlib.sha256(body).digest()[:_DIGEST] + body
    avoid = [text for text in avoid if text]
    for salt in range(256):
        text = base64.urlsafe_b64encode(bytes([salt]) + bytes(byte ^ salt for byte in body)).decode("ascii")
        if not any(secret in text for secret in avoid):
            return text
    return ""


def decode(text: str) -> SessionString:
    """The session in a string. Raises ValueError with the rest of a sentence if it is invalid or incomplete."""
    try:
        salted = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        body = bytes(byte ^ salted[0] for byte in salted[1:])
        # The digest is not a signature; it only detects an incomplete string.
        if hashlib.sha256(body[_DIGEST:]).digest()[:_DIGEST] != body[:_DIGEST]:
            raise ValueError(text)
        parts: Any = json.loads(body[_DIGEST:])
        base_url, token, cookies, delegated = parts
        cookies = [tuple(cookie) for cookie in cookies]
        texts = [base_url, token, *(text for cookie in cookies for text in cookie)]
        # Name, value, domain and path of each cookie.
        if not token or any(len(cookie) != 4 for cookie in cookies) or not all(isinstance(text, str) for text in texts):
            raise ValueError(text)
        return SessionString(base_url, token, cookies, delegated)
    except (ValueError, TypeError, IndexError, RecursionError):
        raise ValueError(INVALID) from None
