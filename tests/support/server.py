# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for folders whose tests share one simulator. Their conftest imports them."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from simulator.harness import Simulator

from support.ansible import COLLECTIONS

# Some tests import parts of the modules into this process.
sys.path.insert(0, COLLECTIONS)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(simulator: Simulator) -> Simulator:
    """A fresh server."""
    simulator.reset()
    return simulator
