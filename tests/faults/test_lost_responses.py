"""Responses that are lost on real connections: directly, through a proxy, and through a tunnel to a TLS server.

The module finds out whether the server did the work before it repeats a write. What it decides then, the unit tests of
`write` prove, and those of `failures` which connections prove that nothing was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from simulator.harness import Simulator
from support.modules import run

from faults.inprocess import OPERATIONS, WRITES, Session, forget_proxies

METHODS = {"create": "POST", "update": "PATCH", "delete": "DELETE"}
HALF = "HTTP/1.1 201 Created\r\nContent-Length: 40\r\n\r\n{"
# The server did the work, and its response is lost.
DONE: dict[str, dict[str, Any]] = {
    "closed": {"kind": "close", "done": True},
    "reset": {"kind": "close", "done": True, "reset": True},
    "half": {"kind": "raw", "text": HALF},
    "timeout": {"kind": "hang", "done": True},
    "page 502": {"kind": "html", "done": True},
    "page with a yes": {"kind": "html", "status": 200, "done": True},
}
# The server did not do the work, and the response does not show that.
NOT_DONE: dict[str, dict[str, Any]] = {
    "closed before": {"kind": "close"},
    "timeout before": {"kind": "hang"},
    "end of the session": {"kind": "session_killed"},
}
WAYS: dict[str, dict[str, Any]] = {"tunnel": {"tls": True, "proxy": True}, "plain": {"proxy": True}}
# Each fault with a create, two with each other write, and through each proxy what it changes.
CASES = [
    *(("", "create", fault) for fault in (*DONE, *NOT_DONE)),
    *(("", operation, fault) for operation in ("update", "delete") for fault in ("closed", "closed before")),
    *((way, "create", fault) for way in WAYS for fault in ("closed", "half", "timeout", "closed before")),
]


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


@pytest.mark.parametrize(("proxied", "operation", "fault"), CASES)
def test_lost_response_of_a_write(server: Simulator, operation: str, fault: str) -> None:
    """What was done is not sent again, even with `retries: 0`; what was not done is."""
    order, method, sent, retries = (DONE | NOT_DONE)[fault], METHODS[operation], 1, 0
    if fault in NOT_DONE:
        sent, retries = 2, 1
    server.fault(operation=operation, **order)
    with Session(server, silent=method if order["kind"] == "hang" else "", retries=retries) as task:
        assert task.ensure(**OPERATIONS[operation]).action == WRITES[operation]
    assert writes(server) == [method] * sent
    stored = [(runtime["name"], runtime.get("execTimeout")) for runtime in server.runtimes()]
    assert stored == {"create": [("Old", 600), ("New", 60)], "update": [("Old", 60)], "delete": []}[operation]
    assert task.warnings == []
    assert server.open_sessions() == []


@pytest.mark.parametrize("proxied", ["", *WAYS])
def test_lost_login(server: Simulator) -> None:
    """The token is lost with the response, so the task cannot log out."""
    server.fault("close", operation="login", done=True)
    with Session(server) as task, pytest.raises(ConnectError) as failed:
        task.ensure(name="New")
    assert failed.value.outcome_unknown
    assert "If the server did log in, that session stays open until it times out there." in failed.value.sentence
    assert server.calls() == ["POST /auth/login"], "a second login could leave a second session"


def test_each_runtime_created_once(server: Simulator) -> None:
    """A whole module, with every kind of write in one run."""
    server.fault("close", operation="create", times=2, done=True)
    server.fault("html", operation="update", done=True)
    server.fault("close", operation="delete", done=True)
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
