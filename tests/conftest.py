"""Fixtures for all folders: one simulator for the tests of a run, and the ansible-cores that this machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulator.harness import Simulator
from support.ansible import COLLECTIONS, STARTED, Play, programs

# Some tests import parts of the modules into this process.
if COLLECTIONS:
    sys.path.insert(0, COLLECTIONS)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(simulator: Simulator) -> Simulator:
    """A fresh server, on which nothing works that a failed test has started."""
    while STARTED:
        STARTED.pop().kill()
    simulator.reset()
    return simulator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run on every ansible-core: for the other cores, only these run again."""
    for item in items:
        if "core" in getattr(item, "fixturenames", ()):
            item.add_marker("every_core")


def _cores() -> list[Path]:
    """The folder of ansible-playbook for each supported ansible-core that can run here."""
    return [Path(name) for name in os.environ.get("MSTR_TEST_CORES", "").split(os.pathsep) if name]


@pytest.fixture(params=_cores(), ids=lambda path: path.parent.name)
def core(request: pytest.FixtureRequest) -> Path:
    """The folder of one ansible-core's programs. A test that uses it runs on each ansible-core."""
    return Path(request.param)


@pytest.fixture(scope="session")
def newest() -> Path:
    """The folder of the newest ansible-core's programs."""
    return programs()


def _local(folder: Path, bin_: Path, sim: Simulator) -> Play:
    return Play(folder, bin_, sim.environment(), {name: {} for name in "abc"})


@pytest.fixture
def local(sim: Simulator, core: Path, tmp_path: Path) -> Play:
    """A folder in which each ansible-core runs plays for the hosts a, b and c, which all mean the simulator."""
    return _local(tmp_path, core, sim)


@pytest.fixture
def local_newest(sim: Simulator, newest: Path, tmp_path: Path) -> Play:
    """The same with the newest ansible-core."""
    return _local(tmp_path, newest, sim)
