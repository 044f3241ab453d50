"""Malicious or invalid responses: the module uses limited time and memory, and always fails with one sentence."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._session import transport
from simulator.harness import Simulator
from support.modules import Done, Running, credentials

from faults.inprocess import OPERATIONS, Session

MEMORY_KB = 150_000  # a response of 64 MB and an interpreter


def packed(megabytes: int, *, twice: bool = False) -> str:
    """A response of a few kB, or of a hundred, with blanks that unpack to many megabytes."""
    packer = zlib.compressobj(wbits=31)
    once = b"".join(packer.compress(b" " * (1 << 20)) for _mb in range(megabytes)) + packer.flush()
    return _with_codings("gzip, gzip", gzip.compress(once)) if twice else _with_codings("gzip", once)


def _with_codings(codings: str, body: bytes) -> str:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {codings}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head + body.decode("latin-1")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Simulator]:
    """A different server, which records its requests."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def server(sim: Simulator) -> Simulator:
    sim.seed({"name": "Old", "execTimeout": 600, "whitelist": []})
    return sim


# --- redirects


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "logout"])
def test_redirect_not_followed(server: Simulator, elsewhere: Simulator, operation: str) -> None:
    location = f"{elsewhere.base_url}/api/runtimes?token=hidden-away"
    server.fault("redirect", operation=operation, status=307, location=location, times=None)
    with Session(server) as task, pytest.raises(MstrError) as failed:
        task.ensure(**OPERATIONS[operation])
    assert elsewhere.calls() == []
    assert f"a redirect to {elsewhere.base_url}/api/runtimes, which is not followed" in failed.value.sentence
    assert "hidden-away" not in failed.value.sentence
    assert server.open_sessions() == []


# --- too much, too slow


def listing(server: Simulator) -> Done:
    """Run a module that lists the runtimes. It uses little memory."""
    done = Running("mstr_runtime", {**credentials(server), **OPERATIONS["list"]}, measured=True).done()
    assert int(done.stderr.split()[-1]) < MEMORY_KB
    return done


HEAD = "HTTP/1.1 200 OK\r\n"
TOO_MUCH = "more than 64 MB; responses of the API are smaller"
# What the server sends, what it goes on with for ever, and what the message says of it.
TOO_LARGE = {
    "100 MB, packed": (packed(100), "", TOO_MUCH),
    "512 MB, packed twice": (packed(512, twice=True), "", "a content coding that was not asked for"),
    "body without an end": (f"{HEAD}\r\n", "x", TOO_MUCH),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_response_of_any_size(server: Simulator, name: str) -> None:
    text, for_ever, sent = TOO_LARGE[name]
    server.fault("garbled", operation="list", times=None, text=text, for_ever=for_ever)
    assert f"sent {sent}; check base_url" in listing(server).sentence
    assert server.calls().count("GET /runtimes") == 1, "a second response would not be smaller"
    assert server.open_sessions() == []


@pytest.mark.parametrize("for_ever", ["x", "A: b\r\n"], ids=["line", "headers"])
def test_headers_without_an_end(server: Simulator, for_ever: str) -> None:
    """http.client limits them."""
    server.fault("garbled", operation="list", times=None, text=HEAD, for_ever=for_ever)
    with Session(server, retries=0) as task, pytest.raises(MstrError, match=f"Could not .* {server.base_url} "):
        task.ensure(**OPERATIONS["list"])
    assert server.open_sessions() == []


@pytest.mark.parametrize("operation", ["login", "create"])
def test_slow_response_ended(server: Simulator, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Each byte arrives before the timeout between two bytes, even if the machine is busy. The whole call ends it."""
    monkeypatch.setattr(transport, "CALL_LIMIT", 0.2)
    server.fault("drip", operation=operation, times=None, seconds=0.2, work="none")
    with Session(server, retries=0, timeout=20.0) as task, pytest.raises(MstrError) as failed:
        task.ensure(**OPERATIONS[operation])
    assert "no complete response within 4 seconds" in failed.value.sentence
