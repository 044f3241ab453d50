"""Fixtures for this folder: the simulator, the two clients, which pytest's environment has, and the modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mstr.requests import AuthenticatedMSTRRESTSession
from mstrio.connection import Connection
from simulator.harness import Simulator
from simulator.profiles import PROFILES
from support.ansible import programs
from support.modules import Running, credentials

from contract.vocabulary import Module

# `make test` runs with the documented behaviour and with the most awkward one, ARGS=--all in every profile.
_QUICK = ("samples", "awkward")


@pytest.fixture(params=[pytest.param(name, marks=() if name in _QUICK else pytest.mark.matrix) for name in PROFILES])
def server(request: pytest.FixtureRequest, simulator: Simulator) -> Simulator:
    """A fresh server. A test that uses it runs in every profile."""
    simulator.reset(request.param)
    return simulator


@pytest.fixture
def switches(server: Simulator) -> dict[str, Any]:
    return server.switch()


@pytest.fixture
def mstrio(server: Simulator) -> Iterator[Connection]:
    """Log in with the vendor's client."""
    connection = Connection(server.base_url, server.username, server.password, verbose=False)
    yield connection
    connection.close()


@pytest.fixture
def rest(server: Simulator) -> Iterator[AuthenticatedMSTRRESTSession]:
    """Log in with the independent client."""
    with AuthenticatedMSTRRESTSession(f"{server.base_url}/api/", server.username, server.password) as session:
        yield session


def _module(name: str) -> Any:
    """A fixture with a module. A call returns its result, and fails the test on any failure or warning."""

    @pytest.fixture
    def module(server: Simulator) -> Module:
        def call(**options: Any) -> dict[str, Any]:
            python = str(programs() / "python")
            done = Running(name, {**credentials(server), **options}, python=python).done()
            # No task of these tests may cause a warning, for example that the server stored a different value.
            assert (done.status, done.warnings) == (0, []), done
            return done.result

        return call

    return module


module, reader, assigner = map(_module, ("mstr_runtime", "mstr_runtime_info", "mstr_script_runtime"))
