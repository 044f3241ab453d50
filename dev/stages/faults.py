# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests what the modules do when something breaks, on every ansible-core and under ansible-runner."""

from __future__ import annotations

import os
from collections.abc import Callable

from dev import envs
from dev.ansible_test import CORES, NEWEST, pythons_of
from dev.envs import Env
from dev.stage import Stage
from dev.stages import pytests
from dev.testbed import variables_for


def stage_variables(*cores: str) -> Callable[[Env], dict[str, str]]:
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


def of_cores(name: str, folder: str) -> tuple[Stage, ...]:
    """Return the stage of a folder on the newest ansible-core, and for each other core one of the tests that use it."""
    others = [core for core in CORES if core != NEWEST]
    return (
        pytests.stage(name, folder, variables_of=stage_variables(NEWEST)),
        *(
            pytests.stage(
                f"{name} {core}",
                folder,
                core=core,
                marker="every_core",
                quick=False,
                variables_of=stage_variables(core),
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


STAGES = of_cores("faults", "tests/faults")
# The tests that depend on the HTTP library, with the oldest version that the modules support.
OLD_URLLIB3 = pytests.stage(
    "faults urllib3 1.26",
    "tests/faults",
    quick=False,
    workers=2,
    files=("test_lost_responses.py", "test_proxies.py", "test_tls.py"),
    env_name="urllib3-1.26",
)
