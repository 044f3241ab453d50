# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the pages for the tests into a folder. Its Python needs ansible-core and access to the collection."""

from __future__ import annotations

import sys
from pathlib import Path

import report
from ansible_collections.mstr.library.plugins.filter.report_file import report_file

folder = Path(sys.argv[1])
some = [report.environment("prod-eu", 14), report.environment("prod-us", 2, 1000), report.failed("dev-eu")]
(folder / "audit.html").write_text(report_file(some, "audit.html", not_reached=["test-eu"]), encoding="utf-8")
(folder / "apply.html").write_text(report_file(some, "apply.html", "apply"), encoding="utf-8")
(folder / "many.html").write_text(report_file(report.many(50, 100), "many.html"), encoding="utf-8")
