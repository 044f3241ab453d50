# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests pages in a real browser, if this machine has one."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from dev import docs, envs
from dev.envs import Env
from dev.paths import RUN
from dev.stage import Job, Result, Stage
from dev.stages import pytests
from dev.testbed import variables_for

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def found() -> str:
    """Return the path of the browser, or an empty text if this machine has none."""
    return next(filter(None, map(shutil.which, _NAMES)), "") or ""


def variables(env: Env) -> dict[str, str]:
    """Return the common variables, MSTR_TEST_CHROMIUM (the browser) and MSTR_TEST_SITE (the documentation site)."""
    site = RUN / "site"
    if not site.exists() and docs.build(site, RUN / "site.log") != 0:
        raise envs.Failed("the documentation site could not be built", RUN / "site.log")
    return variables_for(env) | {"MSTR_TEST_CHROMIUM": found(), "MSTR_TEST_SITE": str(docs.html(site).parent)}


def _where_there_is_one(run: Callable[[Job], Result]) -> Callable[[Job], Result]:
    def guarded(job: Job) -> Result:
        return run(job) if found() else Result(not_run=("no Chromium on this machine",))

    return guarded


_ALWAYS = pytests.stage("browser", "tests/browser", env_name="browser", workers=1, variables_of=variables)
STAGE = Stage(
    _ALWAYS.name,
    _where_there_is_one(_ALWAYS.run),
    folder=_ALWAYS.folder,
    quick=True,
    selects=_ALWAYS.selects,
    variables=_ALWAYS.variables,
)
