# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints the variables that the tests of one stage need, for running pytest in a shell."""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path

from dev import report, stages
from dev.paths import CACHE, ROOT, RUN

HELP = "print the variables that a stage's tests need, for eval in a shell"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stage", help='the name of a pytest stage, such as "faults"')


def run(args: argparse.Namespace) -> int:
    found = [stage for stage in stages.ALL if stage.name == args.stage and stage.variables]
    if not found or not found[0].variables:
        names = ", ".join(stage.name for stage in stages.ALL if stage.variables)
        return report.fail(f"{args.stage!r} is not a stage of pytest tests; those are: {names}")
    variables = found[0].variables()
    # Not every program takes a path with a space in it.
    kept = CACHE / "env" / args.stage.replace(" ", "-")
    _keep(kept)
    for name, value in sorted(variables.items()):
        print(f"export {name}={shlex.quote(value.replace(str(RUN), str(kept)))}")
    return 0


def _keep(kept: Path) -> None:
    """Move the files of this run to a folder that outlives the run. Its collection is a link to the working tree."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for made in RUN.iterdir():
        shutil.move(made, kept / made.name)
    installed = kept / "collections" / "ansible_collections" / "mstr" / "library"
    if installed.exists():
        shutil.rmtree(installed)
        installed.symlink_to(ROOT)
