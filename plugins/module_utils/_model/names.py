# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How runtimes are identified: their ids, their names, and names that are easily confused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from .._errors import ValidationError

# The built-in runtime of every server [doc]. Some servers translate its name; the id is always the same.
DEFAULT_RUNTIME_ID = "0F35652CA7D041978BF0CBCB67531203"

_ID = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
# C0 and C1 controls, and the separators that end a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def id_from(text: str | None) -> str | None:
    """The id in upper case, as the server writes it. Raises ValidationError if it is not 32 hexadecimal digits."""
    if text is not None and not _ID.fullmatch(text):
        raise ValidationError([f"id {text!r} is invalid: expected 32 hexadecimal digits"])
    return text.upper() if text else text


def name_fault(name: str) -> str | None:
    """Why this name is invalid, as the rest of a sentence that starts with the name; None if it is valid."""
    if not name.strip():
        return "is empty"
    if _CONTROL.search(name):
        return "contains a control character, such as a tab or a line break; remove it"
    if name != name.strip():
        return f"starts or ends with whitespace; write {name.strip()!r}"
    return None


def name_key(name: str) -> str:
    """A key that is equal for names that differ only in case or in surrounding whitespace."""
    return name.strip().casefold()


def near_names(name: str, others: Iterable[str]) -> list[str]:
    """The names in `others` that differ from `name` only in case or in surrounding whitespace."""
    key = name_key(name)
    return sorted({other for other in others if other != name and name_key(other) == key})


def nearly_naming(name: str, patterns: Iterable[str]) -> list[str]:
    """Those of the patterns that would fit the name if case and surrounding whitespace did not count.

    Not of patterns with brackets: `[A-Z]*` asks for the case.
    """
    key = name_key(name)
    return [one for one in patterns if (fnmatchcase(key, name_key(one)) and "[" not in one) or name_key(one) == key]


def is_named(name: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern equals the name or matches it as a shell pattern. A name may itself contain brackets."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)
