"""The way back: whatever a run did, the command that it prints brings back exactly that."""

from __future__ import annotations

import shlex
from typing import Any

from simulator.harness import Simulator
from support.ansible import APPLY, Play, Played, play_of

RESTORE = "mstr.library.restore"
OLD, IDLE = "A" * 32, "B" * 32
RUNTIMES = [
    {"name": "Old", "id": OLD, "execTimeout": 321, "resource": {"mem": 512}, "whitelist": ["10.0.0.0/8"]},
    {"name": "Idle", "id": IDLE, "execTimeout": 60},
]
SCRIPTS = [{"name": name, "id": f"{number:032X}", "runtime": OLD} for number, name in enumerate(["Close", "Load"], 1)]
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
    """Run the one command that was printed."""
    [command] = [line for line in played.output.splitlines() if line.startswith("To go back: ansible-playbook ")]
    assert " mstr.library.restore --limit " in command
    return play.run([str(play.bin / "ansible-playbook"), *shlex.split(command.removeprefix("To go back: "))[1:], *more])


NEW = {"name": "New", "exec_timeout": 5}
CHANGES: dict[str, dict[str, Any]] = {
    "create and update": {
        "mstr_runtimes": [
            NEW,
            {"name": "Old", "whitelist": []},
            {"name": "(Default) MicroStrategy", "exec_timeout": 7},
        ],
        "mstr_runtimes_scripts": [{"name": "Load", "project": "Sales", "runtime": "New"}],
    },
    "rename and purge": {
        "mstr_runtimes": [{"name": "New", "previous_names": ["Old"]}],
        "mstr_runtimes_purge": True,
    },
    "delete": {"mstr_runtimes": [{"name": "Old", "state": "absent"}, NEW]},
    "replace": {"mstr_runtimes": [{"name": "Old", "exec_timeout": 5, "replace_on_change": True}]},
    "replace and rename": {
        "mstr_runtimes": [{"name": "New", "previous_names": ["Old"], "exec_timeout": 5, "replace_on_change": True}]
    },
}


def test_the_command_brings_everything_back(play: Play, servers: list[Simulator]) -> None:
    """A second time, it changes nothing. A policy refuses nothing, and says what is restored against it."""
    changed = dict(zip(list(play.hosts), CHANGES.values(), strict=False))
    play.hosts = {host: play.hosts[host] | variables for host, variables in changed.items()}
    mine = servers[: len(CHANGES)]
    for server in mine:
        server.seed(*RUNTIMES, projects=[{"name": "Sales", "scripts": SCRIPTS}])
    before = state(mine[0])
    done = play(APPLY, **BACKUP)
    assert done.status == 0, done.output
    assert before not in [state(server) for server in mine]
    back = way_back(play, done, "-e", '{"mstr_runtimes_policy": {"networks_never": ["10.0.0.0/8"]}}')
    assert back.status == 0, back.output
    assert [change for change, server in zip(CHANGES, mine, strict=True) if state(server) != before] == []
    assert "Runtime 'Old' is restored, although whitelist[0] '10.0.0.0/8' violates" in back.output
    again = way_back(play, done)
    assert again.output.count("changed=0") == len(CHANGES), again.output
    assert [server for server in mine if state(server) != before or server.open_sessions()] == []


def test_after_a_failure_half_way(play: Play, servers: list[Simulator]) -> None:
    """What the run created goes, and a colleague's runtime stays. A check changes nothing."""
    play.hosts = {"env0": play.hosts["env0"], "env1": play.hosts["env1"] | {"mstr_in_process": False}}
    for server in servers[:2]:
        server.seed(*RUNTIMES, projects=[{"name": "Sales", "scripts": SCRIPTS}])
        server.fault("error", operation="update", times=99)
    before = state(servers[0])
    done = play(APPLY, mstr_runtimes=[NEW, {"name": "Idle", "exec_timeout": 5}], **BACKUP)
    assert set(done.outcomes.values()) == {"failed"}
    for server in servers[:2]:
        server.clear_faults()
        server.seed({"name": "Theirs", "execTimeout": 1})
    after = state(servers[0])
    check = way_back(play, done, "--check")
    assert "\nenv0, env1: 'New' would be deleted" in check.output, check.output
    assert [state(server) for server in servers[:2]] == [after, after]
    back = way_back(play, done)
    assert back.status == 0, back.output
    assert "These runtimes are not in the backup, and were left alone: 'Theirs'" in back.text
    for server in servers[:2]:
        known, scripts = state(server)
        assert known.pop("Theirs")[0] == 1
        assert (known, scripts) == before


def test_what_no_definition_can_express(play: Play, servers: list[Simulator]) -> None:
    """A colleague's runtime stops neither an export nor an apply with a backup, and a purge spares it."""
    play.hosts = {host: play.hosts[host] for host in ("env0", "env1", "env2")}
    play.hosts["env2"]["mstr_in_process"] = False
    for server in servers[:3]:
        server.seed({"name": "Theirs", "whitelist": ["db.example.com"]}, {"name": "Old"}, {"name": "Keep"})
    play.hosts["env1"]["mstr_runtimes"] = [{"name": "Theirs", "exec_timeout": 7}]
    more = {**BACKUP, "mstr_runtimes_purge": True}
    for options in (["--check"], []):
        play.variables["mstr_runtimes"] = [{"name": "Keep"}]
        done = play(APPLY, *options, **more)
        changed = "drift" if options else "changed"
        assert done.outcomes == {"env0": changed, "env1": "failed", "env2": changed}
        assert "The run would change or delete 'Theirs' (" in done.messages()["env1"]
        assert "env0: warning: No definition can express 'Theirs' (" in done.text
    names = [sorted(runtime["name"] for runtime in server.runtimes()) for server in servers[:3]]
    assert names == [["Keep", "Theirs"], ["Keep", "Old", "Theirs"], ["Keep", "Theirs"]]
    back = way_back(play, done)
    assert back.status == 0, back.output
    assert [len(server.runtimes()) for server in servers[:3]] == [3, 3, 3]
    exported = play("mstr.library.export")
    assert exported.status == 0, exported.output
    assert "left out: Theirs env0: No definition can express 'Theirs' (" in exported.text


def test_one_time_for_all_environments(play: Play, servers: list[Simulator]) -> None:
    """One after another, too, and as a module; one fails. In the role by itself, each host has its own time."""
    play.hosts = {host: play.hosts[host] for host in ("env0", "env1", "env2", "env3")}
    play.hosts["env1"]["mstr_in_process"] = False
    servers[2].fault("error", operation="create", times=99)
    done = play(
        APPLY, "--limit", "env0,env1,env2", mstr_runtimes=[NEW], mstr_serial=1, mstr_runtimes_backup_keep=1, **BACKUP
    )
    assert done.outcomes == {"env0": "changed", "env1": "changed", "env2": "failed"}
    names = sorted(path.name for path in play.folder.glob("*.bk.*.yml"))
    assert len({name.removeprefix(host) for host, name in zip(("env0", "env1", "env2"), names, strict=False)}) == 1
    assert len(names) == 2, "the failed one wrote nothing"
    again = play(APPLY, "--limit", "env0,env1", "--tags", "none", mstr_runtimes=[{"name": "More"}], **BACKUP)
    assert sorted(path.name for path in play.folder.glob("*.bk.*.yml")) == names, again.output
    role = play_of({"ansible.builtin.include_role": {"name": "mstr.library.runtimes"}}, host="env0,env3")
    played = play(role, mstr_runtimes=[{"name": "More"}], mstr_runtimes_backup_keep=1, **BACKUP)
    assert played.status == 0, played.output
    left = sorted(path.name for path in play.folder.glob("*.bk.*.yml"))
    assert [name[:4] for name in left] == ["env0", "env1", "env3"]
    assert (left[0] == names[0], left[1] == names[1]) == (False, True)
    back = way_back(play, done, "--limit", "env1")
    assert back.status == 0, back.output
    assert servers[1].runtimes() == []


def test_an_environment_without_a_backup(play: Play, servers: list[Simulator]) -> None:
    """It is named and left alone, and stops no batch."""
    play.hosts = {host: play.hosts[host] for host in ("env0", "env1")}
    done = play(APPLY, "--limit", "env1", mstr_runtimes=[NEW], **BACKUP)
    assert done.status == 0, done.output
    servers[0].seed({"name": "Kept"})
    [path] = play.folder.glob("env1.bk.*.yml")
    source = path.name.replace("env1", "{{ inventory_hostname }}")
    refused = play(RESTORE, mstr_restore_src="{{ inventory_hostname }}.bk.yml")
    assert refused.status == 2
    command = f"ansible-playbook -i {play.folder}/inventory.json mstr.library.restore --limit env1"
    assert f"To go back to the newest: {command}" in refused.text
    back = play(RESTORE, mstr_restore_src=source, mstr_runtimes=[NEW], mstr_runtimes_purge=True, mstr_serial=1)
    assert back.status == 0, back.output
    assert "\nenv0: not reached: it has no backup " in back.output
    assert servers[1].runtimes() == []
    assert [runtime["name"] for runtime in servers[0].runtimes()] == ["Kept"]


def test_what_an_interrupted_replacement_left(play: Play, servers: list[Simulator]) -> None:
    """The definitions were reverted since. An audit names it, a purge keeps it, an apply ends it, and back again."""
    play.hosts = {host: play.hosts[host] for host in ("env0", "env1", "env2")}
    play.hosts["env2"]["mstr_in_process"] = False
    beside = {"name": f"New (replaces {OLD})", "id": IDLE, "execTimeout": 5}
    used = [script | {"runtime": IDLE} for script in SCRIPTS]
    for server, held in zip(servers, ([beside], [RUNTIMES[0], beside], [beside]), strict=False):
        server.seed(*held, projects=[{"name": "Sales", "scripts": used}])
    before = [server.runtimes() for server in servers[:3]]
    play.hosts["env0"]["mstr_runtimes"] = [{"name": "Old", "previous_names": ["New"]}]
    play.hosts["env1"]["mstr_runtimes"] = [{"name": "Old", "exec_timeout": 321}]
    play.hosts["env2"]["mstr_runtimes"] = [{"name": "Other"}]
    found = play("mstr.library.audit", mstr_runtimes_purge=True)
    assert found.text.count(f"'New (replaces {OLD})' ({IDLE}) is an unfinished replacement of {OLD}") == 3, found.output
    more = {**BACKUP, "mstr_runtimes_purge": True}
    assert play(APPLY, "--check", **more).status == 0
    assert [server.runtimes() for server in servers[:3]] == before
    done = play(APPLY, **more)
    assert done.status == 0, done.output
    names = [sorted(runtime["name"] for runtime in server.runtimes()) for server in servers[:3]]
    assert names == [["Old"], ["Old"], sorted(["Other", beside["name"]])]
    assert [set(state(server)[1].values()) for server in servers[:3]] == [{"Old"}, {"Old"}, {beside["name"]}]
    assert "previous_names: [New] to the definition that it belongs to" in done.text
    again = play(APPLY, **more)
    assert again.output.count("changed=0") == 3, again.output
    assert way_back(play, done).status == 0
    assert sorted(state(servers[0])[0]) == sorted(["(Default) MicroStrategy", "New"])
    assert [set(state(server)[1].values()) for server in servers[:2]] == [{"New"}, {"Old"}]
