"""Planned tasks, which run saved scripts on a schedule, and the history of scripts [mstrio]. They can only be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.messages import (
    ApiError,
    Call,
    Reply,
    check_exists,
    missing,
    new_id,
    not_found,
    page,
    shown_time,
)
from simulator.seed import only_keys
from simulator.users import User

if TYPE_CHECKING:
    from simulator.projects import Project, SavedScript
    from simulator.server import Server

# The keys of a seed. `last_run` has those of LAST_RUN.
SEED = {"id", "name", "script", "schedule", "active", "expiration", "owner", "last_run"}
LAST_RUN = {"status", "triggered", "finished", "message"}  # reserve, running, failed, success or timeout [mstrio]
NODE = "node-1"


@dataclass(eq=False)
class Task:
    """A planned task. Its schedule has only an id and a name."""

    id: str
    name: str
    script: SavedScript
    schedule: Mapping[str, str]
    active: int
    expiration: str | None
    owner: User
    last_run: Mapping[str, Any] | None


def task_from_seed(server: Server, project: Project, data: Mapping[str, Any]) -> Task:
    """A task of a seed, which names its script by name or id and its schedule by name."""
    only_keys("a task", data, SEED, {"script"})
    script = next((script for script in project.scripts if data["script"] in (script.id, script.name)), None)
    if script is None:
        raise ValueError(f"project {project.name!r} has no script {data['script']!r} for a task")
    last_run = data.get("last_run")
    if last_run is not None:
        only_keys("the last run of a task", last_run, LAST_RUN, {"status"})
    schedule = data.get("schedule", "Nightly")
    return Task(
        id=str(data.get("id") or new_id()).upper(),
        name=data.get("name", f"{script.name} ({schedule})"),
        script=script,
        schedule={"id": server.projects.schedule_ids.setdefault(schedule, new_id()), "name": schedule},
        active=int(data.get("active", True)),
        expiration=data.get("expiration"),
        owner=server.users[data.get("owner", "admin")],
        last_run=last_run,
    )


def _is_shown(server: Server, task: Task, user: User) -> bool:
    return task.script.is_read_by(user) or server.switches["hidden_tasks"] == "listed"


def _to_api(server: Server, project: Project, task: Task) -> dict[str, Any]:
    switches, script = server.switches, task.script
    is_text, key = switches["enumerations"] == "text", switches["task_script_key"]
    content: dict[str, Any] = {key: script.id, "name": script.name, "variables": []}
    if key == "contentInfo":
        content = {key: {"id": script.id, "name": script.name, "subtype": script.subtype}}
    changed = shown_time(script.modified, switches)
    return {
        "id": task.id, "name": task.name, "type": "script", "schedule": dict(task.schedule),
        "active": ("0" if task.active else "1") if is_text else task.active,
        "executor": {"id": task.owner.id, "name": task.owner.full_name},
        "content": content, "dateCreated": changed, "dateModified": changed,
        **({"expiration": task.expiration, "expirationTimeZone": "Europe/London"} if task.expiration else {}),
        **({"projectId": project.id} if switches.yes("task_project") else {}),
    }  # fmt: skip


async def list_tasks(server: Server, call: Call) -> Reply:
    """``GET /tasks``. A list does not show the last run."""
    check_exists(server.switches["tasks_call"])
    project, query = server.projects.of(call), call.query
    every = query.get("allProjects", "").lower() == "true" and server.switches["tasks_all_projects"] == "everything"
    found = [
        (holder, task)
        for holder in (server.projects if every else [project])
        for task in holder.tasks
        if _is_shown(server, task, call.user) and query.get("scheduleId") in (None, task.schedule["id"])
    ]
    offset, limit = page(query, usual=1000)  # [schema]
    found = found[offset : None if limit < 0 else offset + limit]
    return Reply(200, call.selected({"tasks": [_to_api(server, holder, task) for holder, task in found]}))


async def read_task(server: Server, call: Call) -> Reply:
    """``GET /tasks/{id}``: the id alone is not enough, because a task is a part of its schedule."""
    check_exists(server.switches["tasks_call"])
    project, task_id = server.projects.of(call), call.path.rpartition("/")[2]
    if "scheduleId" not in call.query:
        raise missing("scheduleId")
    task = next((task for task in project.tasks if task.id == task_id.upper()), None)
    if task is None or task.schedule["id"] != call.query["scheduleId"]:
        raise not_found(f"task '{task_id}'")
    if not task.script.is_read_by(call.user):
        raise ApiError(403, 17, f"The user has no permission on the script of the task '{task_id}'.")
    answer, run = _to_api(server, project, task), task.last_run
    if run is not None:
        times = {key: shown_time(run.get(key), server.switches) for key in ("triggered", "finished")}
        last = {
            "status": run["status"], "timeTriggered": times["triggered"], "timeFinished": times["finished"],
            "message": run.get("message"), "node": NODE, "triggerUserId": task.owner.id,
            "triggerUserName": task.owner.full_name,
        }  # fmt: skip
        answer["lastRun"] = {key: value for key, value in last.items() if value is not None}
    return Reply(200, call.selected(answer))


async def history(server: Server, call: Call) -> Reply:
    """``GET /scripts/history``: the last run of each script, whoever started it."""
    check_exists(server.switches["history_call"], "with ID 'history' and type 76")
    project, query = server.projects.of(call), call.query
    if not query.get("scriptids"):
        raise missing("scriptids")
    readable = {script.id: script for script in project.scripts if script.is_read_by(call.user)}
    asked = query["scriptids"].upper().split(",")
    if not readable.keys() >= set(asked):
        raise not_found(f"with ID in '{query['scriptids']}' and type 76")
    runs = [(script_id, readable[script_id].last_run) for script_id in asked]
    entries = [_entry(server, script_id, last) for script_id, last in runs if last is not None]
    return Reply(200, call.selected({"history": entries}))


def _entry(server: Server, script_id: str, last: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of the history."""
    time, status = shown_time(last.get("time"), server.switches), last.get("status")
    entry = {"executionTime": time, "lastStatus": status, "log": last.get("log", "")}
    if server.switches["history_entries"] == "schema":
        entry |= {"id": script_id, "lastStatus": "succeeded" if status == "success" else status}
    return entry
