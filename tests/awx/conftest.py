# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of this folder need, as the development tool tells them (dev/stages/awx.py).

ansible-core, ansible-builder and ansible-runner are installed where pytest runs; the simulator has a Python of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulator.harness import Simulator

from awx.controller import Controller


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    """A Library server, as new."""
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def controller() -> Iterator[Controller]:
    """A controller on which there is nothing yet."""
    with Controller() as controller:
        yield controller


@pytest.fixture(scope="session")
def collection() -> Path:
    """The collection as it is installed for users."""
    return Path(os.environ["MSTR_TEST_COLLECTIONS"], "ansible_collections", "mstr", "library")
