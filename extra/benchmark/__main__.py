# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark: measures what the modules cost, in pairs, as ratios.

make bench                      measure, and print
make bench ARGS="-- --write"    and put the tables and the plot into the guide
make bench ARGS="-- --only audit --write"       only the table of audits
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from pathlib import Path

import comparisons
import tables
from comparisons import Comparison
from measure import Sample
from place import HERE, Place
from simulator.harness import Simulator

ROOT = HERE.parent.parent
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_speed.rst"


def main() -> None:
    args = _arguments()
    os.environ.setdefault("TMPDIR", tempfile.gettempdir())
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if args.only == "audit":
            _tell_audits(comparisons.audits(stack.enter_context(Simulator()), Path(folder)), write=args.write)
            return
        place = Place(stack.enter_context(Simulator()), Path(folder))
        chosen = (entry for entry in comparisons.all_of(place, args.rounds) if args.only in entry.work + entry.against)
        rows = [_measured(entry) for entry in chosen]
        if not args.only:
            several = [stack.enter_context(Simulator()) for _ in range(10)]
            rows.append(_measured(comparisons.environments(several, Path(folder), max(args.rounds // 2, 3))))
        if args.only:
            return
        audits = comparisons.audits(place.simulator, Path(folder))
        peaks = comparisons.memory(place)
        costs = comparisons.imports()
        seconds = comparisons.growth(place, (1, 10, 100, 300, 1000), most_single=100)
    _tell(rows, peaks, costs, seconds, audits, write=args.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of a comparison (default: 7)")
    parser.add_argument(
        "--only", default="", help="only comparisons whose description contains this text, or the table 'audit'"
    )
    parser.add_argument("--write", action="store_true", help="write tables and plot to the guide")
    return parser.parse_args()


def _measured(comparison: Comparison) -> tables.Row:
    row = tables.Row(comparison, comparison.measure())
    print(" | ".join(row.cells()), flush=True)
    return row


def _tell(
    rows: list[tables.Row],
    peaks: dict[int, float],
    costs: list[tuple[str, float]],
    seconds: dict[str, dict[int, float]],
    audits: dict[str, Sample],
    *,
    write: bool,
) -> None:
    cells = [row.cells() for row in rows]
    whole = sum(cost for _name, cost in costs)
    import_rows = [[f"`{name}`", f"{cost:.0f} ms", f"{cost / whole:.0%}"] for name, cost in costs]
    memory_rows = [[f"{count:,}", f"{peak:.0f} MB"] for count, peak in peaks.items()]
    import_header = ["a task imports", "without cached bytecode", "share"]
    memory_header = ["unchanged runtimes", "peak memory of mstr_runtimes"]
    print()
    for header, table in (
        (tables.HEADER, cells),
        (import_header, import_rows),
        (memory_header, memory_rows),
        (_AUDIT_HEADER, _audit_rows(audits)),
    ):
        print(tables.markdown(header, table), end="\n\n")
    for name, points in seconds.items():
        print(f"{name}: " + ", ".join(f"{count}: {value:.2f} s" for count, value in points.items()))
    if not write:
        return
    tables.plot(seconds, ROOT / "docs" / "images" / "cost.svg")
    parts = (
        (HERE / "guide_head.rst").read_text(encoding="utf-8"),
        tables.list_table(tables.HEADER, cells),
        "\nWhere the time of a task goes before it begins:\n",
        tables.list_table(import_header, import_rows),
        "\nMemory grows with the number of runtimes:\n",
        tables.list_table(memory_header, memory_rows),
        _AUDIT_INTRO,
        tables.list_table(_AUDIT_HEADER, _audit_rows(audits)),
        "\nSeconds to find that there is nothing to do, by number of runtimes:\n",
        tables.list_table(
            ["way", *(f"{count:,}" for count in seconds["mstr_runtimes"])],
            [
                [name, *(f"{points[count]:.1f}" if count in points else "-" for count in seconds["mstr_runtimes"])]
                for name, points in seconds.items()
            ],
        ),
    )
    GUIDE.write_text("\n".join(parts) + "\n", encoding="utf-8")


_AUDIT_INTRO = "\nAn audit of environments with 200 runtimes each, five at a time, with a page as its report:\n"
_AUDIT_HEADER = ["audit", "CPU time here", "largest process"]


def _audit_rows(audits: dict[str, Sample]) -> list[list[str]]:
    # The CPU time depends much less than the wall time on what else the machine does.
    return [[name, f"{audit.cpu_s:.0f} s", f"{audit.peak_mb:.0f} MB"] for name, audit in audits.items()]


def _tell_audits(audits: dict[str, Sample], *, write: bool) -> None:
    """Print the table of audits, and replace it in the guide."""
    print(tables.markdown(_AUDIT_HEADER, _audit_rows(audits)))
    if write:
        before, _intro, rest = GUIDE.read_text(encoding="utf-8").partition(_AUDIT_INTRO)
        _table, next_intro, after = rest.partition("\nSeconds to")
        table = tables.list_table(_AUDIT_HEADER, _audit_rows(audits))
        GUIDE.write_text(f"{before}{_AUDIT_INTRO}\n{table}\n{next_intro}{after}", encoding="utf-8")


main()
