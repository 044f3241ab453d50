# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make faults`: compares how the modules and other clients handle faults; prints the table and writes the page."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "extra")]

from fault_comparison import table  # noqa: E402
from fault_comparison.scenarios import rows  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="faults whose title contains this; writes no page")
    parser.add_argument("-v", "--verbose", action="store_true", help="also show what each client reported")
    args = parser.parse_args()
    began = time.monotonic()
    found = rows(args.only)
    print(table.text(found, verbose=args.verbose))
    print(f"{len(found)} rows in {time.monotonic() - began:.0f} s")
    if not args.only:
        page = ROOT / "docs" / "docsite" / "rst" / "faults.rst"
        page.write_text(table.page(found), encoding="utf-8")
        print(f"written: {page.relative_to(ROOT)}")
    bad = [row for row in found if not row.cells["mstr.library"].true]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
