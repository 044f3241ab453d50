# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How runtimes are identified: their ids and their names."""

from __future__ import annotations

import re

from .._errors import ValidationError

# The built-in runtime of every server [doc]. Some servers translate its name; the id is always the same.
DEFAULT_RUNTIME_ID = "0F35652CA7D041978BF0CBCB67531203"

_ID = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
# C0 and C1 controls, and the separators that end a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


# What stands between the name of a runtime and that of its unfinished replacement. Such names are reserved.
_REPLACEMENT = " (replacement)"


def replacement_name(name: str) -> str:
    """The name of a replacement until it takes the name of the runtime that it replaces."""
    return f"{name}{_REPLACEMENT}"


def is_replacement(name: str) -> bool:
    """Whether this is the name of an unfinished replacement."""
    return name.endswith(_REPLACEMENT)


def is_id(text: str) -> bool:
    """Whether the text has the form of an id."""
    return _ID.fullmatch(text) is not None


def id_from(text: str | None) -> str | None:
    """The id in upper case, as the server writes it. Raises ValidationError if it is not 32 hexadecimal digits."""
    if text is not None and not _ID.fullmatch(text):
        raise ValidationError([f"id {text!r} is invalid: expected 32 hexadecimal digits"])
    return text.upper() if text else text


def name_error(name: str) -> str | None:
    """Why this name is invalid, as the rest of a sentence that starts with the name; None if it is valid."""
    if not name.strip():
        return "is empty"
    if _CONTROL.search(name):
        return "contains a control character, such as a tab or a line break; remove it"
    if name != name.strip():
        return f"starts or ends with whitespace; write {name.strip()!r}"
    return None
