# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role on a command line: tags, wrong credentials, and the effects of signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.modules import Running, credentials, run
from support.waiting import wait_until

from environments.playing import APPLY, AUDIT, Play

MANY = [{"name": f"r{number:02}", "exec_timeout": 600} for number in range(40)]
SITE = [
    {
        "name": "A site",
        "hosts": "env0",
        "gather_facts": False,
        "roles": [{"role": "mstr.library.runtimes", "tags": ["runtimes"]}],
        "tasks": [{"name": "Something else", "ansible.builtin.debug": {"msg": "something else"}, "tags": ["other"]}],
    }
]


@pytest.mark.parametrize(("options", "made"), [(["--tags", "runtimes"], 1), (["--skip-tags", "runtimes"], 0)])
def test_each_tag_runs_only_its_part(play: Play, servers: list[Simulator], options: list[str], made: int) -> None:
    play.write("site.yml", SITE)
    play.variables["mstr_runtimes"] = MANY[:1]
    played = play("site.yml", *options)
    assert played.status == 0, played.output
    assert len(servers[0].runtimes()) == made
    assert ("something else" in played.output) is not bool(made)


def test_a_wrong_password_is_reported_but_not_shown(play: Play, servers: list[Simulator]) -> None:
    play.variables |= {"mstr_runtimes": MANY[:1], "mstr_password": "wrong-horse-14"}
    played = play(APPLY, "--limit", "env0", "-vvv")
    assert played.status == 2
    assert "Could not log in to" in played.messages()["env0"]
    assert "wrong-horse-14" not in played.output


def under_way(server: Simulator) -> bool:
    return len(server.runtimes()) >= 6


def repaired(server: Simulator) -> None:
    """Check that the second run does only the remaining work."""
    left = len(MANY) - len({one["name"] for one in server.runtimes()} & {one["name"] for one in MANY})
    again = run("mstr_runtimes", server, runtimes=MANY)
    assert again.result["summary"]["created"] == left
    assert again.result["summary"]["unchanged"] == len(MANY) - left
    assert {one["name"] for one in server.runtimes()} >= {one["name"] for one in MANY}
    assert server.open_sessions() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_stopped_module_reports_its_changes_and_can_run_again(
    servers: list[Simulator], number: signal.Signals, concurrency: int
) -> None:
    server = servers[0]
    server.switch(latency_ms=60)
    server.seed({"name": "not listed"})
    options: dict[str, Any] = {"runtimes": MANY, "concurrency": concurrency, "purge": True}
    module = Running("mstr_runtimes", {**credentials(server), **options})
    wait_until(lambda: under_way(server), "in the middle")
    began = time.monotonic()
    module.process.send_signal(number)
    done = module.done()
    assert time.monotonic() - began < 5
    assert server.open_sessions() == []
    assert "not listed" in [one["name"] for one in server.runtimes()], "nothing is purged"

    # It reports what it did, and what is unknown.
    assert f"signal {number.name}" in done.sentence
    actions = {one["name"]: one["action"] for one in done.result["runtimes"]}
    made = {one["name"] for one in server.runtimes()} - {"not listed"}
    assert len(made) < len(MANY)
    assert set(actions.values()) <= {"created", "failed"}
    assert {name for name, action in actions.items() if action == "created"} <= made

    # No worker continues after the module.
    calls = server.calls()
    time.sleep(0.3)
    assert server.calls() == calls
    server.switch(latency_ms=0)
    repaired(server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_play_leaves_no_process_and_can_run_again(
    play: Play, servers: list[Simulator], number: signal.Signals
) -> None:
    server = servers[0]
    server.switch(latency_ms=60)
    play.variables["mstr_runtimes"] = MANY
    command = play.command(APPLY, "--limit", "env0")
    with subprocess.Popen(
        command,
        cwd=play.folder,
        env=play.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_until(lambda: under_way(server), "in the middle")
        # A terminal does this for Ctrl-C, and a service manager for a stop.
        os.killpg(process.pid, number)
        process.wait(20)
    wait_until(lambda: not server.open_sessions(), "logged out", 10)
    assert len(server.runtimes()) < len(MANY)
    wait_until(lambda: not _processes_of(play.folder), "no process is left", 10)
    server.switch(latency_ms=0)
    repaired(server)


def _processes_of(folder: Path) -> list[str]:
    """Return the processes that have this folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ = (process / "environ").read_text(errors="replace")
        except OSError:
            continue
        if str(folder) in environ:
            found.append((process / "cmdline").read_text(errors="replace"))
    return found


def test_the_result_is_complete_if_one_of_fifty_runtimes_fails(servers: list[Simulator]) -> None:
    servers[0].fault("error", operation="create", status=403, number=17, message="Not you", skip=20)
    fifty = [{"name": f"r{number:02}"} for number in range(50)]
    done = run("mstr_runtimes", servers[0], runtimes=fifty)
    assert done.result["failed"]
    assert done.result["summary"] == {"created": 49, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 1}
    (failed,) = (one for one in done.result["runtimes"] if one["error"])
    assert failed["name"] in done.sentence
    assert "Not you" in done.sentence
    assert json.dumps(done.result).count("Not you") >= 2
    again = run("mstr_runtimes", servers[0], runtimes=fifty)
    assert again.result["summary"]["created"] == 1


@pytest.mark.parametrize("where", ["inventory", "role"])
def test_two_environments_never_write_one_backup(play: Play, servers: list[Simulator], where: str) -> None:
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    variables = {"mstr_runtimes_backup_dest": "backup.yml"}
    if where == "inventory":
        play.hosts["env0"] |= variables
        play.hosts["env1"] |= {"mstr_runtimes_backup_dest": "./{{ 'backup' }}.yml"}
    given = {"mstr_runtimes": [{"name": "a"}], **(variables if where == "role" else {})}
    task = {"ansible.builtin.include_role": {"name": "mstr.library.runtimes"}, "vars": given}
    book = play.write("roles.json", [{"hosts": "all", "gather_facts": False, "tasks": [task]}])
    played = play.run(play.command(str(book)))
    assert played.status == 2
    assert "Several environments would be written to one file" in played.output
    assert not (play.folder / "backup.yml").exists()
    assert [call for one in servers[:2] for call in one.calls() if call.startswith("POST /api/runtimes")] == []


def test_a_restored_backup_assigns_the_scripts_to_runtimes_that_were_created_again(
    play: Play, servers: list[Simulator]
) -> None:
    server, old = servers[0], "A" * 32
    scripts = [{"name": name, "id": f"{number:032X}", "runtime": old} for number, name in enumerate("ab", 1)]
    server.seed({"name": "Etl", "id": old, "resource": {"mem": 512}}, projects=[{"name": "Sales", "scripts": scripts}])
    more = {"mstr_runtimes_backup_dest": "backup.yml", "mstr_runtimes_backup_scripts": True}
    deleted = play(APPLY, "--limit", "env0", mstr_runtimes=[{"name": "Etl", "state": "absent"}], **more)
    assert deleted.status == 0, deleted.output
    assert server.runtimes() == []
    restored = play(APPLY, "--limit", "env0", mstr_runtimes_src="backup.yml", mstr_runtimes_restore_scripts=True)
    assert restored.status == 0, restored.output
    [etl] = server.runtimes()
    assert etl["id"] != old
    used = [one["runtime"] for project in server.projects() for one in project["scripts"]]
    assert used == [etl["id"]] * 2


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"mstr_runtimes_backup_dest": "./backup.yml"}, "The backup would replace the definitions before"),
        ({"mstr_runtimes_restore_scripts": True}, "needs mstr_runtimes_src, the file of a backup with scripts"),
    ],
    ids=["overwritten", "no scripts"],
)
def test_a_restore_that_would_restore_nothing_is_refused(
    play: Play, servers: list[Simulator], variables: dict[str, Any], sentence: str
) -> None:
    servers[0].seed({"name": "Etl", "description": "broken"})
    play.write("backup.yml", {"restore": True, "runtimes": [{"name": "Etl", "description": "whole"}]})
    before = (play.folder / "backup.yml").read_text()
    played = play(APPLY, "--limit", "env0", mstr_runtimes_src="backup.yml", **variables)
    assert played.status == 2
    assert sentence in " ".join(played.output.split())
    assert (play.folder / "backup.yml").read_text() == before
    assert servers[0].calls() == []


@pytest.mark.parametrize("playbook", [APPLY, AUDIT])
def test_certificates_are_relative_to_the_directory_of_the_start(play: Play, playbook: str) -> None:
    names = {"mstr_ca_path": "ca.pem", "mstr_client_cert": "cert.pem", "mstr_client_key": "key.pem"}
    played = play(playbook, "--limit", "env0", mstr_runtimes=[{"name": "A"}], **names)
    assert played.status == 2, played.output
    for variable, name in names.items():
        assert f"{variable.removeprefix('mstr_')} '{play.folder / name}' does not exist" in played.output.replace(
            "''", "'"
        )
