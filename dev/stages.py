# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All stages of the tests, in the order of the report.

To add a stage, add a line here: a `Stage` with a name, the folder that it tests, and a function that takes a `Job` and
returns a `Result`. For a folder of pytest tests, `pytests.stage(name, folder)` is enough.
"""

from __future__ import annotations

from dev import ansible_test, docs, lint, pytests
from dev.pytests import VENDOR, as_modules, controller_variables, of_cores
from dev.pythons import CORES, NEWEST, OLDEST
from dev.stage import Stage

INNER_LOOP: tuple[Stage, ...] = (
    *lint.PYTHON,
    pytests.pure("unit", "tests/unit"),
)

ALL: tuple[Stage, ...] = (
    *INNER_LOOP,
    *lint.COLLECTION,
    lint.TARBALL,
    *lint.TARBALL_SANITY,
    docs.SITE,
    *ansible_test.SANITY,
    *ansible_test.UNITS,
    *ansible_test.INTEGRATION,
    pytests.stage("simulator", "tests/simulator/tests"),
    pytests.stage("contract", "tests/contract", env_name="contract", versions=VENDOR, workers=1),
    *of_cores("in process", "tests/plays/in_process", [core for core in CORES if core != NEWEST]),
    pytests.stage("examples", "tests/plays/examples"),
    # Each block once as modules. The commands of all guides, and second runs, are the same tasks again.
    pytests.stage(
        "examples, as modules",
        "tests/plays/examples",
        marker="not complete",
        quick=False,
        variables_of=as_modules(),
    ),
    pytests.stage("environments", "tests/plays/environments"),
    pytests.stage("awx", "tests/plays/awx", env_name="controller", variables_of=controller_variables),
    # Only the jobs: the other tests run no task of this collection.
    pytests.stage(
        "awx jobs, as modules",
        "tests/plays/awx",
        files=("test_jobs.py",),
        quick=False,
        env_name="controller",
        variables_of=as_modules(controller_variables),
    ),
    # How a run is ended depends on what the core does with signals: the oldest way and the next one.
    *of_cores("stopped plays", "tests/plays/stopped", [OLDEST, [*CORES][-1]]),
    *of_cores("faults", "tests/faults", [OLDEST, [*CORES][-1]]),
    # The tests that depend on the HTTP library, with the oldest version that the modules support.
    pytests.stage(
        "faults urllib3 1.26",
        "tests/faults",
        files=("test_lost_responses.py", "test_tls.py"),
        quick=False,
        env_name="urllib3-1.26",
    ),
    pytests.stage("probe", "tests/probe", quick=False),
    pytests.browser_stage(),
    pytests.stage("tool", "tests/tool", quick=False, workers=1, also=("demo",)),
)
