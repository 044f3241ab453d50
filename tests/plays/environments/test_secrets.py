"""A server repeats the secrets of its user in every text: no file, result, warning, report or trace has them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from faults.test_secrets import leaks
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, EXPORT, LOCAL, Play, core_fixture

from dev.envs import CORES, NEWEST

core = core_fixture(["2.16", "2.19", NEWEST, [*CORES][-1]])
REPORTS = "report.json, report.html, report.md, report.cdx.json"
WRITTEN = {
    *("plan.json", "check.md", "backup.yml", "apply.json", "a.runtimes.yml", "a.upgrade.yml", "probe.json", "record"),
    *REPORTS.split(", "),
}


@pytest.fixture
def talkative(sim: Simulator) -> str:
    """The text that the server has everywhere. It adds the session and the cookies of each request."""
    sim.reset("newest")
    text = f"{sim.password} {{secrets}}"
    package = {"name": "pandas", "version": "2.2.3", "description": text, "message": text, "status": "not_installed"}
    old = {"description": text, "others": text, "packages": [package], "runtimeVersion": "3.9.18", "status": "ready"}
    owner = {"owner": {"id": "A" * 32, "name": text}, "acl": [{"trusteeName": text, text: text}]}
    scripts = [{"name": f"Load {text}", "runtime": name, "description": text} for name in ("Old", "Plain")]
    sim.seed(
        {"name": "Plain", "runtimeVersion": "3.9.18"},
        {"name": "Old", **old, **owner},
        {"name": f"Named {text}", **old, **owner},
        projects=[{"name": f"Sales {text}", "scripts": scripts}],
    )
    sim.fault("filled", times=None)
    return text


def _task(module: str, number: int, **options: Any) -> dict[str, Any]:
    return {f"mstr.library.{module}": options, "register": f"result_{number}", "ignore_errors": True}


MODULES: list[tuple[str, dict[str, Any]]] = [
    ("mstr_info", {}),
    ("mstr_runtime", {"name": "Old", "exec_timeout": 61}),
    ("mstr_runtime", {"id": "B" * 32, "description": "a"}),
    ("mstr_runtimes", {"runtimes": [{"name": "Old", "exec_timeout": 62}], "purge": True}),
    ("mstr_runtime_info", {"include_scripts": True, "include_tasks": True, "include_installed": True}),
    ("mstr_audit", {"include_scripts": True, "policy": {"packages_never": ["pandas"]}}),
    ("mstr_script_runtime", {"runtime": "Plain", "from_runtime": "Old"}),
    ("mstr_script_run", {"code": "print('{secrets}')"}),
    ("mstr_script_run", {"code": "raise ValueError('{secrets}')"}),
    ("mstr_probe", {}),
]
RESULTS = "{{ range(" + str(len(MODULES)) + ") | map('regex_replace', '^', 'result_') | map('extract', vars) }}"


def test_no_registered_result_has_a_secret(
    sim: Simulator, talkative: str, core: Path, way: str, tmp_path: Path
) -> None:
    """Ansible itself masks only what it shows, from ansible-core 2.22 on."""
    tasks = [_task(module, number, **options) for number, (module, options) in enumerate(MODULES)]
    write = {"content": RESULTS, "dest": str(tmp_path / "results.json"), "mode": "0600"}
    playbook = [{"hosts": "a", "gather_facts": False, "tasks": [*tasks, {"ansible.builtin.copy": write}]}]
    play = Play(tmp_path, core, sim.environment(), hosts={"a": {}})
    played = play(playbook, "-vvv", "--diff")
    results = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert "failed=0" in played.output, played.output
    assert leaks(sim, played.output + json.dumps(played.records)) == []
    assert leaks(sim, results) == []
    assert results.count("********") > 20


def test_no_file_has_a_secret_that_the_server_repeats(
    sim: Simulator, talkative: str, core: Path, way: str, tmp_path: Path
) -> None:
    login = {"mstr_username": sim.username, "mstr_password": sim.password, "mstr_base_url": sim.base_url}
    definitions = [{"name": "Old", "exec_timeout": 60}, {"name": "New", "description": talkative}]
    policy = {"mstr_runtimes_policy": {"packages_never": ["pandas"]}}
    play = Play(tmp_path, core, variables={**LOCAL, **login, **policy, "mstr_runtimes": definitions})
    play.hosts = {"a": {}}
    looked_up = dict.fromkeys(("mstr_audit_installed", "mstr_audit_scripts"), True)
    runs: list[tuple[str, str, dict[str, Any]]] = [
        (APPLY, "--check", {"mstr_plan_dest": "plan.json", "mstr_report_dest": "check.md"}),
        (APPLY, "--diff", {"mstr_runtimes_backup_dest": "backup.yml", "mstr_report_dest": "apply.json"}),
        (AUDIT, "--diff", {**looked_up, "mstr_report_dest": REPORTS}),
        (EXPORT, "--diff", {}),
        (EXPORT, "--diff", {"mstr_export_upgrade": "3.12"}),
        ("mstr.library.probe", "--diff", {"mstr_probe_dest": "probe.json"}),
    ]
    for playbook, option, values in runs:
        played = play.run(play.command(playbook, option, "-vvv", **values))
        assert "failed=0" in played.output, played.output
        assert leaks(sim, played.output + json.dumps(played.records)) == [], playbook
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "inventory.json"]
    assert {re.sub(r"backup\..+", "backup.yml", path.name) for path in files} >= WRITTEN
    assert [path.name for path in files if leaks(sim, path.read_text(encoding="utf-8"))] == []
    assert "********" in (tmp_path / "report.html").read_text(encoding="utf-8")
