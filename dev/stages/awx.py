# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a controller uses it: execution environment, credential type, objects, jobs."""

from __future__ import annotations

from collections.abc import Mapping

from dev import awx, collection, envs, proc
from dev.envs import Env
from dev.paths import RUN
from dev.stages import pytests
from dev.testbed import variables_for


def stage_variables(env: Env) -> dict[str, str]:
    """Return the variables of `variables_for` and these, without the caller's own controller.

    MSTR_TEST_AWX_COLLECTIONS: the folder with the collection awx.awx.
    MSTR_TEST_TARBALL: the collection as it is published.
    """
    own = {name: value for name, value in variables_for(env).items() if not name.startswith(("CONTROLLER_", "TOWER_"))}
    return own | {
        "MSTR_TEST_AWX_COLLECTIONS": str(awx.collections(env)),
        "MSTR_TEST_TARBALL": str(collection.tarball(envs.ensure("dev"))),
    }


def live(tests: str, more: Mapping[str, str]) -> int:
    """Run tests that need a real controller or container engine, described by `more`, and return the exit status."""
    env = envs.ensure("controller")
    env_all = {**stage_variables(env), **more}
    with proc.started(env.python, "-m", "pytest", tests, f"--basetemp={RUN / 'tests'}", env=env_all) as process:
        return process.wait()


STAGE = pytests.stage("awx", "tests/awx", env_name="controller", workers=3, variables_of=stage_variables)
# Only the jobs: the other tests run no task of this collection.
AS_MODULES = pytests.stage(
    "awx jobs, as modules",
    "tests/awx/test_jobs.py",
    quick=False,
    workers=3,
    env_name="controller",
    variables_of=pytests.as_modules(stage_variables),
)
