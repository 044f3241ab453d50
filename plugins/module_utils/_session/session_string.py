# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encodes an open session as one opaque string, which a play passes from task to task.

It is one string, because Ansible masks every secret value wherever it occurs. As a separate value, a cookie C(1) would
make C(10.0.0.0/16) unreadable in every result.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_DIGEST = 8  # bytes


class SessionString(NamedTuple):
    """The parts of an open session. A cookie is (name, value, domain, path)."""

    base_url: str
    token: str
    cookies: Sequence[tuple[str, str, str, str]]
    delegated: bool = False


def encode(session: SessionString, avoid: Iterable[str] = ()) -> str:
    """The string for `decode`. It contains none of the texts in `avoid`, because Ansible would mask them in it.

    Raises ValueError if a secret is too short to avoid.
    """
    body = json.dumps([session.base_url, session.token, list(session.cookies), session.delegated]).encode()
    body = hashlib.sha256(body).digest()[:_DIGEST] + body
    avoid = [text for text in avoid if text]
    for salt in range(256):
        text = base64.urlsafe_b64encode(bytes([salt]) + bytes(byte ^ salt for byte in body)).decode("ascii")
        if not any(secret in text for secret in avoid):
            return text
    raise ValueError("a credential of this task is so short that it occurs in every string")


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
        return SessionString(base_url, token, [(c[0], c[1], c[2], c[3]) for c in cookies], delegated)
    except (ValueError, TypeError, IndexError, RecursionError):
        remedy = "pass the string that mstr_session returned, unchanged"
        raise ValueError(f"is not a complete session string; {remedy}") from None
