"""The audit reads each environment, checks it, reports on it, and changes nothing."""

from __future__ import annotations

import html
import re

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, Play

DEFAULT_ID = "0F35652CA7D041978BF0CBCB67531203"
POLICY = {
    "networks_within": ["10.0.0.0/8"],
    "networks_never": ["10.66.0.0/16"],
    "exemptions": [{"runtime": DEFAULT_ID.lower(), "reason": "nobody uses it", "until": "2099-12-31"}],
}
HOSTILE = "<script>alert(1)</script>"
RUNTIMES = [{"name": "Nightly reports", "exec_timeout": 600, "whitelist": ["10.10.10.0/24"]}]
TWO = "env0,env1"


@pytest.fixture
def three(play: Play, servers: list[Simulator]) -> Play:
    """Prepare one valid environment, one that violates the policy and differs, and one that cannot be reached."""
    play.variables |= {
        "mstr_runtimes_policy": POLICY,
        "mstr_retries": 0,
        "mstr_timeout": 10,
    }
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1", "env2")}
    for name in ("env0", "env1"):
        play.hosts[name]["mstr_runtimes"] = RUNTIMES
    servers[0].seed({"name": "Nightly reports", "execTimeout": 600, "whitelist": ["10.10.10.0/24"]})
    servers[1].seed(
        {
            "name": "Nightly reports",
            "execTimeout": 60,
            "whitelist": ["10.0.0.0/8", "db.example.com"],
            "packages": [
                {"name": "pandas", "version": "2.2.3", "status": "not_installed", "message": "Return code: 1."}
            ],
        },
        {"name": HOSTILE, "whitelist": ["0.0.0.0/0"], "description": "=1+1 </td><img src=x>"},
    )
    play.hosts["env2"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    return play


def writes(servers: list[Simulator]) -> list[str]:
    return [call for server in servers for call in server.calls() if "/runtimes" in call and not call.startswith("GET")]


def test_what_is_installed(three: Play, servers: list[Simulator]) -> None:
    """The script runs on what is ready; in check mode nothing runs, and one line says so."""
    sbom = three.folder / "sbom.cdx.json"
    three.variables |= {"mstr_audit_installed": True, "mstr_runtimes_policy": {"packages_never": ["paramiko"]}}
    servers[0].seed({"name": "Sftp", "packages": [{"name": "pysftp", "version": "0.2.8", "status": "installed"}]})
    played = three(AUDIT, "--limit", "env0", mstr_report_dest=str(sbom))
    line = "'Sftp' installed paramiko==1.0.0 violates packages_never: it matches paramiko (required by pysftp)"
    assert f"env0: {line}" in played.text
    assert '"pkg:pypi/pynacl@1.0.0"' in sbom.read_text(encoding="utf-8")
    assert writes(servers) == []
    runs = servers[0].calls().count("POST /scripts/evaluation")
    checked = three(AUDIT, "--limit", "env0", "--check")
    assert checked.text.count("check mode does not run the script that lists packages") == 1
    assert (runs, servers[0].calls().count("POST /scripts/evaluation")) == (3, 3)


def test_every_environment_is_reported(three: Play, servers: list[Simulator]) -> None:
    """Nothing is changed, no backup is made, and the report keeps the mode of its file."""
    three.variables["mstr_runtimes_backup_dest"] = "{{ inventory_hostname }}.yml"
    report = three.folder / "report.json"
    report.touch(mode=0o600)
    played = three(AUDIT)
    assert played.status == 2, "env2 cannot be reached"
    assert played.outcomes == {"env0": "clean", "env1": "violations", "env2": "failed"}
    lines = played.lines()
    assert "env0: 2 runtimes, 2 exempted violations" in lines
    assert (
        "env1: 3 runtimes, 4 violations, 2 exempted violations, 1 differs from its definition, "
        "1 has no definition, 1 is not ready" in lines
    )
    assert "env1: 'Nightly reports' differs: whitelist +10.10.10.0/24 -10.0.0.0/8 -db.example.com" in lines
    assert f"env1: '{HOSTILE}' whitelist 0.0.0.0/0 violates networks_within and networks_never" in lines
    assert any(line.startswith("env2: failed: Could not log in") for line in lines)
    for line in lines:
        assert f"\n{line}\n" in played.output, "the text report has the same lines, without quotes"
    assert re.search(r"env1 .*changed=0 .*failed=0", played.output)
    assert writes(servers) == []
    assert [server.open_sessions() for server in servers[:2]] == [[], []]
    assert list(three.folder.glob("*.yml")) == []
    assert report.stat().st_mode & 0o777 == 0o600


@pytest.mark.complete
@pytest.mark.parametrize("gate", ["violation", "drift"])
def test_a_gate_fails_after_the_report(three: Play, gate: str) -> None:
    """Exempted violations do not fail."""
    played = three(AUDIT, "--limit", "env0,env1", **{f"mstr_fail_on_{gate}": True})
    assert played.status == 2
    assert played.outcomes == {"env0": "clean", "env1": "violations"}
    assert re.search(r"env0 .*failed=0", played.output)
    assert re.search(r"env1 .*failed=1", played.output)


@pytest.mark.complete
def test_an_incomplete_list_fails_the_gate(play: Play, servers: list[Simulator]) -> None:
    servers[0].reset("newest", list_hides=["(Default) MicroStrategy"])
    servers[0].seed({"name": "Nightly reports", "whitelist": ["10.10.10.0/24"]})
    gate = {"mstr_runtimes_policy": POLICY, "mstr_fail_on_violation": True}
    played = play(AUDIT, "--limit", "env0", **gate, mstr_report_dest="report.json, audit.html")
    why = "The server's list of runtimes lacks its built-in default runtime, so it may be incomplete, like this report"
    assert (played.status, played.outcomes) == (2, {"env0": "problems"})
    assert played.lines() == ["env0: 1 runtime", f"env0: {why}"]
    assert f'"msg": "{why}"' in played.output
    assert why in html.unescape((play.folder / "audit.html").read_text(encoding="utf-8"))


def test_why_an_apply_would_be_refused(play: Play, servers: list[Simulator]) -> None:
    """It is a finding, which fails no audit."""
    guards = {"purge": True, "purge_limit": 0, "protect_used": True, "policy": POLICY}
    definitions = [{"name": "A", "whitelist": ["0.0.0.0/0"]}]
    play.hosts["env0"] |= {"mstr_runtimes": definitions, **{f"mstr_runtimes_{key}": guards[key] for key in guards}}
    servers[0].seed({"name": "B"}, projects=[{"name": "Sales", "scripts": [{"name": "Load", "runtime": "B"}]}])
    played = play(AUDIT, "--limit", "env0")
    assert (played.status, played.outcomes) == (0, {"env0": "drift"}), played.output
    refused = "\n".join(line for line in played.lines() if line.startswith("env0: an apply would be refused: "))
    for why in ("mstr_runtimes[0] 'A': whitelist", "protect_used", "more than mstr_runtimes_purge_limit 0"):
        assert why in refused
    assert "env0: 'A' would be created" in played.lines()


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


def test_a_script_on_a_different_runtime(play: Play, servers: list[Simulator]) -> None:
    play.hosts["env0"]["mstr_runtimes_scripts"] = [{"name": "Load", "project": "Sales", "runtime": "A"}]
    scripts = [{"name": "Load", "runtime": "B"}]
    servers[0].seed({"name": "A"}, {"name": "B"}, projects=[{"name": "Sales", "scripts": scripts}])
    played = play(AUDIT, "--limit", "env0", mstr_fail_on_drift=True)
    assert (played.status, played.outcomes) == (2, {"env0": "drift"}), played.output
    assert "env0: script 'Load' in 'Sales' would use 'A' instead of 'B'\n" in played.output


@pytest.mark.parametrize("in_process", [True, False])
def test_equal_warnings_name_their_environments(play: Play, servers: list[Simulator], in_process: bool) -> None:
    """Ansible shows a warning of two hosts once. A module hands it over in another form than a task in process."""
    for server in servers[:2]:
        server.seed({"name": "nightly reports"})
    for playbook, options in ((AUDIT, ()), (APPLY, ("--check",))):
        played = play(playbook, "--limit", TWO, *options, mstr_runtimes=RUNTIMES, mstr_in_process=in_process)
        assert played.status == 0, played.output
        for name in TWO.split(","):
            [line] = [line for line in played.lines() if line.startswith(f"{name}: warning: ")]
            assert "the names differ only in case" in line
            assert line in played.output


def test_a_file_for_every_night(play: Play, servers: list[Simulator]) -> None:
    """The report and the earlier one are one file, which does not exist the first night; an outage loses nothing."""
    nightly = {"mstr_report_dest": "report.json, page.html", "mstr_audit_since": "report.json"}
    first = play(AUDIT, "--limit", TWO, **nightly)
    assert (first.status, (play.folder / "page.html").exists()) == (0, True), first.output
    servers[0].seed({"name": "Made in the night"})
    servers[0].fault("html", operation="list", times=None)
    assert play(AUDIT, "--limit", "env0", **nightly).outcomes["env0"] == "failed"
    servers[0].clear_faults()
    last = play(AUDIT, "--limit", TWO, **nightly)
    assert any(line.startswith("env0: 1 created since ") for line in last.lines()), last.lines()
    assert any(line.startswith("env1: nothing changed since ") for line in last.lines()), last.lines()


def test_a_gate_that_evaluates_nothing(play: Play, servers: list[Simulator]) -> None:
    """The check of a run refuses it before the first request. Unit tests have all its errors."""
    played = play(AUDIT, "--limit", TWO, mstr_fail_on_drift=True, mstr_fail_on_violation=True)
    assert played.status == 2, played.output
    assert "so nothing would be evaluated" in played.text
    assert "so nothing would be compared" in played.text
    assert [server.calls() for server in servers[:2]] == [[], []]


CONNECTION = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (CONNECTION, "Ansible cannot reach env1 with ssh"),
        ({"mstr_runtimes_policy": "{{ company_policy }}"}, "company_policy"),
        ({"mstr_runtimes": RUNTIMES, "mstr_runtimes_src": "other.yml"}, "Set only one of mstr_runtimes and"),
        ({"mstr_runtimes_src": "missing.yml"}, "missing.yml' cannot be read: No such file"),
        ({"mstr_in_process": "perhaps"}, "mstr_in_process must be true or false, not 'perhaps'"),
    ],
)
def test_an_invalid_host_fails_after_the_report(
    play: Play, servers: list[Simulator], variables: dict[str, object], message: str
) -> None:
    play.hosts["env1"] |= variables
    played = play(AUDIT, "--limit", TWO)
    assert played.status == 2, played.output
    assert played.outcomes == {"env0": "not_evaluated", "env1": "failed"}
    assert message in played.messages()["env1"]
    assert re.search(r"env0 .*failed=0", played.output)
    assert re.search(r"env1 .*failed=1", played.output)
    assert [server.open_sessions() for server in servers[:2]] == [[], []]


def test_an_audit_with_async_is_refused(play: Play, servers: list[Simulator]) -> None:
    task = {"mstr.library.mstr_audit": {}, "async": 60, "poll": 0}
    played = play([{"hosts": "env0", "gather_facts": False, "tasks": [task]}])
    assert played.status == 2, played.output
    assert "Remove async and poll from the task." in played.text
    assert servers[0].calls() == []
