"""The way back: whatever a run did, the options that it prints bring back exactly that."""

from __future__ import annotations

import json
import shlex
from typing import Any

from simulator.harness import Simulator
from support.ansible import APPLY, Play, Played

DEFAULT = "0F35652CA7D041978BF0CBCB67531203"
OLD, IDLE = "A" * 32, "B" * 32
RUNTIMES = [
    {"name": "Old", "id": OLD, "execTimeout": 321, "resource": {"mem": 512}, "whitelist": ["10.0.0.0/8"]},
    {"name": "Idle", "id": IDLE, "execTimeout": 60},
]
SCRIPTS = [{"name": name, "id": f"{number:032X}", "runtime": OLD} for number, name in enumerate(["Close", "Load"], 1)]
_BACK = "To go back: mstr.library.apply with "
BACKUP = {"mstr_runtimes_backup_dest": "{{ inventory_hostname }}.bk.yml"}


def state(server: Simulator) -> tuple[dict[str, Any], dict[str, str]]:
    """What a restore brings back: the fields of each runtime by name, and the runtime of each script."""
    runtimes = server.runtimes(default=True)
    names = {runtime["id"]: runtime["name"] for runtime in runtimes}
    fields = ("execTimeout", "whitelist", "resource", "packages", "description")
    known = {runtime["name"]: [runtime.get(field) or None for field in fields] for runtime in runtimes}
    scripts = [script for project in server.projects() for script in project["scripts"]]
    return known, {script["name"]: names.get(script["runtime"], "gone") for script in scripts}


def way_back(play: Play, played: Played, *more: str) -> Played:
    """Run the playbook with the options that were printed."""
    [options] = [line.partition(_BACK)[2] for line in played.output.splitlines() if line.startswith(_BACK)]
    return play(APPLY, *shlex.split(options), *more)


# What each environment wants, and the runtime that it creates, which the way back leaves alone.
NEW = {"name": "New", "exec_timeout": 5}
MOVED = [{"name": each["name"], "project": "Sales", "runtime": "New"} for each in SCRIPTS]
UPGRADED = {"runtimes": [NEW, {"name": "Old", "state": "absent"}], "scripts": MOVED}
CHANGES: list[tuple[dict[str, Any], set[str]]] = [
    ({"mstr_runtimes": [NEW, {"name": "Old", "whitelist": []}, {"id": DEFAULT, "exec_timeout": 7}]}, {"New"}),
    ({"mstr_runtimes": [{"name": "New", "previous_names": ["Old"]}], "mstr_runtimes_purge": True}, set()),
    ({"mstr_runtimes": [{"name": "Old", "state": "absent"}, NEW], "mstr_runtimes_protect_used": False}, {"New"}),
    ({"mstr_runtimes_src": "upgraded.yml"}, {"New"}),
]


def test_the_way_back_brings_everything_back(play: Play, servers: list[Simulator]) -> None:
    """Everything but the runtimes that the run created, and the policy only warns. One runs as a module.

    A colleague's runtime that no definition can express stops neither the run nor the way back.
    """
    mine = servers[: len(CHANGES)]
    play.hosts = {
        host: {**play.hosts[host], **variables}
        for host, (variables, _created) in zip(play.hosts, CHANGES, strict=False)
    }
    play.hosts["env1"]["mstr_in_process"] = False
    for server in mine:
        server.seed(*RUNTIMES, projects=[{"name": "Sales", "scripts": SCRIPTS}])
    (play.folder / "upgraded.yml").write_text(json.dumps(UPGRADED), encoding="utf-8")
    servers[1].seed({"name": "Theirs", "whitelist": ["db.example.com"]})
    before = [state(server) for server in mine]
    done = play(APPLY, **BACKUP)
    assert done.status == 0, done.output
    assert "env1: warning: No definition can express 'Theirs' (" in done.text
    assert [was for was, server in zip(before, mine, strict=True) if state(server) == was] == []
    times = {path.name.removeprefix(path.name[:4]) for path in play.folder.glob("*.bk.*.yml")}
    assert len(times) == 1, "one time for all environments"

    back = way_back(play, done, "-e", '{"mstr_runtimes_policy": {"networks_never": ["10.0.0.0/8"]}}')
    assert back.status == 0, back.output
    for (known, used), server, (_variables, created) in zip(before, mine, CHANGES, strict=True):
        runtimes, scripts = state(server)
        assert (runtimes.keys() - known.keys(), scripts) == (created, used)
        assert runtimes.items() >= known.items()
    assert "Runtime 'Old' is restored, although whitelist[0] '10.0.0.0/8' violates" in back.output
    assert "env0: warning: These runtimes are not in the backup, and stay as they are: 'New' (" in back.text
    assert [server for server in mine if server.open_sessions()] == []
