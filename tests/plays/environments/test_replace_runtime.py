# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook mstr.library.replace_runtime: the whole way, back after a failure, and on after any interruption."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import Play
from support.modules import wait_for_call

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
    "mstr_replace_projects": ["Sales"],
    "mstr_retries": 0,
}


@pytest.fixture
def server(play: Play, servers: list[Simulator]) -> Simulator:
    play.hosts = {"env0": play.hosts["env0"]}
    servers[0].seed(*RUNTIMES, projects=[{"name": "Sales", "scripts": SCRIPTS}])
    return servers[0]


def scripts(server: Simulator) -> list[dict[str, Any]]:
    return [{**one, "runtime": None} for project in server.projects() for one in project["scripts"]]


def used(server: Simulator) -> dict[str, str]:
    """Return the name of each script's runtime, which must exist."""
    names = {one["id"]: one["name"] for one in server.runtimes(default=True)}
    return {one["name"]: names[one["runtime"]] for project in server.projects() for one in project["scripts"]}


def test_the_whole_way_and_again(play: Play, server: Simulator) -> None:
    before = scripts(server)
    first = play(REPLACE, "--check", **VARIABLES)
    assert first.status == 0, first.output
    assert used(server) == {"Close": "Old", "Load": "Old"}
    assert play(REPLACE, **VARIABLES).status == 0
    assert [one["name"] for one in server.runtimes()] == ["New"]
    new = server.runtime("New")
    assert (new["execTimeout"], new["runtimeVersion"]) == (321, "3.12.4")
    assert used(server) == {"Close": "New", "Load": "New"}
    assert scripts(server) == before
    again = play(REPLACE, **VARIABLES)
    assert again.status == 0, again.output
    assert "changed=0" in again.output
    assert server.open_sessions() == []


def test_a_misspelled_old_runtime_fails_even_if_the_new_one_exists(play: Play, server: Simulator) -> None:
    server.seed({"name": "New", "execTimeout": 1})
    done = play(REPLACE, **{**VARIABLES, "mstr_replace_from": "Odl"})
    assert done.status != 0
    assert (
        "No runtime has the name Odl (mstr_replace_from), and no script uses New (mstr_replace_to), so it was not "
        "replaced before. Check the spelling."
    ) in done.output
    assert server.runtime("New")["execTimeout"] == 1


def test_other_runtime_with_the_new_name(play: Play, server: Simulator) -> None:
    """A different runtime that has the new name is changed only if no script uses it."""
    used_by = {"name": "Other", "id": "9" * 32, "runtime": "B" * 32}
    new = {"name": "New", "id": "B" * 32, "execTimeout": 1}
    server.seed(*RUNTIMES, new, projects=[{"name": "Sales", "scripts": [*SCRIPTS, used_by]}], replace=True)
    done = play(REPLACE, **VARIABLES)
    assert done.status != 0
    assert "New (mstr_replace_to) exists and is different" in done.output
    assert "and scripts use it: Other. Choose a different name" in done.output
    assert server.runtime("New")["execTimeout"] == 1
    server.seed(*RUNTIMES, new, projects=[{"name": "Sales", "scripts": SCRIPTS}], replace=True)
    assert play(REPLACE, **VARIABLES).status == 0
    assert server.runtime("New")["execTimeout"] == 321
    assert used(server) == {"Close": "New", "Load": "New"}


def test_a_failed_test_after_the_assignment_assigns_the_scripts_back(play: Play, server: Simulator) -> None:
    # The second run of the code fails.
    code = "import os, sys\npath = {!r}\nsys.exit(1) if os.path.exists(path) else open(path, 'w')".format(
        str(play.folder / "once")
    )
    done = play(REPLACE, **{**VARIABLES, "mstr_replace_code": code})
    assert done.status != 0
    assert "Old was not replaced. This step failed: Test the new runtime again." in done.output
    assert "The scripts that it had assigned use Old again: Close, Load." in done.output
    assert used(server) == {"Close": "Old", "Load": "Old"}
    assert play(REPLACE, **VARIABLES).status == 0
    assert used(server) == {"Close": "New", "Load": "New"}


def test_script_that_cannot_be_assigned_back(play: Play, server: Simulator) -> None:
    """A script that cannot be assigned back is named with the step that failed."""
    server.fault("error", operation="move", skip=1, times=2)
    done = play(REPLACE, **VARIABLES)
    assert "Old was not replaced. This step failed: Assign the scripts to the new runtime." in done.output
    assert "These scripts still use New: Close. No script was assigned to 'Old'." in done.output
    assert ".." not in done.result("Fail with the step that failed")["msg"]
    assert used(server) == {"Close": "New", "Load": "Old"}


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
        ({"mstr_replace_definition": "{}"}, "mstr_replace_definition must be a dictionary of options, not a text."),
        ({"mstr_replace_definition": {"id": OLD}}, "mstr_replace_definition must not contain id, because"),
        ({"mstr_replace_projects": "Sales"}, "mstr_replace_projects must be a list, such as [Sales]."),
        (
            {"mstr_replace_from": "(Default) MicroStrategy"},
            "is the default runtime of the server, which cannot be deleted.",
        ),
    ],
)
def test_wrong_variables_fail_before_any_change(
    play: Play, server: Simulator, change: dict[str, Any], message: str
) -> None:
    done = play(REPLACE, **{**VARIABLES, **change})
    assert message in done.output
    assert [one["name"] for one in server.runtimes()] == ["Old"]
    assert used(server) == {"Close": "Old", "Load": "Old"}


@pytest.mark.complete
@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("create", {"kind": "close_after"}),
        ("run", {"kind": "error"}),
        ("search", {"kind": "session_killed"}),
        ("object", {"kind": "error", "skip": 2}),
        ("move", {"kind": "close_after", "skip": 1}),
        ("move", {"kind": "session_killed"}),
        ("delete", {"kind": "close_after"}),
        ("delete", {"kind": "error"}),
    ],
    ids=str,
)
def test_after_a_fault_each_script_works_and_a_second_run_completes(
    play: Play, server: Simulator, operation: str, fault: dict[str, Any]
) -> None:
    before = scripts(server)
    server.fault(operation=operation, times=1, **fault)
    play(REPLACE, **VARIABLES)
    server.clear_faults()
    assert set(used(server).values()) <= {"Old", "New"}
    assert scripts(server) == before
    again = play(REPLACE, **VARIABLES)
    assert again.status == 0, again.output
    assert used(server) == {"Close": "New", "Load": "New"}
    assert scripts(server) == before
    assert [one["name"] for one in server.runtimes()] == ["New"]


@pytest.mark.complete
@pytest.mark.parametrize("operation", ["create", "move", "delete"])
def test_after_a_signal_each_script_works_and_a_second_run_completes(
    play: Play, server: Simulator, operation: str
) -> None:
    before = scripts(server)
    server.fault("slow", operation=operation, times=1, seconds=2)
    with play.start(play.command(REPLACE, **VARIABLES)) as running:
        wait_for_call(server, operation)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert set(used(server).values()) <= {"Old", "New"}
    assert scripts(server) == before
    again = play(REPLACE, **VARIABLES)
    assert again.status == 0, again.output
    assert used(server) == {"Close": "New", "Load": "New"}
