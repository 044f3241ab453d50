"""The audit reads each environment, checks it, reports on it, and changes nothing; unit tests have what it finds."""

from __future__ import annotations

import html
import re

import pytest
from simulator.harness import Simulator
from support.ansible import AUDIT, Play, play_of

POLICY = {"networks_within": ["10.0.0.0/8"], "packages_never": ["paramiko"]}
HOSTILE = "<script>alert(1)</script>"
RUNTIMES = [{"name": "Nightly reports", "exec_timeout": 600, "whitelist": ["10.10.10.0/24"]}]


def failed_hosts(output: str) -> set[str]:
    return set(re.findall(r"(env\d) .*failed=1", output))


@pytest.fixture
def four(play: Play, servers: list[Simulator]) -> Play:
    """One environment without a gate, one that drifts, one whose list is incomplete, and one that is down."""
    pysftp = {"name": "Sftp", "packages": [{"name": "pysftp", "version": "0.2.8"}], "runtimeVersion": "3.9.18"}
    servers[0].seed({**pysftp, "status": "ready"}, projects=[{"name": "Sales"}])
    servers[1].seed({"name": "Nightly reports", "execTimeout": 600}, {"name": HOSTILE, "whitelist": ["0.0.0.0/0"]})
    servers[2].switch(list_hides=["(Default) MicroStrategy"])
    play.variables |= {"mstr_runtimes_policy": POLICY, "mstr_retries": 0}
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1", "env2", "env3")}
    play.hosts["env1"] |= {"mstr_runtimes": RUNTIMES, "mstr_fail_on_drift": True}
    play.hosts["env2"]["mstr_fail_on_violation"] = True
    play.hosts["env3"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    return play


def test_every_environment_is_reported(four: Play, servers: list[Simulator]) -> None:
    """Gates fail after the report. Nothing is changed, and no backup is made."""
    four.variables["mstr_runtimes_backup_dest"] = "{{ inventory_hostname }}.yml"
    looked_up = dict.fromkeys(("mstr_audit_scripts", "mstr_audit_installed"), "true")
    played = four(AUDIT, mstr_report_dest="report.json, audit.html, sbom.cdx.json", **looked_up)
    assert list(played.outcomes.values()) == ["violations", "violations", "problems", "failed"]
    assert failed_hosts(played.output) == {"env1", "env2", "env3"}
    incomplete = "The server's list of runtimes lacks its built-in default runtime, so it may be incomplete"
    for line in (
        "env0: 'Sftp' installed paramiko==1.0.0 violates packages_never: it matches paramiko (required by pysftp)",
        "env1: 'Nightly reports' differs: whitelist +10.10.10.0/24",
        "env1: is open to everything: 0.0.0.0/0 (2 runtimes: ",
        f"env2: {incomplete}",
        "env3: failed: Could not log in",
    ):
        assert f"\n{line}" in played.output
    assert incomplete in html.unescape((four.folder / "audit.html").read_text(encoding="utf-8"))
    assert '"pkg:pypi/pynacl@1.0.0"' in (four.folder / "sbom.cdx.json").read_text(encoding="utf-8")
    calls = {call for server in servers[:3] for call in server.calls() if call.endswith(("/runtimes", "/{id}"))}
    assert calls == {"GET /runtimes"}
    assert [server for server in servers if server.open_sessions()] == []
    assert list(four.folder.glob("*.yml")) == []


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (["-i", "broken.yml"], "broken.yml has no hosts, or Ansible cannot parse it. Its warnings above say why."),
        ([], "There are no environments: there is no inventory. Start this playbook with -i INVENTORY"),
    ],
)
def test_a_missing_inventory(play: Play, inventory: list[str], message: str) -> None:
    program, _option, _path, *rest = play.command(AUDIT)
    play.write("broken.yml", "all: {hosts: [\n")
    played = play.run([program, *inventory, *rest])
    assert played.status == 2, played.output
    assert message in played.text


def test_equal_warnings_name_their_environments(play: Play, servers: list[Simulator]) -> None:
    """Ansible shows a warning of two hosts once. A module hands it over in another form than a task in process."""
    play.hosts["env1"]["mstr_in_process"] = False
    for server in servers[:2]:
        server.seed({"name": "nightly reports"})
    played = play(AUDIT, "--limit", "env0,env1", mstr_runtimes=RUNTIMES)
    assert played.status == 0, played.output
    for name in ("env0", "env1"):
        [line] = [line for line in played.lines() if line.startswith(f"{name}: warning: ")]
        assert "its name differs only in case" in line
        assert line in played.output


def test_an_invalid_host_fails_after_the_report(play: Play) -> None:
    """And no other host."""
    play.hosts["env0"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    play.hosts["env1"]["mstr_runtimes_policy"] = "{{ company_policy }}"
    played = play(AUDIT)
    assert played.status == 2, played.output
    assert failed_hosts(played.output) == {"env0", "env1"}
    assert "Set ansible_connection: local" in played.messages()["env0"]
    assert "company_policy" in played.messages()["env1"]


def test_an_audit_with_async_is_refused(play: Play, servers: list[Simulator]) -> None:
    task = {"mstr.library.mstr_audit": {}, "async": 60, "poll": 0}
    played = play(play_of(task, host="env0"))
    assert played.status == 2, played.output
    assert "Remove async and poll from the task." in played.text
    assert servers[0].calls() == []


def test_probe_writes_a_file_that_can_be_published(play: Play, servers: list[Simulator]) -> None:
    """In check mode, too."""
    servers[0].seed({"name": "Payroll of the board", "execTimeout": 600})
    played = play("mstr.library.probe", "--limit", "env0", "--check")
    assert played.status == 0, played.output
    text = (play.folder / "env0.probe.json").read_text(encoding="utf-8")
    assert "env0: Recorded " in played.output
    assert [word for word in ("env0", "Payroll", servers[0].base_url) if word in text] == []
    assert [entry["name"] for entry in servers[0].runtimes()] == ["Payroll of the board"]
    assert servers[0].open_sessions() == []
