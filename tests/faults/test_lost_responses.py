"""Responses that are lost on real connections: directly, through a proxy, and through a tunnel to a TLS server.

The module finds out whether the server did the work before it repeats a write. What it decides then, the unit tests of
`write` prove. urllib3 raises a ProxyError for a broken connection behind a proxy, whether or not the request was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from simulator.harness import Simulator
from support.modules import run

from faults.inprocess import OPERATIONS, WRITES, Session, forget_proxies

METHODS = {"create": "POST", "update": "PATCH", "delete": "DELETE"}

OK = "HTTP/1.1 200 OK\r\n"

# The server does the work, but its response is lost. If it does the work later, the pauses take real time.
DONE: dict[str, tuple[float, dict[str, Any]]] = {
    "closed": (0, {"kind": "close_after"}),
    "reset": (0, {"kind": "close_after", "reset": True}),
    "page 502 at once, done later": (1, {"kind": "late_work", "status": 502, "after": 0.4}),
    "timeout after the work": (0, {"kind": "held"}),
    "timeout before the work": (1, {"kind": "slow", "seconds": 0.5, "when": "before"}),
    "page 502": (0, {"kind": "html", "status": 502, "work": "before"}),
    "error of the API, 500": (0, {"kind": "error", "status": 500, "work": "before"}),
    "too many requests": (0, {"kind": "status", "status": 429, "work": "before"}),
    "page with a yes": (0, {"kind": "html", "status": 200, "work": "before"}),
    "broken JSON with a yes": (0, {"kind": "broken_json", "work": "before"}),
    "two lengths": (0, {"kind": "garbled"}),
    "early hints alone": (0, {"kind": "garbled", "text": "HTTP/1.1 103 Early Hints\r\n\r\n"}),
    "half": (0, {"kind": "truncated"}),
    "packed twice": (0, {"kind": "garbled", "text": f"{OK}Content-Encoding: gzip, gzip\r\n\r\nx"}),
}
# The server does not do the work, and the response does not show that.
NOT_DONE: dict[str, dict[str, Any]] = {
    "closed": {"kind": "close_before"},
    "hang": {"kind": "hang"},
    "page 502": {"kind": "html", "status": 502},
    "unavailable": {"kind": "unavailable"},
    "error of the API, 500": {"kind": "error", "status": 500},
    "too many requests": {"kind": "status", "status": 429},
    "end of the session": {"kind": "session_killed"},
}


def silent(fault: dict[str, Any], method: str) -> str:
    """The method if its response does not come in time, empty for other faults."""
    return method if fault["kind"] in ("hang", "held", "slow") else ""


WAYS: dict[str, dict[str, Any]] = {"tunnel": {"tls": True, "proxy": True}, "plain": {"proxy": True}}
# What a proxy changes.
BROKEN_CONNECTIONS = ("closed", "reset", "half", "hang", "timeout after the work", "timeout before the work")


def cases(faults: Collection[str]) -> pytest.MarkDecorator:
    """Each fault with a create, one of them with each other write, and broken connections through each proxy."""
    creates = [("", "create", fault) for fault in faults]
    others = [("", operation, "closed") for operation in WRITES if operation != "create"]
    proxied = [(way, "create", fault) for way in WAYS for fault in BROKEN_CONNECTIONS if fault in faults]
    return pytest.mark.parametrize(("proxied", "operation", "fault"), [*creates, *others, *proxied])


@pytest.fixture(scope="module")
def behind() -> Iterator[Callable[[str], Simulator]]:
    """A function for the server behind each kind of proxy."""
    with ExitStack() as stack:
        yield cache(lambda way: stack.enter_context(Simulator(**WAYS[way])))


@pytest.fixture
def proxied() -> str:
    """The kind of proxy: none, unless a test is parametrized."""
    return ""


@pytest.fixture
def server(
    request: pytest.FixtureRequest, behind: Callable[[str], Simulator], proxied: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Simulator]:
    """A server, and send all calls through its proxy if the test asks for one."""
    server: Simulator = behind(proxied) if proxied else request.getfixturevalue("sim")
    server.reset()
    server.seed({"name": "Old", "execTimeout": 600, "whitelist": []})
    if not proxied:
        yield server
        return
    forget_proxies(monkeypatch)
    assert server.proxy_url
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, server.proxy_url)
    if server.certificates:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.certificates["ca"])
    before = len(server.proxied())
    yield server
    assert len(server.proxied()) > before


def writes(server: Simulator) -> list[str]:
    return [entry["method"] for entry in server.requests(path="/runtimes") if entry["method"] != "GET"]


def is_done(server: Simulator, operation: str) -> None:
    """Check that the server did the operation exactly once."""
    stored = [(runtime["name"], runtime.get("execTimeout")) for runtime in server.runtimes()]
    expected = {"create": [("Old", 600), ("New", 60)], "update": [("Old", 60)], "delete": []}
    assert stored == expected[operation]


@cases(DONE)
def test_write_that_was_done(server: Simulator, operation: str, fault: str) -> None:
    """This holds for `retries: 0` too: the module checks the result without repeating the request."""
    scale, order = DONE[fault]
    server.fault(operation=operation, **order)
    with Session(server, scale, silent(order, METHODS[operation]), retries=0) as task:
        outcome = task.ensure(**OPERATIONS[operation])
    assert outcome.action == WRITES[operation]
    assert writes(server) == [METHODS[operation]], "sent once"
    is_done(server, operation)
    assert task.warnings == []
    assert server.open_sessions() == []


@cases(NOT_DONE)
def test_write_that_was_not_done(server: Simulator, operation: str, fault: str) -> None:
    server.fault(operation=operation, **NOT_DONE[fault])
    with Session(server, silent=silent(NOT_DONE[fault], METHODS[operation])) as task:
        outcome = task.ensure(**OPERATIONS[operation])
    assert outcome.action == WRITES[operation]
    assert writes(server) == [METHODS[operation]] * 2
    is_done(server, operation)


@pytest.mark.parametrize("operation", WRITES)
def test_write_done_before_the_session_was_reported_as_ended(server: Simulator, operation: str) -> None:
    """The task logs in again, and sees that nothing is left to do."""
    server.fault("error", operation=operation, status=401, number=9, work="before")
    with Session(server) as task:
        assert task.ensure(**OPERATIONS[operation]).action == WRITES[operation]
    assert writes(server) == [METHODS[operation]]
    is_done(server, operation)
    assert server.calls().count("POST /auth/login") == 2


@pytest.mark.parametrize("proxied", ["", *WAYS])
def test_lost_login(server: Simulator) -> None:
    """The token is lost with the response, so the task cannot log out."""
    server.fault("close_after", operation="login")
    with Session(server) as task, pytest.raises(ConnectError) as failed:
        task.ensure(name="New")
    assert failed.value.outcome_unknown
    assert "If the server did log in, that session stays open until it times out there." in failed.value.sentence
    assert server.calls() == ["POST /auth/login"], "a second login could leave a second session"


def test_each_runtime_created_once(server: Simulator) -> None:
    """A whole module, with every kind of write in one run."""
    server.fault("close_after", operation="create", times=2)
    server.fault("late_work", operation="update", after=0.3)
    server.fault("close_after", operation="delete")
    server.seed({"name": "Leaves", "execTimeout": 600, "whitelist": []})
    wanted = [
        *({"name": f"New {number}", "exec_timeout": 60} for number in range(3)),
        {"name": "Old", "exec_timeout": 60},
        {"name": "Leaves", "state": "absent"},
    ]
    done = run("mstr_runtimes", server, runtimes=wanted)
    counts = {"created": 3, "updated": 1, "deleted": 1, "unchanged": 0, "moved": 0, "failed": 0}
    assert done.result.get("summary") == counts, done
    assert sorted(made["name"] for made in server.runtimes()) == ["New 0", "New 1", "New 2", "Old"]
    assert sorted(writes(server)) == ["DELETE", "PATCH", "POST", "POST", "POST"]
    assert server.open_sessions() == []
