# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each kind of fault has the documented effect on the response and on the server."""

from __future__ import annotations

import http.client
import json
import socket
import time
import zlib
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from simulator.faults import KINDS, Fault
from simulator.harness import Simulator, SimulatorError
from simulator.rawclient import RawClient
from simulator.tests.helpers import SAMPLE, create, read


def names(sim: Simulator) -> list[str]:
    return [runtime["name"] for runtime in sim.runtimes()]


def test_every_kind_is_tested_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


@pytest.mark.parametrize(("kind", "reset"), [("close_before", False), ("close_after", False), ("close_after", True)])
def test_closed_connections(sim: Simulator, client: RawClient, kind: str, reset: bool) -> None:
    sim.fault(kind, operation="create", reset=reset)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)) as caught:
        client.call("POST", "/runtimes", SAMPLE)
    if reset:
        assert isinstance(caught.value, ConnectionResetError)
    assert names(sim) == (["Test Runtime"] if kind == "close_after" else [])
    [entry] = sim.requests("POST", "/runtimes")
    assert (entry["status"], entry["fault"], entry["user"]) == (None, kind, "admin")
    assert client.call("GET", "/runtimes").status == 200


def test_late_work_is_done_after_the_response(sim: Simulator, client: RawClient) -> None:
    sim.fault("late_work", operation="create", after=0.4, status=504, title="504 Gateway Time-out")
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert (answer.status, answer.headers.get_content_type()) == (504, "text/html")
    assert b"504 Gateway Time-out" in answer.body
    assert names(sim) == []
    time.sleep(0.6)
    assert names(sim) == ["Test Runtime"]


def test_slow_and_its_order(sim: Simulator, client: RawClient) -> None:
    sim.fault("slow", operation="list", seconds=0.3)
    begun = time.monotonic()
    assert client.call("GET", "/runtimes").status == 200
    assert time.monotonic() - begun >= 0.3
    # The client gives up, but the server has done the work.
    sim.fault("slow", operation="create", seconds=1)
    client.timeout = 0.2
    with pytest.raises(TimeoutError):
        client.call("POST", "/runtimes", SAMPLE)
    assert names(sim) == ["Test Runtime"]
    sim.fault("slow", operation="delete", seconds=0.4, when="before")
    with pytest.raises(TimeoutError):
        client.call("DELETE", f"/runtimes/{sim.runtimes()[0]['id']}")
    assert names(sim) == ["Test Runtime"]
    time.sleep(0.4)
    assert names(sim) == []


@pytest.mark.parametrize("start", ["body", "headers"])
def test_drip(sim: Simulator, client: RawClient, start: str) -> None:
    sim.fault("drip", method="GET", path="/sessions", seconds=0.005, start=start)
    begun = time.monotonic()
    answer = client.call("GET", "/sessions")
    assert answer.json["timeout"] == 1800
    least = len(answer.body) + (80 if start == "headers" else 0)
    assert time.monotonic() - begun >= 0.005 * least


@pytest.mark.parametrize(("work", "made"), [("none", []), ("before", ["Test Runtime"])])
def test_hang(sim: Simulator, client: RawClient, work: str, made: list[str]) -> None:
    sim.fault("hang", operation="create", work=work)
    client.timeout = 0.2
    with pytest.raises(TimeoutError):
        client.call("POST", "/runtimes", SAMPLE)
    assert names(sim) == made
    deadline = time.monotonic() + 5
    while sim.requests("POST", "/runtimes")[0]["duration_ms"] is None:  # it notices that the client has disconnected
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_status_with_body_and_headers(sim: Simulator, client: RawClient) -> None:
    sim.fault("status", operation="list", status=418, body="short", headers={"X-Extra": "1"})
    answer = client.call("GET", "/runtimes")
    assert (answer.status, answer.body, answer.headers["X-Extra"]) == (418, b"short", "1")


def test_unavailable_with_retry_after(sim: Simulator, client: RawClient) -> None:
    sim.fault("unavailable", operation="list", retry_after=7)
    answer = client.call("GET", "/runtimes")
    assert (answer.status, answer.headers["Retry-After"], answer.error["code"]) == (503, "7", "ERR0016")
    sim.fault("unavailable", operation="list", status=429, retry_after=30, as_date=True)
    answer = client.call("GET", "/runtimes")
    assert answer.status == 429
    assert 25 < parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() - time.time() < 35
    sim.fault("unavailable", operation="list", retry_after=None)
    assert "Retry-After" not in client.call("GET", "/runtimes").headers


def test_html_empty_and_broken_json(sim: Simulator, client: RawClient) -> None:
    sim.fault("html", operation="list", status=200, title="Please sign in")
    answer = client.call("GET", "/runtimes")
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
    assert b"<title>Please sign in</title>" in answer.body
    sim.fault("empty", operation="list")
    answer = client.call("GET", "/runtimes")
    assert (answer.status, answer.body) == (200, b"")
    sim.fault("broken_json", operation="create", status=201, work="before")
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert (answer.status, answer.headers.get_content_type()) == (201, "application/json")
    with pytest.raises(ValueError, match=r"\w"):
        json.loads(answer.body)
    assert names(sim) == ["Test Runtime"]


@pytest.mark.parametrize("value", [None, [], 5, "text", {"errors": []}, {"message": "\x1b[31mred\x07"}])
def test_json_of_any_kind(sim: Simulator, client: RawClient, value: object) -> None:
    sim.fault("json", operation="list", status=500, json=value)
    answer = client.call("GET", "/runtimes")
    assert (answer.status, answer.json) == (500, value)


def test_error_and_truncated(sim: Simulator, client: RawClient) -> None:
    sim.fault("error", operation="update", status=500, number=2, message="I-Server is down.")
    runtime_id = create(client)
    answer = client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "B"})
    assert (answer.status, answer.error["code"], answer.error["message"]) == (500, "ERR002", "I-Server is down.")
    assert read(client, runtime_id)["name"] == "Test Runtime"
    sim.fault("truncated", operation="list", missing=5)
    with pytest.raises(http.client.IncompleteRead):
        client.call("GET", "/runtimes")


def test_redirect(sim: Simulator, client: RawClient) -> None:
    sim.fault("redirect", operation="list", status=307, location="http://elsewhere.invalid/x")
    answer = client.call("GET", "/runtimes")
    assert (answer.status, answer.headers["Location"]) == (307, "http://elsewhere.invalid/x")


@pytest.mark.parametrize("clock", ["tomcat", "iserver"])
def test_session_killed(sim: Simulator, client: RawClient, clock: str) -> None:
    other = RawClient(sim.base_url)
    other.login(sim.username, sim.password)
    sim.fault("session_killed", operation="create", clock=clock)
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert (answer.status, answer.error["code"]) == (401, "ERR009")
    assert names(sim) == []
    assert other.call("GET", "/runtimes").status == 200
    sim.fault("session_killed", operation="list", scope="user")
    third = RawClient(sim.base_url)
    third.login(sim.username, sim.password)
    assert other.call("GET", "/runtimes").status == 401
    assert third.call("GET", "/runtimes").status == 401


def test_huge(sim: Simulator, client: RawClient) -> None:
    sim.fault("huge", operation="list", megabytes=3)
    answer = client.call("GET", "/runtimes")
    assert len(answer.body) > 3 * 1024 * 1024
    assert answer.json["runtimes"] == []
    sim.fault("huge", operation="list", megabytes=3, gzip=True)
    packed = client.call("GET", "/runtimes")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < 100_000
    assert zlib.decompress(packed.body, wbits=31) == answer.body


def test_endless(sim: Simulator, client: RawClient) -> None:
    sim.fault("endless", operation="list", times=2)
    sim.fault("endless", operation="list", bytes_per_second=50)
    host, port = sim.base_url.split("/")[2].split(":")
    for _ in range(2):
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(b"GET /MicroStrategyLibrary/api/runtimes HTTP/1.1\r\nHost: x\r\n\r\n")
            got = 0
            while got < 5_000_000:
                piece = connection.recv(1 << 20)
                assert piece
                got += len(piece)
    client.timeout = 5
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(b"GET /MicroStrategyLibrary/api/runtimes HTTP/1.1\r\nHost: x\r\n\r\n")
        begun, got = time.monotonic(), 0
        while time.monotonic() - begun < 0.5:
            got += len(connection.recv(4096))
        assert got < 1000
    assert client.call("GET", "/runtimes").status == 200


def test_garbled(sim: Simulator, client: RawClient) -> None:
    sim.fault("garbled", operation="create", text="no HTTP at all\r\n\r\n")
    with pytest.raises(http.client.BadStatusLine):
        client.call("POST", "/runtimes", SAMPLE)
    assert SAMPLE["name"] in names(sim), "the work is done"


def test_echo_secret(sim: Simulator, client: RawClient) -> None:
    sim.fault("echo_secret", operation="list")
    answer = client.call("GET", "/runtimes")
    assert answer.status == 500
    assert client.token in answer.error["message"]
    assert client.cookies["JSESSIONID"] in answer.error["message"]
    sim.fault("echo_secret", operation="login", times=3, status=401, number=3)
    new = RawClient(sim.base_url)
    assert sim.password in new.login(sim.username, sim.password).error["message"]
    assert sim.api_token in new.login(sim.api_token, mode=4096).error["message"]
    assert sim.identity_token in new.delegate(sim.identity_token).error["message"]


def test_times_skip_order_and_hits(sim: Simulator, client: RawClient) -> None:
    sim.fault("empty", operation="list", status=500, times=2, skip=1)
    sim.fault("empty", method="GET", path="/runtimes*", status=501, times=None, name="rest")
    statuses = [client.call("GET", "/runtimes").status for _ in range(5)]
    assert statuses == [200, 500, 500, 501, 501]
    assert client.call("GET", "/runtimes/versions").status == 501
    assert [(fault["kind"], fault["hits"]) for fault in sim.faults()] == [("empty", 2), ("empty", 3)]
    assert sim.requests()[-1]["fault"] == "rest"
    sim.clear_faults()
    assert client.call("GET", "/runtimes").status == 200


def test_faults_of_one_user_and_of_login_and_logout(sim: Simulator, client: RawClient) -> None:
    sim.fault("empty", operation="any", status=500, user="ldap.admin", times=None)
    other = RawClient(sim.base_url)
    assert other.login(sim.ldap_username, sim.ldap_password, mode=16).status == 204
    assert other.call("GET", "/runtimes").status == 500
    assert client.call("GET", "/runtimes").status == 200
    sim.fault("html", operation="logout")
    assert client.logout().status == 502
    assert len(sim.open_sessions()) == 2
    sim.fault("html", operation="login", work="before")
    assert RawClient(sim.base_url).login(sim.username, sim.password).status == 502
    assert len(sim.open_sessions()) == 3


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "nothing"},
        {"kind": "slow", "colour": 1},
        {"kind": "slow", "operation": "x"},
        {"kind": "empty", "work": "x"},
    ],
)
def test_invalid_orders_are_rejected(sim: Simulator, order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"there are|it takes|one of"):
        Fault.from_json(order)
    with pytest.raises(SimulatorError):
        sim.control("POST", "/faults", order)
    assert sim.faults() == []
