# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs hundreds of tasks in a row."""

from __future__ import annotations

import argparse

from dev import envs, proc
from dev.paths import ROOT
from dev.testbed import variables_for

HELP = "run hundreds of tasks in a row; check the sessions, memory and sockets that they leave"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("more", nargs="*", help="options for the soak test, after --")


def run(args: argparse.Namespace) -> int:
    env = envs.ensure("dev")
    with proc.started(env.python, ROOT / "tests" / "faults" / "soak.py", *args.more, env=variables_for(env)) as process:
        return process.wait()
