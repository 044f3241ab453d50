# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a controller uses it: execution environment, credential type, objects, jobs."""

from __future__ import annotations

from dev import awx, collection, envs
from dev.envs import Env
from dev.stages import pytests
from dev.testbed import variables_for


def told(env: Env) -> dict[str, str]:
    """More than `variables_for`, without the caller's own controller.

    MSTR_TEST_AWX_COLLECTIONS: the folder with the collection awx.awx.
    MSTR_TEST_TARBALL: the collection as it is published.
    """
    own = {name: value for name, value in variables_for(env).items() if not name.startswith(("CONTROLLER_", "TOWER_"))}
    return own | {
        "MSTR_TEST_AWX_COLLECTIONS": str(awx.collections(env)),
        "MSTR_TEST_TARBALL": str(collection.tarball(envs.ensure("dev"))),
    }


STAGE = pytests.stage("awx", "tests/awx", env_name="awx", told=told)
