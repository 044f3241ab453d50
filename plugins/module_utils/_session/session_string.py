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
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .._errors import MstrError

INVALID = "is not a complete session string; give result.session of the task that registered the result of mstr_session"
_DIGEST = 8  # bytes


class SessionString(NamedTuple):
    """The parts of an open session. A cookie is (name, value, domain, path)."""

    base_url: str
    token: str
    cookies: Sequence[tuple[str, str, str, str]]
    delegated: bool = False


def encode(session: SessionString, secrets: Iterable[str] = ()) -> str:
    """The string for `decode`, without the `secrets` of the task, which Ansible would mask in it.

    Raises MstrError if one of them is so short that it occurs in any string.
    """
    body = json.dumps([session.base_url, session.token, list(session.cookies), session.delegated]).encode()
    body = hashlib.sha256(body).digest()[:_DIGEST] + body
    for salt in range(256):
        text = base64.urlsafe_b64encode(bytes([salt]) + bytes(byte ^ salt for byte in body)).decode("ascii")
        if not any(secret in text for secret in secrets):
            return text
    raise MstrError(
        "Could not return the session: the value of a secret option is so short that it occurs in every session "
        "string, and Ansible would mask it there. Use a longer value, or omit the option if the login does not need it."
    )


def decode(text: str) -> SessionString:
    """The session in a string. Raises ValueError with the rest of a sentence if it is invalid or incomplete."""
    try:
        salted = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        body = bytes(byte ^ salted[0] for byte in salted[1:])
    except (ValueError, IndexError):
        raise ValueError(INVALID) from None
    digest, content = body[:_DIGEST], body[_DIGEST:]
    # The digest is not a signature; it only detects an incomplete string.
    if hashlib.sha256(content).digest()[:_DIGEST] != digest:
        raise ValueError(INVALID)
    base_url, token, cookies, delegated = json.loads(content)
    return SessionString(base_url, token, [tuple(cookie) for cookie in cookies], delegated)
