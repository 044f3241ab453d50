# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of this folder share: one simulator for all of them, and the ansible-cores that this machine has."""

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
    """The programs of one ansible-core; a test that asks for it runs on each."""
    return Path(request.param)


@pytest.fixture(scope="session")
def newest() -> Path:
    """The programs of the newest ansible-core."""
    return cores()[-1]
