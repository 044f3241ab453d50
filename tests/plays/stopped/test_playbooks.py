"""What depends on ansible-core in the playbooks: failures, what is shown of them, and omitted variables."""

from __future__ import annotations

import os
import signal

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, EXPORT, Play
from support.waiting import processes_with, wait_until

DOWN = {"mstr_base_url": "http://127.0.0.1:1/MicroStrategyLibrary", "mstr_retries": 0}
# The password of the environment is for this server, too.
FATAL = {"ANSIBLE_ANY_ERRORS_FATAL": "true", "MSTR_SERVERS": str(DOWN["mstr_base_url"])}


@pytest.fixture
def one_is_down(local: Play) -> Play:
    local.hosts["b"] |= DOWN
    local.variables["mstr_runtimes"] = [{"name": "Etl"}]
    return local


BACKUP = {"mstr_runtimes_backup_dest": "{{ inventory_hostname }}.bk.yml"}


@pytest.mark.parametrize(
    ("playbook", "variables", "ends"),
    [
        (APPLY, BACKUP, "The next apply of the definitions undoes that. "),
        (AUDIT, {}, "Report: "),
        (EXPORT, {}, "c: 1 runtime (without the default one) written to "),
        ("mstr.library.probe", {}, "c: the record is in "),
    ],
    ids=["apply", "audit", "export", "probe"],
)
def test_an_outage_stops_no_other_environment(
    one_is_down: Play, sim: Simulator, playbook: str, variables: dict[str, str], ends: str
) -> None:
    """The output has at most sixty lines. The last ones say where the files are, and how to go back."""
    sim.seed({"name": "Old", "execTimeout": 60})
    played = one_is_down(playbook, env=FATAL, **variables)
    assert played.status == 2, played.output
    for word in ("undefined", "skipping"):
        assert word not in played.output
    for host in "ac":
        assert f"\n{host}: failed" not in played.output
        assert f"\n{host}: " in played.output, played.output
    assert "\nb: failed: Could not log in" in played.output
    assert len(played.output.strip().splitlines()) <= 60, played.output
    report, _, _ = played.output.rpartition("\n)\n\nPLAY RECAP")
    assert any(line.startswith(ends) for line in report.splitlines()[-3:]), played.output
    assert len(sim.runtimes()) == (2 if playbook == APPLY else 1)
    assert sim.open_sessions() == []


def test_killed_module_keeps_its_backup(local_newest: Play, sim: Simulator) -> None:
    """Nothing proves that it wrote nothing, and the report says so. It was killed after its create was sent."""
    play = local_newest
    play.variables["mstr_runtimes"] = [{"name": "Etl"}]
    sim.fault("held", operation="create")
    process = play.start(play.command(APPLY, "--limit", "a", mstr_in_process=False, **BACKUP))
    wait_until(lambda: any(entry["fault"] == "held" for entry in sim.requests()), "the create was sent")
    modules = [
        path for path in processes_with(play.folder) if b"AnsiballZ_mstr_runtimes" in (path / "cmdline").read_bytes()
    ]
    for folder in modules:
        os.kill(int(folder.name), signal.SIGKILL)
    output, _ = process.communicate()
    sim.release()
    [backup] = play.folder.glob("a.bk.*.yml")
    assert modules
    assert f"a may have been written, because its task did not say what it did.\nBackup of a: {backup}" in output
    assert f"mstr_runtimes_src={backup}" in output


def test_a_run_without_its_check_does_nothing(local_newest: Play, sim: Simulator) -> None:
    local_newest.variables["mstr_runtimes"] = [{"name": "Etl"}]
    played = local_newest(APPLY, "--start-at-task", "Work on the environment")
    assert played.status == 2
    assert played.text.count("The run was not checked. Start the playbook at its first task.") >= 2
    assert sim.requests() == []


OMITTED = [f"mstr_{name}" for name in ("api_token", "base_url", "report_dest", "retries", "session", "timeout")] + [
    f"mstr_runtimes_{name}" for name in ("backup_dest", "plan_id", "policy", "purge", "purge_limit", "src")
]


def test_an_omitted_variable_is_not_set(local: Play) -> None:
    """Neither is an omitted part of one."""
    local.variables |= dict.fromkeys(OMITTED, "{{ omit }}")
    local.variables["mstr_runtimes"] = [{"name": "Etl", "whitelist": "{{ omit }}", "exec_timeout": 60}]
    local.hosts["b"] = {
        "mstr_runtimes_policy": {"resource_max": {"exec_timeout": 50}, "whitelist_required": "{{ omit }}"}
    }
    played = local(APPLY, "--check", "--limit", "a,b", mstr_report_dest=None)
    assert "\na: 'Etl' would be created\n" in played.output
    assert "'Etl': exec_timeout 60 violates the policy resource_max" in played.output
    assert "whitelist" not in played.output
    assert "a                          : ok=5" in played.output
