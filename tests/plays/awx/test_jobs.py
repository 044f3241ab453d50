"""The jobs of the example for AWX: an audit, a check, and an apply of exactly the plans that the check handed on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulator.harness import Simulator
from support.ansible import core_fixture

from dev.envs import NEWEST
from plays.awx.job import BIN, Job, block

DEFINITIONS = {
    "eu": yaml.safe_load(block("runtimes/prod-eu.yml")),
    "us": {"runtimes": [{"name": "Nightly us", "exec_timeout": 600}]},
}
MakeJob = Callable[..., Job]
# From 2.19 on, ansible-core reads an answer as YAML, whatever AWX wrote.
core, new_core = map(core_fixture, (("2.18", "2.19", NEWEST), ("2.19", NEWEST)))


@pytest.fixture
def run_job(tmp_path: Path, servers: list[Simulator], way: str) -> MakeJob:
    """A function that runs a job on the environments eu and us, with the variables of the launch."""
    eu, us = servers[:2]
    credential = {
        "mstr_servers": f"{eu.base_url},{us.base_url}",
        "mstr_username": eu.username,
        "mstr_password": eu.password,
    }
    addresses = {"eu": eu.base_url, "us": us.base_url}
    number = 0

    def run(
        template: str,
        status: str = "successful",
        definitions: Any = DEFINITIONS,
        programs: Path = BIN,
        hosts: Mapping[str, str] = addresses,
        limit: str = "",
        of_inventory: Mapping[str, Any] | None = None,
        **variables: Any,
    ) -> Job:
        nonlocal number
        number += 1
        job = Job(template, tmp_path / f"job{number}", credential, hosts, definitions, variables, limit, of_inventory)
        assert job.run(programs) == status, job.output
        return job

    return run


def names(server: Simulator) -> list[str]:
    return sorted(runtime["name"] for runtime in server.runtimes())


def assert_no_secret(job: Job, server: Simulator) -> None:
    """No file of a job has a secret, except for the variables that ansible-runner notes for itself."""
    secrets = [secret for secret in server.secrets() if len(secret) > 3]
    assert server.password in secrets
    for path in job.artifacts.rglob("*"):
        text = path.read_text(errors="replace") if path.is_file() else ""
        if path.name == "command":
            noted = json.loads(text)
            assert noted["env"].pop("MSTR_PASSWORD") == server.password
            text = json.dumps(noted)
        assert [secret for secret in secrets if secret in text] == [], path


def test_check_then_apply(run_job: MakeJob, servers: list[Simulator]) -> None:
    """The check hands on the ids of its plans and nothing else; a second apply has nothing to change."""
    check = run_job("check")
    assert (names(servers[0]), names(servers[1])) == ([], [])
    assert list(check.handed_on) == ["mstr_runtimes_plan_ids"]
    assert sorted(check.handed_on["mstr_runtimes_plan_ids"]) == ["eu", "us"]
    assert_no_secret(check, servers[0])

    apply = run_job("apply", **check.handed_on)
    assert (names(servers[0]), names(servers[1])) == (["Nightly reports"], ["Nightly us"])
    assert apply.handed_on == {}
    assert_no_secret(apply, servers[0])
    assert "us: 1 unchanged" in run_job("apply", **check.handed_on).output
    assert servers[0].open_sessions() == []


def test_apply_after_a_change(run_job: MakeJob, servers: list[Simulator]) -> None:
    """It leaves the changed environment alone, and one that the check could not read; the others go on."""
    check = run_job("check")
    servers[1].seed({"name": "Nightly us", "execTimeout": 60})
    apply = run_job("apply", "failed", **check.handed_on)
    assert (names(servers[0]), servers[1].runtimes()[0]["execTimeout"]) == (["Nightly reports"], 60)
    assert "The plan is different" in apply.output.partition("us: failed:")[2].splitlines()[0]
    assert "launch the workflow again, not the failed job" in apply.output

    plan_ids = check.handed_on["mstr_runtimes_plan_ids"]
    apply = run_job("apply", "failed", mstr_runtimes_plan_ids={"eu": plan_ids["eu"]})
    assert "us: failed: mstr_runtimes_plan_ids has no plan for us" in apply.output
    assert "a limit without it, or was sliced (job_slice_count)" in apply.output
    assert servers[1].runtimes()[0]["execTimeout"] == 60


def test_a_plan_is_for_its_server(run_job: MakeJob, servers: list[Simulator]) -> None:
    """An address that changes while the approval waits gets nothing. Both jobs show the address of each environment."""
    eu, us = (server.base_url for server in servers[:2])
    check = run_job("check")
    assert f"eu: 1 to create ({eu}, plan " in check.output
    apply = run_job("apply", "failed", hosts={"eu": us, "us": eu}, **check.handed_on)
    assert f"eu: failed: The plan is different: approved for {eu}, now eu is {us}. Nothing was written." in apply.output
    assert (names(servers[0]), names(servers[1])) == ([], [])
    assert f"us: 1 created ({us})" in run_job("apply", **check.handed_on).output


def test_an_approver_sees_everything(run_job: MakeJob, servers: list[Simulator]) -> None:
    """AWX cuts each event, but nothing of the report. Nothing is approved of an environment that could not be read."""
    networks = [f"10.{number}.0.0/16" for number in range(100)]
    servers[1].seed({"name": "Nightly us"}, *({"name": f"Surplus {number}"} for number in range(40)))
    us = {"runtimes": [{"name": "Nightly us", "whitelist": networks}]}
    eu = {"runtimes": [{"name": "Nightly eu", "whitelist": ["intranet"]}]}
    purge = {"mstr_runtimes_purge": True, "mstr_runtimes_purge_limit": 40}
    check = run_job("check", "failed", definitions={"eu": eu, "us": us}, **purge)
    report = re.sub(r"\x1b\[[0-9;]*m", "", check.output.partition("TASK [Report]")[2])
    assert [network for network in networks if f"+{network}" not in report] == []
    assert report.count("would be deleted") == 40
    assert list(check.handed_on["mstr_runtimes_plan_ids"]) == ["us"]


def test_the_way_back(run_job: MakeJob, servers: list[Simulator], tmp_path: Path) -> None:
    """The report names the backup of each host. A template with one question applies it, limited to this host."""
    servers[0].seed({"name": "Nightly reports", "execTimeout": 60})
    servers[1].seed({"name": "Nightly us", "execTimeout": 60})
    (tmp_path / "backups").mkdir()
    dest = {"mstr_runtimes_backup_dest": f"{tmp_path}/backups/{{{{ inventory_hostname }}}}.yml"}
    apply = run_job("apply", of_inventory=dest)
    assert servers[0].runtimes()[0]["execTimeout"] == 600
    [backup] = re.findall(r"Backup of us: (\S+yml)", apply.output)
    assert "In a launch of AWX" in apply.output
    run_job("go back", limit="us", of_inventory=dest, mstr_runtimes_src=backup)
    assert [server.runtimes()[0]["execTimeout"] for server in servers[:2]] == [600, 60]


GUARDS = ("purge_limit", "purge_exclude", "protect_used", "projects", "policy", "plan_id", "plan_ids", "exemptions")


def test_a_blank_answer_lifts_no_guard(run_job: MakeJob, servers: list[Simulator], core: Path) -> None:
    """Ansible makes null of it, which in an inventory means that the variable is not set."""
    servers[0].seed({"name": "First"}, {"name": "Second"})
    blank = {f"mstr_runtimes_{guard}": "" for guard in GUARDS}
    apply = run_job("apply", "failed", programs=core, mstr_runtimes_purge=True, **blank)
    line, *_ = [line for line in apply.output.splitlines() if "are empty, which would switch off" in line]
    assert [name for name in blank if name not in line] == []
    assert "answer it, or remove the question" in apply.output
    assert names(servers[0]) == ["First", "Second"]
    # What is no guard may be blank.
    run_job("apply", programs=core, mstr_runtimes_journal_comment="", mstr_runtimes_wait_timeout="")
    assert names(servers[0]) == ["First", "Nightly reports", "Second"]


def test_an_answer_that_lost_its_text(run_job: MakeJob, servers: list[Simulator], new_core: Path) -> None:
    """Ansible has made a number of it."""
    apply = run_job("apply", "failed", programs=new_core, mstr_runtimes_journal_comment="0012345")
    assert "mstr_runtimes_journal_comment must be text" in apply.output
    assert "write more than digits" in apply.output
    assert names(servers[0]) == []


@pytest.mark.matrix
def test_audit(run_job: MakeJob, servers: list[Simulator]) -> None:
    """In a workflow, it may follow a check, whose plan ids it ignores."""
    servers[0].seed({"name": "Open", "whitelist": ["10.66.1.0/24"]})
    policy = {"networks_never": ["10.66.0.0/16"]}
    more = {"mstr_runtimes_policy": policy, "mstr_fail_on_violation": True, "mstr_runtimes_plan_ids": {}}
    audit = run_job("audit", "failed", **more)
    assert "eu: 'Open' whitelist 10.66.1.0/24 " in audit.output
    assert audit.handed_on == {}
