"""The audit reads each environment, checks it, reports on it, and changes nothing; unit tests have what it finds."""

from __future__ import annotations

import html
import json
import re

import pytest
from simulator.harness import Simulator
from support.ansible import AUDIT, Play, play_of

DEFAULT_ID = "0F35652CA7D041978BF0CBCB67531203"
POLICY = {
    "networks_within": ["10.0.0.0/8"],
    "networks_never": ["10.66.0.0/16"],
    "packages_never": ["paramiko"],
    "exemptions": [{"runtime": DEFAULT_ID.lower(), "reason": "nobody uses it", "until": "2099-12-31"}],
}
HOSTILE = "<script>alert(1)</script>"
RUNTIMES = [{"name": "Nightly reports", "exec_timeout": 600, "whitelist": ["10.10.10.0/24"]}]
NIGHTLY = {"name": "Nightly reports", "execTimeout": 600, "whitelist": ["10.10.10.0/24"], "runtimeVersion": "3.9.18"}


def writes(servers: list[Simulator]) -> list[str]:
    return [call for server in servers for call in server.calls() if "/runtimes" in call and not call.startswith("GET")]


def failed_hosts(output: str) -> set[str]:
    return set(re.findall(r"(env\d) .*failed=1", output))


@pytest.fixture
def seven(play: Play, servers: list[Simulator]) -> Play:
    """Prepare environments on five servers, two of them on the second one, and one that cannot be reached."""
    pandas = {"name": "pandas", "version": "2.2.3", "status": "not_installed", "message": "Return code: 1."}
    dirty = {"name": "Nightly reports", "execTimeout": 60, "whitelist": ["10.0.0.0/8", "db.example.com"]}
    servers[0].seed(NIGHTLY, {"name": "Sftp", "packages": [{"name": "pysftp", "version": "0.2.8"}], "status": "ready"})
    servers[1].seed(
        {**dirty, "packages": [pandas]},
        {"name": HOSTILE, "whitelist": ["0.0.0.0/0"], "description": "=1+1 </td><img src=x>"},
    )
    servers[3].switch(list_hides=["(Default) MicroStrategy"])
    scripts = [{"name": "Load", "runtime": "B"}]
    servers[4].seed({"name": "A"}, {"name": "B"}, projects=[{"name": "Sales", "scripts": scripts}])
    play.variables |= {"mstr_runtimes_policy": POLICY, "mstr_retries": 0, "mstr_timeout": 10}
    rules, drift = {"mstr_fail_on_violation": True}, {"mstr_fail_on_drift": True}
    moved = {"mstr_runtimes_src": str(play.folder / "scripts.json")}
    (play.folder / "scripts.json").write_text(
        json.dumps({"scripts": [{"name": "Load", "project": "Sales", "runtime": "A"}]})
    )
    defined, second = {"mstr_runtimes": RUNTIMES}, {"mstr_base_url": servers[1].base_url}
    play.hosts["env0"] |= defined | drift
    play.hosts["env1"] |= defined | rules
    play.hosts |= {"env2": second | defined | drift, "env5": second}
    play.hosts["env3"] |= rules
    play.hosts["env4"] |= drift | moved
    play.hosts["env6"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    for name in ("env7", "env8", "env9"):
        del play.hosts[name]
    return play


def test_every_environment_is_reported(seven: Play, servers: list[Simulator]) -> None:
    """Gates fail after the report. Nothing is changed, no backup is made, and the report keeps the mode of its file."""
    seven.variables["mstr_runtimes_backup_dest"] = "{{ inventory_hostname }}.yml"
    report = seven.folder / "report.json"
    report.touch(mode=0o600)
    looked_up = dict.fromkeys(("mstr_audit_scripts", "mstr_audit_installed"), "true")
    played = seven(AUDIT, mstr_report_dest="report.json, audit.html, sbom.cdx.json", **looked_up)
    outcomes = [played.outcomes[f"env{number}"] for number in range(7)]
    assert outcomes == ["violations", "violations", "violations", "problems", "drift", "violations", "failed"]
    assert failed_hosts(played.output) == {"env1", "env2", "env3", "env4", "env6"}
    lines = played.lines()
    why = "The server's list of runtimes lacks its built-in default runtime, so it may be incomplete, like this report"
    for line in (
        "env1: 'Nightly reports' differs: whitelist +10.10.10.0/24 -10.0.0.0/8 -db.example.com",
        f"env1: '{HOSTILE}' is open to everything: 0.0.0.0/0",
        "env0: 'Sftp' installed paramiko==1.0.0 violates packages_never: it matches paramiko (required by pysftp)",
        f"env3: {why}",
    ):
        assert line in lines, lines
        assert f"\n{line}\n" in played.output, "the text report has the same lines, without quotes"
    for pattern in (
        r"env1: 3 runtimes .*2 runtimes are open to everything, 3 violations, 1 differs from its definition, ",
        r"env1: 1 runtime has no definition: ",
        r"env6: failed: Could not log in",
        r"env4: script 'Load' in 'Sales' would use 'A' instead of 'B'\n",
        r"env0: Python 3.9 ended \d+ days ago: '.+'; 0 scripts",
    ):
        assert re.search(rf"\n{pattern}", played.output), pattern
    assert why in html.unescape((seven.folder / "audit.html").read_text(encoding="utf-8"))
    assert '"pkg:pypi/pynacl@1.0.0"' in (seven.folder / "sbom.cdx.json").read_text(encoding="utf-8")
    assert writes(servers) == []
    assert [server for server in servers if server.open_sessions()] == []
    assert list(seven.folder.glob("*.yml")) == []
    assert report.stat().st_mode & 0o777 == 0o600


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
        assert "the names differ only in case" in line
        assert line in played.output


INVALID: list[tuple[dict[str, object], str]] = [
    ({"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}, "Set ansible_connection: local"),
    ({"mstr_runtimes_policy": "{{ company_policy }}"}, "company_policy"),
    ({"mstr_runtimes": RUNTIMES, "mstr_runtimes_src": "other.yml"}, "Set only one of mstr_runtimes and"),
    ({"mstr_runtimes_src": "missing.yml"}, "missing.yml' cannot be read: No such file"),
]


def test_an_invalid_host_fails_after_the_report(play: Play, servers: list[Simulator]) -> None:
    """And no other host."""
    invalid = {f"env{number}": row for number, row in enumerate(INVALID)}
    for name, (variables, _message) in invalid.items():
        play.hosts[name] |= variables
    played = play(AUDIT)
    assert played.status == 2, played.output
    assert failed_hosts(played.output) == set(played.messages()) == set(invalid)
    for name, (_variables, message) in invalid.items():
        assert message in played.messages()[name]
    assert [server for server in servers if server.open_sessions()] == []


def test_an_audit_with_async_is_refused(play: Play, servers: list[Simulator]) -> None:
    task = {"mstr.library.mstr_audit": {}, "async": 60, "poll": 0}
    played = play(play_of(task, host="env0"))
    assert played.status == 2, played.output
    assert "Remove async and poll from the task." in played.text
    assert servers[0].calls() == []


def test_probe_writes_a_file_that_can_be_published(play: Play, servers: list[Simulator]) -> None:
    servers[0].reset("strict")
    servers[1].reset("awkward", runtime_status="follows", default_name="Finance Python")
    servers[1].seed({"name": "Payroll of the board", "execTimeout": 600})
    played = play("mstr.library.probe", "--limit", "env0,env1")
    assert played.status == 0, played.output
    files = [play.folder / f"env{number}.probe.json" for number in (0, 1)]
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    creates = [
        [call["status"] for call in calls if call["method"] == "POST" and call["path"] == "/api/runtimes"]
        for calls in read
    ]
    assert creates == [[200, 409], [201, 201]]
    assert "env0: Recorded " in played.output
    assert [file for file in files if file.name[:4] in file.read_text(encoding="utf-8")] == []
    assert [server.open_sessions() for server in servers[:2]] == [[], []]
    assert [entry["name"] for entry in servers[1].runtimes()] == ["Payroll of the board"]
