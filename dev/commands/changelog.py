# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the changelog of the version in galaxy.yml from the fragments."""

from __future__ import annotations

import argparse
import shutil

from dev import collection, envs, proc, report
from dev.environment import variables
from dev.paths import LOGS, ROOT, RUN

HELP = "turn the changelog fragments into CHANGELOG.md, for the version in galaxy.yml"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--date", default="", help="date of the release, as YYYY-MM-DD (default: today)")


def run(args: argparse.Namespace) -> int:
    env = envs.ensure("lint")
    # In folders of the collection's name: elsewhere, the program copies the whole clone with all its environments.
    tree = collection.copy(RUN / "changelog" / "ansible_collections" / "mstr" / "library")
    env_vars = variables(env.bin, ANSIBLE_COLLECTIONS_PATH=RUN / "changelog")
    date = ("--date", args.date) if args.date else ()
    log = LOGS / "changelog.log"
    log.unlink(missing_ok=True)
    command = (env.bin / "antsibull-changelog", "release", "-v", "--update-existing", "--reload-plugins", *date)
    if proc.run(*command, log=log, cwd=tree, env=env_vars) != 0:
        return report.fail(f"the changelog could not be built{report.tail(log)}")
    for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
        shutil.copy2(tree / name, ROOT / name)
    for fragment in (ROOT / "changelogs" / "fragments").glob("*.yml"):
        if not (tree / "changelogs" / "fragments" / fragment.name).exists():
            fragment.unlink()
    report.say("CHANGELOG.md is up to date; read it before you commit it")
    return 0
