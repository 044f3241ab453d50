# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of this folder need: the simulator, the two clients, and the module by way of `ansible`.

`mstrio-py` and `mstr-rest-requests` are installed where pytest runs. The simulator and ansible have environments of
their own, which the development tool names in variables (see dev/testbed.py):

MSTR_SIMULATOR_PYTHON    an interpreter that can run tests/simulator
MSTR_TEST_ANSIBLE_BIN    the folder of a command `ansible` whose Python has requests and netaddr
MSTR_TEST_COLLECTIONS    the folder where it finds this collection
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mstr.requests import AuthenticatedMSTRRESTSession
from mstrio.connection import Connection
from simulator.harness import Simulator
from simulator.profiles import PROFILES

from contract.adhoc import Module


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(params=PROFILES)
def server(request: pytest.FixtureRequest, simulator: Simulator) -> Simulator:
    """A fresh server; a test that asks for it runs in every profile."""
    simulator.reset(request.param)
    return simulator


@pytest.fixture
def switches(server: Simulator) -> dict[str, Any]:
    """How this server behaves."""
    return server.switch()


@pytest.fixture
def mstrio(server: Simulator) -> Iterator[Connection]:
    """The vendor's client, logged in."""
    connection = Connection(server.base_url, server.username, server.password, verbose=False)
    yield connection
    connection.close()


@pytest.fixture
def rest(server: Simulator) -> Iterator[AuthenticatedMSTRRESTSession]:
    """The independent client, logged in."""
    with AuthenticatedMSTRRESTSession(f"{server.base_url}/api/", server.username, server.password) as session:
        yield session


@pytest.fixture
def module(server: Simulator) -> Module:
    """The module `mstr_runtime`, to be called with its options."""
    return Module(server)


@pytest.fixture
def reader(server: Simulator) -> Module:
    """The module `mstr_runtime_info`, to be called with its options."""
    return Module(server, "mstr_runtime_info")
