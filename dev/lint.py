"""Runs formatters, linters and type checkers, and checks the tarball. Each tool counts as one test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace

from dev import collection
from dev.envs import BASE, ensure, variables
from dev.paths import CACHE, LIBRARY, ROOT
from dev.runner import Job, Result, Stage

_IMPORTER_WARNINGS = re.compile(r"^(?:WARNING|ERROR|CRITICAL): .+", re.MULTILINE)


def _tool(name: str, env_name: str, *command: str) -> Stage:
    """The stage of a linter that is a single command, run in the root of the clone."""

    def run(job: Job) -> Result:
        env = ensure(env_name)
        return job.check(env / command[0], *command[1:], env=variables(env))

    return Stage(f"lint {name}", run, quick=True)


def _types(job: Job) -> Result:
    """Check the types of the tool, the simulator, the sessions, and of the plugins, in turn: they share one cache."""
    # Plugins import each other by the collection's full name.
    typed = CACHE / "typed"
    library = typed / LIBRARY
    library.mkdir(parents=True, exist_ok=True)
    if not (library / "plugins").is_symlink():
        (library / "plugins").symlink_to(ROOT / "plugins")
    env = ensure("dev")
    settings = ("--no-pretty", f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={CACHE / 'mypy'}")
    search = variables(env, MYPYPATH=os.pathsep.join(map(str, (typed, ROOT / "tests"))))
    checked = [
        job.check(env / "mypy", *settings, *what, cwd=cwd, env=search)
        for cwd, *what in (
            (ROOT, "dev", "tests/simulator"),
            # Nox is only in the environment that runs noxfile.py.
            (ROOT, "noxfile.py", f"--python-executable={ensure(BASE) / 'python'}"),
            (library, "--package", "ansible_collections.mstr.library.plugins"),
        )
    ]
    failures = tuple(failure for result in checked for failure in result.failures)
    return Result(int(not failures), failures)


def _ansible_lint(job: Job) -> Result:
    env = ensure("lint")
    search = variables(env, ANSIBLE_COLLECTIONS_PATH=collection.installed(env))
    # Run it in a copy, because it leaves files behind.
    tree = collection.copy(job.scratch / "library")
    return job.check(env / "ansible-lint", "--format=pep8", cwd=tree, env=search)


def _galaxy_importer(job: Job, env_name: str = "galaxy") -> Result:
    """Run the checks of Galaxy and Automation Hub when a collection is published. Their warnings count as failures.

    Automation Hub also runs the sanity tests, in a container. Where there is none, the stages `sanity` have run them.
    """
    env = ensure(env_name)
    engines = [engine for engine in map(shutil.which, ("podman", "docker")) if engine]
    container = any(subprocess.run([engine, "info"], capture_output=True).returncode == 0 for engine in engines)
    settings = dict.fromkeys(("CHECK_CHANGELOG", "CHECK_REQUIRED_TAGS", "REQUIRE_V1_OR_GREATER"), "true")
    settings |= {"RUN_ANSIBLE_TEST": str(container), "RUN_ANSIBLE_LINT": str(env_name == "galaxy")}
    importer = variables(env) | {f"GALAXY_IMPORTER_{name}": value for name, value in settings.items()}
    command = (env / "python", "-m", "galaxy_importer.main", collection.tarball(env))
    result = job.check(*command, cwd=job.scratch, env=importer)
    if warnings := tuple(_IMPORTER_WARNINGS.findall(job.log.read_text(errors="replace"))):
        return Result(failures=warnings)
    return replace(
        result, not_run=() if container else ("no container engine for the sanity tests of galaxy-importer",)
    )


def _certification(job: Job) -> Result:
    """Run the importer and ansible-lint in the versions that Red Hat's checker for partners pins, on the tarball."""
    imported = _galaxy_importer(job, "certification")
    if imported.failures:
        return imported
    env = ensure("certification")
    tree = collection.unpack(collection.tarball(env), job.scratch)
    search = variables(env, ANSIBLE_COLLECTIONS_PATH=job.scratch)
    lint = ("--profile=production", "--offline", "--format=pep8")
    return replace(job.check(env / "ansible-lint", *lint, cwd=tree, env=search), not_run=imported.not_run)


def _tarball(job: Job) -> Result:
    """Check that two trees of the same files result in the same bytes, of files for users."""
    sides = [job.scratch / side for side in ("one", "two")]
    one, two = [collection.build(ensure("dev"), collection.copy(side / "library"), side / "built") for side in sides]
    faults = [f"not for users: {name}" for name in collection.development_files(one)]
    faults += ["two builds of the same files differ"] * (one.read_bytes() != two.read_bytes())
    return Result(int(not faults), tuple(faults))


# The fast stages, which check only Python.
PYTHON = (
    _tool("format", "dev", "ruff", "format", "--check", "--diff", "."),
    _tool("ruff", "dev", "ruff", "check", "--output-format=concise", "."),
    _tool("generated", "dev", "python", "-m", "dev.generate", "--check"),
    Stage("lint types", _types, quick=True),
)

RELEASE = (
    Stage("tarball", _tarball),
    Stage("lint galaxy-importer", _galaxy_importer),
    Stage("lint certification", _certification),
)
# The checks of the Ansible community that antsibull-nox.toml lists. Nox installs nothing: the environment is pinned.
_NOX = ("nox", "--force-venv-backend=none", "--envdir=.cache/nox", "--session")
COLLECTION = (
    _tool("changelog", "lint", "antsibull-changelog", "lint"),
    Stage("lint ansible-lint", _ansible_lint, quick=True),
    _tool("nox", "lint", *_NOX, "yamllint", "docs-check", "license-check", "extra-checks"),
    *RELEASE,
)
