# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a real execution environment and runs jobs in it."""

from __future__ import annotations

import argparse
import shutil

from dev import report
from dev.stages import awx

HELP = "build the execution environment with podman, and run the apply job in it"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base-image", default="", help="the image to build on")
    parser.add_argument("--package-manager", default="", help="its package manager (default: the definition's)")
    parser.add_argument("--build-options", default="", help="more options of podman build")


def run(args: argparse.Namespace) -> int:
    if not args.base_image:
        return report.fail("no base image: run make test-ee BASE_IMAGE=…")
    if not shutil.which("podman"):
        report.say("Did not run: podman is not installed on this machine.")
        return 0
    env_vars = {
        "MSTR_TEST_BASE_IMAGE": args.base_image,
        "MSTR_TEST_PACKAGE_MANAGER": args.package_manager,
        "MSTR_TEST_BUILD_OPTIONS": args.build_options,
    }
    return awx.live("tests/live/test_image.py", env_vars)
