# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts that are assigned to a different runtime, while responses get lost and on servers that lose fields."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError, PartialError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._work.script_runtime import (
    OPTIONS,
    assign_scripts,
    request_from,
)
from simulator.harness import Simulator
from simulator.profiles import PROFILES
from support.modules import Running, credentials, run, wait_for_call

from faults.inprocess import session
from faults.test_lost_responses import DONE, NOT_DONE, TIMEOUT

OLD, NEW = "A" * 32, "B" * 32
DEFAULT = "0F35652CA7D041978BF0CBCB67531203"
SALES = {
    "name": "Sales",
    "scripts": [
        {"name": name, "id": f"{number:032X}", "runtime": OLD, "folder": "Nightly", "description": f"About {name}",
         "variables": [{"name": "day", "type": "text"}], "code": f"print('{name}')\n"}
        for number, name in enumerate(["Close", "Load", "Report"], 1)
    ],
}  # fmt: skip
RUNTIMES = [{"name": "Old", "id": OLD}, {"name": "New", "id": NEW}]


@pytest.fixture
def server(sim: Simulator) -> Simulator:
    return seeded(sim)


def seeded(sim: Simulator) -> Simulator:
    sim.seed(*RUNTIMES, projects=[SALES])
    return sim


def assign(sim: Simulator, scale: float = 0.0, connection: dict[str, Any] | None = None, **options: Any) -> Any:
    """Do what mstr_script_runtime does. Returns the result, also that of a failure, which then has `failure`."""
    params = dict.fromkeys(OPTIONS) | {"runtime": "New", **options}
    if not params["scripts"] and not params["from_runtime_id"]:
        params["from_runtime"] = params["from_runtime"] or "Old"
    with session(sim, scale, **(connection or {})) as task:
        try:
            result = assign_scripts(task.context(task.pauses.pause), request_from(params))
        except PartialError as exc:
            return {**exc.result, "failure": exc.sentence}
    return {**result, "failure": None}


def runtimes(sim: Simulator) -> dict[str, str]:
    return {script["name"]: script["runtime"] for script in scripts(sim)}


def scripts(sim: Simulator) -> list[dict[str, Any]]:
    return [script for project in sim.projects() for script in project["scripts"]]


def rest(sim: Simulator) -> list[dict[str, Any]]:
    """Everything of the scripts but their runtime."""
    return [{key: value for key, value in script.items() if key != "runtime"} for script in scripts(sim)]


def updates(sim: Simulator) -> int:
    return len(sim.requests("PUT"))


@pytest.mark.parametrize("profile", PROFILES)
def test_scripts_are_assigned_once_and_nothing_else_changes(sim: Simulator, profile: str) -> None:
    sim.reset(profile)
    before = rest(seeded(sim))
    done = assign(sim)
    assert (done["changed"], done["msg"], done["failure"]) == (True, "3 scripts now use 'New'.", None)
    assert runtimes(sim) == dict.fromkeys(["Close", "Load", "Report"], NEW)
    assert rest(sim) == before
    again = assign(sim)
    assert (again["changed"], again["msg"]) == (False, "3 scripts already use 'New'.")
    assert [script["action"] for script in again["scripts"]] == ["none"] * 3
    assert updates(sim) == 3


@pytest.mark.parametrize("how", DONE)
def test_an_update_that_was_done_is_not_repeated(server: Simulator, how: str) -> None:
    scale, fault = DONE[how]
    server.fault(operation="move", times=1, **fault)
    done = assign(server, scale, TIMEOUT)
    assert done["failure"] is None
    assert set(runtimes(server).values()) == {NEW}
    assert updates(server) == 3


@pytest.mark.parametrize("how", NOT_DONE)
def test_an_update_that_was_not_done_is_repeated_once_that_is_known(server: Simulator, how: str) -> None:
    server.fault(operation="move", times=1, **NOT_DONE[how])
    done = assign(server, connection=TIMEOUT)
    assert done["failure"] is None
    assert set(runtimes(server).values()) == {NEW}
    assert updates(server) == 4


@pytest.mark.parametrize("how", [name for name in NOT_DONE if name != "unavailable"])
def test_without_retries_it_is_looked_up_and_not_repeated(server: Simulator, how: str) -> None:
    server.fault(operation="move", times=1, **NOT_DONE[how])
    done = assign(server, connection={**TIMEOUT, "retries": 0})
    assert [script["action"] for script in done["scripts"]] == ["failed", "moved", "moved"]
    assert "1 of 3 scripts failed: script 'Close' in project 'Sales': " in done["failure"]
    assert runtimes(server) == {"Close": OLD, "Load": NEW, "Report": NEW}
    assert updates(server) == 3
    assert assign(server)["msg"] == "1 script now uses 'New', 2 already did."


@pytest.mark.complete
@pytest.mark.parametrize("fault", ["close_after", "session_killed", "error"])
def test_fault_at_any_request_of_an_assignment(server: Simulator, fault: str) -> None:
    """After a fault at any request scripts are whole and a second run completes."""
    before, projects = rest(server), ["Sales"]
    assign(server, projects=projects)
    for at in range(len(server.requests())):
        server.reset("newest")
        seeded(server)
        server.fault(fault, operation="any", skip=at, times=1)
        with suppress(MstrError):
            assign(server, projects=projects)
        server.clear_faults()
        assert rest(server) == before
        assert set(runtimes(server).values()) <= {OLD, NEW}
        assert assign(server, projects=projects)["failure"] is None
        assert set(runtimes(server).values()) == {NEW}


def test_what_the_server_lost_is_put_back_and_then_sent_with_every_update(sim: Simulator) -> None:
    sim.reset("newest", script_put_omitted="reset")
    before = rest(seeded(sim))
    done = assign(sim)
    assert rest(sim) == before
    assert set(runtimes(sim).values()) == {NEW}
    assert [bool(script["error"]) for script in done["scripts"]] == [True, False, False]
    assert done["scripts"][0]["action"] == "moved"
    assert done["failure"] == (
        "3 scripts now use 'New'. 1 of 3 scripts failed: script 'Close' in project 'Sales': While the server assigned "
        "the runtime, it changed description, variables, code. All of it is put back, and the script uses "
        f"'New' ({NEW})."
    )
    assert updates(sim) == 4


def test_what_cannot_be_put_back_is_named(sim: Simulator) -> None:
    sim.reset("newest", script_put_omitted="reset")
    seeded(sim)
    sim.fault("error", operation="move", skip=1, times=1, status=403, number=17, message="no permission")
    done = assign(sim)
    assert "it changed description, variables, code." in done["failure"]
    assert "The task could not put that back: " in done["failure"]
    assert "no permission" in done["failure"]


def test_a_signal_between_the_update_and_the_check_leaves_the_script_whole(sim: Simulator) -> None:
    sim.reset("newest", script_put_omitted="reset")
    before = rest(seeded(sim))
    sim.fault("slow", operation="move", times=1, seconds=1)
    running = Running("mstr_script_runtime", {**credentials(sim), "runtime": "New", "from_runtime": "Old"})
    wait_for_call(sim, "move", running)
    sim.fault("slow", operation="script", times=1, seconds=2)
    wait_for_call(sim, "script", running)
    running.process.send_signal(signal.SIGTERM)
    done = running.done()
    assert (
        "signal SIGTERM while the runtime of the script 'Close' in project 'Sales' was being changed" in done.sentence
    )
    assert rest(sim) == before
    assert sim.open_sessions() == []


def test_one_refusal_stops_no_other_script(server: Simulator) -> None:
    private = {"name": "Private", "id": f"{9:032X}", "runtime": OLD, "owner": "viewer", "writers": []}
    server.seed(projects=[{"name": "Sales", "scripts": [private]}])
    done = run("mstr_script_runtime", server, runtime="New", from_runtime="Old")
    assert (
        "1 of 4 scripts failed: script 'Private' in project 'Sales': Could not assign the runtime 'New'"
        in done.sentence
    )
    assert runtimes(server) == {"Close": NEW, "Load": NEW, "Report": NEW, "Private": OLD}
    [failed] = [script for script in done.result["scripts"] if script["action"] == "failed"]
    assert (failed["after"]["name"], failed["error"]["http_status"]) == ("Old", 403)


def test_scripts_by_name_and_id_of_a_runtime_that_is_gone(server: Simulator) -> None:
    gone = [{"name": name, "id": f"{number:032X}", "runtime": "D" * 32} for number, name in ((7, "Twin"), (8, "Twin"))]
    server.seed(projects=[{"name": "Sales", "scripts": gone}])
    named = [
        {"id": None, "name": "Load", "project": "Sales"},
        {"id": f"{2:032x}", "name": None, "project": "Sales"},
        {"id": None, "name": "Twin", "project": "Sales"},
        {"id": None, "name": "Lod", "project": "Sales"},
        {"id": None, "name": "Load", "project": "Slaes"},
    ]
    done = assign(server, scripts=named)
    assert runtimes(server)["Load"] == NEW
    assert [(script["name"], script["action"]) for script in done["scripts"]] == [
        ("Load", "moved"), ("Lod", "failed"), ("Twin", "failed"), ("Load", "failed"),
    ]  # fmt: skip
    assert f"2 scripts have this name: {7:032X}, {8:032X}; choose one by id." in done["failure"]
    assert "The server lists no project with the name or id 'Slaes'" in done["failure"]
    assert updates(server) == 1
    assert assign(server, from_runtime_id="D" * 32)["msg"] == "2 scripts now use 'New', 1 already did."


def test_a_project_that_cannot_be_read_fails_the_task_after_the_others(server: Simulator) -> None:
    server.seed(projects=[{"name": "Archive", "loaded": False}])
    done = assign(server)
    assert set(runtimes(server).values()) == {NEW}
    assert done["failure"].startswith("3 scripts now use 'New'. There may be more scripts that use the old runtime: ")
    assert [read["project"]["name"] for read in done["unread"]] == ["Archive"]
    assert assign(server, projects=["Sales"])["failure"] is None


def test_an_update_without_effect_is_not_believed(server: Simulator) -> None:
    server.fault("html", operation="move", status=200, times=1)
    done = assign(server)
    assert (
        f"accepted a new runtime for the script 'Close' in project 'Sales', but the script still uses {OLD}"
        in (done["failure"])
    )
    assert runtimes(server) == {"Close": OLD, "Load": NEW, "Report": NEW}


def test_unread_after_the_update_is_not_moved(server: Simulator) -> None:
    """An accepted update that nobody could check is no success: its runtime is unknown, and the task fails."""
    server.fault("error", operation="object", skip=1, times=1, status=403, number=17)
    done = assign(server)
    assert [script["action"] for script in done["scripts"]] == ["failed", "moved", "moved"]
    assert done["scripts"][0]["after"] is None
    assert done["failure"].startswith(
        "2 scripts now use 'New'. 1 of 3 scripts failed: script 'Close' in project 'Sales': The script 'Close' in "
        "project 'Sales' could not be read again after the update, so it is unknown which runtime it uses."
    )


def test_projects_that_cannot_be_listed(server: Simulator) -> None:
    server.fault("error", operation="projects", status=403, number=14)
    done = assign(server)
    assert (
        "There may be more scripts that use the old runtime: could not read the list of projects: " in done["failure"]
    )


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"runtime": "new"}, "the server lists no runtime for runtime 'new'; did you mean 'New'?"),
        ({"runtime": "Old"}, f"the scripts of 'Old' ({OLD}) cannot be assigned to the same runtime"),
        ({"from_runtime": "Gone"}, "from_runtime 'Gone'; if it was deleted, give its id in from_runtime_id"),
        ({"runtime": None, "runtime_id": "E" * 32}, f"the server lists no runtime for runtime_id '{'E' * 32}'"),
    ],
)
def test_runtimes_that_do_not_fit_are_refused_before_any_write(
    server: Simulator, options: dict[str, Any], fault: str
) -> None:
    if options.get("runtime") == "Old":
        options = {**options, "from_runtime_id": OLD}
    with pytest.raises(ValidationError) as refusal:
        assign(server, **options)
    assert fault in refusal.value.sentence
    assert updates(server) == 0
