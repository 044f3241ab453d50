"""The audit reads each environment, checks it, reports on it, and changes nothing."""

from __future__ import annotations

import html
import json
import re

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, Play, Played, play_of

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
    """The script runs on what is ready."""
    sbom = three.folder / "sbom.cdx.json"
    three.variables |= {"mstr_audit_installed": True, "mstr_runtimes_policy": {"packages_never": ["paramiko"]}}
    servers[0].seed({"name": "Sftp", "packages": [{"name": "pysftp", "version": "0.2.8", "status": "installed"}]})
    played = three(AUDIT, "--limit", "env0", mstr_report_dest=str(sbom))
    line = "'Sftp' installed paramiko==1.0.0 violates packages_never: it matches paramiko (required by pysftp)"
    assert f"env0: {line}" in played.text
    assert '"pkg:pypi/pynacl@1.0.0"' in sbom.read_text(encoding="utf-8")
    assert writes(servers) == []
    assert servers[0].calls().count("POST /scripts/evaluation") == 3


def test_python_that_has_ended(three: Play, servers: list[Simulator]) -> None:
    """The rule is that of the host. What nobody knows is not evaluated, and what is down has no Python."""
    for server in servers[:2]:
        server.seed({"name": "Old", "runtimeVersion": "3.9.18"}, {"name": "New", "runtimeVersion": "3.99.0"})
    three.hosts["env0"]["mstr_runtimes_policy"] = {"python_days_left": 0}
    variables = {"mstr_audit_scripts": True, "mstr_fail_on_violation": True}
    played = three(AUDIT, mstr_report_dest=str(three.folder / "x.json"), **variables)
    found = {each["environment"]: each for each in json.loads((three.folder / "x.json").read_text())["environments"]}
    old = [next(row for row in found[name]["python"] or [] if row["branch"] == "3.9") for name in ("env0", "env1")]
    assert [(row["end_of_life"], row["runtimes"], row["scripts"]) for row in old] == [("2025-10-31", 1, 0)] * 2
    assert found["env2"]["python"] is None
    assert (
        "env0: 'Old' runtime_version 3.9.18 violates python_days_left: it is supported until 2025-10-31"
        in played.output
    )
    assert "env0: 'New' runtime_version 3.99.0 is not evaluated by python_days_left" in played.output
    assert all(
        re.search(rf"{name}: Python 3.9 ended \d+ days ago: 1 runtime, 0 scripts", played.output)
        for name in found
        if name != "env2"
    )
    assert "python_days_left" not in [row["rule"] for row in found["env1"]["violations"]]
    assert "env0" in failed_hosts(played)


def test_every_environment_is_reported(three: Play, servers: list[Simulator]) -> None:
    """Nothing is changed, no backup is made, and the report keeps the mode of its file."""
    three.variables["mstr_runtimes_backup_dest"] = "{{ inventory_hostname }}.yml"
    report = three.folder / "report.json"
    report.touch(mode=0o600)
    played = three(AUDIT)
    assert played.status == 2, "env2 cannot be reached"
    assert played.outcomes == {"env0": "clean", "env1": "violations", "env2": "failed"}
    lines = played.lines()
    assert "env0: 2 runtimes (with the default one), 2 exempted violations" in lines
    assert (
        "env1: 3 runtimes (with the default one), 4 violations, 2 exempted violations, 1 differs from its definition, "
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


def failed_hosts(played: Played) -> set[str]:
    return set(re.findall(r"(env\d) .*failed=1", played.output))


def test_gates_fail_after_the_report(three: Play, servers: list[Simulator]) -> None:
    """Exempted violations fail none. A list that may lack runtimes, and a script to move, each fail one."""
    rules, drift = {"mstr_fail_on_violation": True}, {"mstr_fail_on_drift": True}
    moved = {"mstr_runtimes_scripts": [{"name": "Load", "project": "Sales", "runtime": "A"}]}
    address = [{"mstr_base_url": server.base_url} for server in servers]
    three.hosts |= {"env0": address[0] | rules | drift | {"mstr_runtimes": RUNTIMES}}
    three.hosts |= {"env1": address[1] | rules, "env2": address[1] | drift | {"mstr_runtimes": RUNTIMES}}
    three.hosts |= {"env3": address[3] | rules, "env4": address[4] | drift | moved, "env5": address[1]}
    servers[3].switch(list_hides=["(Default) MicroStrategy"])
    scripts = [{"name": "Load", "runtime": "B"}]
    servers[4].seed({"name": "A"}, {"name": "B"}, projects=[{"name": "Sales", "scripts": scripts}])
    played = three(AUDIT, mstr_report_dest="report.json, audit.html")
    assert failed_hosts(played) == {"env1", "env2", "env3", "env4"}
    assert (played.outcomes["env0"], played.outcomes["env3"]) == ("clean", "problems")
    why = "The server's list of runtimes lacks its built-in default runtime, so it may be incomplete, like this report"
    assert f"env3: {why}" in played.lines()
    assert f'"msg": "{why}"' in played.output
    assert why in html.unescape((three.folder / "audit.html").read_text(encoding="utf-8"))
    assert "env4: script 'Load' in 'Sales' would use 'A' instead of 'B'\n" in played.output


def test_side_by_side(three: Play, servers: list[Simulator]) -> None:
    """Of three environments one cannot be reached. A text that means true names the first; a gate fails the other."""
    report = three.folder / "audit.json"
    gate = {"mstr_audit_compare": "true", "mstr_fail_on_difference": "yes", "mstr_report_dest": str(report)}
    played = three(AUDIT, **gate)
    assert failed_hosts(played) == {"env1", "env2"}
    for line in (
        "Compared with env0, env1 has 2 differences",
        "env2 is not compared: it could not be read",
        f"env1: '{HOSTILE}' is not in env0",
        "env1: 'Nightly reports' differs from env0: whitelist +10.0.0.0/8 +db.example.com -10.10.10.0/24; ",
    ):
        assert f"\n{line}" in played.output
    compared = json.loads(report.read_text(encoding="utf-8"))["compared"]
    assert (compared["reference"], compared["environments"]) == ("env0", ["env1"])
    assert writes(servers) == []
    alone = three(AUDIT, "--limit", "env1", **gate)
    assert "this run has only env1" in alone.text
    failed = three(AUDIT, mstr_audit_compare="env2")
    assert "\nNothing is compared with env2: it could not be read\n" in failed.output


def test_runtime_without_a_script(play: Play, servers: list[Simulator]) -> None:
    """Nothing is listed where a project could not be read."""
    scripts = [{"name": "Load", "runtime": "Used"}]
    servers[0].seed({"name": "Used"}, {"name": "Trial"}, projects=[{"name": "Sales", "scripts": scripts}])
    played = play(AUDIT, "--limit", "env0", mstr_audit_scripts=True)
    [line] = [line for line in played.lines() if "no script that this user can read uses" in line]
    assert line.startswith("env0: no script that this user can read uses 1 runtime: 'Trial' (unchanged for 0 days, ")
    servers[0].seed(projects=[{"name": "Finance", "loaded": False}])
    played = play(AUDIT, "--limit", "env0", mstr_audit_scripts=True)
    assert not any("'Trial'" in line for line in played.lines())
    assert "env0: warning: Which runtimes have no script is unknown" in "\n".join(played.lines())


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
    for playbook, options in ((AUDIT, ()), (APPLY, ("--check",))):
        played = play(playbook, "--limit", TWO, *options, mstr_runtimes=RUNTIMES)
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


INVALID: list[tuple[dict[str, object], str]] = [
    ({"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}, "Set ansible_connection: local"),
    ({"mstr_runtimes_policy": "{{ company_policy }}"}, "company_policy"),
    ({"mstr_runtimes": RUNTIMES, "mstr_runtimes_src": "other.yml"}, "Set only one of mstr_runtimes and"),
    ({"mstr_runtimes_src": "missing.yml"}, "missing.yml' cannot be read: No such file"),
    ({"mstr_in_process": "perhaps"}, "mstr_in_process must be true or false, not 'perhaps'"),
]


def test_an_invalid_host_fails_after_the_report(play: Play, servers: list[Simulator]) -> None:
    """And no other host."""
    invalid = {f"env{number}": row for number, row in enumerate(INVALID)}
    for name, (variables, _message) in invalid.items():
        play.hosts[name] |= variables
    played = play(AUDIT)
    assert played.status == 2, played.output
    assert failed_hosts(played) == set(played.messages()) == set(invalid)
    for name, (_variables, message) in invalid.items():
        assert message in played.messages()[name]
    assert [server for server in servers if server.open_sessions()] == []


def test_an_audit_with_async_is_refused(play: Play, servers: list[Simulator]) -> None:
    task = {"mstr.library.mstr_audit": {}, "async": 60, "poll": 0}
    played = play(play_of(task, host="env0"))
    assert played.status == 2, played.output
    assert "Remove async and poll from the task." in played.text
    assert servers[0].calls() == []
