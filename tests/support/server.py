# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of a folder whose tests share one simulator. A conftest imports them."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from simulator.harness import Simulator

from support.ansible import COLLECTIONS

# Modules and their parts are imported here too, where a test wants to look into the middle of them.
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
