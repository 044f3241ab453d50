"""Which calls an order of a fault affects. tests/faults shows what each kind does."""

from __future__ import annotations

from pathlib import Path

from simulator.faults import KINDS
from simulator.harness import Simulator
from simulator.tests.helpers import Client


def test_every_kind_is_used_by_a_test() -> None:
    files = Path(__file__).parents[2].rglob("test_*.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


def test_times_skip_order_and_hits(sim: Simulator, client: Client) -> None:
    sim.fault("status", operation="list", times=2, skip=1)
    sim.fault("status", operation="list", status=501, times=None, name="rest")
    assert [client.call("GET", "/runtimes").status_code for _ in range(5)] == [200, 500, 500, 501, 501]
    assert client.call("GET", "/runtimes/versions").status_code == 200
    assert sim.faults() == [{"hits": 2}, {"hits": 2}]
    assert sim.requests()[-2]["fault"] == "rest"
    sim.clear_faults()
    assert client.call("GET", "/runtimes").status_code == 200
