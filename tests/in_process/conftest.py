# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for this folder: one simulator for all tests, and the ansible-cores that this machine has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulator.harness import Simulator

from in_process.running import cores


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(simulator: Simulator) -> Simulator:
    """A fresh server."""
    simulator.reset()
    return simulator


@pytest.fixture(params=cores(), ids=lambda path: path.parent.name)
def core(request: pytest.FixtureRequest) -> Path:
    """Return the folder of one ansible-core's programs. A test that uses it runs on each ansible-core."""
    return Path(request.param)


@pytest.fixture(scope="session")
def newest() -> Path:
    """Return the folder of the newest ansible-core's programs."""
    return cores()[-1]
