# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits lines of progress: none in the first seconds, at most one in three seconds, and no repeated text."""

from __future__ import annotations

from collections.abc import Callable

EVERY_S = 3.0


class Progress:
    """Passes some of its texts to `show`, none if `show` is None. `clock` returns monotonic seconds."""

    def __init__(self, show: Callable[[str], None] | None = None, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._show, self._clock = show, clock
        self._last_text = ""
        self._next = clock() + EVERY_S

    def __call__(self, text: str) -> None:
        """Show `text`, unless it repeats the last one or the last one is less than three seconds old."""
        if self._show is None or text == self._last_text or self._clock() < self._next:
            return
        self._show(text)
        self._last_text = text
        self._next = self._clock() + EVERY_S
