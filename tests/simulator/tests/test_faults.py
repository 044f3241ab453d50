"""The effects of faults that tests/faults would not miss, and which calls an order affects.

That the work of a call is done before a fault, after it or not at all shows in tests/faults/test_lost_responses.py.
"""

from __future__ import annotations

import time
from pathlib import Path

from support.waiting import wait_until

from simulator.faults import KINDS
from simulator.harness import Simulator
from simulator.tests.helpers import SAMPLE, Client


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


def test_drip(sim: Simulator, client: Client) -> None:
    sim.fault("drip", operation="list", seconds=0.002)
    begun = time.monotonic()
    answer = client.call("GET", "/runtimes")
    assert [runtime["type"] for runtime in answer.json()["runtimes"]] == [80]
    assert time.monotonic() - begun >= 0.002 * len(answer.content)


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
    sim.fault("status", operation="list", times=2, skip=1)
    sim.fault("status", operation="list", status=501, times=None, name="rest")
    assert [client.call("GET", "/runtimes").status_code for _ in range(5)] == [200, 500, 500, 501, 501]
    assert client.call("GET", "/runtimes/versions").status_code == 200
    assert sim.faults() == [{"hits": 2}, {"hits": 2}]
    assert sim.requests()[-2]["fault"] == "rest"
    sim.clear_faults()
    assert client.call("GET", "/runtimes").status_code == 200
