"""Malicious or invalid responses: the module uses limited time and memory, and always fails with one sentence."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._session import transport
from simulator.harness import Simulator
from support.modules import Running, credentials

from faults.inprocess import OPERATIONS, Session

MEMORY_KB = 150_000  # a response of 64 MB and an interpreter
HEAD = "HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(b" " * (100 << 20)).decode("latin-1")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Simulator]:
    """A different server, which records its requests."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def server(sim: Simulator) -> Simulator:
    sim.seed({"name": "Old", "execTimeout": 600, "whitelist": []})
    return sim


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "logout"])
def test_redirect_not_followed(server: Simulator, elsewhere: Simulator, operation: str) -> None:
    location = f"{elsewhere.base_url}/api/runtimes?token=hidden-away"
    server.fault("answer", operation=operation, status=307, headers={"Location": location}, times=None)
    with Session(server) as task, pytest.raises(MstrError) as failed:
        task.ensure(**OPERATIONS[operation])
    assert elsewhere.calls() == []
    assert f"a redirect to {elsewhere.base_url}/api/runtimes, which is not followed" in failed.value.sentence
    assert "hidden-away" not in failed.value.sentence
    assert server.open_sessions() == []


@pytest.mark.parametrize(
    ("text", "for_ever"),
    [(f"{HEAD}Content-Encoding: gzip\r\n\r\n{PACKED}", ""), (f"{HEAD}\r\n", "x")],
    ids=["packed", "without an end"],
)
def test_response_of_any_size(server: Simulator, text: str, for_ever: str) -> None:
    """A module uses little memory for 100 MB, and asks once: a second response would not be smaller."""
    server.fault("raw", operation="list", times=None, text=text, for_ever=for_ever)
    done = Running("mstr_runtime", {**credentials(server), **OPERATIONS["list"]}, measured=True).done()
    assert int(done.stderr.split()[-1]) < MEMORY_KB
    assert "sent more than 64 MB; responses of the API are smaller; check base_url" in done.sentence
    assert server.calls().count("GET /runtimes") == 1
    assert server.open_sessions() == []


@pytest.mark.parametrize("for_ever", ["x", "A: b\r\n"], ids=["line", "headers"])
def test_headers_without_an_end(server: Simulator, for_ever: str) -> None:
    """http.client limits them."""
    server.fault("raw", operation="list", times=None, text=HEAD, for_ever=for_ever)
    with Session(server, retries=0) as task, pytest.raises(MstrError, match=f"Could not .* {server.base_url} "):
        task.ensure(**OPERATIONS["list"])
    assert server.open_sessions() == []


@pytest.mark.parametrize("operation", ["login", "create"])
def test_slow_response_ended(server: Simulator, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Each byte arrives before the timeout between two bytes, even if the machine is busy. The whole call ends it."""
    monkeypatch.setattr(transport, "CALL_LIMIT", 0.2)
    drip = {"text": f"{HEAD}\r\n", "for_ever": " ", "pause": 0.2, "done": False}
    server.fault("raw", operation=operation, times=None, **drip)
    with Session(server, retries=0, timeout=20.0) as task, pytest.raises(MstrError) as failed:
        task.ensure(**OPERATIONS[operation])
    assert "no complete response within 4 seconds" in failed.value.sentence
