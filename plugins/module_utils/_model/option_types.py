# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The type of an option for which Ansible's own conversion would lose what the user wrote.

For documentation and sanity tests, it equals the name of Ansible's type. Ansible calls a callable type to convert a
value.
"""

from __future__ import annotations

from typing import Any


class UnconvertedText(str):
    """The type C(str), but without conversion, so that a check can reject other values with a remedy.

    Ansible would convert a number to text first; then the version 2.1 looks the same as an unquoted 2.10.
    """

    def __call__(self, value: Any) -> Any:
        """The value, unchanged."""
        return value


TEXT_AS_WRITTEN = UnconvertedText("str")


def text_fault(value: Any) -> str | None:
    """Why a value is not text, as the rest of a sentence that starts with the option; None if it is text."""
    if isinstance(value, str):
        return None
    if isinstance(value, (dict, list)):
        return f"is a {'mapping' if isinstance(value, dict) else 'list'}; expected text"
    # YAML may have dropped a zero or a colon, so the message may show a different text than the user wrote.
    read = "a boolean" if isinstance(value, bool) else "a number" if isinstance(value, (int, float)) else "a date"
    lost = " (2.10 becomes 2.1)" if isinstance(value, float) else ""
    return f"{value} was read as {read}{lost}; put it in quotes"
