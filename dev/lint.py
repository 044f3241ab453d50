"""Runs formatters, linters and type checkers, and checks the tarball. Each tool counts as one test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

from dev import collection, envs
from dev.envs import variables
from dev.paths import CACHE, ROOT
from dev.runner import Job, Result, Stage

_TYPED = CACHE / "typed"
_IMPORTER_WARNINGS = re.compile(r"^(?:WARNING|ERROR|CRITICAL): .+", re.MULTILINE)
_mypy = threading.Lock()  # all its runs share one cache file


def _tool(name: str, env_name: str, *command: str) -> Stage:
    """The stage of a linter that is a single command, run in the root of the clone."""

    def run(job: Job) -> Result:
        env = envs.ensure(env_name)
        return job.check(env.bin / command[0], *command[1:], env=variables(env.bin))

    return Stage(f"lint {name}", run, quick=True)


def _types_of_plugins(job: Job) -> Result:
    """Check the types of the plugins under the collection's full name, because they import each other by it."""
    folder = _TYPED / "ansible_collections" / "mstr" / "library"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "plugins").is_symlink():
        (folder / "plugins").symlink_to(ROOT / "plugins")
    return _mypy_run(job, "--package", "ansible_collections.mstr.library.plugins", cwd=folder)


def _types_of_tools(job: Job) -> Result:
    # Nox is only in the environment that runs noxfile.py.
    sessions = ("noxfile.py", f"--python-executable={envs.ensure(envs.BASE).python}")
    tools = _mypy_run(job, "dev", "tests/simulator")
    return tools if tools.failures else _mypy_run(job, *sessions)


def _mypy_run(job: Job, *what: str, cwd: Path = ROOT) -> Result:
    env = envs.ensure("dev")
    settings = (f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={CACHE / 'mypy'}")
    search = variables(env.bin, MYPYPATH=os.pathsep.join(map(str, (_TYPED, ROOT / "tests"))))
    with _mypy:
        return job.check(env.bin / "mypy", "--no-pretty", *settings, *what, cwd=cwd, env=search)


def _ansible_lint(job: Job) -> Result:
    env = envs.ensure("lint")
    search = variables(env.bin, ANSIBLE_COLLECTIONS_PATH=collection.installed(env))
    # Run it in a copy, because it leaves files behind.
    tree = collection.copy(job.scratch / "library")
    return job.check(env.bin / "ansible-lint", "--format=pep8", cwd=tree, env=search)


def _galaxy_importer(job: Job, env_name: str = "galaxy") -> Result:
    """Run the checks of Galaxy and Automation Hub when a collection is published. Their warnings count as failures.

    Automation Hub also runs the sanity tests, in a container. Where there is none, the stages `sanity` have run them.
    """
    env = envs.ensure(env_name)
    engines = [engine for engine in map(shutil.which, ("podman", "docker")) if engine]
    container = any(subprocess.run([engine, "info"], capture_output=True).returncode == 0 for engine in engines)
    settings = dict.fromkeys(("CHECK_CHANGELOG", "CHECK_REQUIRED_TAGS", "REQUIRE_V1_OR_GREATER"), "true")
    settings |= {"RUN_ANSIBLE_TEST": str(container), "RUN_ANSIBLE_LINT": str(env_name == "galaxy")}
    importer = variables(env.bin) | {f"GALAXY_IMPORTER_{name}": value for name, value in settings.items()}
    command = (env.python, "-m", "galaxy_importer.main", collection.tarball(env))
    status = job.run(*command, cwd=job.scratch, env=importer)
    warnings = tuple(_IMPORTER_WARNINGS.findall(job.log.read_text(errors="replace")))
    not_run = () if container else ("no container engine for the sanity tests of galaxy-importer",)
    return Result(failures=warnings) if warnings else replace(Result.of(status, job.log), not_run=not_run)


def _certification(job: Job) -> Result:
    """Run the importer and ansible-lint in the versions that Red Hat's checker for partners pins, on the tarball."""
    imported = _galaxy_importer(job, "certification")
    if imported.failures:
        return imported
    env = envs.ensure("certification")
    tree = job.scratch / "ansible_collections" / "mstr" / "library"
    with tarfile.open(collection.tarball(env)) as tar:
        tar.extractall(tree)
    search = variables(env.bin, ANSIBLE_COLLECTIONS_PATH=job.scratch)
    lint = ("--profile=production", "--offline", "--format=pep8")
    linted = job.check(env.bin / "ansible-lint", *lint, cwd=tree, env=search)
    return replace(linted, not_run=imported.not_run)


def _nox(job: Job) -> Result:
    """Run the checks of the Ansible community: documentation, licences, action groups, YAML, code blocks in guides.

    antsibull-nox.toml lists them. Nox installs nothing: the environment is pinned.
    """
    env = envs.ensure("lint")
    sessions = ("yamllint", "docs-check", "license-check", "extra-checks")
    options = ("--force-venv-backend", "none", "--envdir", job.scratch / "nox", "--session", *sessions)
    return job.check(env.bin / "nox", *options, env=variables(env.bin))


def _tarball(job: Job) -> Result:
    """Check that two trees of the same files result in the same bytes, of files for users and with full links."""
    env = envs.ensure("dev")
    built = [
        collection.build(env, collection.copy(job.scratch / side / "library"), job.scratch / f"{side}-built")
        for side in ("one", "two")
    ]
    faults = [f"not for users: {name}" for name in collection.development_files(built[0])]
    faults += [f"relative link in {place}" for place in collection.relative_links(built[0])]
    if built[0].read_bytes() != built[1].read_bytes():
        faults.append("two builds of the same files differ")
    return Result(failures=tuple(faults)) if faults else Result(1)


# The fast stages, which check only Python.
PYTHON = (
    _tool("format", "dev", "ruff", "format", "--check", "--diff", "."),
    _tool("ruff", "dev", "ruff", "check", "--output-format=concise", "."),
    _tool("generated", "dev", "python", "dev/generate.py", "--check"),
    Stage("lint types of plugins", _types_of_plugins, quick=True),
    Stage("lint types of tools", _types_of_tools, quick=True),
)

RELEASE = (
    Stage("tarball", _tarball),
    Stage("lint galaxy-importer", _galaxy_importer),
    Stage("lint certification", _certification),
)
COLLECTION = (
    _tool("changelog", "lint", "antsibull-changelog", "lint"),
    Stage("lint ansible-lint", _ansible_lint, quick=True),
    Stage("lint nox", _nox, quick=True),
    *RELEASE,
)
