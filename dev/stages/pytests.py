# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of pytest tests."""

from __future__ import annotations

from dev import envs, junit
from dev.environment import variables
from dev.stage import Job, Result, Stage


def stage(name: str, folder: str, *, env_name: str = "dev", alone: bool = False) -> Stage:
    """All tests under `folder`, run in the environment `env_name`."""

    def run(job: Job) -> Result:
        env = envs.ensure(env_name)
        results = job.scratch / "junit.xml"
        options = (f"--junit-xml={results}", f"--basetemp={job.scratch / 'tmp'}")
        status = job.run(env.python, "-m", "pytest", folder, *options, env=variables(env.bin))
        return junit.count([results] if results.exists() else [], status)

    return Stage(name, run, folder=folder, alone=alone)
