"""Load that holds: thousands of runtimes, hundreds of hosts, few sessions, two control nodes at once.

The workflow "Test" runs it every night: `make test ARGS=tests/live/test_load.py`. It takes some minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, EXPORT, LOCAL, Play
from support.modules import Done, Running, credentials

MEMORY_KB = 700_000  # an interpreter and 5,000 runtimes
DEFINITION = {"name": "Nightly reports", "exec_timeout": 600, "packages": [{"name": "pandas", "version": "2.2.3"}]}


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    with Simulator("newest") as simulator:
        yield simulator


@pytest.fixture
def fresh(server: Simulator) -> Simulator:
    server.reset("newest")
    return server


def definitions(number: int, **more: Any) -> list[dict[str, Any]]:
    """As many definitions of different runtimes."""
    return [
        {
            **DEFINITION,
            "name": f"Runtime {index:04}",
            "description": "of the load test",
            "whitelist": [f"10.{index // 250}.{index % 250}.0/24", "192.168.7.0/24"],
            **more,
        }
        for index in range(number)
    ]


def bulk(server: Simulator, runtimes: list[dict[str, Any]], **options: Any) -> tuple[Done, int]:
    """The result of mstr_runtimes, and its peak memory in KB."""
    given = {**credentials(server), "runtimes": runtimes, **options}
    done = Running("mstr_runtimes", given, measured=True).done(1200)
    assert done.status == 0, done.sentence
    return done, int(done.stderr.split()[-1])


def test_five_thousand_runtimes(fresh: Simulator) -> None:
    """Created, unchanged, updated and purged, with one request for each write and a few lists."""
    wanted = definitions(5000)
    created, memory = bulk(fresh, wanted)
    assert created.result["msg"].startswith("5000 created")
    assert fresh.calls().count("POST /runtimes") == 5000
    assert memory < MEMORY_KB
    fresh.clear_requests()
    unchanged, _memory = bulk(fresh, wanted)
    assert unchanged.result["changed"] is False
    assert len(fresh.calls()) < 10
    fresh.clear_requests()
    purged, memory = bulk(fresh, definitions(2500, exec_timeout=900), purge=True)
    assert purged.result["msg"].startswith("2500 updated, 2500 deleted")
    assert len(fresh.requests("PATCH")) == len(fresh.requests("DELETE")) == 2500
    assert memory < MEMORY_KB
    assert len(fresh.runtimes()) == 2500
    assert fresh.open_sessions() == []


def hosts_play(folder: Path, server: Simulator, hosts: int, forks: int) -> Play:
    """A play of many hosts, which are one server that each has a session of its own."""
    names = {f"env{number:03}": {"mstr_base_url": server.base_url} for number in range(hosts)}
    login = {"mstr_username": server.username, "mstr_password": server.password}
    return Play(folder, env={"ANSIBLE_FORKS": str(forks)}, hosts=names, variables={**LOCAL, **login})


def test_two_hundred_hosts(fresh: Simulator, tmp_path: Path) -> None:
    """Audit, apply and export with 20 forks: each host is reported, and no session is left."""
    fresh.seed(*({"name": f"Runtime {number}", "whitelist": ["10.0.0.0/8"]} for number in range(50)))
    play = hosts_play(tmp_path, fresh, hosts=200, forks=20)
    play.variables["mstr_runtimes"] = [DEFINITION]
    audited = play(AUDIT)
    assert audited.status == 0, audited.output[-3000:]
    assert len(audited.outcomes) == 200
    applied = play(APPLY)
    assert applied.status == 0, applied.output[-3000:]
    assert sorted(set(applied.outcomes.values())) in (["changed"], ["changed", "unchanged"])
    assert [runtime["name"] for runtime in fresh.runtimes()].count(DEFINITION["name"]) == 1
    exported = play(EXPORT)
    assert exported.status == 0, exported.output[-3000:]
    assert len(list(tmp_path.glob("env*.runtimes.yml"))) == 200
    assert fresh.open_sessions() == []


def test_a_limit_of_five_sessions(fresh: Simulator, tmp_path: Path) -> None:
    """With more forks than sessions, hosts fail with what to do; with as many, all of them work; none leaves one."""
    fresh.switch(session_limit=5)
    many = hosts_play(tmp_path, fresh, hosts=30, forks=15)
    audited = many(AUDIT, mstr_retries=0)
    assert len(audited.outcomes) == 30
    assert all("End other sessions of this user" in message for message in audited.messages().values())
    assert fresh.open_sessions() == []
    few = hosts_play(tmp_path, fresh, hosts=30, forks=5)
    audited = few(AUDIT)
    assert audited.status == 0, audited.output[-3000:]
    assert fresh.open_sessions() == []


@pytest.mark.parametrize("duplicates", ["refuse", "allow"])
def test_two_control_nodes(fresh: Simulator, duplicates: str) -> None:
    """Both apply the same 300 definitions at once. If the server refuses a second one of a name, each exists once."""
    fresh.switch(duplicate_names=duplicates)
    wanted = definitions(300)
    given = {**credentials(fresh), "runtimes": wanted}
    with ThreadPoolExecutor(2) as nodes:
        done = list(nodes.map(lambda _node: Running("mstr_runtimes", given).done(600), range(2)))
    names = [runtime["name"] for runtime in fresh.runtimes()]
    assert set(names) == {definition["name"] for definition in wanted}
    if duplicates == "refuse":
        assert [ended.status for ended in done] == [0, 0], [ended.result.get("msg") for ended in done]
        assert len(names) == 300
        actions = [[entry["action"] for entry in ended.result["runtimes"]] for ended in done]
        assert sum(found.count("created") for found in actions) == 300
    assert fresh.open_sessions() == []
    again, _memory = bulk(fresh, wanted) if duplicates == "refuse" else (done[0], 0)
    assert duplicates == "allow" or json.loads(json.dumps(again.result))["changed"] is False
