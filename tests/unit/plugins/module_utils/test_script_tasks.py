from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._work.script_tasks import PlannedTask, find_tasks
from ansible_collections.mstr.library.plugins.module_utils._work.script_usage import find_usage
from hypothesis import given
from unit.support.make import ID, OTHER_ID, refusal, runtime
from unit.support.many import NO, why_kept
from unit.support.server import Server
from unit.support.strategies import ANY_JSON

RAN = {"status": "success", "triggered": "2026-11-25T02:00:00.000Z", "finished": "2026-11-25T02:00:21.000Z"}
LAST = {"time": "T1", "status": "success"}
SALES = {
    "name": "Sales",
    "id": "SALES",
    "scripts": [
        {"name": "Load sales", "id": "LOAD", "runtime": ID, "last_run": {**LAST, "log": "x"}},
        {"name": "Clean", "id": "CLEAN", "runtime": ID},
        {"name": "Close", "id": "CLOSE", "runtime": ID},
    ],
    "tasks": [
        {"id": "T1", "name": "Nightly load", "script": "Load sales", "schedule": "nightly", "last_run": RAN},
        {"id": "T2", "script": "Clean", "schedule": "weekly"},
        {"id": "T3", "script": "Close", "schedule": "old", "expiration": "2020-01-31"},
        {"id": "T4", "script": "Close", "schedule": "off", "active": False},
    ],
}
FINANCE = {
    "name": "Finance",
    "id": "FINANCE",
    "scripts": [{"name": "Pay", "id": "PAY", "runtime": OTHER_ID, "owner": "viewer"}],
    "tasks": [{"id": "T5", "name": "Pay all", "script": "Pay", "schedule": "nightly"}],
}
ALL = {"LOAD": ["T1"], "CLEAN": ["T2"], "CLOSE": ["T3", "T4"], "PAY": ["T5"]}
WITHOUT_PAY = {script: ids for script, ids in ALL.items() if script != "PAY"}
NOT_LOADED = refusal(500, "ERR001", "not loaded")
CALLS = ("GET /tasks", "GET /tasks/T1", "GET /scripts/history")


@pytest.fixture
def server():
    return Server().seed_projects(SALES, FINANCE)


def runs(server, **how):
    context = server.context()
    usage = find_usage(context, None)
    return find_tasks(context, usage, usage.scripts, **{"history": True, "hidden": True, **how})


def tasks(found):
    """The ids of the tasks by the id of their script; None for unknown."""
    return {script: [task.entry["id"] for task in listed] for (_project, script), listed in found.tasks.items()}


def shown(server, script_id):
    usage = find_usage(server.context(), None)
    [script] = [script for script in usage.scripts if script.id == script_id]
    return runs(server, hidden=False).with_tasks(script)


@pytest.mark.parametrize("key", ["id", "objectId", "contentInfo"])
@pytest.mark.parametrize(
    ("listed", "named", "lists"),
    [("project", "no", 2), ("project", "yes", 2), ("everything", "no", 2), ("everything", "yes", 1)],
)
def test_every_task_once(server, key, listed, named, lists):
    """One list is enough where it shows tasks of other projects, and names the project of each."""
    server.switch(task_script_key=key, tasks_all_projects=listed, task_project=named)
    found = runs(server)
    assert (tasks(found), found.unread) == (ALL, [])
    assert server.requests.count("GET /tasks") == lists


def test_more_tasks_than_a_server_lists_unasked():
    entries = [{"id": f"T{number}", "script": "Pay", "schedule": "nightly"} for number in range(1001)]
    server = Server().seed_projects({**FINANCE, "tasks": entries})
    assert len(tasks(runs(server))["PAY"]) == 1001


def change_task_of_pay(server, **fields):
    """The lists show T5 with these fields."""

    def changed(task):
        return {**task, **fields} if task["id"] == "T5" else task

    server.switch(tasks_all_projects="everything", task_project="yes")
    server.change_answer("GET /tasks", lambda data: {"tasks": list(map(changed, data["tasks"]))})


@pytest.mark.parametrize("content", [None, [], {}, {"contentInfo": {"id": 5}}, {"script": "PAY"}])
def test_task_of_an_unknown_form(server, content):
    """Nothing of its project is counted as "no task", and nothing says that the user may not read the script."""
    change_task_of_pay(server, content=content)
    found = runs(server)
    assert tasks(found) == WITHOUT_PAY
    assert [failure.error.sentence for failure in found.unread] == [
        "The planned tasks of a project are unknown, because the server names the script in an unknown form in "
        "1 planned task: 'Pay all'."
    ]


@pytest.mark.parametrize(
    ("active", "shown"), [(1, True), (0, False), (True, True), (2, None), ("0", None), ("1", None), (None, None)]
)
def test_active(active, shown):
    """Text says the opposite of a number, so nobody relies on it."""
    assert PlannedTask(None, {"active": active}).active is shown


@pytest.mark.parametrize(("entries", "last"), [("client", "success"), ("schema", "succeeded")])
def test_last_runs(server, entries, last):
    """Many in one request where each entry names its script; nothing that a script printed is kept."""
    server.switch(history_entries=entries)
    found = runs(server)
    [run, *others] = found.last_runs.values()
    assert (run["executionTime"], run["lastStatus"], others) == ("T1", last, [None, None, None])
    assert "log" not in run
    assert server.requests.count("GET /scripts/history") == {"client": 5, "schema": 2}[entries]


def test_script_with_tasks_and_last_run(server):
    result = shown(server, "LOAD")
    assert result["last_run"] == LAST
    [task] = result["tasks"]
    admin, ran = server.core.users["admin"], task.pop("last_run")
    assert task == {
        "id": "T1",
        "name": "Nightly load",
        "active": True,
        "schedule": {"id": server.core.projects.schedule_ids["nightly"], "name": "nightly"},
        "owner": {"id": admin.id, "name": admin.full_name},
        "expiration": None,
    }
    times = {"time_triggered": "2026-11-25T02:00:00Z", "time_finished": "2026-11-25T02:00:21Z"}
    assert ran == {"status": "success", **times, "message": None}
    old, off = shown(server, "CLOSE")["tasks"]
    assert (old["expiration"], old["active"], off["active"]) == ("2020-01-31", True, False)


@pytest.mark.parametrize("missing", ["404", "405"])
def test_release_without_tasks(missing):
    """Nothing is counted as "no task", and only one read fails."""
    server = Server(tasks_call=missing).seed_projects(SALES, FINANCE)
    found = runs(server)
    [failure] = found.unread
    assert failure.error.sentence.startswith("This release cannot show the planned tasks.")
    result = shown(server, "LOAD")
    assert (found.tasks, result["tasks"], result["last_run"]) == ({}, None, LAST)


@pytest.mark.parametrize("missing", ["404", "405", "as_id"])
def test_release_without_history(missing):
    found = runs(Server(history_call=missing).seed_projects(SALES, FINANCE))
    assert (tasks(found), found.last_runs, len(found.unread)) == (ALL, {}, 1)


def test_closed_project_and_unreadable_task(server):
    server.refusals = {"GET /tasks FINANCE": NOT_LOADED, "GET /tasks/T1": NO}
    found = runs(server)
    assert tasks(found) == WITHOUT_PAY
    named = [(entry.project.name, entry.script and entry.script.name) for entry in found.unread]
    assert named == [("Finance", None), ("Sales", "Load sales")]


def test_closed_project_in_the_list_of_another_one(server):
    """The tasks that are listed there are not all of its tasks."""
    change_task_of_pay(server, projectId="FINANCE")
    server.switch(task_project="no")
    server.refusals = {"GET /tasks FINANCE": NOT_LOADED}
    found = runs(server)
    assert tasks(found) == WITHOUT_PAY
    assert [failure.project.name for failure in found.unread] == ["Finance"]


@pytest.mark.parametrize(
    ("hidden", "says"),
    [("listed", ["The user may not read the scripts of 1 planned task: 'Pay all'."]), ("left_out", [])],
)
def test_tasks_of_scripts_user_may_not_read(hidden, says):
    secret = {**FINANCE, "scripts": [{**FINANCE["scripts"][0], "readers": []}]}
    found = runs(Server(hidden_tasks=hidden).seed_projects(SALES, secret))
    assert tasks(found) == WITHOUT_PAY
    assert [failure.error.sentence for failure in found.unread] == says


USED = (
    "is used by 3 scripts, 3 of them on a schedule: 'Clean' in 'Sales' (weekly), 'Close' in 'Sales' (old, off), "
    "'Load sales' in 'Sales' (nightly). It was not deleted (protect_used)."
)


def test_refusal_names_schedules(server):
    """Also one that is expired or switched off: what a server says of it may be wrong."""
    [why] = why_kept(server, runtime(id=ID))
    assert USED in why
    assert "GET /scripts/history" not in server.requests
    assert [request for request in server.requests if "/tasks" in request] == ["GET /tasks"], "no last runs"


@pytest.mark.parametrize("call", CALLS)
@given(response_data=ANY_JSON)
def test_any_json_is_a_result_or_unread(call, response_data):
    server = Server().seed_projects(SALES)
    server.change_answer(call, lambda data: response_data)
    assert [shown(server, name)["id"] for name in ("LOAD", "CLEAN", "CLOSE")] == ["LOAD", "CLEAN", "CLOSE"]
