"""Writes the pages for the tests into a folder. Its Python needs ansible-core and access to the collection."""

from __future__ import annotations

import sys
from pathlib import Path

import report

folder = Path(sys.argv[1])


def write(name: str, *reports: object, **run: object) -> None:
    (folder / f"{name}.html").write_text(report.text_of(*reports, **run), encoding="utf-8")


some = [report.environment("prod-eu", 14), report.environment("prod-us", 2, 1000), report.failed("dev-eu")]
write("few", report.audited(report.runtime(1, "long name " * 30), name="e" * 60))
write("audit", *some, not_reached=["test-eu"])
write("plan", report.plan("prod"), kind="apply", check_mode=True)
plans = [report.small_plan(name, *rest) for name, *rest in (("dev", 1), ("test", 2), ("prod", 3), ("lab", 4, 900))]
write("plans", *plans, kind="apply", check_mode=True)
write("apply", *plans, report.failed("dev-eu"), kind="apply")
