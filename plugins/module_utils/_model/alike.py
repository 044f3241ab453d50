# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are easily confused, and lists of names and patterns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatchcase

# Characters that are not displayed and are not format characters (category Cf): joiners, fillers, variation selectors.
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_PLAIN = re.compile("[ -~]*")
_FORMAT = ("Cc", "Cf")
# What the names of two runtimes that are easily confused differ in, for messages.
ALIKE = "case, whitespace or the form of a character"


def name_key(name: str) -> str:
    """A key that is equal for names that a person would read as the same.

    Such names differ only in case, in whitespace, in invisible characters, or in the form of a character: composed or
    decomposed, full-width, a ligature.
    """
    if _PLAIN.fullmatch(name):
        return " ".join(name.lower().split())
    text = unicodedata.normalize("NFKC", name)
    visible = (
        char for char in text if char.isspace() or not (unicodedata.category(char) in _FORMAT or _IGNORABLE.match(char))
    )
    # Case folding and removed characters may leave a text that is not normalized.
    return " ".join(unicodedata.normalize("NFKC", "".join(visible).casefold()).split())


def near_names(name: str, others: Iterable[str]) -> list[str]:
    """The names in `others` that a person would read as `name`, without `name` itself."""
    key = name_key(name)
    return sorted({other for other in others if other != name and name_key(other) == key})


def quoted(names: Iterable[str]) -> str:
    """The names for a message. A decomposed character is escaped, because it looks like the composed one."""
    return " and ".join(repr(name) if unicodedata.is_normalized("NFC", name) else ascii(name) for name in sorted(names))


def is_permitted_by(entry: str, name: str, identity: str | None = None) -> bool:
    """Whether an entry of a list that permits something means this runtime: its id, its name, or a pattern.

    A pattern of names has `*` and `?`. Brackets stand for themselves, so that `Prod [EU]` does not also mean `Prod E`.
    Patterns and names are compared by `name_key`.
    """
    if identity and entry.upper() == identity.upper():
        return True
    return fnmatchcase(name_key(name), name_key(entry).replace("[", "[[]"))


def is_protected_by(name: str, entries: Iterable[str], identity: str | None = None) -> bool:
    """Whether an entry of a list that protects means this runtime: `is_permitted_by`, and brackets may be a class."""
    for entry in entries:
        # Python 3.9 and 3.10 raise an error for a class such as [z-a], which contains no character.
        with suppress(re.error):
            if is_permitted_by(entry, name, identity) or fnmatchcase(name_key(name), name_key(entry)):
                return True
    return False
