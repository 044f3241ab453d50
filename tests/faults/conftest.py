# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of this folder share: one simulator for all of them, and the ansible-cores that this machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.ansible import programs
from support.server import sim, simulator

__all__ = ["core", "newest", "sim", "simulator"]


def _cores() -> list[Path]:
    """Folders with an ansible-playbook, one for each supported ansible-core that can run here."""
    return [Path(name) for name in os.environ.get("MSTR_TEST_CORES", "").split(os.pathsep) if name]


@pytest.fixture(params=_cores(), ids=lambda path: path.parent.name)
def core(request: pytest.FixtureRequest) -> Path:
    """The programs of one ansible-core; a test that asks for it runs on each."""
    return Path(request.param)


@pytest.fixture(scope="session")
def newest() -> Path:
    """The programs of the newest ansible-core."""
    return programs()
