# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a playbook against a stand-in server, without any preparation by the user."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from simulator.harness import Simulator

from dev import collection, envs, proc, report
from dev.environment import variables
from dev.envs import Env
from dev.paths import CACHE, ROOT

HELP = "run a playbook against a stand-in server; needs no preparation"

_PLAYBOOK = Path("docs", "examples", "first_runtime.yml")
_COLLECTIONS = CACHE / "collections"


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    report.say("Setting up in .venv and .cache (the first time takes a minute) …")
    env = envs.ensure("demo")
    report.say("Building the collection and installing it from its tarball …")
    collection.install(env, _COLLECTIONS)
    report.say("Starting a stand-in Library server …")
    with Simulator(python=str(env.python)) as simulator:
        report.say(f"$ ansible-playbook {_PLAYBOOK}", "")
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
    ansible = (env.bin / "ansible").relative_to(ROOT)
    happened = (
        "A runtime was tried in check mode, created, changed, shown and deleted. Asking twice changed nothing."
        if status == 0
        else "The playbook failed; what it says above is all there is to know."
    )
    report.say(
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
