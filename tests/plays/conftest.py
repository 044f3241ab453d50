"""Fixtures for plays: ten servers with their inventory, and the servers of the examples."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from simulator.harness import Simulator
from support.ansible import LOCAL, Play

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
    with ExampleHosts(tmp_path_factory.mktemp("hosts")) as found:
        yield found


@pytest.fixture(params=["in_process", pytest.param("module", marks=pytest.mark.matrix)])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the tasks of all plays run. A test that uses it runs both ways."""
    monkeypatch.setenv("MSTR_TEST_WAY", request.param)
    return str(request.param)
