# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests what the modules do when something breaks, on every ansible-core and under ansible-runner."""

from __future__ import annotations

import os

from dev import envs
from dev.ansible_test import CORES, pythons_of
from dev.envs import Env
from dev.stages import pytests
from dev.testbed import variables_for


def stage_variables(env: Env) -> dict[str, str]:
    """Return the common variables, MSTR_TEST_CORES (folders with ansible-playbook) and MSTR_TEST_RUNNER_PYTHON."""
    cores = [str(core.bin) for core in map(_core, CORES) if core]
    runner = envs.ensure("runner")
    return variables_for(env) | {
        "MSTR_TEST_CORES": os.pathsep.join(cores),
        "MSTR_TEST_RUNNER_PYTHON": str(runner.python),
    }


def _core(version: str) -> Env | None:
    # If this machine has no Python for a core, its integration stage reports it.
    try:
        return envs.ensure(f"ansible-{version}", [pythons_of(version)[-1]])
    except envs.NoPython:
        return None


STAGE = pytests.stage("faults", "tests/faults", variables_of=stage_variables)
# The tests that depend on the HTTP library, with the oldest version that the modules support.
OLD_URLLIB3 = pytests.stage(
    "faults urllib3 1.26",
    "tests/faults",
    files=("test_lost_responses.py", "test_proxies.py", "test_tls.py"),
    env_name="urllib3-1.26",
)
