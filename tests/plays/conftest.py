"""Fixtures for plays: ten servers with their inventory, the servers of the examples, and a controller.

The tests of AWX run where ansible-core, ansible-builder and ansible-runner are installed; simulators have their own
Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from simulator.harness import Simulator
from support.ansible import LOCAL, Play

from plays.awx.controller import Controller
from plays.awx.jobs import tools_in

if TYPE_CHECKING:
    from plays.examples.hosts import ExampleHosts


@pytest.fixture(scope="session")
def simulators() -> Iterator[list[Simulator]]:
    servers = [Simulator() for _ in range(10)]
    with ThreadPoolExecutor(2) as starters:
        list(starters.map(Simulator.start, servers))
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture
def servers(simulators: list[Simulator]) -> list[Simulator]:
    """Ten fresh servers with complete lists."""
    for server in simulators:
        server.reset("newest")
    return simulators


@pytest.fixture
def play(servers: list[Simulator], tmp_path: Path) -> Play:
    """A runner for playbooks in a new folder, with an inventory of these servers: `env0` to `env9`."""
    hosts = {f"env{number}": {"mstr_base_url": server.base_url} for number, server in enumerate(servers)}
    login = {"mstr_username": servers[0].username, "mstr_password": servers[0].password}
    return Play(tmp_path, env={"ANSIBLE_FORKS": "10"}, hosts=hosts, variables={**LOCAL, **login})


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleHosts]:
    """The hosts of all examples. `servers` resets them for each page."""
    # Only the environment of the examples has what it imports.
    from plays.examples.hosts import ExampleHosts

    with ExampleHosts(tmp_path_factory.mktemp("hosts")) as found:
        yield found


@pytest.fixture
def controller() -> Iterator[Controller]:
    with Controller() as controller:
        yield controller


@pytest.fixture
def tools(tmp_path: Path) -> Play:
    """A runner for the programs of this environment, which also find awx.awx."""
    return tools_in(tmp_path)


@pytest.fixture
def client(tools: Play, controller: Controller) -> Play:
    """The same for an administrator of the empty controller."""
    tools.env |= controller.environment()
    return tools
