# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All stages of the tests, in the order of the report.

A new one is a line here: a `Stage` with a name, the folder that it tests, and a function that gets a `Job` and returns
a `Result`. For a folder of pytest tests, `pytests.stage(name, folder)` is all that is needed.
"""

from __future__ import annotations

from dev.stage import Stage
from dev.stages import lint, pytests

INNER_LOOP: tuple[Stage, ...] = (
    *lint.PYTHON,
    pytests.stage("unit", "tests/unit"),
)

ALL: tuple[Stage, ...] = INNER_LOOP
