# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out which scripts run on a schedule, and how their last runs ended.

Facts of the API: the vendor's client [mstrio], api/tasks.py, python_execution/task.py and api/scripts.py. A task is a
part of its schedule, not an object of its own. A list of tasks does not show their last runs. What scripts printed
(`log`) is never requested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import ApiError, MstrError
from .._model.scripts import Project, SavedScript, Unread, Usage, excerpt
from .._session.response import OBJECT, Shape, list_of, says_no_such_call
from .._text import counted, listed
from .api import Context
from .script_usage import Reader

_TASKS = "/tasks"


def _is_task(entry: Any) -> bool:
    schedule = entry.get("schedule") if isinstance(entry, Mapping) else None
    return isinstance(schedule, Mapping) and all(
        isinstance(identity, str) and identity for identity in (entry.get("id"), schedule.get("id"))
    )


_LIST = list_of("tasks", Shape("with its id and its schedule", _is_task))


class Task(NamedTuple):
    """A planned task of a script, as the list shows it. `last_run` is None until it was read, or if it never ran."""

    script: SavedScript
    entry: Mapping[str, Any]
    last_run: Any = None

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"planned task {self.entry.get('name')!r} of the {self.script.label}"

    @property
    def active(self) -> bool | None:
        """Whether the server runs it; None for a value that is not documented."""
        value = self.entry.get("active")
        return {0: False, 1: True}.get(value) if isinstance(value, int) else None

    def to_result(self) -> dict[str, Any]:
        """The task for a result."""
        return {
            "id": self.entry["id"],
            "name": self.entry.get("name"),
            "active": self.active,
            "schedule": excerpt(self.entry["schedule"], "id", "name"),
            "owner": excerpt(self.entry.get("executor"), "id", "name"),
            "expiration": self.entry.get("expiration"),
            "last_run": excerpt(
                self.last_run, "status", "message", time_triggered="timeTriggered", time_finished="timeFinished"
            ),
        }


Key = tuple[Project, str]


class ScriptTasks(NamedTuple):
    """The planned tasks and the last run of each script, and the reads that failed.

    A script that is missing in `tasks` or `last_runs` could not be looked up.
    """

    tasks: Mapping[Key, Sequence[Task]]
    last_runs: Mapping[Key, Mapping[str, Any] | None]
    unread: Sequence[Unread]

    def with_tasks(self, script: SavedScript) -> dict[str, Any]:
        """The script for a result, with its tasks and its last run. `tasks` is null if they could not be looked up."""
        tasks = self.tasks.get(script.key)
        return {
            **script.to_result(),
            "tasks": None if tasks is None else [task.to_result() for task in tasks],
            "last_run": excerpt(self.last_runs.get(script.key), time="executionTime", status="lastStatus"),
        }


def find_tasks(
    context: Context, usage: Usage, scripts: Sequence[SavedScript], *, history: bool = False, hidden: bool = False
) -> ScriptTasks:
    """The planned tasks of scripts of a look-up, and with `history` their last runs.

    `hidden`: also report tasks of scripts that the user may not read, from every project of the look-up. Raises only
    Interrupted: failed reads are in `unread`.
    """
    reader = _TaskReader(context)
    by_key = {script.key: script for script in scripts}
    projects = usage.projects if hidden else list(dict.fromkeys(script.project for script in scripts))
    lists = reader.read_all(reader.list_tasks, projects, "planned tasks", says_no_such_call)
    entries = [((project, _script_in(entry)), entry) for project, found in lists.items() for entry in found]
    planned = [Task(by_key[key], entry) for key, entry in entries if key in by_key]
    tasks = _by_script(reader, planned, [key for key in by_key if key[0] in lists])
    last_runs = {}
    if history:
        last_runs = reader.read_all(reader.last_run, scripts, "history of scripts", _says_no_history)
    if hidden:
        reader.unread += _hidden_tasks(entries, usage)
    return ScriptTasks(tasks, last_runs, reader.all_unread())


def _by_script(reader: _TaskReader, planned: Sequence[Task], scripts: Iterable[Key]) -> dict[Key, list[Task]]:
    """The tasks of each script, with their last runs as far as these could be read."""
    tasks = {(task.script.key, _identity(task.entry)): task for task in planned}
    for task in reader.each(reader.read_task, list(tasks.values())):
        tasks[task.script.key, _identity(task.entry)] = task
    by_script: dict[Key, list[Task]] = {key: [] for key in scripts}
    for task in tasks.values():
        by_script[task.script.key].append(task)
    return by_script


def _says_no_history(error: ApiError) -> bool:
    """Whether a release has no such call, or reads "history" as the id of a script, which does not exist."""
    return error.status in (404, 405)


def _hidden_tasks(entries: Sequence[tuple[Key, Mapping[str, Any]]], usage: Usage) -> list[Unread]:
    """The tasks whose script the look-up did not find, as one failed read."""
    seen = {script.id.upper() for script in usage.scripts}
    seen |= {failure.script.id.upper() for failure in usage.unread if failure.script}
    hidden = [entry for (_project, script), entry in entries if script not in seen]
    if not hidden:
        return []
    names = {_identity(entry): repr(entry.get("name")) for entry in hidden}
    what = f"{counted(len(names), 'planned task')}: {listed(list(names.values()))}"
    return [Unread(None, None, MstrError(f"The user may not read the scripts of {what}."))]


class _TaskReader(Reader):
    """One look-up of tasks and histories."""

    def read_all(
        self,
        read: Callable[[Any], tuple[Any, Any]],
        items: Sequence[Any],
        what: str,
        absent: Callable[[ApiError], bool],
    ) -> dict[Any, Any]:
        """What was read for the items; nothing if this release has no such call, which `absent` recognizes.

        The items are read one by one until the first answer, which shows that the call exists.
        """
        for count, item in enumerate(items, 1):
            first = self.each(read, [item])
            if first:
                return dict(first + self.each(read, items[count:]))
            error = self.unread[-1].error
            if isinstance(error, ApiError) and absent(error):
                error = MstrError(f"This release cannot show the {what}. {error.sentence}", **error.error)
                self.unread[-1] = Unread(None, None, error)
                break
        return {}

    def list_tasks(self, project: Project) -> tuple[Project, Sequence[Mapping[str, Any]]]:
        """The project, and its tasks. A server may also list those of other projects."""
        params, operation = {"type": "script", "allProjects": "true"}, f"list the planned tasks of the {project.label}"
        data = self._session.get(_TASKS, params, operation=operation, project=project.id, shape=_LIST)
        return project, data["tasks"]

    def read_task(self, task: Task) -> Task:
        """The task with its last run."""
        path, params = f"{_TASKS}/{task.entry['id']}", {"scheduleId": task.entry["schedule"]["id"], "type": "script"}
        operation, project = f"read the {task.label}", task.script.project.id
        data = self._session.get(path, params, operation=operation, project=project, shape=OBJECT)
        return task._replace(last_run=data.get("lastRun"))

    def last_run(self, script: SavedScript) -> tuple[Key, Mapping[str, Any] | None]:
        """The last run of a script. One script at a time, because nothing says whose runs a response contains."""
        params = {"scriptids": script.id, "fields": "executionTime,lastStatus"}
        operation, project = f"read the last run of the {script.label}", script.project.id
        shape = list_of("history")
        data = self._session.get("/scripts/history", params, operation=operation, project=project, shape=shape)
        return script.key, next((entry for entry in data["history"] if isinstance(entry, Mapping)), None)


def _script_in(entry: Mapping[str, Any]) -> str:
    """The id of a task's script. A create sends it as `objectId`; responses may contain `id` instead [mstrio]."""
    content = entry.get("content")
    content = content if isinstance(content, Mapping) else {}
    return str(content.get("objectId") or content.get("id") or "").upper()


def _identity(entry: Mapping[str, Any]) -> tuple[str, str]:
    """What tells a task from others: the id alone is not enough."""
    return entry["id"], entry["schedule"]["id"]
