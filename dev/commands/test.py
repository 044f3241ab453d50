# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the tests: those of the newest ansible-core, or all of them."""

from __future__ import annotations

import argparse
import fnmatch
from pathlib import Path

from dev import report, runner, stages
from dev.stage import ALL_OF_IT, Selection, Stage

HELP = "run the tests on the newest ansible-core; with --all on every ansible-core and Python that this machine has"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        default="",
        help="stages whose name contains this (or matches a * pattern)",
    )
    parser.add_argument("--all", action="store_true", help="run every stage (also searched by --only and --core)")
    parser.add_argument("--core", metavar="X.Y", default="", help="for stages of one ansible-core, only this version")
    parser.add_argument("-k", "--keyword", metavar="WORDS", default="", help="for pytest stages, only matching tests")
    parser.add_argument(
        "--target",
        metavar="NAME",
        action="append",
        default=[],
        help="for integration stages, only this target (repeatable)",
    )
    parser.add_argument(
        "--profile-file",
        metavar="FILE",
        default="",
        help="for integration stages, the server of the profile tests",
    )
    parser.add_argument("--jobs", type=int, default=2, help="stages to run in parallel (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the stages without running them")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what each stage prints")


def run(args: argparse.Namespace) -> int:
    if args.profile_file and not Path(args.profile_file).is_file():
        return report.fail(f"--profile-file: no file at {Path(args.profile_file).absolute()}")
    selection = Selection(
        args.keyword, tuple(args.target), args.profile_file and str(Path(args.profile_file).absolute())
    )
    every = args.all or args.only or args.core or selection != ALL_OF_IT
    chosen = [
        stage
        for stage in stages.ALL
        if (every or stage.quick) and _wanted(stage, args.only, args.core) and selection.fits(stage)
    ]
    if args.list:
        report.say(*(stage.name for stage in chosen))
        return 0
    if not chosen:
        return report.fail("no stage matches; --list shows all stages")
    reports = runner.run(chosen, jobs=args.jobs, verbose=args.verbose, selection=selection)
    return report.summary(reports)


def _wanted(stage: Stage, pattern: str, core: str) -> bool:
    by_name = pattern in stage.name or fnmatch.fnmatch(stage.name, pattern)
    return by_name and core in ("", stage.core or core)
