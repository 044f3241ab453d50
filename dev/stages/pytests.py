# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs folders of pytest tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dev import envs, junit
from dev.environment import variables
from dev.envs import PREFERRED, Env
from dev.stage import Job, Result, Stage
from dev.testbed import variables_for

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
    `variables_of` returns the environment variables of the tests; `dev.testbed` describes those that all tests get.
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
        if marker:
            options += ("-m", marker)
        if job.selection.keyword:
            options += ("-k", job.selection.keyword)
        status = job.run(env.python, "-m", "pytest", *paths, *options, env=variables_of(env))
        if job.selection.keyword and status == _NO_TESTS:
            return Result(not_run=(f"no test matches -k {job.selection.keyword!r}",))
        return junit.count([results] if results.exists() else [], status)

    return Stage(
        name, run, folder=folder, core=core, quick=quick, selects="keyword", variables=lambda: variables_of(make())
    )
