# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one wait: for runtimes that are installed, scripts that run, and whatever else the server does later."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Clock = Callable[[], float]
Pause = Callable[[float], None]


class Rhythm(NamedTuple):
    """How long to wait, and the first and the longest pause between two checks, in seconds. Pauses grow by `growth`."""

    timeout: float
    first: float
    longest: float
    growth: float


def poll(
    check: Callable[[], bool],
    rhythm: Rhythm,
    clock: Clock,
    pause: Pause,
    report: Callable[[float], None] = lambda seconds: None,
) -> bool:
    """Check after each pause until `check` returns True, or the time is over. Returns whether it did.

    `clock` returns seconds; `pause` sleeps, and raises Interrupted after a signal. `report` is called before each pause
    with the seconds that have passed.
    """
    start, seconds = clock(), rhythm.first
    while True:
        passed = clock() - start
        if passed >= rhythm.timeout:
            return False
        report(passed)
        pause(min(seconds, rhythm.timeout - passed))
        seconds = min(seconds * rhythm.growth, rhythm.longest)
        if check():
            return True
