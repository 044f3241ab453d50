# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many objects a large response has, before they exist. Only a call with such a response imports this file."""

from __future__ import annotations

import re

MOST_OBJECTS = 1_000_000  # of JSON, lists included
_MOST_VALUES = 4 * MOST_OBJECTS  # with texts and numbers, which need less memory
_QUOTE, _OPENINGS = ord('"'), b"[{"
_TOKEN = re.compile(rb'"[^"]*"?|[\[{,]')


def share_of_objects(body: bytes | bytearray) -> float:
    """How much of the limits a JSON body takes, 1 for all. Counted before they are objects: 3 bytes become 64."""
    objects = body.count(b"{") + body.count(b"[")
    share = max(objects / MOST_OBJECTS, (objects + body.count(b",")) / _MOST_VALUES)
    if share <= 1:
        return share
    # They may be in a text, such as the output of a script.
    objects = values = 0
    without_escapes = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    for match in _TOKEN.finditer(without_escapes):
        mark = without_escapes[match.start()]
        values += mark != _QUOTE
        objects += mark in _OPENINGS
        if objects > MOST_OBJECTS or values > _MOST_VALUES:
            break
    return max(objects / MOST_OBJECTS, values / _MOST_VALUES)
