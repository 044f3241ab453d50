# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run in pieces, because AWX cuts the output of each event at 1,024 bytes, on its page and in its API.

A playbook shows each piece as the label of an item of a loop, because each item is an event of its own. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_LARGEST = 1000  # bytes of an event
# Ansible colours each line, and a terminal ends it with two characters.
_LINE_END = len("\x1b[0;32m\x1b[0m\r\n")
_AROUND = len("changed: [] => (item=)") + 3 * _LINE_END
_SMALLEST = 300  # bytes of a piece, however long the name of the host is


def pieces(lines: Iterable[str], host: str) -> Iterator[str]:
    """The lines in texts, each of which fits into one event. `host`: the name under which Ansible shows them."""
    limit = max(_SMALLEST, _LARGEST - _AROUND - len(host.encode()))
    piece: list[str] = []
    size = 0
    for line in lines:
        for part in _parts(line, limit):
            if piece and size + _size(part) > limit:
                yield "\n".join(piece)
                piece, size = [], 0
            piece.append(part)
            size += _size(part)
    if piece:
        yield "\n".join(piece)


def _parts(text: str, limit: int) -> Iterator[str]:
    """Each line of a text, in parts if it is too long."""
    for line in text.split("\n"):
        rest = line
        while _size(rest) > limit:
            part = rest.encode("utf-8", "replace")[: limit - _LINE_END].decode("utf-8", "ignore")
            # Rather between two words than in one.
            last_space = part.rfind(" ", len(part) // 2)
            part = part[: last_space + 1] or part
            yield part
            rest = rest[len(part) :]
        yield rest


def _size(line: str) -> int:
    return len(line.encode("utf-8", "replace")) + _LINE_END
