"""One simulator for the whole run, made anew for each test by a reset."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from simulator.harness import Simulator
from simulator.rawclient import RawClient

# The create of the vendor's sample [doc].
SAMPLE = {
    "name": "Test Runtime",
    "description": "This is a test runtime",
    "whitelist": ["10.10.10.0/24"],
    "packages": [{"name": "mstrio-py", "version": "", "description": ""}],
    "resource": {"cpu": "0.2", "mem": 512},
    "execTimeout": 600,
    "minCachedInstances": 0,
    "maxCachedInstances": 5,
    "runtimeVersion": "3.10.5",
    "others": "",
}


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    """The process."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(running: Simulator) -> Simulator:
    """The simulator, fresh, with the profile of the samples."""
    running.reset("samples")
    return running


@pytest.fixture
def client(sim: Simulator) -> RawClient:
    """A client that is logged in as the administrator."""
    return _logged_in(sim)


@pytest.fixture
def with_switches(running: Simulator) -> Callable[..., RawClient]:
    """Reset to switches, and return a client that is logged in there."""

    def make(profile: str = "samples", **switches: object) -> RawClient:
        running.reset(profile, **switches)
        return _logged_in(running)

    return make


def _logged_in(sim: Simulator) -> RawClient:
    client = RawClient(sim.base_url)
    assert client.login(sim.username, sim.password).status == 204
    return client


def create(client: RawClient, **fields: object) -> str:
    """Create the sample with other fields; None leaves one out. Returns its id."""
    body = {key: value for key, value in {**SAMPLE, **fields}.items() if value is not None}
    answer = client.call("POST", "/runtimes", body)
    assert answer.status in (200, 201), answer.body
    return str(answer.json["id"])


def read(client: RawClient, runtime_id: str) -> dict[str, object]:
    """Read one runtime."""
    answer = client.call("GET", f"/runtimes/{runtime_id}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


def gone(pid: int, seconds: float = 5) -> bool:
    """Wait for the end of a process that is no child of ours."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.02)
    return False
