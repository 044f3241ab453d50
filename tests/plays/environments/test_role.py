"""The role in a play of its own, and the effects of a signal on many writes."""

from __future__ import annotations

import signal
import time

from simulator.harness import Simulator
from support.ansible import Play, play_of
from support.modules import Running, credentials
from support.waiting import wait_until

ENOUGH_S = 25.0  # a call that hangs ends after 30 seconds by itself
MANY = [{"name": f"r{number:02}", "exec_timeout": 600} for number in range(40)]


def test_a_stopped_module_reports_its_changes(servers: list[Simulator]) -> None:
    """No worker continues after it, and nothing is purged."""
    server = servers[0]
    # After some creates, the others are done but not answered.
    server.fault("hang", operation="create", skip=6, times=None, work="before")
    server.seed({"name": "not listed"})
    module = Running("mstr_runtimes", {**credentials(server), "runtimes": MANY, "concurrency": 8, "purge": True})
    wait_until(lambda: server.faults()[0]["hits"] == 8, "all threads wait for a create")
    module.process.send_signal(signal.SIGTERM)
    done = module.done(ENOUGH_S)
    assert server.open_sessions() == []
    there = {runtime["name"] for runtime in server.runtimes()}
    assert "not listed" in there
    assert len(there) < len(MANY)

    # It reports what it did, and what is unknown.
    assert "signal SIGTERM" in done.sentence
    actions = {runtime["name"]: runtime["action"] for runtime in done.result["runtimes"]}
    assert set(actions.values()) <= {"created", "failed", "unknown"}
    assert {name for name, action in actions.items() if action == "created"} <= there
    calls = server.calls()
    time.sleep(0.3)
    assert server.calls() == calls


def test_two_environments_never_write_one_backup(play: Play, servers: list[Simulator]) -> None:
    play.hosts["env1"]["mstr_runtimes_backup_dest"] = "./{{ 'backup' }}.yml"
    play.variables |= {"mstr_runtimes_backup_dest": "backup.yml", "mstr_runtimes": [{"name": "a"}]}
    tasks = [{"ansible.builtin.include_role": {"name": "mstr.library.runtimes"}}]
    played = play(play_of(*tasks, host="env0,env1"))
    assert played.status == 2
    assert "Several environments would be written to one file" in played.output
    assert not (play.folder / "backup.yml").exists()
    assert [call for server in servers[:2] for call in server.calls() if call.startswith("POST /runtimes")] == []
