# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs formatters, linters and type checkers, and checks the tarball. Each tool counts as one test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

from dev import collection, envs, tarball
from dev.ansible_test import AnsibleTest
from dev.envs import variables
from dev.paths import CACHE, ROOT
from dev.pythons import CORES, pythons_of
from dev.stage import Job, Result, Stage

_TYPED = CACHE / "typed"
_TYPED_COLLECTION = _TYPED / "ansible_collections" / "mstr" / "library"
# The importer runs ansible-lint where the collection is not installed, so that it does not find imported playbooks.
_IMPORTER_FAULTS = re.compile(
    r"^(?:WARNING|ERROR|CRITICAL): (?!ERROR +Failed to find mstr\.library\.\w+ playbook).+", re.MULTILINE
)
# All runs of mypy share one cache file.
_mypy = threading.Lock()


def _tool(name: str, env_name: str, *command: str) -> Stage:
    """Return the stage of a linter that is a single command, run in the root of the clone."""

    def run(job: Job) -> Result:
        env = envs.ensure(env_name)
        return Result.of(job.run(env.bin / command[0], *command[1:], env=variables(env.bin)))

    return Stage(f"lint {name}", run, quick=True)


def _types_of_plugins(job: Job) -> Result:
    """Check the types of the plugins under the collection's full name, because they import each other by it."""
    _TYPED_COLLECTION.mkdir(parents=True, exist_ok=True)
    link = _TYPED_COLLECTION / "plugins"
    if not link.is_symlink():
        link.symlink_to(ROOT / "plugins")
    return _mypy_run(job, "--package", "ansible_collections.mstr.library.plugins", cwd=_TYPED_COLLECTION)


def _types_of_tools(job: Job) -> Result:
    return _mypy_run(job, "dev", "tests/simulator")


def _mypy_run(job: Job, *what: str, cwd: Path = ROOT) -> Result:
    env = envs.ensure("dev")
    settings = (f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={CACHE / 'mypy'}")
    search = variables(env.bin, MYPYPATH=os.pathsep.join(map(str, (_TYPED, ROOT / "tests"))))
    with _mypy:
        return Result.of(job.run(env.bin / "mypy", *settings, *what, cwd=cwd, env=search))


def _ansible_lint(job: Job) -> Result:
    env = envs.ensure("lint")
    search = variables(env.bin, ANSIBLE_COLLECTIONS_PATH=collection.installed(env))
    # Run it in a copy, because it leaves files behind.
    tree = collection.copy(job.scratch / "library")
    return Result.of(job.run(env.bin / "ansible-lint", cwd=tree, env=search))


def _docs(job: Job) -> Result:
    env = envs.ensure("lint")
    command = (env.bin / "antsibull-docs", "lint-collection-docs", "--plugin-docs", collection.tree())
    return Result.of(job.run(*command, env=variables(env.bin)))


def _galaxy_importer(job: Job) -> Result:
    """Run the checks of Galaxy and Automation Hub when a collection is published. Their warnings count as failures.

    Automation Hub also runs the sanity tests, in a container. Where there is none, `tarball sanity` has run them.
    """
    env = envs.ensure("galaxy", ("3.13", "3.12"))
    container = _has_containers()
    settings = dict.fromkeys(("CHECK_CHANGELOG", "CHECK_REQUIRED_TAGS", "REQUIRE_V1_OR_GREATER"), "true")
    settings["RUN_ANSIBLE_TEST"] = str(container)
    importer = variables(env.bin) | {f"GALAXY_IMPORTER_{name}": value for name, value in settings.items()}
    command = (env.python, "-m", "galaxy_importer.main", collection.tarball(env))
    status = job.run(*command, cwd=job.scratch, env=importer)
    faults = _IMPORTER_FAULTS.findall(job.log.read_text(errors="replace"))
    not_run = () if container else ("no container engine for the sanity tests of galaxy-importer",)
    return replace(Result.of(status or len(faults)), not_run=not_run)


def _has_containers() -> bool:
    engines = filter(None, map(shutil.which, ("podman", "docker")))
    return any(subprocess.run([engine, "info"], capture_output=True, check=False).returncode == 0 for engine in engines)


def _nox(job: Job) -> Result:
    """Run the checks of the Ansible community: licences, action groups, YAML in examples and guides, code blocks.

    noxfile.py and antsibull-nox.toml list them. Nox installs nothing: the environment is pinned.
    """
    env = envs.ensure("nox", ("3.13", "3.12", "3.14"))
    sessions = ("yamllint", "antsibull-nox-config", "docs-check", "license-check", "extra-checks")
    options = ("--force-venv-backend", "none", "--envdir", job.scratch / "nox", "--session", *sessions)
    return Result.of(job.run(env.bin / "nox", *options, env=variables(env.bin)))


# The fast stages, which check only Python.
PYTHON = (
    _tool("format", "dev", "ruff", "format", "--check", "--diff", "."),
    _tool("ruff", "dev", "ruff", "check", "."),
    _tool("generated", "dev", "python", "dev/generate.py", "--check"),
    Stage("lint types of plugins", _types_of_plugins, folder="plugins/module_utils", quick=True),
    Stage("lint types of tools", _types_of_tools, quick=True),
)

COLLECTION = (
    _tool("yamllint", "lint", "yamllint", "--strict", "."),
    _tool("changelog", "lint", "antsibull-changelog", "lint"),
    Stage("lint docs", _docs, quick=True),
    Stage("lint ansible-lint", _ansible_lint, quick=True),
    Stage("lint nox", _nox, folder="noxfile.py", quick=True),
    Stage("lint galaxy-importer", _galaxy_importer, folder="README.md", quick=True),
)


def _tarball(job: Job) -> Result:
    """Check that two trees of the same files result in the same bytes, of files for users and with full links."""
    env = envs.ensure("dev")
    built = [
        collection.build(env, collection.copy(job.scratch / side / "library"), job.scratch / f"{side}-built")
        for side in ("one", "two")
    ]
    faults = [f"not for users: {name}" for name in tarball.development_files(built[0])]
    faults += [f"relative link in {place}" for place in tarball.relative_links(built[0])]
    if built[0].read_bytes() != built[1].read_bytes():
        faults.append("two builds of the same files differ")
    with job.log.open("a") as log:
        log.writelines(f"{fault}\n" for fault in faults)
    return Result.of(len(faults))


def _sanity(core: str) -> Stage:
    """Return the stage of the sanity tests on the unpacked tarball, as those who certify a collection run them."""

    def run(job: Job) -> Result:
        return AnsibleTest(job, core, pythons_of(core)[-1], collection.tarball(envs.ensure("dev"))).sanity()

    return Stage(f"tarball sanity {core}", run, folder="galaxy.yml", core=core)


TARBALL = Stage("tarball", _tarball, folder="galaxy.yml")
# The oldest and the newest.
TARBALL_SANITY = tuple(_sanity(core) for core in (min(CORES), max(CORES)))
