"""The jobs that mstr.library.controller creates, alone and as nodes of its workflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator

from plays.awx.controller import Controller
from plays.awx.jobs import Launcher, tools_in
from plays.awx.output import page
from plays.awx.test_controller import play, recap

DEFINITIONS = {"runtimes": [{"name": "Nightly", "whitelist": ["10.10.10.0/24"]}]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[Controller]:
    """A controller with all objects that the playbook creates for one stage with one environment."""
    stage = {
        "name": "test",
        "credential": {"mstr_username": simulator.username, "mstr_password": simulator.password},
        "environments": [{"name": "us", "variables": {"mstr_base_url": simulator.base_url}}],
        "variables": {
            "mstr_runtimes_purge": True,
            "mstr_runtimes_purge_limit": 1,
            "mstr_fail_on_drift": True,
            "mstr_smoke_test_timeout": 5,
        },
    }
    with Controller() as controller:
        tools = tools_in(tmp_path_factory.mktemp("made"))
        tools.env |= controller.environment()
        controller.add("organizations", name="Analytics")
        output = play(tools, mstr_controller_stages=[stage])
        assert recap(output)["failed"] == 0, output
        yield controller


@pytest.fixture
def launcher(made: Controller, tmp_path: Path, sim: Simulator) -> Launcher:
    """A launcher for that controller, with a fresh Library server and a project with one runtime."""
    made.definitions = {"us": DEFINITIONS}
    return Launcher(made, tmp_path)


def names(sim: Simulator) -> list[str]:
    return sorted(runtime["name"] for runtime in sim.runtimes())


def test_an_approved_change_is_applied_and_not_requested_again(launcher: Launcher, sim: Simulator) -> None:
    """A replacement. Ansible would read some of its texts as a number, a boolean or null between two jobs."""
    packages = [{"name": "pandas", "version": "3.10", "description": ""}]
    scripts = [{"name": "Load", "runtime": "Nightly"}]
    sim.seed(
        {"name": "Nightly", "description": "yes", "packages": packages},
        projects=[{"name": "Sales", "scripts": scripts}],
    )
    wanted = {"packages": [{"name": "pandas", "version": "2.2.3"}], "replace_on_change": ["packages"]}
    launcher.controller.definitions = {"us": {"runtimes": [{"name": "Nightly", **wanted}]}}
    handed_on: dict[str, Any] = {}
    status, check = launcher.node("drift", handed_on)
    assert (status, sim.runtimes()[0]["description"]) == ("failed", "yes"), check.output
    status, approval = launcher.node("approval_check", handed_on)
    assert status == "successful", approval.output
    assert '"version": "3.10"' in page(approval.events())
    assert "us: 1 to replace, 1 script to move" in page(approval.events())
    status, apply = launcher.node("apply", handed_on)
    assert (status, names(sim)) == ("successful", ["Nightly"]), apply.output
    # Where the drift check succeeds, the workflow ends.
    assert launcher.node("drift", {})[0] == "successful"


def test_only_what_somebody_saw_is_deleted(launcher: Launcher, sim: Simulator) -> None:
    """Neither in the apply, nor in a second one, which a workflow has for the failure of the first."""
    networks = [f"10.{number}.0.0/16" for number in range(100)]

    def seed(*scripts: str) -> None:
        used = [{"name": each, "id": each, "runtime": "Old"} for each in scripts]
        runtimes = {"name": "Nightly", "id": "A" * 32}, {"name": "Old", "id": "B" * 32, "whitelist": networks}
        sim.seed(*runtimes, projects=[{"name": "Sales", "id": "5A" * 16, "scripts": used}], replace=True)

    seed()
    created = [{"name": f"New {n}", "whitelist": [f"10.{n}.0.0/24"]} for n in range(45)]
    launcher.controller.definitions = {"us": {"runtimes": [*DEFINITIONS["runtimes"], *created]}}
    handed_on: dict[str, Any] = {}
    _, check = launcher.node("drift", handed_on)
    status, approval = launcher.node("approval_check", handed_on)
    assert status == "successful", approval.output
    for job, task in ((check, "TASK [Report]"), (approval, "Show what the approval is for")):
        shown = page(job.events()).partition(task)[2]
        whole = ["'Old' would be deleted; no script", *networks, *(f'["10.{n}.0.0/24"]' for n in range(45))]
        assert ("…" in shown, [text for text in whole if text not in shown]) == (False, [])
        assert shown.index("'Old' would be deleted") < shown.index("'New 0' would be created")
    seed("Load")
    status, apply = launcher.node("apply", handed_on)
    assert (status, names(sim)) == ("failed", ["Nightly", "Old"]), apply.output
    assert f"'Old' ({'B' * 32}) is used by 1 script: 'Load' in 'Sales'" in page(apply.events())
    # A different plan is not applied, either.
    seed()
    launcher.controller.definitions = {"us": {"runtimes": [*DEFINITIONS["runtimes"], {"name": "Other"}]}}
    status, apply = launcher.node("apply", handed_on)
    assert (status, names(sim)) == ("failed", ["Nightly", "Old"]), apply.output


@pytest.mark.matrix
def test_a_failed_drift_check_requests_no_approval(launcher: Launcher, sim: Simulator) -> None:
    wrong = {"runtimes": [{"name": "Nightly", "whitelist": ["intranet.example.com"]}]}
    launcher.controller.definitions = {"us": wrong}

    handed_on: dict[str, Any] = {}
    assert launcher.node("drift", handed_on)[0] == "failed"
    status, approval = launcher.node("approval_check", handed_on)
    assert status == "failed"
    assert "The drift check failed in us" in " ".join(approval.output.split())
    # An apply by itself has no plan for it either, and writes nothing.
    status, apply = launcher.node("apply", handed_on)
    assert status == "failed"
    assert "The drift check has no plan for us, because its check failed" in " ".join(apply.output.split())
    assert sim.runtimes() == []
