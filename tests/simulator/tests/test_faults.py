"""The effects of faults that tests/faults would not miss, and which calls an order affects.

That the work of a call is done before a fault, after it or not at all shows in tests/faults/test_lost_responses.py.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from support.waiting import wait_until

from simulator.faults import KINDS
from simulator.harness import Simulator
from simulator.tests.helpers import SAMPLE, Client, error, logged_in


def test_every_kind_is_used_by_a_test() -> None:
    files = Path(__file__).parents[2].rglob("test_*.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


def test_late_work_is_done_after_the_response(sim: Simulator, client: Client) -> None:
    sim.fault("late_work", operation="create", after=0.4, status=504, title="504 Gateway Time-out")
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (504, "text/html;charset=UTF-8")
    assert "504 Gateway Time-out" in answer.text
    wait_until(lambda: len(sim.runtimes()) == 1, "the work is done")
    [made], [responded] = sim.journal(), sim.requests("POST", "/runtimes")
    assert made["time"] > responded["time"] + responded["duration_ms"] / 1000


@pytest.mark.parametrize(("start", "head"), [("body", 0), ("headers", 80)])
def test_drip(sim: Simulator, client: Client, start: str, head: int) -> None:
    sim.fault("drip", method="GET", path="/sessions", seconds=0.005, start=start)
    begun = time.monotonic()
    answer = client.call("GET", "/sessions")
    assert answer.json()["timeout"] == 1800
    assert time.monotonic() - begun >= 0.005 * (len(answer.content) + head)


def test_retry_after(sim: Simulator, client: Client) -> None:
    sim.fault("unavailable", operation="list", status=429, retry_after=30, as_date=True)
    answer = client.call("GET", "/runtimes")
    assert answer.status_code == 429
    asked = sim.requests("GET", "/runtimes")[-1]["time"]
    assert 29 <= parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() - asked < 35
    sim.fault("unavailable", operation="list", retry_after=None)
    assert "Retry-After" not in client.call("GET", "/runtimes").headers


@pytest.mark.parametrize("clock", ["tomcat", "iserver"])
def test_session_killed(sim: Simulator, client: Client, clock: str) -> None:
    other = logged_in(sim)
    sim.fault("session_killed", operation="create", clock=clock)
    assert error(client.call("POST", "/runtimes", SAMPLE)) == (401, "ERR009")
    assert sim.runtimes() == []
    assert other.call("GET", "/runtimes").status_code == 200
    sim.fault("session_killed", operation="list", scope="user")
    third = logged_in(sim)
    assert [each.call("GET", "/runtimes").status_code for each in (other, third)] == [401, 401]


def test_echo_secret(sim: Simulator, client: Client) -> None:
    sim.fault("echo_secret", operation="list")
    answer = client.call("GET", "/runtimes")
    for secret in (client.headers["X-MSTR-AuthToken"], client.cookies["JSESSIONID"]):
        assert secret in answer.json()["message"]
    sim.fault("echo_secret", operation="login", times=3, status=401, number=3)
    new = Client(sim.base_url)
    assert sim.password in new.login(sim.username, sim.password).text
    assert sim.api_token in new.login(sim.api_token, mode=4096).text
    assert sim.identity_token in new.delegate(sim.identity_token).text


def test_times_skip_order_and_hits(sim: Simulator, client: Client) -> None:
    sim.fault("empty", operation="list", status=500, times=2, skip=1)
    sim.fault("empty", method="GET", path="/runtimes*", status=501, times=None, name="rest")
    statuses = [client.call("GET", "/runtimes").status_code for _ in range(5)]
    assert statuses == [200, 500, 500, 501, 501]
    assert client.call("GET", "/runtimes/versions").status_code == 501
    assert sim.faults() == [{"hits": 2}, {"hits": 3}]
    assert sim.requests()[-1]["fault"] == "rest"
    sim.clear_faults()
    assert client.call("GET", "/runtimes").status_code == 200


def test_faults_of_one_user_and_of_login(sim: Simulator, client: Client) -> None:
    sim.fault("empty", operation="any", status=500, user="ldap.admin", times=None)
    assert logged_in(sim, "ldap.admin").call("GET", "/runtimes").status_code == 500
    assert client.call("GET", "/runtimes").status_code == 200
    sim.fault("html", operation="login", work="before")
    assert Client(sim.base_url).login(sim.username, sim.password).status_code == 502
    assert len(sim.open_sessions()) == 3
