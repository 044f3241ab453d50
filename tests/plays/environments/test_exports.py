"""What an export writes for a review, and what an apply makes of it; unit tests have the whole file, and errors."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from simulator.harness import Simulator
from support.ansible import APPLY, EXPORT, Play

OLD = "A" * 32
RUN = {"time": "2026-11-25T02:00:00.000Z", "status": "success"}
PROJECTS = [
    {
        "name": "Sales",
        "scripts": [{"name": "Load", "runtime": OLD, "last_run": RUN}, {"name": "Close", "runtime": "Twice"}],
        "tasks": [{"name": "Every night", "script": "Load", "schedule": "nightly"}],
    }
]
PANDAS = [{"name": "pandas", "version": "2.2.3", "status": "installed"}]
OF_OLD = {"runtimeVersion": "3.10.5", "execTimeout": 300, "packages": PANDAS}
RUNTIMES = [
    {"name": "Nightly", "id": OLD, **OF_OLD},
    {"name": "Idle", **OF_OLD},
    {"name": "Twice", **OF_OLD},
    {"name": "New", "runtimeVersion": "3.13.1"},
]


@pytest.fixture
def three(play: Play, servers: list[Simulator]) -> Play:
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1", "env2")}
    play.hosts["env1"]["mstr_in_process"] = False
    for server in servers[:3]:
        server.seed(*RUNTIMES, projects=PROJECTS)
    return play


def read(play: Play, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((play.folder / name).read_text(encoding="utf-8"))
    return found


def test_outdated_python_is_replaced(three: Play, servers: list[Simulator]) -> None:
    """The file is what apply takes. Where a package is not there, the old runtime stays in use.

    The message names the package, whether the server reports it or only a script.
    """
    done = three(EXPORT, "-e", "mstr_export_upgrade=3.12")
    assert done.status == 0, done.output
    text = (three.folder / "env0.upgrade.yml").read_text(encoding="utf-8")
    file = read(three, "env0.upgrade.yml")
    assert [entry["name"] for entry in file["runtimes"]] == ["Nightly", "Twice", "Idle"]
    assert "The definitions of the environment need the same change" in text
    used = "used by 1 script, on a schedule: 'Load' in 'Sales' (nightly, last run success 2026-11-25)"
    assert f"# Python 3.10.5, last day of support 2026-10-31; {used}\n- name: Nightly" in text

    before = [server.projects() for server in servers[:3]]
    for server, outcome in zip(servers[1:3], ("not_installed", "missing"), strict=True):
        server.seed(packages=[{"name": "pandas", "outcome": outcome}])
    done = three(APPLY, mstr_runtimes_src="{{ inventory_hostname }}.upgrade.yml")
    assert done.outcomes == {"env0": "changed", "env1": "failed", "env2": "failed"}
    new = servers[0].runtime("Nightly")
    assert (new["runtimeVersion"][:5], new["execTimeout"]) == ("3.12.", 300)
    scripts = {each["name"]: each["runtime"] for project in servers[0].projects() for each in project["scripts"]}
    assert scripts["Load"] == new["id"] != OLD
    nothing = three(EXPORT, "--limit", "env0", "-e", "mstr_export_upgrade=3.12")
    assert (nothing.status, "Nothing to upgrade" in nothing.text) == (0, True), nothing.output
    assert "package pandas could not be installed" in done.messages()["env1"]
    assert "Package pandas is not installed on Python 3.12." in done.messages()["env2"]
    for server, projects in zip(servers[1:3], before[1:], strict=True):
        assert [each["name"] for each in server.runtimes()] == ["Nightly", "Idle", "Twice", "New"]
        assert server.runtime("Nightly")["id"] == OLD
        assert server.projects() == projects
