"""Many environments in one play: a failure affects only its own environment, and the report shows it."""

from __future__ import annotations

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, Play

RUNTIMES = [
    {
        "name": "Nightly reports",
        "exec_timeout": 600,
        "whitelist": ["10.10.10.0/24"],
        "resource": {"cpu": 0.5, "mem": 512},
    },
    {"name": "Forecasts", "exec_timeout": 900},
]
DOWN, SLOW, REJECTED, LOCKED_OUT, LOST = "env3", "env5", "env6", "env7", "env8"


@pytest.fixture
def ten(play: Play) -> Play:
    """Prepare ten environments with the same definitions."""
    play.variables |= {"mstr_runtimes": RUNTIMES, "mstr_retries": 0, "mstr_timeout": 60}
    return play


def test_a_failure_affects_one_environment(ten: Play, servers: list[Simulator]) -> None:
    """One is unreachable, one slow, two reject the login, and one returns a proxy's page."""
    ten.hosts[DOWN]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    servers[5].switch(latency_ms=250)
    ten.hosts[REJECTED]["mstr_password"] = "wrong-horse-14"
    servers[7].switch(session_limit=1)
    servers[7].open_session()
    servers[8].fault("html", operation="list", title="Gateway is down", times=None)
    played = ten(APPLY, "-vvv")
    assert played.status == 2, played.output
    failed = {DOWN, REJECTED, LOCKED_OUT, LOST}
    assert played.outcomes == {name: "failed" if name in failed else "changed" for name in ten.hosts}
    messages = played.messages()
    assert "cannot connect to 127.0.0.1:1" in messages[DOWN]
    assert "Could not log in" in messages[REJECTED]
    assert "wrong-horse-14" not in played.output
    assert "Could not log in" in messages[LOCKED_OUT]
    assert "session" in messages[LOCKED_OUT]
    assert "Gateway is down" in messages[LOST]
    for name, message in messages.items():
        assert f"{name}: failed: {message}" in played.lines()
    assert {f"{SLOW}: 2 created", f"{SLOW}: 'Forecasts' created"} <= set(played.lines())
    for number, server in enumerate(servers):
        assert len(server.runtimes()) == (0 if f"env{number}" in failed else 2)
    assert [n for n, server in enumerate(servers) if server.open_sessions()] == [7], "the session that was open before"
    assert "Traceback" not in played.output

    # After the repair, the second run does only the remaining work.
    del ten.hosts[REJECTED]["mstr_password"]
    servers[7].expire_sessions()
    servers[8].clear_faults()
    for server in servers:
        server.clear_requests()
    again = ten(APPLY, "--limit", f"!{DOWN}")
    assert again.status == 0, again.output
    assert again.outcomes == {name: "changed" if name in failed else "unchanged" for name in ten.hosts if name != DOWN}
    assert servers[0].calls() == ["POST /auth/login", "GET /runtimes", "POST /auth/logout"]
    assert servers[3].calls() == []


def test_drift_is_reported(ten: Play, servers: list[Simulator]) -> None:
    """Of every environment, even if one cannot be reached, or refuses its purge."""
    equal = {"name": "Nightly reports", "execTimeout": 600, "whitelist": ["10.10.10.7/24"]}
    equal["resource"] = {"cpu": "0.50", "mem": 512}
    other = {"execTimeout": 60, "whitelist": ["0.0.0.0/0"], "resource": {"cpu": "1", "mem": 512}}
    servers[0].seed(equal, {"name": "Forecasts", "execTimeout": 900})
    servers[1].seed({**equal, **other}, {"name": "Nobody's"})
    ten.hosts["env2"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    servers[3].seed({**equal, **other}, {"name": "Old"}, {"name": "Older"})
    ten.hosts["env3"]["mstr_runtimes_purge_limit"] = 1
    ten.variables["mstr_runtimes_purge"] = True
    played = ten(APPLY, "--check", "--limit", "env0,env1,env2,env3")
    assert played.status == 2, played.output
    assert played.outcomes == {"env0": "unchanged", "env1": "drift", "env2": "failed", "env3": "failed"}
    assert {
        "env0: 2 unchanged",
        "env1: 'Nightly reports' differs: whitelist +10.10.10.0/24 -0.0.0.0/0",
        'env1: "Nobody\'s" would be deleted',
    } <= set(played.lines())
    limit = "purge would delete 2 runtimes, more than purge_limit 1"
    assert played.messages()["env3"].startswith(limit)
    assert played.report["check_mode"] is True
    for server in servers[:4]:
        assert [call for call in server.calls() if "/runtimes" in call and not call.startswith("GET")] == []
        assert server.open_sessions() == []


# Where the address of a host may stand.
CHECK = """
- hosts: all
  gather_facts: false
  environment: {{MSTR_BASE_URL: {0}}}
  tasks: &check
    - name: Check
      mstr.library._mstr_runtimes: {{task: check, playbook: apply}}
      run_once: true
      ignore_errors: true
- hosts: all
  gather_facts: false
  module_defaults: {{group/mstr.library.mstr: {{base_url: {0}}}}}
  tasks: *check
"""


def test_one_server_of_two_hosts_is_found(ten: Play, servers: list[Simulator]) -> None:
    """Two hosts on one server are refused if one of them purges, wherever the address is."""
    ten.hosts = {"env0": ten.hosts["env0"], "other": {}}
    address = servers[0].base_url.upper().replace("MICROSTRATEGYLIBRARY", "MicroStrategyLibrary")
    played = ten(CHECK.format(address), mstr_runtimes_purge=True)
    messages = [record["result"]["msg"] for record in played.records if record["event"] == "failed"]
    assert [message[:48] for message in messages] == ["env0 and other are one server, http://127.0.0.1:"] * 2, messages
