# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ten servers for all tests of this folder, and the playbooks of the collection run against them by name."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from simulator.harness import Simulator

from environments.playing import Play

NUMBER = 10


@pytest.fixture(scope="session")
def simulators() -> Iterator[list[Simulator]]:
    servers = [Simulator() for _ in range(NUMBER)]
    with ThreadPoolExecutor(2) as starters:
        list(starters.map(Simulator.start, servers))
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture
def servers(simulators: list[Simulator]) -> list[Simulator]:
    """Ten fresh servers, whose lists are complete."""
    for server in simulators:
        server.reset("newest")
    return simulators


@pytest.fixture
def play(servers: list[Simulator], tmp_path: Path) -> Play:
    """Playbooks in a folder of their own, on an inventory of these servers: C(env0) to C(env9)."""
    return Play(tmp_path, servers)
