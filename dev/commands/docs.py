# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site."""

from __future__ import annotations

import argparse

from dev import docs, report
from dev.paths import CACHE, LOGS, ROOT

HELP = "build the guides and the module documentation into a site"


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    site, log = CACHE / "docs", LOGS / "docs.log"
    log.unlink(missing_ok=True)
    report.say("Building the site (the first time takes a minute) …")
    if docs.build(site, log) != 0:
        return report.fail(f"the site could not be built, see {log.relative_to(ROOT)}")
    report.say(f"Open {docs.html(site).relative_to(ROOT)}")
    return 0
