"""Writes the pages for the tests into a folder. Its Python needs ansible-core and access to the collection."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import report
from ansible_collections.mstr.library.plugins.filter.environment_report import environment_report
from ansible_collections.mstr.library.plugins.filter.report_file import report_file

folder = Path(sys.argv[1])
some = [report.environment("prod-eu", 14), report.environment("prod-us", 2, 1000), report.failed("dev-eu")]
few = environment_report(None, "e" * 60, read={"runtimes": [report.runtime(1, "long name " * 30)]}, detail=True)
(folder / "few.html").write_text(report_file([few], "few.html"), encoding="utf-8")
(folder / "audit.html").write_text(report_file(some, "audit.html", not_reached=["test-eu"]), encoding="utf-8")
(folder / "apply.html").write_text(report_file(some, "apply.html", "apply"), encoding="utf-8")
# For docs/images: without the names that only tests have.
nice = json.loads(json.dumps(some).replace("<script>alert(1)</script>", "Forecast models"))
(folder / "picture.html").write_text(report_file(nice, "picture.html", not_reached=["test-eu"]), encoding="utf-8")
(folder / "plan.html").write_text(report_file([report.plan("prod")], "plan.html", "apply", True), encoding="utf-8")
alike = [report.small_plan(name, *rest) for name, *rest in (("dev", 1), ("test", 2), ("prod", 3), ("lab", 4, 900))]
(folder / "plans.html").write_text(report_file(alike, "plans.html", "apply", True), encoding="utf-8")
(folder / "many.html").write_text(report_file(report.many(50, 100), "many.html"), encoding="utf-8")
