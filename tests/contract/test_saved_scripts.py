"""The vendor's client and the module find the same saved scripts on the same runtimes, in every profile."""

from __future__ import annotations

from typing import Any

import pytest
from mstrio.connection import Connection
from mstrio.helpers import VersionException
from mstrio.python_execution.script import Script, list_scripts
from mstrio.python_execution.task import Task, list_tasks
from simulator.harness import Simulator

from contract.vocabulary import Module

DEFAULT_ID = "0F35652CA7D041978BF0CBCB67531203"
ETL, SALES, FINANCE = "A" * 31 + "1", "5A1E" + "0" * 28, "F1AA" + "0" * 28
NEW = "B" * 32
MONTH_END, CLOSE = f"5C{1:030X}", f"5C{4:030X}"
RAN = "2026-11-25T02:00:00.000+0000"
TASK = {"name": "Every night", "script": "Month end", "schedule": "nightly", "expiration": "2099-12-31"}
SCRIPTS = [
    {
        "name": "Month end",
        "id": MONTH_END,
        "runtime": ETL,
        "last_run": {"time": "2026-11-25T02:00:21.000Z", "status": "success", "log": "printed"},
    },
    {"name": "Clean up", "id": f"5C{2:030X}"},
    {"name": "Notebook", "id": f"5C{3:030X}", "runtime": ETL, "subtype": 19458},
]
TASKS = [
    {**TASK, "last_run": {"status": "success", "triggered": RAN, "finished": RAN}},
    {"name": "Once", "script": "Clean up", "active": False},
]
PROJECTS = [
    {"name": "Sales", "id": SALES, "scripts": SCRIPTS, "tasks": TASKS},
    {"name": "Finance", "id": FINANCE, "scripts": [{"name": "Close", "id": CLOSE, "runtime": ETL}]},
]


@pytest.fixture
def scripts(server: Simulator) -> Simulator:
    """The server, with scripts in two projects. The client fails where dates have the form of the schema."""
    server.switch(date_format="offset")
    server.seed({"name": "Etl", "id": ETL}, projects=PROJECTS)
    return server


def by_module(reader: Module, **options: Any) -> dict[str, str]:
    """The runtime of each script, as the module returns it."""
    result = reader(include_scripts=True, **options)
    assert result["unread"] == []
    return {script["id"]: runtime["id"] for runtime in result["runtimes"] for script in runtime["scripts"]}


def by_mstrio(mstrio: Connection, *projects: str) -> dict[str, str]:
    """The runtime of each script, as mstrio-py returns it. No script runs on the default runtime."""
    found = {}
    for project in projects:
        mstrio.select_project(project_id=project)
        for script in list_scripts(mstrio, project_id=project, to_dictionary=True):
            found[script["id"]] = Script(mstrio, id=script["id"]).script_runtime_id or DEFAULT_ID
    return found


@pytest.mark.usefixtures("scripts")
def test_same_scripts_and_runtimes(mstrio: Connection, reader: Module) -> None:
    runtimes = by_module(reader)
    assert runtimes == by_mstrio(mstrio, SALES, FINANCE)
    assert sorted(runtimes.values()) == [DEFAULT_ID, ETL, ETL, ETL]
    assert by_module(reader, projects=["Finance"]) == by_mstrio(mstrio, FINANCE)


@pytest.mark.usefixtures("scripts")
def test_same_planned_tasks(mstrio: Connection, reader: Module, scripts: Simulator, switches: dict[str, Any]) -> None:
    """Task fails where the content of a task has no id, so this server has the form that the client reads."""
    if switches["tasks_call"] != "yes":
        with pytest.raises(VersionException):
            list_tasks(mstrio)
        return
    scripts.switch(task_script_key="id", enumerations="numbers")
    mstrio.select_project(project_id=SALES)
    theirs = {entry["name"]: entry for entry in list_tasks(mstrio, to_dictionary=True)}
    result = reader(include_scripts=True, include_tasks=True)
    saved = {script["name"]: script for runtime in result["runtimes"] for script in runtime["scripts"]}
    [night], [once] = saved["Month end"]["tasks"], saved["Clean up"]["tasks"]
    for ours in (night, once):
        their = theirs[ours["name"]]
        expected = (their["id"], their["schedule"]["id"], their["active"])
        assert (ours["id"], ours["schedule"]["id"], int(ours["active"])) == expected
    task = Task(mstrio, id=night["id"], schedule=night["schedule"]["id"])
    assert (task.name, task.script.id, str(task.expiration)[:10]) == ("Every night", MONTH_END, night["expiration"])
    assert task.last_run is not None
    assert task.last_run.status.value == night["last_run"]["status"]
    assert task.owner.id == night["owner"]["id"]
    script = Script(mstrio, id=MONTH_END)
    details = script.get_last_run_details()
    assert details["executionTime"] == "2026-11-25T02:00:21.000Z"
    assert saved["Month end"]["last_run"] == {"time": "2026-11-25T02:00:21Z", "status": details["lastStatus"]}


def state_of(server: Simulator, script_id: str) -> dict[str, Any]:
    """Everything that the server stores of a script."""
    return next(script for project in server.projects() for script in project["scripts"] if script["id"] == script_id)


def test_same_assignment(scripts: Simulator, mstrio: Connection, assigner: Module) -> None:
    scripts.seed({"name": "New", "id": NEW})
    before = state_of(scripts, CLOSE), state_of(scripts, MONTH_END)
    mstrio.select_project(project_id=FINANCE)
    Script(mstrio, id=CLOSE).alter(runtime_id=NEW)
    assigner(runtime="New", scripts=[{"id": MONTH_END, "project": "Sales"}])
    theirs, ours = scripts.requests("PUT", "/scripts/")
    assert (theirs["status"], theirs["project"]) == (ours["status"], ours["project"])
    after = state_of(scripts, CLOSE), state_of(scripts, MONTH_END)
    assert after == tuple({**entry, "runtime": NEW} for entry in before)
    assert assigner(runtime="New", scripts=[{"id": CLOSE, "project": "Finance"}])["changed"] is False
