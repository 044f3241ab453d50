"""The playbook mstr.library.replace_runtime: an apply of one definition, with policy, plan, backup and report."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import Play

REPLACE = "mstr.library.replace_runtime"
OLD = "A" * 32
RUNTIMES = [{"name": "Old", "id": OLD, "execTimeout": 321, "runtimeVersion": "3.10.5", "resource": {"mem": 512}}]
SCRIPTS = [
    {"name": name, "id": f"{number:032X}", "runtime": OLD, "description": name, "variables": [{"name": "day"}]}
    for number, name in enumerate(["Close", "Load"], 1)
]
VARIABLES = {
    "mstr_replace_from": "Old",
    "mstr_replace_to": "New",
    "mstr_replace_definition": {"runtime_version": "3.12.4"},
    "mstr_replace_smoke_test": "print('ready')",
    "mstr_retries": 0,
}


@pytest.fixture
def server(play: Play, servers: list[Simulator]) -> Simulator:
    play.hosts = {"env0": play.hosts["env0"]}
    servers[0].seed(*RUNTIMES, projects=[{"name": "Sales", "scripts": SCRIPTS}])
    return servers[0]


def scripts(server: Simulator) -> list[dict[str, Any]]:
    return [{**script, "runtime": None} for project in server.projects() for script in project["scripts"]]


def used(server: Simulator) -> dict[str, str]:
    """The name of each script's runtime, which must exist."""
    names = {runtime["id"]: runtime["name"] for runtime in server.runtimes(default=True)}
    return {script["name"]: names[script["runtime"]] for project in server.projects() for script in project["scripts"]}


def test_replaced_once(play: Play, server: Simulator) -> None:
    """Check mode changes nothing, the run replaces, and a second run says that nothing of the old name is left."""
    before = scripts(server)
    first = play(REPLACE, "--check", "--diff", **VARIABLES)
    assert first.status == 0, first.output
    assert used(server) == {"Close": "Old", "Load": "Old"}
    done = play(REPLACE, **VARIABLES, mstr_runtimes_backup_dest=str(play.folder / "backup.yml"))
    assert done.status == 0, done.output
    assert "env0: 'Old' replaced by 'New'\n" in done.output
    assert [runtime["name"] for runtime in server.runtimes()] == ["New"]
    new = server.runtime("New")
    assert (new["execTimeout"], new["runtimeVersion"]) == (321, "3.12.4")
    assert used(server) == {"Close": "New", "Load": "New"}
    assert scripts(server) == before
    again = play(REPLACE, **VARIABLES)
    assert again.status == 0, again.output
    assert "changed=0" in again.output
    assert "No runtime has the name 'Old' any more." in again.text
    # The way back that was shown, with the scripts.
    [command] = [line for line in done.output.splitlines() if line.startswith("To go back: ansible-playbook ")]
    back = play.run([str(play.bin / "ansible-playbook"), *shlex.split(command)[4:]])
    assert back.status == 0, back.output
    assert [runtime["name"] for runtime in server.runtimes()] == ["Old"]
    assert used(server) == {"Close": "Old", "Load": "Old"}
    assert server.open_sessions() == []


@pytest.mark.complete
def test_plan_and_policy(play: Play, server: Simulator) -> None:
    """A replacement is evaluated by the policy, and an approved plan of it is applied."""
    policy = {"mstr_runtimes_policy": {"runtime_versions_within": [">=3.13"]}}
    refused = play(REPLACE, **VARIABLES, **policy)
    assert refused.status != 0
    assert "runtime_versions_within" in refused.output
    assert used(server) == {"Close": "Old", "Load": "Old"}
    plan = str(play.folder / "plan.json")
    assert play(REPLACE, "--check", **VARIABLES, mstr_plan_dest=plan).status == 0
    done = play(REPLACE, **VARIABLES, mstr_plan_src=plan)
    assert done.status == 0, done.output
    assert used(server) == {"Close": "New", "Load": "New"}


@pytest.mark.parametrize("new_exists", [False, True])
def test_misspelled_old_name(play: Play, server: Simulator, new_exists: bool) -> None:
    if new_exists:
        server.seed({"name": "New", "execTimeout": 1})
    refused = play(REPLACE, **{**VARIABLES, "mstr_replace_from": "Odl"})
    assert refused.status != 0
    assert "No runtime has the name 'Odl' (mstr_replace_from)" in refused.text
    assert "but 'Old' exists. Check the spelling." in refused.text
    assert used(server) == {"Close": "Old", "Load": "Old"}


def test_second_run_in_a_series_of_versions(play: Play, server: Simulator) -> None:
    server.seed({"name": "R 3.11", "runtimeVersion": "3.12.4"}, {"name": "R 3.12"})
    done = play(REPLACE, **{**VARIABLES, "mstr_replace_from": "R 3.10", "mstr_replace_to": "R 3.11"})
    assert done.status == 0, done.output
    assert "any more. If you meant 'R 3.12', correct mstr_replace_from." in done.text


@pytest.mark.complete
def test_failed_smoke_test(play: Play, server: Simulator) -> None:
    """The scripts stay on the old runtime, and the next run goes on."""
    done = play(REPLACE, **{**VARIABLES, "mstr_replace_smoke_test": "raise SystemExit(1)"})
    assert done.status != 0
    assert used(server) == {"Close": "Old", "Load": "Old"}
    assert play(REPLACE, **VARIABLES).status == 0
    assert used(server) == {"Close": "New", "Load": "New"}
    assert [runtime["name"] for runtime in server.runtimes()] == ["New"]


def test_names_may_be_numbers(play: Play, server: Simulator) -> None:
    done = play(REPLACE, **{**VARIABLES, "mstr_replace_to": 2024})
    assert done.status == 0, done.output
    assert used(server) == {"Close": "2024", "Load": "2024"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"mstr_replace_to": "Old"},
            "Set mstr_replace_from and mstr_replace_to to the names of two different runtimes.",
        ),
        ({"mstr_replace_definition": {"id": OLD}}, "mstr_replace_definition must not contain id, because"),
        ({"mstr_replace_from": "(Default) MicroStrategy"}, "default runtime"),
    ],
)
def test_wrong_variables_fail_before_any_change(
    play: Play, server: Simulator, change: dict[str, Any], message: str
) -> None:
    done = play(REPLACE, **{**VARIABLES, **change})
    assert done.status != 0
    assert message in done.text
    assert [runtime["name"] for runtime in server.runtimes()] == ["Old"]
    assert used(server) == {"Close": "Old", "Load": "Old"}


@pytest.mark.complete
@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("create", {"kind": "close_after"}),
        ("run", {"kind": "error"}),
        ("move", {"kind": "close_after", "skip": 1}),
        ("move", {"kind": "session_killed"}),
        ("delete", {"kind": "error"}),
    ],
    ids=str,
)
def test_after_a_fault_a_second_run_completes(
    play: Play, server: Simulator, operation: str, fault: dict[str, Any]
) -> None:
    """Each script always has a runtime that exists; tests/faults has the same for each write of the module."""
    before = scripts(server)
    server.fault(operation=operation, times=1, **fault)
    play(REPLACE, **VARIABLES)
    server.clear_faults()
    assert set(used(server).values()) <= {"Old", "New", "New (replacement)"}
    assert scripts(server) == before
    again = play(REPLACE, **VARIABLES)
    assert again.status == 0, again.output
    assert used(server) == {"Close": "New", "Load": "New"}
    assert scripts(server) == before
    assert [runtime["name"] for runtime in server.runtimes()] == ["New"]
