# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timing of whole processes, in pairs.

The machines on which this runs are shared and noisy: what is quoted is the ratio of two runs that followed each other,
never a time by itself.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Way:
    """One way to do some work: a command, and what has to be so before each run (not timed)."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    requests: Callable[[], int] | None = None


@dataclass
class Sample:
    """One run: seconds of wall time, peak memory in MB of its largest process, and the requests that servers saw."""

    seconds: float
    peak_mb: float
    requests: int


@dataclass
class Pair:
    """Two ways, run in turn."""

    ours: list[Sample]
    theirs: list[Sample]

    @property
    def ratios(self) -> list[float]:
        """Ours to theirs, pair by pair."""
        return [one.seconds / other.seconds for one, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median."""
        return statistics.median(self.ratios)


def run(way: Way) -> Sample:
    """Run once. Raises SystemExit with what the command said when it fails."""
    way.before()
    before = way.requests() if way.requests else 0
    output = Path(os.environ["TMPDIR"], "bench-output.txt")
    with output.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(way.command), env={**os.environ, **way.env}, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{way.name} failed:\n{output.read_text(errors='replace')[-4000:]}")
    return Sample(seconds, usage.ru_maxrss / 1024, (way.requests() - before) if way.requests else 0)


def pair(ours: Way, theirs: Way, rounds: int) -> Pair:
    """Run both in turn, after one uncounted run of each."""
    run(ours), run(theirs)
    both = [(run(ours), run(theirs)) for _ in range(rounds)]
    return Pair([one for one, _other in both], [other for _one, other in both])


def median(samples: Sequence[Sample]) -> float:
    """Seconds."""
    return statistics.median(sample.seconds for sample in samples)
