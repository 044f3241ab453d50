# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for this folder. dev/pytests.py sets the variables that they need.

pytest runs where ansible-core, ansible-builder and ansible-runner are installed; the simulator has its own Python.
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
    """Return a fresh Library server."""
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def controller() -> Iterator[Controller]:
    """Return an empty controller."""
    with Controller() as controller:
        yield controller


@pytest.fixture(scope="session")
def collection() -> Path:
    """Return the collection as users install it."""
    return Path(os.environ["MSTR_TEST_COLLECTIONS"], "ansible_collections", "mstr", "library")
