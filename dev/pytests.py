# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of pytest tests, and the environment variables that show them where everything is."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dev import collection, docs, envs, proc
from dev.envs import PREFERRED, Env, for_pip, variables
from dev.paths import CACHE, LOGS, RUN
from dev.pythons import NEWEST, pythons_of
from dev.stage import Job, Result, Stage

# The last series of releases that contains it, in version 24.6.1.
_AWX_PACKAGE = "ansible==13.8.0"
_AWX_PREFIX = "ansible_collections/awx/awx/"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Pythons that the vendor's client runs on; the first one found is used.
VENDOR = ("3.13", "3.12", "3.11")


def variables_for(env: Env) -> dict[str, str]:
    """Return variables for programs of `env` that start simulators and run the installed collection.

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
        MSTR_TEST_PYTHON39=python39(),
    )


def python39() -> str:
    """Return the interpreter of the oldest Python that modules run on, or an empty text if this machine has none."""
    try:
        return str(envs.ensure("modules", ["3.9"]).python)
    except envs.NoPython:
        return ""


_NO_TESTS = 5  # pytest's exit status if it selected no test


def stage(
    name: str,
    folder: str,
    *,
    files: Sequence[str] = (),
    env_name: str = "dev",
    versions: Sequence[str] = PREFERRED,
    also: Sequence[str] = (),
    core: str = "",
    marker: str = "",
    quick: bool = True,
    workers: int = 3,
    variables_of: Callable[[Env], dict[str, str]] = variables_for,
) -> Stage:
    """Return a stage that runs the tests under `folder`, or the `files` in it.

    They run in the environment `env_name`, on the first of `versions`. The environments `also` are created as well.
    `variables_of` returns the environment variables of the tests; `variables_for` describes those that all tests get.
    `workers` tests run at a time, because most of them wait for a program; this needs pytest-xdist in the environment.
    `core`: the only ansible-core that they use. `marker`: only tests with it.
    `quick`: whether `make test` runs the stage without --all.
    """

    def make() -> Env:
        for other in also:
            envs.ensure(other)
        return envs.ensure(env_name, versions)

    return _stage(name, folder, make, variables_of, files=files, core=core, marker=marker, quick=quick, workers=workers)


def as_modules(variables_of: Callable[[Env], dict[str, str]] = variables_for) -> Callable[[Env], dict[str, str]]:
    """Change `variables_of` so that all tasks run as modules. Otherwise they run in process where possible."""
    return lambda env: variables_of(env) | {"MSTR_TEST_WAY": "module"}


def pure(name: str, folder: str) -> Stage:
    """Return a stage for tests that need only the code under test."""
    return _stage(name, folder, lambda: envs.ensure("dev"), lambda env: variables(env.bin), workers=2)


def _stage(
    name: str,
    folder: str,
    make: Callable[[], Env],
    variables_of: Callable[[Env], dict[str, str]],
    *,
    files: Sequence[str] = (),
    core: str = "",
    marker: str = "",
    quick: bool = True,
    workers: int = 1,
) -> Stage:
    paths = [f"{folder}/{file}" for file in files] or [folder]

    def run(job: Job) -> Result:
        env = make()
        results = job.scratch / "junit.xml"
        options: tuple[str, ...] = (f"--junit-xml={results}", f"--basetemp={job.scratch / 'tmp'}", "--durations=20")
        if workers > 1:
            options += (f"--numprocesses={workers}", "--dist=worksteal")
        markers = [marker] * bool(marker) + ["not complete"] * (not job.selection.complete)
        if markers:
            options += ("-m", " and ".join(markers))
        if job.selection.keyword:
            options += ("-k", job.selection.keyword)
        status = job.run(env.python, "-m", "pytest", *paths, *options, env=variables_of(env))
        if job.selection.keyword and status == _NO_TESTS:
            return Result(not_run=(f"no test matches -k {job.selection.keyword!r}",))
        return Result.of_junit([results] if results.exists() else [], status)

    return Stage(
        name, run, folder=folder, core=core, quick=quick, selects="keyword", variables=lambda: variables_of(make())
    )


def core_variables(*cores: str) -> Callable[[Env], dict[str, str]]:
    """Return a function for the common variables and these.

    MSTR_TEST_CORES: folders with the ansible-playbook of each of `cores`. MSTR_TEST_RUNNER_PYTHON: ansible-runner's.
    """

    def variables(env: Env) -> dict[str, str]:
        found = [str(core.bin) for core in map(_core, cores) if core]
        runner = envs.ensure("runner")
        return variables_for(env) | {
            "MSTR_TEST_CORES": os.pathsep.join(found),
            "MSTR_TEST_RUNNER_PYTHON": str(runner.python),
        }

    return variables


def of_cores(name: str, folder: str, others: Iterable[str]) -> tuple[Stage, ...]:
    """Return the stage of a folder on the newest ansible-core, and one of its tests on each core for `others`."""
    return (
        stage(name, folder, variables_of=core_variables(NEWEST)),
        *(
            stage(
                f"{name} {core}",
                folder,
                core=core,
                marker="every_core",
                quick=False,
                variables_of=core_variables(core),
            )
            for core in others
        ),
    )


def _core(version: str) -> Env | None:
    # If this machine has no Python for a core, its integration stage reports it.
    try:
        return envs.ensure(f"ansible-{version}", [pythons_of(version)[-1]])
    except envs.NoPython:
        return None


def controller_variables(env: Env) -> dict[str, str]:
    """Return the variables of `variables_for` and these, without the caller's own controller.

    MSTR_TEST_AWX_COLLECTIONS: the folder with the collection awx.awx.
    MSTR_TEST_TARBALL: the collection as it is published.
    """
    own = {name: value for name, value in variables_for(env).items() if not name.startswith(("CONTROLLER_", "TOWER_"))}
    return own | {
        "MSTR_TEST_AWX_COLLECTIONS": str(_awx_collections(env)),
        "MSTR_TEST_TARBALL": str(collection.tarball(envs.ensure("dev"))),
    }


def _awx_collections(env: Env) -> Path:
    """Return the folder for ANSIBLE_COLLECTIONS_PATH that contains only `awx.awx`. It is fetched once per clone.

    That collection creates objects on a controller. The wheel of the package `ansible` contains it, with 10,000 files
    that are not needed.
    """
    folder = CACHE / _AWX_PACKAGE.replace("==", "-")
    with envs.locked(CACHE / "awx.lock"):
        if not folder.exists():
            _unpack_awx(_download_awx(env), folder)
    return folder


def _download_awx(env: Env) -> Path:
    log, wheels = LOGS / "awx-collection.log", CACHE / "awx-wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    # This Python may be older than the package requires: it only downloads the package and does not run it.
    options = ("--no-deps", "--only-binary=:all:", "--python-version=3.12", "--dest", wheels)
    command = (env.python, "-m", "pip", "download", *options, _AWX_PACKAGE)
    if proc.run(*command, log=log, env=for_pip()) != 0:
        raise envs.Failed(f"{_AWX_PACKAGE}, which contains awx.awx, could not be downloaded", log)
    return next(wheels.glob("*.whl"))


def _unpack_awx(wheel: Path, folder: Path) -> None:
    # Unpack under a temporary name, so that an interrupted run never leaves an incomplete folder under the final name.
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(part, [name for name in archive.namelist() if name.startswith(_AWX_PREFIX)])
    part.rename(folder)
    shutil.rmtree(wheel.parent)


def run_live(tests: str, more: Mapping[str, str], keyword: str = "") -> int:
    """Run tests that need a real controller or container engine, described by `more`, and return the exit status."""
    env = envs.ensure("controller")
    env_all = {**controller_variables(env), **more}
    options = (f"--basetemp={RUN / 'tests'}", "-k", keyword)
    with proc.started(env.python, "-m", "pytest", tests, *options, env=env_all) as process:
        return process.wait()


def browser_variables(env: Env) -> dict[str, str]:
    """Return the common variables, MSTR_TEST_CHROMIUM (the browser) and MSTR_TEST_SITE (the documentation site)."""
    site = RUN / "site"
    if not site.exists() and docs.build(site, RUN / "site.log") != 0:
        raise envs.Failed("the documentation site could not be built", RUN / "site.log")
    return variables_for(env) | {"MSTR_TEST_CHROMIUM": _browser(), "MSTR_TEST_SITE": str(docs.html(site).parent)}


def _browser() -> str:
    """Return the path of the browser, or an empty text if this machine has none."""
    return next(filter(None, map(shutil.which, _BROWSERS)), "") or ""


def browser_stage() -> Stage:
    """Return the stage of the tests of pages. It needs a browser on this machine."""
    always = stage("browser", "tests/browser", env_name="browser", workers=1, variables_of=browser_variables)

    def run(job: Job) -> Result:
        return always.run(job) if _browser() else Result(not_run=("no Chromium on this machine",))

    return replace(always, run=run)
