# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares how the modules and other clients handle faults. Only this command runs the other clients."""

from __future__ import annotations

import argparse

from dev import envs, proc
from dev.paths import ROOT
from dev.testbed import VENDOR, variables_for

HELP = "compare how the modules and other clients handle faults; writes the page of the docs"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("more", nargs="*", help="options for the comparison, after --")


def run(args: argparse.Namespace) -> int:
    env = envs.ensure("contract", VENDOR)
    with proc.started(env.python, ROOT / "tests" / "faults" / "compare", *args.more, env=variables_for(env)) as process:
        return process.wait()
