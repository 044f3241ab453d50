# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a question of the probe, and the error for a missing answer.

Answers are attached to public issues: nothing here quotes a text of the server.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .._errors import ApiError, MstrError, code_number

OTHER = "other"  # a behaviour that no value of the switch describes
Answer = tuple[Any, str]  # the value, and the evidence for it


class Unanswered(Exception):
    """A question without an answer. `reason` is a sentence that can be published."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Settings(NamedTuple):
    """The options of a probe. `reach` is (host, port); `wait_timeout` in seconds."""

    check_mode: bool = False
    scripts: bool = False
    reach: tuple[str, int] | None = None
    wait_timeout: float = 120.0
    cleanup: bool = False


def why(exc: MstrError) -> str:
    """Why a call failed, as a sentence without a host, an object or a user."""
    request = re.sub(r"[0-9A-Fa-f]{32}", "ID", str(exc.error["request"] or "the request"))
    status, code = exc.error["http_status"], exc.error["code"]
    if not status:
        return f"No usable response came to {request}."
    return f"The server answered {status}{f' {code}' if code_number(code) is not None else ''} to {request}."


def refused(refusal: ApiError) -> str:
    """How the server refused something, for the evidence."""
    code = refusal.error["code"]
    return f"refused with {refusal.status}{f' {code}' if code_number(code) is not None else ''}"
