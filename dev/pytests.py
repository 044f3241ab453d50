"""The stages of pytest tests, and the environment variables that show them where everything is."""

from __future__ import annotations

import functools
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from dev import collection, envs, proc
from dev.envs import NEWEST, Env, pythons_of, variables
from dev.paths import CACHE, LOGS
from dev.runner import Job, Result, Stage

# The last series of releases that contains it, in version 24.6.1.
_AWX_PACKAGE = "ansible==13.8.0"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_NO_TESTS = 5  # pytest's exit status if it selected no test


def variables_for(env: Env) -> dict[str, str]:
    """Variables for programs of `env` that start simulators and run the installed collection.

    MSTR_SIMULATOR_PYTHON: the interpreter for simulators, as `simulator.harness` expects it.
    MSTR_TEST_ANSIBLE_BIN: the folder of an ansible-playbook whose Python has what the modules need.
    MSTR_TEST_COLLECTIONS: the folder with the collection, installed from its tarball.
    MSTR_TEST_PYTHON39: an interpreter of the oldest Python that modules run on, or empty.
    """
    dev = envs.ensure("dev")
    return variables(
        env.bin,
        MSTR_SIMULATOR_PYTHON=dev.python,
        MSTR_TEST_ANSIBLE_BIN=dev.bin,
        MSTR_TEST_COLLECTIONS=collection.installed(dev),
        MSTR_TEST_PYTHON39=envs.ensure("modules", "3.9").python if envs.find("3.9") else "",
    )


def no_variables(env: Env) -> dict[str, str]:
    """The variables for tests that need only the code under test."""
    return variables(env.bin)


def as_modules(variables_of: Callable[[Env], dict[str, str]] = variables_for) -> Callable[[Env], dict[str, str]]:
    """Change `variables_of` so that all tasks run as modules. Otherwise they run in process where possible."""
    return lambda env: variables_of(env) | {"MSTR_TEST_WAY": "module"}


def core_variables(*cores: str) -> Callable[[Env], dict[str, str]]:
    """A function for the common variables and these.

    MSTR_TEST_CORES: folders with the ansible-playbook of each of `cores`. MSTR_TEST_RUNNER_PYTHON: ansible-runner's.
    """

    def variables_of(env: Env) -> dict[str, str]:
        # If this machine has no Python for a core, its integration stage reports it.
        pythons = {core: python for core in cores if envs.find(python := pythons_of(core)[-1])}
        found = os.pathsep.join(str(envs.ensure(f"ansible-{core}", pythons[core]).bin) for core in pythons)
        runner = str(envs.ensure("controller").python)
        return variables_for(env) | {"MSTR_TEST_CORES": found, "MSTR_TEST_RUNNER_PYTHON": runner}

    return variables_of


def controller_variables(env: Env) -> dict[str, str]:
    """The variables of `variables_for` and these, without the caller's own controller.

    MSTR_TEST_AWX_COLLECTIONS: the folder with the collection awx.awx.
    MSTR_TEST_TARBALL: the collection as it is published.
    """
    own = {name: value for name, value in variables_for(env).items() if not name.startswith(("CONTROLLER_", "TOWER_"))}
    tarball = collection.tarball(envs.ensure("dev"))
    return own | {"MSTR_TEST_AWX_COLLECTIONS": str(_awx_collections()), "MSTR_TEST_TARBALL": str(tarball)}


def _awx_collections() -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH that contains only `awx.awx`. It is fetched once per clone.

    That collection creates objects on a controller. The wheel of the package `ansible` contains it, with 10,000 files
    that are not needed.
    """
    folder, wheels = CACHE / _AWX_PACKAGE.replace("==", "-"), CACHE / "awx-wheel"
    with envs.locked(CACHE / "awx.lock"):
        if folder.exists():
            return folder
        shutil.rmtree(wheels, ignore_errors=True)
        # This Python may be older than the package requires: it only downloads the package and does not run it.
        options = ("--no-deps", "--only-binary=:all:", "--python-version=3.12", "--dest", wheels)
        log, pip = LOGS / "awx-collection.log", (envs.ensure(envs.BASE).python, "-m", "pip")
        if proc.run(*pip, "download", *options, _AWX_PACKAGE, log=log, env=envs.for_pip()) != 0:
            raise envs.Failed(f"{_AWX_PACKAGE}, which contains awx.awx, could not be downloaded", log)
        # Under a temporary name, so that an interrupted run never leaves an incomplete folder under the final name.
        with zipfile.ZipFile(next(wheels.glob("*.whl"))) as archive:
            archive.extractall(wheels, [name for name in archive.namelist() if "/awx/awx/" in name])
        next(wheels.glob("*.whl")).unlink()
        wheels.rename(folder)
    return folder


def browser_variables(env: Env) -> dict[str, str]:
    """The common variables, MSTR_TEST_CHROMIUM (the browser) and MSTR_TEST_SITE (the documentation)."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise envs.NotHere("no Chromium on this machine")
    return variables_for(env) | {"MSTR_TEST_CHROMIUM": browser, "MSTR_TEST_SITE": str(collection.site().parent)}


def stage(
    name: str,
    *tests: str,
    env_name: str = "dev",
    also: str = "dev",
    core: str = "",
    marker: str = "",
    quick: bool = True,
    workers: int = 3,
    variables_of: Callable[[Env], dict[str, str]] = variables_for,
) -> Stage:
    """A stage that runs `tests`, which are folders or files, in the environment `env_name`.

    `also`: one more environment to create.
    `variables_of` returns the environment variables of the tests; `variables_for` describes those that all tests get.
    `workers` tests run at a time, because most of them wait for a program; this needs pytest-xdist in the environment.
    `core`: the only ansible-core that they use. `marker`: only tests with it.
    `quick`: whether `make test` runs the stage without --all.
    """

    def run(job: Job) -> Result:
        env, _also = envs.ensure(env_name), envs.ensure(also)
        results = job.scratch / "junit.xml"
        options = [f"--junit-xml={results}", f"--basetemp={job.scratch / 'tmp'}"]
        if workers > 1:
            options += [f"--numprocesses={workers}", "--dist=worksteal"]
        markers = [marker] * bool(marker) + ["not complete"] * (not job.selection.complete)
        if markers:
            options += ["-m", " and ".join(markers)]
        if job.selection.keyword:
            options += ["-k", job.selection.keyword]
        status = job.run(env.python, "-m", "pytest", *tests, *options, env=variables_of(env))
        if job.selection.keyword and status == _NO_TESTS:
            return Result(not_run=(f"no test matches -k {job.selection.keyword!r}",))
        return Result.of_junit([results] if results.exists() else [], status, job.log)

    def make_variables() -> dict[str, str]:
        return variables_of(envs.ensure(env_name))

    return Stage(name, run, core, quick, selects="keyword", variables=make_variables)


def of_cores(name: str, folder: str, others: Iterable[str]) -> tuple[Stage, ...]:
    """The stage of a folder on the newest ansible-core, and one of its tests on each core for `others`."""
    newest = stage(name, folder, variables_of=core_variables(NEWEST))
    every_core = functools.partial(stage, marker="every_core", quick=False)
    return (
        newest,
        *(every_core(f"{name} {core}", folder, core=core, variables_of=core_variables(core)) for core in others),
    )
