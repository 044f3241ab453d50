"""What an export writes for a review, and what an apply makes of it; unit tests have the whole file, and errors."""

from __future__ import annotations

import yaml
from simulator.harness import Simulator
from simulator.runtimes import DEFAULT_ID
from support.ansible import APPLY, EXPORT, Play

OLD = "A" * 32
PROJECTS = [
    {
        "name": "Sales",
        "scripts": [
            {"name": "Load", "runtime": OLD, "last_run": {"time": "2026-11-25T02:00:00Z", "status": "success"}}
        ],
        "tasks": [{"name": "Every night", "script": "Load", "schedule": "nightly"}],
    }
]
EXEMPTIONS = [{"runtime": "{{ 'Idle' }}", "reason": "ticket 4711", "until": "2099-12-31"}]
PANDAS = [{"name": "pandas", "version": "2.2.3", "status": "installed"}]
RUNTIMES = [
    {"name": "Idle", "runtimeVersion": "3.10.5"},
    {"name": "Nightly", "id": OLD, "runtimeVersion": "3.10.5", "execTimeout": 300, "packages": PANDAS},
    {"name": "New", "runtimeVersion": "3.13.1"},
]


def test_an_upgrade(play: Play, servers: list[Simulator]) -> None:
    """The file is what apply takes. Where a package cannot be installed, the old runtime stays in use."""
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    play.hosts["env0"] |= {"mstr_runtimes_policy": {"packages_never": ["x"]}, "mstr_runtimes_exemptions": EXEMPTIONS}
    play.hosts["env1"]["mstr_in_process"] = False
    for server in servers[:2]:
        server.seed(*RUNTIMES, projects=PROJECTS)
    done = play(EXPORT, "-e", "mstr_export_upgrade=3.12")
    assert done.status == 0, done.output
    text = (play.folder / "env0.upgrade.yml").read_text(encoding="utf-8")
    names = [entry["name"] for entry in yaml.safe_load(text)["runtimes"]]
    assert names == ["Nightly (3.12)", "Nightly", "Idle (3.12)", "Idle"]
    assert "copy the new entries into the definitions of the environment" in text
    assert "# The exemption for 'Idle' must also name 'Idle (3.12)': ticket 4711" in text
    assert "2 runtimes written to" in done.text
    used = "used by 1 script, on a schedule: 'Load' in 'Sales' (nightly, last run success 2026-11-25)"
    assert f"# 'Nightly': Python 3.10.5, last day of support 2026-10-31; {used}\n- name: Nightly (3.12)" in text

    before = servers[1].projects()
    servers[1].seed(packages=[{"name": "pandas", "outcome": "not_installed"}])
    done = play(APPLY, mstr_runtimes_src="{{ inventory_hostname }}.upgrade.yml")
    assert done.outcomes == {"env0": "changed", "env1": "failed"}
    new = servers[0].runtime("Nightly (3.12)")
    assert sorted(runtime["name"] for runtime in servers[0].runtimes()) == ["Idle (3.12)", "New", "Nightly (3.12)"]
    assert (new["runtimeVersion"][:5], new["execTimeout"]) == ("3.12.", 300)
    [script] = [script for project in servers[0].projects() for script in project["scripts"]]
    assert script["runtime"] == new["id"] != OLD
    assert "1 package could not be installed: pandas" in done.messages()["env1"]
    assert (servers[1].runtime("Nightly")["id"], servers[1].projects()) == (OLD, before)
    done = play(EXPORT, "--limit", "env0", "-e", "mstr_export_upgrade=3.12")
    assert done.status == 0, done.output
    assert "The default runtime '(Default) MicroStrategy' cannot be deleted" in done.text
    assert "Nothing to upgrade" not in done.text
    servers[0].seed({"id": DEFAULT_ID, "runtimeVersion": "3.13.1"})
    done = play(EXPORT, "--limit", "env0", "-e", "mstr_export_upgrade=3.12")
    assert (done.status, "Nothing to upgrade" in done.text) == (0, True), done.output
