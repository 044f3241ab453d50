# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of pytest tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dev import envs, junit
from dev.environment import variables
from dev.envs import PREFERRED, Env
from dev.stage import Job, Result, Stage
from dev.testbed import variables_for

_NO_TESTS = 5  # pytest's exit status where it selected none


def stage(
    name: str,
    folder: str,
    *,
    files: Sequence[str] = (),
    env_name: str = "dev",
    versions: Sequence[str] = PREFERRED,
    also: Sequence[str] = (),
    alone: bool = False,
    told: Callable[[Env], dict[str, str]] = variables_for,
) -> Stage:
    """The tests under `folder`, or `files` in it, which are told by `dev.testbed` of simulators and the collection.

    They run in the environment `env_name`, on the first of `versions`; the environments `also` are there too. `told`
    gives the variables that they are told more by.
    """

    def make() -> Env:
        for other in also:
            envs.ensure(other)
        return envs.ensure(env_name, versions)

    return _stage(name, folder, make, told, files=files, alone=alone)


def as_modules(told: Callable[[Env], dict[str, str]] = variables_for) -> Callable[[Env], dict[str, str]]:
    """`told`, and that all tasks run as modules. Without it they run in process, where Ansible's Python is theirs."""
    return lambda env: told(env) | {"MSTR_TEST_WAY": "module"}


def pure(name: str, folder: str) -> Stage:
    """Tests that need nothing but the code under test."""
    return _stage(name, folder, lambda: envs.ensure("dev"), lambda env: variables(env.bin))


def _stage(
    name: str,
    folder: str,
    make: Callable[[], Env],
    told: Callable[[Env], dict[str, str]],
    *,
    files: Sequence[str] = (),
    alone: bool = False,
) -> Stage:
    paths = [f"{folder}/{file}" for file in files] or [folder]

    def run(job: Job) -> Result:
        env = make()
        results = job.scratch / "junit.xml"
        options: tuple[str, ...] = (f"--junit-xml={results}", f"--basetemp={job.scratch / 'tmp'}")
        if job.selection.keyword:
            options += ("-k", job.selection.keyword)
        status = job.run(env.python, "-m", "pytest", *paths, *options, env=told(env))
        if job.selection.keyword and status == _NO_TESTS:
            return Result(not_run=(f"no test fits -k {job.selection.keyword!r}",))
        return junit.count([results] if results.exists() else [], status)

    return Stage(name, run, folder=folder, alone=alone, selects="keyword", variables=lambda: told(make()))
