# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what follows from the field table and the descriptions of the options into the files."""

from __future__ import annotations

import argparse
import subprocess

from dev import envs
from dev.environment import variables
from dev.paths import ROOT

HELP = "write the documentation that follows from the field table and from the options"


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    env = envs.ensure("dev")
    return subprocess.run([env.python, "dev/generate.py"], cwd=ROOT, env=variables(env.bin), check=False).returncode
