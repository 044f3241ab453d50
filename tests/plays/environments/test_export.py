"""Export, apply and export again result in the same file, in every profile, even for runtimes with unusual values."""

from __future__ import annotations

import pytest
import yaml
from simulator.harness import Simulator
from simulator.profiles import PROFILES
from support.ansible import APPLY, EXPORT, Play

DIRTY = [
    {
        "name": "Größe ✓ 日本 {{ x }}: 'q' # \"no\"",
        "description": "two\nlines\tand {% raw %} \\ \x07\u2028",
        "whitelist": ["10.10.10.7/24", "2001:DB8::/32", "1.2.3.4"],
        "packages": [
            {"name": "mstrio-py", "version": "11.6.10", "status": "installed"},
            {"name": "A_b.C", "version": "1.0", "description": "€", "status": "not_installed"},
        ],
        "resource": None,
        "execTimeout": 600,
        "status": "error",
    },
    {
        "name": "- yes: &a *b !c",
        "description": None,
        "whitelist": [],
        "packages": [{"name": "mstrio-py", "version": "11.6.10"}],
        "resource": {"cpu": "0.20", "mem": 512},
        "execTimeout": 600,
        "runtimeVersion": "3.10.5",
        "unknown": {"to": "us"},
    },
]


@pytest.fixture
def pairs(play: Play, servers: list[Simulator]) -> Play:
    """A server with runtimes and an empty server for each profile."""
    play.groups = {"home": [], "empty": []}
    for number, profile in enumerate(PROFILES):
        home, empty = f"env{2 * number}", f"env{2 * number + 1}"
        servers[2 * number].reset(profile)
        dirty = DIRTY
        if servers[2 * number].switch()["unset_fields"] == "defaults":
            # A server with defaults for unset fields returns no null. After a null in the seed, only one server would.
            dirty = [{key: value for key, value in entry.items() if value is not None} for entry in DIRTY]
        servers[2 * number].seed(*dirty)
        servers[2 * number + 1].reset(profile)
        play.groups["home"].append(home)
        play.groups["empty"].append(empty)
        for host in (home, empty):
            play.hosts[host]["mstr_runtimes_src"] = f"{home}.runtimes.yml"
    return play


@pytest.mark.complete
def test_an_export_of_what_an_export_made(pairs: Play, servers: list[Simulator]) -> None:
    """It is the same file, and applying it to the first server changes nothing."""
    for playbook, group in ((EXPORT, "home"), (APPLY, "empty"), (EXPORT, "empty")):
        played = pairs(playbook, "--limit", group)
        assert played.status == 0, played.output
    for home, empty in zip(pairs.groups["home"], pairs.groups["empty"], strict=True):
        text = pairs.folder.joinpath(f"{home}.runtimes.yml").read_text(encoding="utf-8")
        assert text == pairs.folder.joinpath(f"{empty}.runtimes.yml").read_text(encoding="utf-8")
        definitions = yaml.safe_load(text.replace("!unsafe ", ""))["runtimes"]
        assert [definition["name"] for definition in definitions] == sorted(entry["name"] for entry in DIRTY)
        assert [secret for secret in servers[0].secrets() if secret in text] == []
    back = pairs(APPLY, "--check", mstr_fail_on_drift=True)
    assert back.status == 0, back.output
    assert set(back.outcomes.values()) == {"unchanged"}
    assert [server.open_sessions() for server in servers if server.open_sessions()] == []


def test_a_host_without_a_local_connection(play: Play) -> None:
    play.hosts = {"env0.invalid": play.hosts["env0"]}
    del play.variables["ansible_connection"]
    played = play(EXPORT)
    assert played.status == 2
    assert "Ansible cannot reach env0.invalid with ssh" in played.output
    assert "Set ansible_connection: local" in played.output
