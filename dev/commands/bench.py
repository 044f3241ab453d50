# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark."""

from __future__ import annotations

import argparse

from dev import envs, proc, report
from dev.ansible_test import NEWEST, OLDEST
from dev.paths import ROOT
from dev.stages import faults
from dev.testbed import VENDOR

HELP = "measure what the modules cost, compared in pairs"
_FOLDER = ROOT / "tests" / "benchmark"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("more", nargs="*", help="options for the benchmark, after --")


def run(args: argparse.Namespace) -> int:
    if not _FOLDER.exists():
        return report.fail(f"{_FOLDER.relative_to(ROOT)} does not exist")
    env, vendor = envs.ensure("bench"), envs.ensure("contract", VENDOR)
    env_vars = faults.stage_variables(OLDEST, NEWEST)(env) | {"MSTR_TEST_CONTRACT_PYTHON": str(vendor.python)}
    with proc.started(env.python, _FOLDER, *args.more, env=env_vars) as process:
        return process.wait()
