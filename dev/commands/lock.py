# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pins the packages in `dev/requirements/*.in` and their dependencies, for every Python that may install them."""

from __future__ import annotations

import argparse

from dev import environment, envs, proc, report
from dev.ansible_test import CORES
from dev.paths import CACHE, LOGS, REQUIREMENTS

HELP = "write newer pins into dev/requirements/*.txt"

# The oldest Python that each file is installed on.
_OLDEST = {
    **{f"ansible-{core}": pythons[0] for core, pythons in CORES.items()},
    "controller": "3.10",
    "bench": "3.10",
    "browser": "3.10",
    "contract": "3.11",
    "demo": "3.10",
    "dev": "3.10",
    "docs": "3.12",
    "galaxy": "3.12",
    "lint": "3.10",
    "lock": "3.10",
    "modules": "3.9",
    "nox": "3.12",
    "runner": "3.10",
    "urllib3-1.26": "3.10",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", default=list(_OLDEST), help="files without .in (default: all)")


def run(args: argparse.Namespace) -> int:
    uv = envs.ensure("lock").bin / "uv"
    log = LOGS / "lock.log"
    ours = {"UV_CACHE_DIR": str(CACHE / "uv"), "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    for name in args.names:
        options = ("--universal", "--upgrade", "--no-annotate", f"--python-version={_OLDEST[name]}")
        output = f"--output-file={REQUIREMENTS / f'{name}.txt'}"
        if (
            proc.run(
                uv,
                "pip",
                "compile",
                *options,
                output,
                REQUIREMENTS / f"{name}.in",
                log=log,
                env={**environment.for_pip(), **ours},
            )
            != 0
        ):
            return report.fail(f"{name}.in could not be resolved, see {log}")
        report.say(f"{name}.txt")
    return 0
