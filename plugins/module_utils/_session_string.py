# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An open session as one opaque string, which plays hand from task to task.

Floor 1: pure. One string, since Ansible masks each part of a secret wherever it occurs: a cookie C(1) on its own would
make C(10.0.0.0/16) unreadable in every result.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PREFIX = "mstr1."


@dataclass(frozen=True)
class SessionString:
    """What an open session consists of. A cookie is (name, value, domain, path)."""

    base_url: str
    token: str
    cookies: Sequence[tuple[str, str, str, str]]
    delegated: bool = False


def encode(session: SessionString) -> str:
    """The string; `decode` takes it back."""
    body = json.dumps([session.base_url, session.token, list(session.cookies), session.delegated]).encode()
    return _PREFIX + base64.urlsafe_b64encode(_digest(body) + body).decode("ascii")


def decode(text: str) -> SessionString:
    """The session in a string. Raises ValueError with the rest of a sentence for one that is made up or cut short."""
    try:
        if not text.startswith(_PREFIX):
            raise ValueError(text)
        raw = base64.b64decode(text[len(_PREFIX) :].encode("ascii"), altchars=b"-_", validate=True)
        body: Any = json.loads(raw[8:])
        base_url, token, cookies, delegated = body
        if raw[:8] != _digest(raw[8:]):
            raise ValueError(text)
        return SessionString(base_url, token, [(c[0], c[1], c[2], c[3]) for c in cookies], delegated)
    except (ValueError, TypeError, IndexError, RecursionError):
        raise ValueError("is no string of mstr_session, or not the whole of it") from None


def _digest(body: bytes) -> bytes:
    # Not a signature: it tells a truncated string from a whole one.
    return hashlib.sha256(body).digest()[:8]
