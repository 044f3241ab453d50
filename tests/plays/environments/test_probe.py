"""The playbook mstr.library.probe writes a file for each environment: it can be published and used by the simulator."""

from __future__ import annotations

import json

import pytest
from simulator.harness import Simulator
from support.ansible import Play

PROBE = "mstr.library.probe"


@pytest.fixture
def two(play: Play, servers: list[Simulator]) -> Play:
    """Prepare two different environments."""
    servers[0].reset("strict")
    servers[1].reset("awkward", default_name="Finance Python")
    servers[1].seed({"name": "Payroll of the board", "execTimeout": 600})
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    return play


def test_each_environment_gets_a_public_file(two: Play, servers: list[Simulator]) -> None:
    """Check mode writes nothing."""
    checked = two(PROBE, "--check")
    assert checked.status == 0, checked.output
    assert list(two.folder.glob("*.probe.json")) == []
    assert [request for request in servers[0].requests(path="/runtimes") if request["method"] != "GET"] == []
    played = two(PROBE)
    assert played.status == 0, played.output
    files = [two.folder / f"env{number}.probe.json" for number in (0, 1)]
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert [content["profile"]["create_status"] for content in read] == ["200", "201"]
    assert [content["product"]["iserver_version"] for content in read] == ["11.6.1000.00123", None]
    assert "questions answered" in played.output
    assert [file for file in files if file.name[:4] in file.read_text(encoding="utf-8")] == []
    assert [server.open_sessions() for server in servers[:2]] == [[], []]
    assert [entry["name"] for entry in servers[1].runtimes()] == ["Payroll of the board"]
