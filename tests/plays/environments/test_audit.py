"""The audit reads each environment, checks it, reports on it, and changes nothing."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, EXPORT, Play

DEFAULT_ID = "0F35652CA7D041978BF0CBCB67531203"
POLICY = {
    "networks_within": ["10.0.0.0/8"],
    "networks_never": ["10.66.0.0/16"],
    "exemptions": [{"runtime": DEFAULT_ID.lower(), "reason": "nobody uses it", "until": "2099-12-31"}],
}
HOSTILE = "<script>alert(1)</script>"
RUNTIMES = [{"name": "Nightly reports", "exec_timeout": 600, "whitelist": ["10.10.10.0/24"]}]


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
    three.hosts = {"env0": three.hosts["env0"]}
    sbom = three.folder / "sbom.cdx.json"
    three.variables |= {"mstr_audit_installed": True, "mstr_runtimes_policy": {"packages_never": ["paramiko"]}}
    servers[0].seed({"name": "Sftp", "packages": [{"name": "pysftp", "version": "0.2.8", "status": "installed"}]})
    played = three(AUDIT, mstr_report_dest=str(sbom))
    line = "'Sftp' installed paramiko==1.0.0 violates packages_never: it matches paramiko (required by pysftp)"
    assert f"env0: {line}" in played.text
    assert '"pkg:pypi/pynacl@1.0.0"' in sbom.read_text(encoding="utf-8")
    assert writes(servers) == []
    runs = servers[0].calls().count("POST /scripts/evaluation")
    checked = three(AUDIT, "--check")
    assert checked.text.count("check mode does not run the script that lists packages") == 1
    assert (runs, servers[0].calls().count("POST /scripts/evaluation")) == (3, 3)


def test_every_environment_is_reported_and_nothing_is_changed(three: Play, servers: list[Simulator]) -> None:
    played = three(AUDIT)
    assert played.status == 2, "env2 cannot be reached"
    assert played.outcomes == {"env0": "clean", "env1": "violations", "env2": "failed"}
    lines = played.lines()
    assert "env0: 2 runtimes, 2 exempted violations" in lines
    assert (
        "env1: 3 runtimes, 4 violations, 2 exempted violations, 1 differs from its definition, "
        "1 has no definition, 1 is not ready" in lines
    )
    assert "env1: 'Nightly reports' whitelist 10.0.0.0/8 violates networks_never" in lines
    assert "env1: 'Nightly reports' whitelist db.example.com violates networks_within and networks_never" in lines
    assert "env1: 'Nightly reports' package pandas is not installed (server: \"Return code: 1.\")" in lines
    assert "env1: 'Nightly reports' differs: exec_timeout 60 → 600" in lines
    assert "env1: 'Nightly reports' differs: whitelist +10.10.10.0/24 -10.0.0.0/8 -db.example.com" in lines
    assert f"env1: '{HOSTILE}' whitelist 0.0.0.0/0 violates networks_within and networks_never" in lines
    assert any(line.startswith("env2: failed: Could not log in") for line in lines)
    for line in lines:
        assert f"\n{line}\n" in played.output, "the text report has the same lines, without quotes"
    assert writes(servers) == []
    assert [server.open_sessions() for server in servers[:2]] == [[], []]


@pytest.mark.complete
def test_violations_fail_their_environments_after_the_report(three: Play) -> None:
    played = three(AUDIT, "--limit", "env0,env1", mstr_fail_on_violation=True)
    assert played.status == 2
    assert played.outcomes == {"env0": "clean", "env1": "violations"}
    assert re.search(r"env0 .*failed=0", played.output)
    assert re.search(r"env1 .*failed=1", played.output)
    assert three(AUDIT, "--limit", "env1").status == 0, "without mstr_fail_on_violation, nothing fails"
    assert three(AUDIT, "--limit", "env0", mstr_fail_on_violation=True).status == 0, "exempted violations do not fail"
    assert three(AUDIT, "--limit", "env1", mstr_fail_on_drift=True).status == 2


@pytest.mark.complete
def test_a_list_that_may_be_incomplete_is_a_finding_and_fails_the_gate(play: Play, servers: list[Simulator]) -> None:
    play.hosts = {"env0": play.hosts["env0"]}
    servers[0].reset("newest", list_hides=["(Default) MicroStrategy"])
    servers[0].seed({"name": "Nightly reports", "whitelist": ["10.10.10.0/24"]})
    played = play(AUDIT, mstr_runtimes_policy=POLICY)
    assert played.status == 0, played.output
    assert played.outcomes == {"env0": "problems"}
    why = "The server's list of runtimes lacks its built-in default runtime, so it may be incomplete, like this report"
    assert played.lines() == ["env0: 1 runtime", f"env0: {why}"]
    for name in ("audit.html", "audit.csv"):
        failed = play(AUDIT, mstr_runtimes_policy=POLICY, mstr_fail_on_violation=True, mstr_report_dest=name)
        assert failed.status == 2
        assert f'"msg": "{why}"' in failed.output
        text = html.unescape((play.folder / name).read_text(encoding="utf-8"))
        assert why in text


def test_an_environment_without_definitions_and_policy_is_only_read(play: Play, servers: list[Simulator]) -> None:
    servers[0].seed({"name": "Any", "whitelist": ["0.0.0.0/0"]})
    played = play(AUDIT, "--limit", "env0")
    assert played.status == 0, played.output
    assert played.outcomes == {"env0": "not_evaluated"}
    (environment,) = played.report["environments"]
    assert environment["compared"] is False
    assert [entry["defined"] for entry in environment["inventory"]] == [None, None]
    assert servers[0].calls().count("GET /runtimes") == 1


def test_definitions_that_violate_the_policy(three: Play) -> None:
    """An apply would be refused: a finding, which fails no audit."""
    three.hosts["env0"]["mstr_runtimes"] = [{"name": "Too much", "whitelist": ["0.0.0.0/0"]}]
    played = three(AUDIT, "--limit", "env0")
    assert (played.status, played.outcomes) == (0, {"env0": "drift"}), played.output
    assert any("1 differs from its definition" in line for line in played.lines())
    refused = [line for line in played.lines() if "would be refused" in line]
    assert refused[0].startswith("env0: an apply would be refused: mstr_runtimes[0] 'Too much': whitelist")


@pytest.mark.complete
def test_a_page_shows_every_environment(three: Play) -> None:
    """Unit tests and tests/browser check the page itself."""
    assert three(AUDIT, mstr_report_dest="audit.html").status == 2
    page = (three.folder / "audit.html").read_text(encoding="utf-8")
    for expected in ("env0", "env1", "env2", "db.example.com", html.escape(HOSTILE), "1 package failed"):
        assert expected in page
    played = three(APPLY, "--limit", "env0,env1", "--check", mstr_report_dest="drift.HTML")
    assert played.status == 0, played.output
    page = (three.folder / "drift.HTML").read_text(encoding="utf-8")
    for expected in ("Drift of runtimes", "To update", "10.0.0.0/8"):
        assert expected in page


@pytest.mark.complete
def test_a_csv_has_a_line_for_each_item(three: Play) -> None:
    three(AUDIT, mstr_report_dest="audit.csv")
    rows = list(csv.DictReader(io.StringIO((three.folder / "audit.csv").read_text(encoding="utf-8-sig"))))
    verdicts = {(row["environment"], row["runtime"], row["value"]): row["verdict"] for row in rows}
    assert verdicts[("env0", "Nightly reports", "10.10.10.0/24")] == "allowed"
    assert verdicts[("env1", "Nightly reports", "10.0.0.0/8")] == "violation"
    assert verdicts[("env1", "Nightly reports", "db.example.com")] == "violation"
    assert verdicts[("env1", HOSTILE, "0.0.0.0/0")] == "violation"
    assert [row["message"][:16] for row in rows if row["environment"] == "env2"] == ["Could not log in"]


@pytest.mark.complete
def test_what_changed_since_an_audit(three: Play, servers: list[Simulator]) -> None:
    assert three(AUDIT, "--limit", "env0,env1", mstr_report_dest="before.json").status == 0
    servers[1].seed({"name": "Added", "whitelist": ["10.1.0.0/16"]})
    played = three(AUDIT, "--limit", "env0,env1", mstr_audit_since="before.json", mstr_report_dest="after.md")
    assert played.status == 0, played.output
    text = (three.folder / "after.md").read_text(encoding="utf-8")
    assert "nothing changed since 20" in text
    assert "1 created since 20" in text


@pytest.mark.parametrize(
    ("playbook", "dest", "message"),
    [
        (AUDIT, "report.xls", "must end in .html"),
        # Even the superuser cannot create a file there.
        (AUDIT, "/proc/report.json", "The directory of mstr_report_dest, /proc, is not writable"),
    ],
)
def test_an_invalid_report_path_fails_before_any_other_task(
    three: Play, servers: list[Simulator], playbook: str, dest: str, message: str
) -> None:
    played = three(playbook, mstr_report_dest=dest)
    assert played.status == 2
    assert message in played.text
    assert [server.calls() for server in servers[:2]] == [[], []]


@pytest.mark.parametrize(
    ("playbook", "inventory"), [(APPLY, "missing.yml"), (AUDIT, "empty.yml"), (EXPORT, "broken.yml"), (AUDIT, None)]
)
def test_a_playbook_without_an_inventory_fails_with_a_message(play: Play, playbook: str, inventory: str | None) -> None:
    program, _, path, *rest = play.command(playbook)
    play.write("empty.yml", "all: {}\n")
    play.write("broken.yml", "all: {hosts: [\n")
    command = [program, *(["-i", inventory] if inventory else []), *rest]
    assert path
    played = play.run(command)
    assert played.status == 2, played.output
    if inventory in ("empty.yml", "broken.yml"):
        assert f"{inventory} has no hosts, or Ansible cannot parse it. Its warnings above say why." in played.text
    else:
        assert "There are no environments: there is no inventory. Start this playbook with -i INVENTORY" in played.text


def test_an_environment_with_a_backup_is_audited_without_one(play: Play, servers: list[Simulator]) -> None:
    play.hosts = {"env0": play.hosts["env0"]}
    play.hosts["env0"] |= {"mstr_runtimes": RUNTIMES, "mstr_runtimes_backup_dest": "backup.yml"}
    # No backup can hold the second one.
    servers[0].seed({"name": "Nightly reports", "execTimeout": 60}, {"name": "B", "whitelist": ["db.example.com"]})
    assert play(AUDIT).outcomes == {"env0": "drift"}
    assert not (play.folder / "backup.yml").exists()


SCRIPTS = [{"name": "Load", "project": "Sales", "runtime": "A"}]


@pytest.mark.parametrize("definitions", [[{"name": "A"}], None], ids=["with runtimes", "scripts alone"])
def test_a_script_on_a_different_runtime_is_drift(
    play: Play, servers: list[Simulator], definitions: list[dict[str, str]] | None
) -> None:
    play.hosts = {"env0": play.hosts["env0"]}
    play.hosts["env0"] |= {"mstr_runtimes": definitions, "mstr_runtimes_scripts": SCRIPTS}
    scripts = [{"name": "Load", "runtime": "B"}]
    servers[0].seed({"name": "A"}, {"name": "B"}, projects=[{"name": "Sales", "scripts": scripts}])
    played = play(AUDIT, mstr_fail_on_drift=True, mstr_report_dest="a.junit.xml")
    line = "script 'Load' in 'Sales' would use 'A' instead of 'B'"
    assert played.status == 2, played.output
    assert f"env0: {line}\n" in played.output
    junit = (play.folder / "a.junit.xml").read_text(encoding="utf-8")
    assert f'name="script \'Load\' in \'Sales\'" time="0">\n      <failure message="{line}"' in junit
    audited = play(AUDIT)
    assert audited.outcomes == {"env0": "drift"}
    assert audited.report["environments"][0]["counts"]["undefined"] == bool(definitions)


@pytest.mark.complete
def test_what_an_apply_would_be_refused_for_is_a_finding(play: Play, servers: list[Simulator]) -> None:
    play.hosts = {"env0": play.hosts["env0"]}
    guards = {"purge": True, "purge_limit": 0, "protect_used": True}
    play.hosts["env0"] |= {"mstr_runtimes": [{"name": "A"}], **{f"mstr_runtimes_{key}": guards[key] for key in guards}}
    servers[0].seed({"name": "B"}, projects=[{"name": "Sales", "scripts": [{"name": "Load", "runtime": "B"}]}])
    played = play(AUDIT)
    assert (played.status, played.outcomes) == (0, {"env0": "drift"}), played.output
    refused = [line for line in played.lines() if line.startswith("env0: an apply would be refused: ")]
    assert len(refused) == 2
    assert "protect_used" in refused[0] + refused[1]
    assert "more than mstr_runtimes_purge_limit 0" in refused[0] + refused[1]
    assert "env0: 'A' would be created" in played.lines()


@pytest.mark.parametrize("in_process", [True, False])
def test_equal_warnings_name_their_environments(play: Play, servers: list[Simulator], in_process: bool) -> None:
    """Ansible shows a warning of two hosts once. A module hands it over in another form than a task in process."""
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    for server in servers[:2]:
        server.seed({"name": "nightly reports"})
    for playbook, options in ((AUDIT, ()), (APPLY, ("--check",))):
        played = play(playbook, *options, mstr_runtimes=RUNTIMES, mstr_in_process=in_process)
        assert played.status == 0, played.output
        for name in play.hosts:
            [line] = [line for line in played.lines() if line.startswith(f"{name}: warning: ")]
            assert "the names differ only in case" in line
            assert line in played.output


def test_a_file_for_every_night(play: Play, servers: list[Simulator]) -> None:
    """The report and the earlier one are one file, which does not exist the first night; an outage loses nothing."""
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    nightly = {"mstr_report_dest": "report.json, page.html", "mstr_audit_since": "report.json"}
    (play.folder / "report.json").unlink(missing_ok=True)
    first = play(AUDIT, **nightly)
    assert (first.status, (play.folder / "page.html").exists()) == (0, True), first.output
    servers[0].seed({"name": "Made in the night"})
    servers[0].fault("html", operation="list", times=None)
    assert play(AUDIT, "--limit", "env0", **nightly).outcomes["env0"] == "failed"
    servers[0].clear_faults()
    last = play(AUDIT, **nightly)
    assert any(line.startswith("env0: 1 created since ") for line in last.lines()), last.lines()
    assert any(line.startswith("env1: nothing changed since ") for line in last.lines()), last.lines()


def test_a_gate_that_evaluates_nothing_stops_the_run(play: Play, servers: list[Simulator]) -> None:
    played = play(AUDIT, "--limit", "env0,env1", mstr_fail_on_drift=True, mstr_fail_on_violation=True)
    assert played.status == 2, played.output
    assert "so nothing would be evaluated" in played.text
    assert "so nothing would be compared" in played.text
    assert [server.calls() for server in servers[:2]] == [[], []]


def test_a_report_keeps_the_mode_of_its_file_and_an_audit_changes_nothing(
    three: Play, servers: list[Simulator]
) -> None:
    report = three.folder / "report.json"
    report.touch(mode=0o600)
    played = three(AUDIT, "--limit", "env1")
    assert report.stat().st_mode & 0o777 == 0o600
    assert played.outcomes == {"env1": "violations"}
    assert re.search(r"env1 .*changed=0", played.output), played.output
    assert sorted(path.name for path in three.folder.glob(".mstr-report-*")) == []


def test_a_host_that_ansible_cannot_reach_is_reported(play: Play, servers: list[Simulator]) -> None:
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    play.hosts["env1"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    played = play(AUDIT)
    assert played.status == 2, played.output
    assert played.outcomes == {"env0": "not_evaluated", "env1": "failed"}
    assert "Ansible cannot reach env1 with ssh" in played.messages()["env1"]
    assert servers[1].calls() == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"mstr_runtimes_policy": "{{ company_policy }}"}, "company_policy"),
        ({"mstr_runtimes": RUNTIMES, "mstr_runtimes_src": "other.yml"}, "Set only one of mstr_runtimes and"),
        ({"mstr_runtimes_src": "missing.yml"}, "missing.yml' cannot be read: No such file"),
        ({"mstr_in_process": "perhaps"}, "mstr_in_process must be true or false, not 'perhaps'"),
    ],
)
def test_an_environment_with_an_invalid_variable_fails_after_the_report(
    play: Play, servers: list[Simulator], variables: dict[str, object], message: str
) -> None:
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    play.hosts["env1"] |= variables
    played = play(AUDIT)
    assert played.status == 2, played.output
    assert played.outcomes == {"env0": "not_evaluated", "env1": "failed"}
    assert message in played.messages()["env1"]
    assert re.search(r"env0 .*failed=0", played.output)
    assert re.search(r"env1 .*failed=1", played.output)
    assert [server.open_sessions() for server in servers[:2]] == [[], []]


@pytest.mark.parametrize("poll", [0, 1])
def test_an_audit_with_async_is_refused(play: Play, servers: list[Simulator], poll: int) -> None:
    task = {"mstr.library.mstr_audit": {}, "async": 60, "poll": poll}
    played = play([{"hosts": "env0", "gather_facts": False, "tasks": [task]}])
    assert played.status == 2, played.output
    assert "Remove async and poll from the task." in played.text
    assert servers[0].calls() == []
