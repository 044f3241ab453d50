# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the stand-in server alone."""

from __future__ import annotations

import argparse
import os

from dev import envs, proc
from dev.environment import variables
from dev.paths import ROOT

HELP = "run the stand-in server until Ctrl-C"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", default="8899", help="default: %(default)s")
    parser.add_argument("--profile", default="samples", help="kind of server that it simulates (default: %(default)s)")
    parser.add_argument("more", nargs="*", help="more options for the simulator, after --")


def run(args: argparse.Namespace) -> int:
    env = envs.ensure("demo")
    options = ("--port", args.port, "--profile", args.profile, "--parent-pid", str(os.getpid()), *args.more)
    try:
        with proc.started(env.python, ROOT / "tests" / "simulator", *options, env=variables(env.bin)) as process:
            return process.wait()
    except KeyboardInterrupt:
        # Ctrl-C is the normal end.
        return 0
