"""The effects of faults that tests/faults would not miss, and which calls an order affects.

That the work of a call is done before a fault, after it or not at all shows in tests/faults/test_lost_responses.py.
"""

from __future__ import annotations

import http.client
import time
import zlib
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from support.waiting import wait_until

from simulator.faults import KINDS
from simulator.harness import Simulator
from simulator.rawclient import RawClient
from simulator.tests.helpers import SAMPLE, create, logged_in, read


def names(sim: Simulator) -> list[str]:
    return [runtime["name"] for runtime in sim.runtimes()]


def test_every_kind_is_used_by_a_test() -> None:
    files = Path(__file__).parents[2].rglob("test_*.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


def test_late_work_is_done_after_the_response(sim: Simulator, client: RawClient) -> None:
    sim.fault("late_work", operation="create", after=0.4, status=504, title="504 Gateway Time-out")
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert (answer.status, answer.headers.get_content_type()) == (504, "text/html")
    assert b"504 Gateway Time-out" in answer.body
    wait_until(lambda: names(sim) == ["Test Runtime"], "the work is done")
    [made], [responded] = sim.journal(), sim.requests("POST", "/runtimes")
    assert made["time"] > responded["time"] + responded["duration_ms"] / 1000


@pytest.mark.parametrize("start", ["body", "headers"])
def test_drip(sim: Simulator, client: RawClient, start: str) -> None:
    sim.fault("drip", method="GET", path="/sessions", seconds=0.005, start=start)
    begun = time.monotonic()
    answer = client.call("GET", "/sessions")
    assert answer.json["timeout"] == 1800
    least = len(answer.body) + (80 if start == "headers" else 0)
    assert time.monotonic() - begun >= 0.005 * least


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
    asked = sim.requests("GET", "/runtimes")[-1]["time"]
    assert 29 <= parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() - asked < 35
    sim.fault("unavailable", operation="list", retry_after=None)
    assert "Retry-After" not in client.call("GET", "/runtimes").headers


def test_error_and_truncated(sim: Simulator, client: RawClient) -> None:
    sim.fault("error", operation="update", status=500, number=2, message="I-Server is down.")
    runtime_id = create(client)
    answer = client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "B"})
    assert (answer.status, answer.error["code"], answer.error["message"]) == (500, "ERR002", "I-Server is down.")
    assert read(client, runtime_id)["name"] == "Test Runtime"
    sim.fault("truncated", operation="list", missing=5)
    with pytest.raises(http.client.IncompleteRead):
        client.call("GET", "/runtimes")


@pytest.mark.parametrize("clock", ["tomcat", "iserver"])
def test_session_killed(sim: Simulator, client: RawClient, clock: str) -> None:
    other = logged_in(sim)
    sim.fault("session_killed", operation="create", clock=clock)
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert (answer.status, answer.error["code"]) == (401, "ERR009")
    assert names(sim) == []
    assert other.call("GET", "/runtimes").status == 200
    sim.fault("session_killed", operation="list", scope="user")
    third = logged_in(sim)
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
    assert logged_in(sim, "ldap.admin").call("GET", "/runtimes").status == 500
    assert client.call("GET", "/runtimes").status == 200
    sim.fault("html", operation="logout")
    assert client.logout().status == 502
    assert len(sim.open_sessions()) == 2
    sim.fault("html", operation="login", work="before")
    assert RawClient(sim.base_url).login(sim.username, sim.password).status == 502
    assert len(sim.open_sessions()) == 3
