# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inner loop."""

from __future__ import annotations

import argparse

from dev import report, runner, stages

HELP = "check format, lint and types, and run the unit tests; takes seconds"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-v", "--verbose", action="store_true", help="show what each stage prints")


def run(args: argparse.Namespace) -> int:
    reports = runner.run(stages.INNER_LOOP, jobs=2, verbose=args.verbose)
    return report.summary(reports)
