"""What an export writes for a review: the way out of an old Python, what nobody uses, and a lock."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from simulator.harness import Simulator
from support.ansible import APPLY, AUDIT, Play

EXPORT = "mstr.library.export"
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


def seed(server: Simulator) -> None:
    server.seed(
        {"name": "Nightly", "id": OLD, **OF_OLD},
        {"name": "Idle", **OF_OLD},
        {"name": "Twice", **OF_OLD},
        {"name": "New", "runtimeVersion": "3.13.1"},
        projects=PROJECTS,
    )


@pytest.fixture
def two(play: Play, servers: list[Simulator]) -> Play:
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    play.hosts["env1"]["mstr_in_process"] = False
    for server in servers[:2]:
        seed(server)
    return play


def read(play: Play, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((play.folder / name).read_text(encoding="utf-8"))
    return found


def scripts_of(server: Simulator) -> dict[str, str]:
    """The id of the runtime of each script."""
    return {each["name"]: each["runtime"] for project in server.projects() for each in project["scripts"]}


def test_out_of_an_old_python(two: Play, servers: list[Simulator]) -> None:
    """The file is what apply takes. A second run changes nothing, and a restore brings the old Python back."""
    two.write("env0.yml", "runtimes:\n  - name: New\n  - name: Nightly\n    runtime_version: '3.10.5'\n")
    two.hosts["env0"]["mstr_runtimes_src"] = "env0.yml"
    done = two(EXPORT, "-e", "mstr_export_upgrade=3.12")
    assert done.status == 0, done.output
    text = (two.folder / "env0.upgrade.yml").read_text(encoding="utf-8")
    file = read(two, "env0.upgrade.yml")
    assert file["partial"] is True
    assert [entry["name"] for entry in file["runtimes"]] == ["Nightly", "Twice", "Idle"]
    versions = {entry["runtime_version"] for entry in file["runtimes"]}
    assert [version[:5] for version in versions] == ["3.12."]
    assert "# env0.yml line 3 still has the version '3.10.5' of 'Nightly'" in text
    used = "used by 1 script, on a schedule: 'Load' in 'Sales' (nightly, last run success 2026-11-25)"
    assert f"# Python 3.10.5, last day of support 2026-10-31; {used}\n# Packages: pandas 2.2.3\n- name: Nightly" in text
    assert two(EXPORT, "-e", "mstr_export_upgrade=3.12").output.count("changed=0") == 2
    source = {"mstr_runtimes_src": "{{ inventory_hostname }}.upgrade.yml"}
    purges = two(APPLY, "--check", mstr_runtimes_purge=True, **source)
    assert "has only a part of the runtimes (partial: true)" in purges.text
    done = two(APPLY, mstr_runtimes_backup_dest="{{ inventory_hostname }}.bk.yml", **source)
    assert done.status == 0, done.output
    for server in servers[:2]:
        assert server.runtime("Nightly")["runtimeVersion"].startswith("3.12.")
        assert server.runtime("Nightly")["execTimeout"] == 300
        assert scripts_of(server)["Load"] == server.runtime("Nightly")["id"] != OLD
    assert two(APPLY, **source).output.count("changed=0") == 2
    nothing = two(EXPORT, "-e", "mstr_export_upgrade=3.12")
    assert nothing.status == 0
    assert "Nothing to upgrade" in nothing.text
    [backup] = two.folder.glob("env0.bk.*.yml")
    back = two("mstr.library.restore", "--limit", "env0", mstr_restore_src=str(backup))
    assert back.status == 0, back.output
    assert servers[0].runtime("Nightly")["runtimeVersion"] == "3.10.5"


def test_a_package_that_is_not_there(two: Play, servers: list[Simulator]) -> None:
    """The old runtime stays in use. The message names the package, whether the server reports it or only a script."""
    assert two(EXPORT, "-e", "mstr_export_upgrade=3.12").status == 0
    before = [server.projects() for server in servers[:2]]
    for server, outcome in zip(servers[:2], ("not_installed", "missing"), strict=True):
        server.seed(packages=[{"name": "pandas", "outcome": outcome}])
    done = two(APPLY, mstr_runtimes_src="{{ inventory_hostname }}.upgrade.yml")
    assert set(done.outcomes.values()) == {"failed"}
    assert "package pandas could not be installed" in done.messages()["env0"]
    assert "Package pandas is not installed on Python 3.12." in done.messages()["env1"]
    for server, projects in zip(servers[:2], before, strict=True):
        assert [each["name"] for each in server.runtimes()] == ["Nightly", "Idle", "Twice", "New"]
        assert server.runtime("Nightly")["id"] == OLD
        assert server.projects() == projects


def test_what_nobody_uses(two: Play, servers: list[Simulator]) -> None:
    """They are deleted by id; where a project cannot be read, nothing is written."""
    servers[1].fault("error", operation="search", times=99)
    done = two(EXPORT, mstr_export_unused=True)
    assert done.status == 2, done.output
    assert "mstr_export_unused: nothing was written." in done.text
    assert "nobody knows what is unused" in done.text
    assert not (two.folder / "env1.unused.yml").exists()
    entries = read(two, "env0.unused.yml")["runtimes"]
    assert [(entry["name"], entry["state"]) for entry in entries] == [("Idle", "absent"), ("New", "absent")]
    source = {"mstr_runtimes_src": "env0.unused.yml", "mstr_runtimes_protect_used": True}
    done = two(APPLY, "--limit", "env0", **source)
    assert done.status == 0, done.output
    assert [runtime["name"] for runtime in servers[0].runtimes()] == ["Nightly", "Twice"]
    assert two(APPLY, "--limit", "env0", **source).output.count("changed=0") == 1


def test_a_lock(two: Play, servers: list[Simulator]) -> None:
    """A second server with this file has what is installed on the first one."""
    servers[0].reset("newest")
    servers[1].reset("newest")
    servers[0].seed({"name": "Nightly", "packages": [{"name": "pandas", "version": "", "status": "installed"}]})
    done = two(EXPORT, "--limit", "env0", mstr_export_versions="installed")
    assert done.status == 0, done.output
    [entry] = read(two, "env0.runtimes.yml")["runtimes"]
    assert [package["version"] for package in entry["packages"]] == ["1.0.0"]
    source = {"mstr_runtimes_src": "env0.runtimes.yml"}
    assert two(APPLY, "--limit", "env1", mstr_runtimes_wait=True, **source).status == 0
    audited = two(AUDIT, "--limit", "env1", mstr_audit_installed=True, **source)
    [found] = audited.report["environments"]
    assert found["mismatches"] == []
    assert "check mode" in two(EXPORT, "--check", mstr_export_versions="installed").text


def test_refused_before_the_first_request(two: Play, servers: list[Simulator]) -> None:
    for variables, sentence in (
        ({"mstr_export_upgrade": 3.1}, "not the number 3.1, because YAML reads 3.10 as 3.1"),
        ({"mstr_export_upgrade": "3.10"}, "Python 3.10 itself ends or ended on 2026-10-31"),
        ({"mstr_export_upgrade": "newest"}, "is not a version of Python"),
        ({"mstr_export_upgrade": "3.12", "mstr_export_unused": True}, "both are set"),
    ):
        done = two(EXPORT, **variables)
        assert done.status == 2
        assert sentence in done.text, done.output
    assert [server.calls() for server in servers[:2]] == [[], []]
    done = two(EXPORT, mstr_export_upgrade="3.15")
    assert "this server does not offer '3.15', but 3." in done.text
