# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the results of a benchmark: on the terminal, in the guide, and as a plot."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparisons import Comparison
from measure import Turns, median


@dataclass(frozen=True)
class Row:
    """A measured comparison."""

    comparison: Comparison
    turns: Turns

    def cells(self) -> list[str]:
        """The cells of the row as texts."""
        comparison = self.comparison
        target = f"≤ {comparison.target:.2f}" if comparison.target else ""
        met = "" if comparison.target is None else (" ✓" if self.turns.ratio <= comparison.target else " ✗")
        return [
            comparison.work,
            comparison.against,
            _spread(self.turns.ratios),
            target + met,
            _spread(self.turns.module_ratios),
            f"{self.turns.ours[-1].requests} / {self.turns.theirs[-1].requests}",
            f"{median(self.turns.ours):.2f} s / {median(self.turns.theirs):.2f} s",
        ]


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""


HEADER = ["work", "against", "ratio (spread)", "target", "as a module", "requests", "wall time here"]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for the terminal."""
    return "\n".join(["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows)])


def list_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for the guide."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for cells in (header, *rows):
        for index, cell in enumerate(cells):
            text = re.sub(r"`([^`]+)`", r"``\1``", cell)
            lines.append(f"   {'* -' if index == 0 else '  -'} {text}".rstrip())
    return "\n".join(lines)


def plot(seconds: Mapping[str, Mapping[int, float]], path: Path) -> None:
    """Plot the cost of each way against the number of runtimes."""
    import matplotlib as mpl

    mpl.use("svg")
    # Make the same figures result in the same file.
    mpl.rcParams.update({"svg.hashsalt": "mstr.library", "font.family": "sans-serif"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, points in seconds.items():
        axes.plot(list(points), list(points.values()), marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="runtimes, nothing to do", ylabel="seconds")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
