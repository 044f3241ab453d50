# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users get: the demo, the changelog, and the tarball of a release, tested as a user would."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from simulator.harness import Simulator

from dev import collection, envs, lint, proc, runner
from dev.envs import Env, variables
from dev.paths import CACHE, DIST, LOGS, ROOT, RUN
from dev.pytests import variables_for

_PLAYBOOK = Path("docs", "examples", "first_runtime.yml")
_COLLECTIONS = CACHE / "collections"


def demo(args: argparse.Namespace) -> int:
    """Run a playbook against a stand-in server, without any preparation by the user."""
    del args
    runner.say("Setting up in .venv and .cache (the first time takes a minute) …")
    env = envs.ensure("demo")
    runner.say("Building the collection and installing it from its tarball …")
    collection.install(env, _COLLECTIONS)
    runner.say("Starting a stand-in Library server …")
    with Simulator(python=str(env.python)) as simulator:
        runner.say(f"$ ansible-playbook {_PLAYBOOK}", "")
        status = _play(env, simulator, _COLLECTIONS, variables(env.bin))
        _explain(simulator, env, status)
    return status


def play(env: Env, collections: Path, base: Mapping[str, str]) -> int:
    """Run the demo's playbook with the collection that is installed in `collections`, and return the exit status."""
    with Simulator(python=str(env.python)) as simulator:
        return _play(env, simulator, collections, base)


def _play(env: Env, simulator: Simulator, collections: Path, base: Mapping[str, str]) -> int:
    settings = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_FORCE_COLOR": str(sys.stdout.isatty()),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
    }
    env_vars = {**base, **settings, **simulator.environment()}
    with proc.started(env.bin / "ansible-playbook", _PLAYBOOK, env=env_vars) as process:
        return process.wait()


def _explain(simulator: Simulator, env: Env, status: int) -> None:
    # Environments that several worktrees share are outside of this one.
    ansible = os.path.relpath(env.bin / "ansible", ROOT)
    happened = (
        "A runtime was tried in check mode, created, changed, shown and deleted. Asking twice changed nothing."
        if status == 0
        else "The playbook failed; what it says above is all there is to know."
    )
    runner.say(
        happened,
        "",
        "The requests that the server saw, a line for each task:",
        *_tasks(simulator.calls()),
        "",
        "What to type next:",
        "  make simulator       in another terminal: such a server to try things on; export what it prints. Then:",
        f"  export ANSIBLE_COLLECTIONS_PATH={_COLLECTIONS.relative_to(ROOT)}",
        f"  {ansible} localhost -m mstr.library.mstr_runtime -a 'name=Mine whitelist=10.10.10.0/24' --diff",
        f"  {ansible}-doc mstr.library.mstr_runtime",
        f"The playbook is {_PLAYBOOK}; README.md describes how to run it against your server.",
    )


def _tasks(calls: list[str]) -> list[str]:
    """Return one line of calls for each task. Each task begins with a login."""
    tasks: list[list[str]] = []
    for call in calls:
        if call == "POST /auth/login":
            tasks.append([])
        tasks[-1].append(re.sub(r"[0-9A-F]{32}", "{id}", call.replace(" /", " /api/", 1)))
    return [f"  {' → '.join(task)}" for task in tasks]


def changelog(args: argparse.Namespace) -> int:
    """Build the changelog of the version in galaxy.yml from the fragments."""
    env = envs.ensure("lint")
    # In folders of the collection's name: elsewhere, the program copies the whole clone with all its environments.
    tree = collection.copy(RUN / "changelog" / "ansible_collections" / "mstr" / "library")
    env_vars = variables(env.bin, ANSIBLE_COLLECTIONS_PATH=RUN / "changelog")
    date = ("--date", args.date) if args.date else ()
    log = LOGS / "changelog.log"
    log.unlink(missing_ok=True)
    command = (env.bin / "antsibull-changelog", "release", "-v", "--update-existing", "--reload-plugins", *date)
    if proc.run(*command, log=log, cwd=tree, env=env_vars) != 0:
        return runner.fail(f"the changelog could not be built{runner.tail(log)}")
    for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
        shutil.copy2(tree / name, ROOT / name)
    for fragment in (ROOT / "changelogs" / "fragments").glob("*.yml"):
        if not (tree / "changelogs" / "fragments" / fragment.name).exists():
            fragment.unlink()
    runner.say("CHANGELOG.md is up to date; read it before you commit it")
    return 0


def release(args: argparse.Namespace) -> int:
    """Build the tarball of a release, and test it as a user would: installed alone, in an empty environment."""
    version = _version()
    if not re.search(rf"^## v{re.escape(version)}$", _text("CHANGELOG.md").replace("\\", ""), re.MULTILINE):
        return runner.fail(f"CHANGELOG.md has no entry for {version}; see CONTRIBUTING.md, 'Make a release'")
    checks = [lint.TARBALL, *(stage for stage in lint.COLLECTION if stage.name == "lint galaxy-importer")]
    if any(done.result.failed for done in runner.run(checks, jobs=1)):
        return runner.fail("nothing was built")
    env = envs.ensure("dev")
    built = collection.tarball(env)
    if not args.only_build and _try_out(built):
        return runner.fail("the installed collection failed its tests, so no tarball was kept")
    DIST.mkdir(exist_ok=True)
    kept = Path(shutil.copy2(built, DIST))
    runner.say("", f"{kept.relative_to(ROOT)}", f"sha256 {hashlib.sha256(kept.read_bytes()).hexdigest()}")
    return 0


def _try_out(built: Path) -> int:
    """Install it into an empty environment, run the demo and the examples from there, and return the exit status."""
    home = RUN / "empty"
    collections = home / ".ansible" / "collections"
    env = envs.ensure("demo")
    runner.say("Installing the tarball into an empty environment …")
    collection.install(env, collections, built)
    status = play(env, collections, variables(env.bin, home=home))
    if status:
        return status
    runner.say("Running the examples of all documents from it …")
    job_variables = variables_for(envs.ensure("dev")) | {"MSTR_TEST_COLLECTIONS": str(collections)}
    log = LOGS / "release-examples.log"
    log.unlink(missing_ok=True)
    python = envs.ensure("dev").python
    return proc.run(
        python, "-m", "pytest", "tests/plays/examples", f"--basetemp={RUN / 'tests'}", log=log, env=job_variables
    )


def _version() -> str:
    found = re.search(r"^version: (\S+)$", _text("galaxy.yml"), re.MULTILINE)
    if not found:
        raise ValueError("galaxy.yml has no version")
    return found.group(1)


def _text(name: str) -> str:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""
