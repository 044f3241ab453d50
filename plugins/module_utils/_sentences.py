# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentences of any length: what people are shown of them. Only a long message, or a failure, needs this file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ._errors import LONGEST_NAME, LONGEST_TEXT, cut, masked, printable

_LONGEST_LINE = 100_000  # characters; its end may say what to do
_LONG_PARTS = re.compile(
    f"""(?<![^\\s([{{])(?:'[^'\n]{{{LONGEST_NAME + 1},}}|"[^"\n]{{{LONGEST_NAME + 1},}})"""  # what is quoted
    f"""|(?<!\\S)\\S{{{LONGEST_TEXT + 1},}}"""
)


def shortened(message: str, secrets: Iterable[str] = ()) -> str:
    """A message in which no name, no text and no line is of any length that a server chooses.

    What is quoted is a name, or after a colon a text. Secrets are masked first, because a cut may leave half of one.
    """

    def part(match: re.Match[str]) -> str:
        text = match.group()
        if text[0] not in "\"'":
            return cut(text, LONGEST_TEXT)
        after_colon = message[match.start() - 2 : match.start()] == ": "
        return text[0] + cut(text[1:], LONGEST_TEXT if after_colon else LONGEST_NAME)

    if len(message) <= LONGEST_NAME:
        return message
    message = masked(message, secrets)
    lines = _LONG_PARTS.sub(part, message).split("\n")
    most = _LONGEST_LINE
    return "\n".join(line if len(line) <= most else cut(line, most - 500) + line[-500:] for line in lines)


def shorten_all(result: dict[str, Any], secrets: Iterable[str]) -> None:
    """Shorten the sentences of a result: of the task, of its errors, and of the errors of its rows; no data."""
    for key, value in result.items():
        if key in ("msg", "message") and isinstance(value, str):
            result[key] = shortened(printable(value), secrets)
        elif isinstance(value, dict) and (key == "error" or "msg" in value):
            shorten_all(value, secrets)
        elif isinstance(value, list):
            for row in value:
                if isinstance(row, dict) and isinstance(row.get("error"), dict):
                    shorten_all(row["error"], secrets)
