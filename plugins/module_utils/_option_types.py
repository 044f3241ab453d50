# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The type of an option where Ansible's own conversion loses what was written.

Wing: Model, pure.
It equals the name of Ansible's type in the eyes of documentation and sanity tests. A type that can be called is used as
the conversion.
"""

from __future__ import annotations

from typing import Any


class UnconvertedText(str):
    """Text, but other values stay what they are, so that a check can refuse them with a remedy.

    Ansible makes text of a number before a module sees it: nobody can tell the version 2.1 from an unquoted 2.10.
    """

    def __call__(self, value: Any) -> Any:
        """The value itself."""
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
    lost = " (2.10 becomes 2.1)" if isinstance(value, float) else ""
    return f"{value} was read as {read}{lost}; put it in quotes"
