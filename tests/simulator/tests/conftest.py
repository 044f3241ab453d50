"""Fixtures: one simulator for the whole run, reset for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from simulator.harness import Simulator
from simulator.tests.helpers import Client, logged_in


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator
        assert simulator.output() == ""


@pytest.fixture
def sim(running: Simulator) -> Simulator:
    """Reset the simulator to the profile of the samples, and return it."""
    running.reset("samples")
    return running


@pytest.fixture
def client(sim: Simulator) -> Client:
    """A client that is logged in as the administrator."""
    return logged_in(sim)


@pytest.fixture
def with_switches(running: Simulator) -> Callable[..., Client]:
    """A function that resets to switches and returns a logged-in client."""

    def make(**switches: object) -> Client:
        running.reset("samples", **switches)
        return logged_in(running)

    return make
