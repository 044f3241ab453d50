"""Malicious or invalid responses: the module uses limited time and memory, and always fails with one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._session import transport
from simulator.harness import Simulator
from support.bodies import objects, packed
from support.modules import Done, Running, credentials

from faults.inprocess import OPERATIONS, Session

MEMORY_KB = 150_000  # a response of 64 MB and an interpreter


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


def listing(server: Simulator, memory_kb: int = MEMORY_KB) -> Done:
    """Run a module that lists the runtimes. It uses little memory."""
    done = Running("mstr_runtime", {**credentials(server), **OPERATIONS["list"]}, measured=True).done()
    assert int(done.stderr.split()[-1]) < memory_kb
    return done


PACKED = {
    "100 MB, packed": packed(100),
    "512 MB, packed twice": packed(512, twice=True),
    "70 MB in a redirect": objects(70).replace("200 OK", "302 Found\r\nLocation: /other"),
}


@pytest.mark.parametrize("status", [200, 500])
def test_objects_counted_before_they_exist(server: Simulator, status: int) -> None:
    """60 MB of `{},` are 60 kB on the wire and would be 3 GB in memory. In an error, too."""
    server.fault("garbled", operation="list", times=None, text=objects(60).replace("200 OK", f"{status} X"))
    # The body, twice while it is copied without what is escaped.
    assert "sent more than 1000000 objects; responses of the API are smaller" in listing(server, 250_000).sentence


@pytest.mark.parametrize("name", PACKED)
def test_packed_response_of_any_size(server: Simulator, name: str) -> None:
    server.fault("garbled", operation="list", times=None, text=PACKED[name])
    done = listing(server)
    too_much = "more than 64 MB; responses of the API are smaller"
    sent = "a content coding that was not asked for" if name.endswith("twice") else too_much
    assert f"sent {sent}; check base_url" in done.sentence
    assert server.calls().count("GET /runtimes") == 1, "a second response would not be smaller"
    assert server.open_sessions() == []


HEAD = "HTTP/1.1 200 OK\r\n"
CHUNKED = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n"
LINE, HEADERS, BODY = "64 kB in one line", "1 MB of headers", "64 MB"
# What the server sends, what it goes on with for ever, and which limit that exceeds.
ENDLESS_PARTS = {
    "status": (HEAD[:-2], "x", LINE),
    "header": (f"{HEAD}A: ", "x", LINE),
    "chunk size": (f"{CHUNKED}2;", "x", LINE),
    "trailer": (f"{CHUNKED}2\r\n{{}}\r\n0\r\nA: ", "x", LINE),
    "headers": (HEAD, "A: b\r\n", "100 headers"),
    "long headers": (HEAD, f"A: {'x' * 65_529}\r\n", HEADERS),
    "interim responses": ("", "HTTP/1.1 100 Continue\r\n\r\n", HEADERS),
    "trailers": (f"{CHUNKED}2\r\n{{}}\r\n0\r\n", "A: b\r\n", BODY),
    "body": (f"{HEAD}\r\n", "x", BODY),
    "chunks": (CHUNKED, f"10000\r\n{'x' * 65_536}\r\n", BODY),
}


@pytest.mark.parametrize("part", ENDLESS_PARTS)
def test_endless_part_of_a_response(server: Simulator, part: str) -> None:
    """Our own limits end it, whatever the library below would read. A second response would not be smaller."""
    text, for_ever, limit = ENDLESS_PARTS[part]
    server.fault("garbled", operation="list", times=None, text=text, for_ever=for_ever)
    assert f"sent more than {limit}; responses of the API are smaller; check base_url" in listing(server).sentence
    assert server.calls().count("GET /runtimes") == 1
    assert server.open_sessions() == []


@pytest.mark.parametrize("operation", ["login", "create"])
def test_slow_response_ended(server: Simulator, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Each byte arrives before the timeout between two bytes, even if the machine is busy. The whole call ends it."""
    monkeypatch.setattr(transport, "CALL_LIMIT", 0.2)
    server.fault("drip", operation=operation, times=None, seconds=0.2, work="none")
    with Session(server, retries=0, timeout=20.0) as task, pytest.raises(MstrError) as failed:
        task.ensure(**OPERATIONS[operation])
    assert "no complete response within 4 seconds" in failed.value.sentence
