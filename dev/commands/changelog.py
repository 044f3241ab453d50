# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the changelog of the version in galaxy.yml from the fragments."""

from __future__ import annotations

import argparse

from dev import collection, envs, proc, report
from dev.environment import variables
from dev.paths import LOGS, ROOT

HELP = "turn the changelog fragments into CHANGELOG.md, for the version in galaxy.yml"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--date", default="", help="date of the release, as YYYY-MM-DD (default: today)")


def run(args: argparse.Namespace) -> int:
    env = envs.ensure("lint")
    # The list of new modules is read from the installed collection.
    env_vars = variables(env.bin, ANSIBLE_COLLECTIONS_PATH=collection.installed(env))
    date = ("--date", args.date) if args.date else ()
    log = LOGS / "changelog.log"
    log.unlink(missing_ok=True)
    command = (env.bin / "antsibull-changelog", "release", "--update-existing", "--reload-plugins", *date)
    if proc.run(*command, log=log, env=env_vars) != 0:
        return report.fail(f"the changelog could not be built{report.tail(log)}")
    report.say(f"{(ROOT / 'CHANGELOG.md').relative_to(ROOT)} is up to date; read it before you commit it")
    return 0
