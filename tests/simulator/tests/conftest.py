"""Fixtures: one simulator for the whole run, and clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from simulator.harness import Simulator
from simulator.tests.helpers import Client, logged_in


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator
        assert simulator.output() == ""


@pytest.fixture
def client(sim: Simulator) -> Client:
    """A client that is logged in as the administrator."""
    return logged_in(sim)


@pytest.fixture
def with_switches(simulator: Simulator) -> Callable[..., Client]:
    """A function that resets to switches and returns a logged-in client."""

    def make(**switches: object) -> Client:
        simulator.reset(**switches)
        return logged_in(simulator)

    return make
