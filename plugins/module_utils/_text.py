# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that YAML did not read as text: the version 2.10 is the number 2.1, the name yes is true, 12:30:00 is 45000.

Wing: Model, pure.
"""

from __future__ import annotations

from typing import Any


class UnconvertedText(str):
    """An option type that equals C(str) in the eyes of documentation and sanity tests, but leaves values as they are.

    Ansible makes text of a number before a module sees it, so that nobody can tell the version 2.1 from an unquoted
    2.10. A type that can be called is used as Ansible's own conversion.
    """

    def __call__(self, value: Any) -> Any:
        """The value, for a check that can refuse it with a remedy."""
        return value


TEXT_AS_WRITTEN = UnconvertedText("str")


def text_fault(value: Any) -> str | None:
    """Why a value is not text, as the rest of a sentence about the option; None where it is."""
    if isinstance(value, str):
        return None
    if isinstance(value, (dict, list)):
        return f"is a {'mapping' if isinstance(value, dict) else 'list'}; expected text"
    # A number that was text before YAML read it may have lost a zero or a colon: what is shown is not what was written.
    read = "a boolean" if isinstance(value, bool) else "a number" if isinstance(value, (int, float)) else "a date"
    lost = ", which loses the zero of 2.10" if isinstance(value, float) else ""
    return f"{value} was read as {read}{lost}; put it in quotes"
