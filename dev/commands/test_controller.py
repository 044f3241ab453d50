# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests the controller's objects on a real controller."""

from __future__ import annotations

import argparse
import os

from dev import report
from dev.stages import awx

HELP = "create and remove the controller's objects on the controller in CONTROLLER_HOST"
_NEEDED = ("CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD")
_OPTIONAL = ("MSTR_TEST_PROJECT_URL", "MSTR_TEST_IMAGE", "MSTR_TEST_ADDRESS")


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    missing = [name for name in _NEEDED if not os.environ.get(name)]
    if missing:
        report.say(f"Did not run: these tests need a real controller; set {', '.join(missing)}.")
        return 0
    optional = {name: os.environ.get(name, "") for name in _OPTIONAL}
    if not (optional["MSTR_TEST_PROJECT_URL"] and optional["MSTR_TEST_IMAGE"]):
        report.say("No job will run: set MSTR_TEST_PROJECT_URL and MSTR_TEST_IMAGE to run jobs, see CONTRIBUTING.md.")
    own = {name: value for name, value in os.environ.items() if name.startswith("CONTROLLER_")}
    return awx.live("tests/live/test_controller.py", {**own, **optional})
