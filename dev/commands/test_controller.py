# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's objects, tried on a real controller."""

from __future__ import annotations

import argparse
import os

from dev import report
from dev.stages import awx

HELP = "make and remove the controller's objects on the controller that CONTROLLER_HOST names"
_NEEDED = ("CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD")


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    missing = [name for name in _NEEDED if not os.environ.get(name)]
    if missing:
        report.say(f"Did not run: it takes a real controller, and {', '.join(missing)} are not set.")
        return 0
    own = {name: value for name, value in os.environ.items() if name.startswith("CONTROLLER_")}
    return awx.live("tests/live/test_controller.py", {**own, "MSTR_TEST_PROJECT_URL": _project()})


def _project() -> str:
    return os.environ.get("MSTR_TEST_PROJECT_URL", "")
