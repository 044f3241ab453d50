"""Many environments in one play: a failure affects only its own environment, and the report shows it."""

from __future__ import annotations

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, Play, play_of

RUNTIMES = [
    {
        "name": "Nightly reports",
        "exec_timeout": 600,
        "whitelist": ["10.10.10.0/24"],
        "resource": {"cpu": 0.5, "mem": 512},
    },
    {"name": "Forecasts", "exec_timeout": 900},
]
DEFAULTS = "group/mstr.library.mstr"
DOWN, SLOW, REJECTED, LOCKED_OUT, LOST = "env3", "env5", "env6", "env7", "env8"


@pytest.fixture
def ten(play: Play) -> Play:
    """Prepare ten environments with the same definitions."""
    play.variables |= {"mstr_runtimes": RUNTIMES, "mstr_retries": 0, "mstr_timeout": 60}
    return play


@pytest.fixture
def troubled(ten: Play, servers: list[Simulator]) -> Play:
    """Make one of them unreachable, one slow, two reject the login, and one return a proxy's page."""
    ten.hosts[DOWN]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    servers[5].switch(latency_ms=250)
    ten.hosts[REJECTED]["mstr_password"] = "wrong-horse-14"
    servers[7].switch(session_limit=1)
    servers[7].open_session()
    servers[8].fault("html", operation="list", title="Gateway is down", times=None)
    return ten


def test_a_failure_affects_one_environment(troubled: Play, servers: list[Simulator]) -> None:
    played = troubled(APPLY, "-vvv")
    assert played.status == 2, played.output
    failed = {DOWN, REJECTED, LOCKED_OUT, LOST}
    assert played.outcomes == {name: "failed" if name in failed else "changed" for name in troubled.hosts}
    messages = played.messages()
    assert "cannot connect to 127.0.0.1:1" in messages[DOWN]
    assert "Could not log in" in messages[REJECTED]
    assert "wrong-horse-14" not in played.output
    assert "Could not log in" in messages[LOCKED_OUT]
    assert "session" in messages[LOCKED_OUT]
    assert "Gateway is down" in messages[LOST]
    for name, message in messages.items():
        assert f"{name}: failed: {message}" in played.lines()
    assert f"{SLOW}: 2 created" in played.lines()
    assert f"{SLOW}: 'Forecasts' created" in played.lines()
    for number, server in enumerate(servers):
        assert len(server.runtimes()) == (0 if f"env{number}" in failed else 2)
    assert [n for n, server in enumerate(servers) if server.open_sessions()] == [7], "the session that was open before"
    assert "Traceback" not in played.output

    # After the repair, the second run does only the remaining work.
    del troubled.hosts[REJECTED]["mstr_password"]
    servers[7].expire_sessions()
    servers[8].clear_faults()
    for server in servers:
        server.clear_requests()
    again = troubled(APPLY, "--limit", f"!{DOWN}")
    assert again.status == 0, again.output
    assert again.outcomes == {
        name: "changed" if name in failed else "unchanged" for name in troubled.hosts if name != DOWN
    }
    assert servers[0].calls() == ["POST /auth/login", "GET /runtimes", "POST /auth/logout"]
    assert servers[3].calls() == []


def test_drift_is_reported(ten: Play, servers: list[Simulator]) -> None:
    """The exit status shows it to a scheduler, even if one environment cannot be reached, or refuses its purge."""
    equal = {"name": "Nightly reports", "execTimeout": 600, "whitelist": ["10.10.10.7/24"]}
    equal["resource"] = {"cpu": "0.50", "mem": 512}
    other = {"execTimeout": 60, "whitelist": ["0.0.0.0/0"], "resource": {"cpu": "1", "mem": 512}}
    servers[0].seed(equal, {"name": "Forecasts", "execTimeout": 900})
    servers[1].seed({**equal, **other}, {"name": "Nobody's"})
    ten.hosts["env2"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    servers[3].seed({**equal, **other}, {"name": "Old"}, {"name": "Older"})
    ten.hosts["env3"]["mstr_runtimes_purge_limit"] = 1
    ten.variables["mstr_runtimes_purge"] = True
    played = ten(APPLY, "--check", "--limit", "env0,env1,env2,env3", mstr_fail_on_drift=True)
    assert played.status == 2, played.output
    assert played.outcomes == {"env0": "unchanged", "env1": "drift", "env2": "failed", "env3": "failed"}
    assert {
        "env0: 2 unchanged",
        "env1: 1 to create, 1 to update, 1 to delete",
        "env1: 'Nightly reports' differs: whitelist +10.10.10.0/24 -0.0.0.0/0",
        'env1: "Nobody\'s" would be deleted; no script uses it',
        "env3: 1 to create, 1 to update, 2 to delete",
    } <= set(played.lines())
    limit = "purge would delete 2 runtimes, more than mstr_runtimes_purge_limit 1"
    assert played.messages()["env3"].startswith(limit)
    assert played.report["check_mode"] is True
    assert "Drift: env1: 1 to create, 1 to update, 1 to delete" in played.output
    for server in servers[:4]:
        assert [call for call in server.calls() if "/runtimes" in call and not call.startswith("GET")] == []
        assert server.open_sessions() == []


CHECK = """
- hosts: all
  gather_facts: false
  {where}
  tasks:
    - name: Check
      mstr.library._mstr_runtimes: {{task: check, playbook: apply}}
      run_once: true
"""


@pytest.mark.parametrize(
    "where", ["environment: {{MSTR_BASE_URL: {0}}}", "module_defaults: {{{1}: {{base_url: {0}}}}}"]
)
def test_one_server_of_two_hosts_is_found(ten: Play, servers: list[Simulator], where: str) -> None:
    """Two hosts on one server are refused if one of them purges, wherever the address is."""
    ten.hosts = {"env0": ten.hosts["env0"], "other": {}}
    text = where.format(servers[0].base_url.upper().replace("MICROSTRATEGYLIBRARY", "MicroStrategyLibrary"), DEFAULTS)
    played = ten(CHECK.format(where=text), mstr_runtimes_purge=True)
    assert "env0 and other are one server, http://127.0.0.1:" in played.text, played.output


def test_two_environments_never_write_one_backup(play: Play, servers: list[Simulator]) -> None:
    play.hosts["env1"]["mstr_runtimes_backup_dest"] = "./{{ 'backup' }}.yml"
    play.variables |= {"mstr_runtimes_backup_dest": "backup.yml", "mstr_runtimes": [{"name": "a"}]}
    tasks = [{"ansible.builtin.include_role": {"name": "mstr.library.runtimes"}}]
    played = play(play_of(*tasks, host="env0,env1"))
    assert played.status == 2
    assert "Several environments would be written to one file" in played.output
    assert not (play.folder / "backup.yml").exists()
    assert [call for server in servers[:2] for call in server.calls() if call.startswith("POST /runtimes")] == []
