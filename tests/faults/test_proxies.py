# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lost responses behind a proxy: through a tunnel to a TLS server, and through a proxy for plain HTTP.

urllib3 raises a ProxyError for a broken connection behind a proxy, whether or not the request was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError, MstrError
from simulator.harness import Simulator
from support.modules import run, runtime

from faults.inprocess import session
from faults.test_lost_responses import ACTIONS, DONE, METHODS, NOT_DONE, OPERATIONS, TIMEOUT, is_done, writes

WAYS: dict[str, dict[str, Any]] = {"tunnel": {"tls": True, "proxy": True}, "plain": {"proxy": True}}
VARIABLES = ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture(scope="module", params=WAYS)
def behind(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with Simulator(**WAYS[request.param]) as simulator:
        yield simulator


@pytest.fixture
def server(behind: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Return a server, and send all calls through its proxy."""
    behind.reset()
    behind.seed({"name": "Old", "execTimeout": 600, "whitelist": []})
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert behind.proxy_url
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, behind.proxy_url)
    if behind.certificates:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", behind.certificates["ca"])
    return behind


@pytest.fixture(autouse=True)
def through_the_proxy(server: Simulator) -> Iterator[None]:
    before = len(server.proxied())
    yield
    assert len(server.proxied()) > before


@pytest.mark.parametrize("fault", [name for name, (scale, _order) in DONE.items() if not scale])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_write_that_the_server_did_is_found_and_not_repeated(server: Simulator, operation: str, fault: str) -> None:
    _scale, order = DONE[fault]
    server.fault(operation=operation, **order)
    with session(server, retries=0, **TIMEOUT) as one:
        outcome = one.ensure(**OPERATIONS[operation])
    assert outcome.action == ACTIONS[operation]
    assert writes(server) == [METHODS[operation]], "sent once"
    is_done(server, operation)
    assert server.open_sessions() == []


@pytest.mark.parametrize("fault", NOT_DONE)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_write_that_the_server_did_not_do_is_repeated(server: Simulator, operation: str, fault: str) -> None:
    server.fault(operation=operation, **NOT_DONE[fault])
    with session(server, **TIMEOUT) as one:
        outcome = one.ensure(**OPERATIONS[operation])
    assert outcome.action == ACTIONS[operation]
    assert writes(server) == [METHODS[operation]] * 2
    is_done(server, operation)


@pytest.mark.parametrize("reset", [True, False])
def test_a_lost_login_reports_a_possible_open_session(server: Simulator, reset: bool) -> None:
    server.fault("close_after", operation="login", reset=reset)
    with session(server) as one, pytest.raises(ConnectError) as failed:
        one.ensure(name="New")
    assert failed.value.unclear
    assert "If the server did log in, that session stays open until it times out there." in failed.value.sentence
    assert server.calls() == ["POST /auth/login"], "a second login could leave a second session"


@pytest.mark.parametrize("reset", [True, False])
def test_a_lost_start_reports_a_possibly_running_script(server: Simulator, reset: bool) -> None:
    server.fault("close_after", operation="run", reset=reset)
    done = run("mstr_script_run", server, code="print(1)", retries=3)
    assert "the script may be running on the server" in done.sentence
    assert server.calls().count("POST /scripts/evaluation") == 1
    assert server.open_sessions() == []


def test_a_read_is_sent_again(server: Simulator) -> None:
    server.fault("close_after", operation="list", times=2)
    with session(server) as one:
        assert one.ensure(name="Old").action == "none"


def test_a_module_reports_a_create_whose_response_was_lost(server: Simulator) -> None:
    server.fault("close_after", operation="create")
    done = runtime(server, **OPERATIONS["create"])
    assert (done.result.get("action"), done.result.get("changed")) == ("created", True), done
    assert writes(server) == ["POST"]


def test_the_sentence_names_server_and_proxy(server: Simulator) -> None:
    server.fault("close_before", operation="list", times=None)
    with session(server, retries=0) as one, pytest.raises(MstrError) as failed:
        one.ensure(name="New")
    place = str(server.proxy_url).rpartition("/")[2].rpartition("@")[2]
    variable = "HTTPS_PROXY" if server.certificates else "HTTP_PROXY"
    expected = f"{server.base_url}, or the proxy {place} ({variable}) in between, closed the connection"
    assert expected in failed.value.sentence
    assert "buffering" not in failed.value.sentence
