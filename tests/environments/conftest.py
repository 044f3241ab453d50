# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for this folder: ten servers, and a way to run the collection's playbooks on them."""

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
    """Return ten fresh servers with complete lists."""
    for server in simulators:
        server.reset("newest")
    return simulators


@pytest.fixture
def play(servers: list[Simulator], tmp_path: Path) -> Play:
    """Return a runner for playbooks in a new folder, with an inventory of these servers: `env0` to `env9`."""
    return Play(tmp_path, servers)
