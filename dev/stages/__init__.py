# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All stages of the tests, in the order of the report.

To add a stage, add a line here: a `Stage` with a name, the folder that it tests, and a function that takes a `Job` and
returns a `Result`. For a folder of pytest tests, `pytests.stage(name, folder)` is enough.
"""

from __future__ import annotations

from dev.stage import Stage
from dev.stages import ansible_tests, awx, browser, docs, faults, lint, pytests, release
from dev.testbed import VENDOR

INNER_LOOP: tuple[Stage, ...] = (
    *lint.PYTHON,
    pytests.pure("unit", "tests/unit"),
)

ALL: tuple[Stage, ...] = (
    *INNER_LOOP,
    *lint.COLLECTION,
    release.TARBALL,
    *release.SANITY,
    docs.SITE,
    *ansible_tests.SANITY,
    *ansible_tests.UNITS,
    *ansible_tests.INTEGRATION,
    pytests.stage("simulator", "tests/simulator/tests"),
    pytests.stage("contract", "tests/contract", env_name="contract", versions=VENDOR, workers=1),
    *faults.of_cores("in process", "tests/in_process"),
    pytests.stage("examples", "tests/examples"),
    pytests.stage("examples, as modules", "tests/examples", quick=False, variables_of=pytests.as_modules()),
    pytests.stage("environments", "tests/environments"),
    awx.STAGE,
    awx.AS_MODULES,
    *faults.STAGES,
    faults.OLD_URLLIB3,
    pytests.stage("probe", "tests/probe", quick=False),
    browser.STAGE,
    pytests.stage("tool", "tests/tool", quick=False, workers=1, also=("demo",)),
)
