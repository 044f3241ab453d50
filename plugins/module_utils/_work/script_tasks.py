# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out which saved scripts run on a schedule, and how their last runs ended.

A planned task is a part of its schedule, not an object of its own. A list of tasks does not show their last runs. What
scripts printed (`log`) is dropped as soon as it was read. Facts of the API: the vendor's client [mstrio], api/tasks.py
and python_execution/task.py, and the vendor's schema [schema].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import ApiError, MstrError
from .._model.scripts import Project, SavedScript, Unread, Usage, excerpt
from .._session.response import OBJECT, Shape, id_in, list_of, says_no_such_call
from .._text import counted, listed, time_in_utc
from .api import Context
from .script_usage import Found, Item, Key, Reader

_TASKS = "/tasks"
_LIST = list_of(
    "tasks", Shape("with its id and its schedule", lambda entry: id_in(entry) and id_in(entry.get("schedule")))
)
_HISTORY = list_of("history", OBJECT)
_WITH_LAST_RUN = Shape(
    "an object whose lastRun is an object",
    lambda data: isinstance(data, Mapping) and isinstance(data.get("lastRun", {}), (Mapping, type(None))),
)


class PlannedTask(NamedTuple):
    """A planned task of a script, as the list shows it. `last_run` is None until it was read, or if it never ran.

    `script`: with its project and id alone if nobody looked for it; without an id if the task names it in an unknown
    form.
    """

    script: SavedScript
    entry: Mapping[str, Any]
    last_run: Any = None

    @property
    def identity(self) -> tuple[str, str]:
        """What tells a task from others: the id alone is not enough."""
        return self.entry["id"], self.entry["schedule"]["id"]

    @property
    def key(self) -> tuple[Key, tuple[str, str]]:
        """What tells a task of a script from others. Without projects in it, each list may have it."""
        return self.script.key, self.identity

    @property
    def active(self) -> bool | None:
        """Whether the server runs it; None if that is not known.

        A number is 0 or 1 [mstrio]. Of text, the schema says the opposite: "0" active, "1" inactive.
        """
        value = self.entry.get("active")
        return {0: False, 1: True}.get(value) if isinstance(value, int) else None

    def to_result(self) -> dict[str, Any]:
        """The task for a result."""
        run = excerpt(self.last_run, "status", "message", time_triggered="timeTriggered", time_finished="timeFinished")
        if run:
            run.update({key: time_in_utc(run[key]) for key in ("time_triggered", "time_finished")})
        return {
            "id": self.entry["id"],
            "name": self.entry.get("name"),
            "active": self.active,
            "schedule": excerpt(self.entry["schedule"], "id", "name"),
            "owner": excerpt(self.entry.get("executor"), "id", "name"),
            "expiration": time_in_utc(self.entry.get("expiration")),
            "last_run": run,
        }


class ScriptTasks(NamedTuple):
    """The planned tasks and the last run of each script, and the reads that failed.

    A script that is missing in `tasks` or `last_runs` could not be looked up.
    """

    tasks: Mapping[Key, Sequence[PlannedTask]]
    last_runs: Mapping[Key, Mapping[str, Any] | None]
    unread: Sequence[Unread]

    def with_tasks(self, script: SavedScript) -> dict[str, Any]:
        """The script for a result, with its tasks and its last run. `tasks` is null if they could not be looked up."""
        tasks, run = self.tasks.get(script.key), self.last_runs.get(script.key)
        return {
            **script.to_result(),
            "tasks": None if tasks is None else [task.to_result() for task in tasks],
            "last_run": run and {"time": time_in_utc(run.get("executionTime")), "status": run.get("lastStatus")},
        }


def find_tasks(
    context: Context, usage: Usage, scripts: Sequence[SavedScript], *, history: bool = False, hidden: bool = False
) -> ScriptTasks:
    """The planned tasks of scripts of a look-up, and with `history` the last runs of both.

    `hidden`: also report tasks of scripts that the user may not read, from every project of the look-up. Raises only
    Interrupted: failed reads are in `unread`.
    """
    projects = usage.projects if hidden else list(dict.fromkeys(script.project for script in scripts))
    reader = _TaskReader(context, projects, scripts)
    listed_tasks, known = reader.list_tasks()
    if hidden:
        reader.note_hidden(listed_tasks, usage)
    tasks: dict[Key, list[PlannedTask]] = {script.key: [] for script in scripts if script.project in known}
    found = [task for task in listed_tasks if task.script.key in tasks]
    last_runs: Mapping[Key, Mapping[str, Any] | None] = {}
    if history:
        found = reader.with_last_runs(found)
        last_runs = reader.last_runs(scripts)
    for task in found:
        tasks[task.script.key].append(task)
    return ScriptTasks(tasks, last_runs, reader.all_unread())


class _TaskReader(Reader):
    """One look-up of tasks in these projects, and of histories. `scripts`: those whose tasks are wanted."""

    def __init__(self, context: Context, projects: Iterable[Project], scripts: Iterable[SavedScript]) -> None:
        super().__init__(context)
        self._projects = {str(project.id).upper(): project for project in projects}
        self._scripts = {script.key: script for script in scripts}

    def _first_response(
        self,
        read: Callable[[Item], Found],
        items: Sequence[Item],
        what: str,
        says_absent: Callable[[ApiError], bool],
    ) -> tuple[list[Found], Sequence[Item]]:
        """The first response, which shows that this release has the call, and the items that are still to be read.

        Both are empty if it has no such call, or if nothing could be read.
        """
        for count, item in enumerate(items, 1):
            first = self.each(read, [item])
            if first:
                return first, items[count:]
            error = self.unread[-1].error
            if isinstance(error, ApiError) and says_absent(error):
                error = MstrError(f"This release cannot show the {what}. {error.sentence}", **error.error)
                self.unread[-1] = Unread(None, None, error)
                break
        return [], ()

    def list_tasks(self) -> tuple[list[PlannedTask], Collection[Project]]:
        """The tasks of the projects, each once, and the projects whose tasks are known."""
        projects = list(self._projects.values())
        lists, others = self._first_response(self._list_tasks, projects, "planned tasks", says_no_such_call)
        if not any(map(_has_all_projects, lists)):
            lists += self.each(self._list_tasks, others)
        known = set(projects if any(map(_has_all_projects, lists)) else [project for project, _tasks in lists])
        tasks = {task.key: task for _project, in_list in lists for task in in_list}
        unclear = [task for task in tasks.values() if not task.script.id]
        self._note(
            "The planned tasks of a project are unknown, because the server names the script in an unknown form in",
            unclear,
        )
        return list(tasks.values()), known - {task.script.project for task in unclear}

    def _list_tasks(self, project: Project) -> tuple[Project, list[PlannedTask]]:
        """The project, and its tasks. A server may also list those of other projects.

        Without a limit, a server lists 1,000 tasks [schema].
        """
        params = {"type": "script", "allProjects": "true", "limit": -1}
        operation = f"list the planned tasks of the {project.label}"
        data = self._session.get(_TASKS, params, operation=operation, project=project.id, shape=_LIST)
        return project, [self._task(entry, project) for entry in data["tasks"]]

    def _task(self, entry: Mapping[str, Any], listed_in: Project) -> PlannedTask:
        """A task of the project that it names [schema], or else of the one in whose list it is."""
        project, identity = listed_in, entry.get("projectId")
        if isinstance(identity, str):
            project = self._projects.get(identity.upper()) or Project(identity, "")
        script = SavedScript(project, _script_in(entry), "")
        return PlannedTask(self._scripts.get(script.key, script), entry)

    def note_hidden(self, tasks: Iterable[PlannedTask], usage: Usage) -> None:
        """Note the tasks whose script the look-up did not find."""
        unread = [failure.script for failure in usage.unread if failure.script]
        found = {"", *(script.id.upper() for script in (*usage.scripts, *unread))}
        hidden = [task for task in tasks if task.script.id.upper() not in found]
        self._note("The user may not read the scripts of", hidden)

    def _note(self, problem: str, tasks: Iterable[PlannedTask]) -> None:
        """Note these tasks, each once, as one failed read."""
        names = {task.identity: repr(task.entry.get("name")) for task in tasks}
        if names:
            what = f"{counted(len(names), 'planned task')}: {listed(list(names.values()))}"
            self.unread.append(Unread(None, None, MstrError(f"{problem} {what}.")))

    def with_last_runs(self, tasks: Sequence[PlannedTask]) -> list[PlannedTask]:
        """The tasks with their last runs, as far as these can be read."""
        runs = dict(self.each(self._read_last_run, tasks))
        return [task._replace(last_run=runs.get(task.key)) for task in tasks]

    def _read_last_run(self, task: PlannedTask) -> tuple[Any, Any]:
        """The key of the task, and its last run. Raises MstrError."""
        identity, schedule = task.identity
        path, params = f"{_TASKS}/{identity}", {"scheduleId": schedule, "type": "script"}
        operation = f"read the planned task {task.entry.get('name')!r} of the {task.script.label}"
        project = task.script.project.id
        data = self._session.get(path, params, operation=operation, project=project, shape=_WITH_LAST_RUN)
        return task.key, data.get("lastRun")

    def last_runs(self, scripts: Sequence[SavedScript]) -> dict[Key, Mapping[str, Any] | None]:
        """The last run of each script, None if it never ran."""
        shown = self.shown_in_batches(self._last_runs_of_many, scripts)
        first, others = self._first_response(
            self._last_run,
            [script for script in scripts if script.key not in shown],
            "history of scripts",
            # A release without the call may read "history" as the id of a script, which does not exist.
            lambda error: error.status in (404, 405),
        )
        return {**shown, **dict(first + self.each(self._last_run, others))}

    def _last_run(self, script: SavedScript) -> tuple[Key, Mapping[str, Any] | None]:
        history = self._history([script], f"read the last run of the {script.label}")
        return script.key, history[-1] if history else None

    def _last_runs_of_many(self, batch: Sequence[SavedScript]) -> dict[Key, Mapping[str, Any] | None]:
        """The last runs of many scripts; nothing if the response does not say whose each run is."""
        history = self._history(batch, f"read the last runs of scripts of the {batch[0].project.label}")
        last = {str(run.get("id")).upper(): run for run in history}
        keys = {script.id.upper(): script.key for script in batch}
        if not last or not last.keys() <= keys.keys():
            return {}
        return {key: last.get(identity) for identity, key in keys.items()}

    def _history(self, scripts: Sequence[SavedScript], operation: str) -> list[dict[str, Any]]:
        """Runs of these scripts, the latest one last, without what they printed.

        `fields` would keep keys of the root object [schema].
        """
        params, project = {"scriptids": ",".join(script.id for script in scripts)}, scripts[0].project.id
        data = self._session.get("/scripts/history", params, operation=operation, project=project, shape=_HISTORY)
        runs = [{key: value for key, value in run.items() if key != "log"} for run in data["history"]]
        return sorted(runs, key=lambda run: time_in_utc(run.get("executionTime")) or "")


def _has_all_projects(in_list: tuple[Project, Sequence[PlannedTask]]) -> bool:
    """Whether a list names the project of each task, and shows tasks of other projects, so of all."""
    project, tasks = in_list
    names_all = all(isinstance(task.entry.get("projectId"), str) for task in tasks)
    return names_all and any(task.script.project != project for task in tasks)


def _script_in(entry: Mapping[str, Any]) -> str:
    """The id of a task's script; empty for an unknown form.

    It is in `content.contentInfo.id` [schema]; a create sends it as `objectId`, and the client reads `id` [mstrio].
    """
    content = entry.get("content")
    content = content if isinstance(content, Mapping) else {}
    info = content.get("contentInfo")
    ids = [info.get("id") if isinstance(info, Mapping) else None, content.get("objectId"), content.get("id")]
    return next((identity.upper() for identity in ids if isinstance(identity, str)), "")
