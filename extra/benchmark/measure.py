# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the time of whole processes, in pairs.

The machines for this are shared, so times vary. The published figure is the ratio of two consecutive runs, never a
single time.
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
    """One way to do some work: a command, and a preparation before each run, which is not timed."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    requests: Callable[[], int] | None = None


@dataclass
class Sample:
    """One run: wall time and CPU time in seconds, peak memory of its largest process in MB, and number of requests."""

    seconds: float
    cpu_s: float
    peak_mb: float
    requests: int


@dataclass
class Turns:
    """Samples of alternating runs: ours in process, theirs, and optionally ours as a module."""

    ours: list[Sample]
    theirs: list[Sample]
    as_module: list[Sample]

    @property
    def ratios(self) -> list[float]:
        """The ratios of ours to theirs, one per turn."""
        return _ratios(self.ours, self.theirs)

    @property
    def ratio(self) -> float:
        """The median."""
        return statistics.median(self.ratios)

    @property
    def module_ratios(self) -> list[float]:
        """The ratios of ours as a module to theirs, one per turn."""
        return _ratios(self.as_module, self.theirs) if self.as_module else []


def _ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    return [our.seconds / other.seconds for our, other in zip(ours, theirs, strict=True)]


def run(way: Way) -> Sample:
    """Run once. If the command fails, raise SystemExit with its output."""
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
    requests = (way.requests() - before) if way.requests else 0
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, requests)


def in_turn(ours: Way, theirs: Way, as_module: Way | None, rounds: int) -> Turns:
    """Run all ways in turn, after one run of each that does not count."""
    ways = [way for way in (ours, theirs, as_module) if way]
    for way in ways:
        run(way)
    turns = [[run(way) for way in ways] for _ in range(rounds)]
    columns = [list(column) for column in zip(*turns, strict=True)]
    return Turns(columns[0], columns[1], columns[2] if as_module else [])


def median(samples: Sequence[Sample]) -> float:
    """Seconds."""
    return statistics.median(sample.seconds for sample in samples)
