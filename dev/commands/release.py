# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the tarball of a release and tests it as a user would: installed alone, in an empty environment."""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
from pathlib import Path

from dev import collection, envs, proc, report, runner
from dev.commands import demo
from dev.environment import variables
from dev.paths import DIST, LOGS, ROOT, RUN
from dev.stages import lint, release
from dev.testbed import variables_for

HELP = "build the tarball for Galaxy, and test it in an empty environment"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only-build", action="store_true", help="skip the demo and the examples")


def run(args: argparse.Namespace) -> int:
    version = _version()
    if not re.search(rf"^## v{re.escape(version)}$", _text("CHANGELOG.md").replace("\\", ""), re.MULTILINE):
        return report.fail(f"CHANGELOG.md has no entry for {version}; see CONTRIBUTING.md, 'Make a release'")
    checks = [release.TARBALL, *(stage for stage in lint.COLLECTION if stage.name == "lint galaxy-importer")]
    if any(done.result.failed for done in runner.run(checks, jobs=1)):
        return report.fail("nothing was built")
    env = envs.ensure("dev")
    built = collection.tarball(env)
    if not args.only_build and _try_out(built):
        return report.fail("the installed collection failed its tests, so no tarball was kept")
    DIST.mkdir(exist_ok=True)
    kept = Path(shutil.copy2(built, DIST))
    report.say("", f"{kept.relative_to(ROOT)}", f"sha256 {hashlib.sha256(kept.read_bytes()).hexdigest()}")
    return 0


def _try_out(built: Path) -> int:
    """Install it into an empty environment, run the demo and the examples from there, and return the exit status."""
    home = RUN / "empty"
    collections = home / ".ansible" / "collections"
    env = envs.ensure("demo")
    report.say("Installing the tarball into an empty environment …")
    collection.install(env, collections, built)
    status = demo.play(env, collections, variables(env.bin, home=home))
    if status:
        return status
    report.say("Running the examples of all documents from it …")
    job_variables = variables_for(envs.ensure("dev")) | {"MSTR_TEST_COLLECTIONS": str(collections)}
    log = LOGS / "release-examples.log"
    log.unlink(missing_ok=True)
    python = envs.ensure("dev").python
    return proc.run(python, "-m", "pytest", "tests/examples", f"--basetemp={RUN / 'tests'}", log=log, env=job_variables)


def _version() -> str:
    found = re.search(r"^version: (\S+)$", _text("galaxy.yml"), re.MULTILINE)
    if not found:
        raise ValueError("galaxy.yml has no version")
    return found.group(1)


def _text(name: str) -> str:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""
