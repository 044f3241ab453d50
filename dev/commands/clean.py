# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes everything that this tool created."""

from __future__ import annotations

import argparse
import shutil

from dev import report
from dev.paths import CACHE, DIST, VENVS

HELP = "remove everything that this tool created"


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    for folder in (CACHE, DIST, VENVS):
        shutil.rmtree(folder, ignore_errors=True)
    report.say("removed .cache, .venv and dist")
    return 0
