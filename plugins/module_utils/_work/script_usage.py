# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out which saved scripts use which runtime, which of them run on a schedule, and how their last runs ended.

It lists the projects, searches each project, and reads each script, because a search does not return the runtime.
Failed reads are collected; they never count as "no script". A task is a part of its schedule, not an object of its own.
A list of tasks does not show their last runs. What scripts printed (`log`) is never requested. Facts of the API: the
vendor's client [mstrio], api/browsing.py, api/scripts.py, api/tasks.py and python_execution/task.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from .._errors import ApiError, ConnectError, Interrupted, MstrError
from .._model.runtime import Runtime
from .._model.scripts import Project, SavedScript, Unread, Usage, excerpt
from .._session.parallel import all_side_by_side
from .._session.response import LIST_WITH_IDS, OBJECT, OBJECT_WITH_ID, Shape, list_of, says_no_such_call
from .._session.session import Session
from .._text import counted, listed
from .api import Context

SCRIPT_TYPE = 76
_PROJECT_DOMAIN = 2
_RESULTS = "/metadataSearches/results"


Item = TypeVar("Item", bound=Any)  # what can be read, with a label: a project, a script or a part of it, a runtime
Found = TypeVar("Found")

_PAGE = 1000  # scripts


def find_usage(
    context: Context,
    names: Sequence[str] | None,
    chosen: Callable[[SavedScript], bool] | None = None,
) -> Usage:
    """The scripts of the projects with these names or ids; with None, of all projects that the user may use.

    `chosen`: which scripts to read; None for all of them. Raises only Interrupted: failed reads are in `unread`, and
    so are projects that do not exist.
    """
    search = _ScriptSearch(context)
    try:
        projects = search.list_projects()
    except (ApiError, ConnectError) as exc:
        return Usage((), [Unread(None, None, exc)])
    if names is not None:
        projects = search.choose(projects, names)
    # The first project alone, which shows which version of the search this release has.
    searched = search.each(search.list_scripts, projects[:1]) + search.each(search.list_scripts, projects[1:])
    candidates = [script for _project, scripts in searched for script in scripts if script.has_runtime]
    scripts = search.each(search.read, list(filter(chosen, candidates)))
    return Usage(scripts, search.all_unread(), [project for project, _scripts in searched])


class Reader:
    """Reads things side by side, and collects the failures in `unread`."""

    def __init__(self, context: Context) -> None:
        self._session = context.session
        self.unread: list[Unread] = []

    def each(
        self,
        read: Callable[[Item], Found],
        items: Sequence[Item],
        on_done: Callable[[int], None] = lambda done: None,
    ) -> list[Found]:
        """The items that could be read. Raises MstrError if the task ends."""
        results = all_side_by_side(partial(self._read_or_fail, read), items, on_done)
        self.unread += [result for result in results if isinstance(result, Unread)]
        return [result for result in results if not isinstance(result, Unread)]

    def _read_or_fail(self, read: Callable[[Item], Found], item: Item) -> Found | Unread:
        try:
            return read(item)
        except MstrError as exc:
            if isinstance(exc.__cause__, Interrupted):
                raise MstrError(exc.sentence, **exc.error) from exc  # without the result of one script
            return _unread(item, exc)

    def all_unread(self) -> list[Unread]:
        """The failures, first those of whole projects."""
        return sorted(self.unread, key=lambda failure: failure.label)


class _ScriptSearch(Reader):
    """One search of all projects."""

    # The newer version first, like the vendor's client on releases that have it [mstrio].
    _version = 2  # of the search, as far as known

    def list_projects(self) -> list[Project]:
        """The projects that the user may use. Raises MstrError."""
        entries = self._session.get("/projects", operation="list the projects", shape=LIST_WITH_IDS)
        return list(dict.fromkeys(Project(str(entry["id"]), str(entry.get("name") or "")) for entry in entries))

    def choose(self, projects: Sequence[Project], names: Sequence[str]) -> list[Project]:
        """The projects with these names or ids; one that the server does not list is unread."""
        for name in dict.fromkeys(names):
            if not any(project.is_called(name) for project in projects):
                error = MstrError(f"The server lists no project with the name or id {name!r} for this user.")
                self.unread.append(Unread(Project(None, name), None, error))
        return [project for project in projects if any(map(project.is_called, names))]

    def list_scripts(self, project: Project) -> tuple[Project, list[SavedScript]]:
        """The project, and every script that a search in it lists."""
        operation = f"search the {project.label} for scripts"
        search = self._start(project, operation)
        total = _count(search.get("totalItems"))
        by_id: dict[str, SavedScript] = {}
        offset = 0
        while total is None or len(by_id) < total:
            params = {"searchId": str(search["id"]), "offset": offset, "limit": _PAGE}
            entries = self._session.get(_RESULTS, params, operation=operation, project=project.id, shape=LIST_WITH_IDS)
            scripts = [SavedScript(project, str(entry["id"]), str(entry.get("name") or ""), entry) for entry in entries]
            new = {script.id: script for script in scripts if script.id not in by_id}
            if not new:
                self._note_gap(project, total, len(by_id), len(entries))
                break
            by_id.update(new)
            offset += len(entries)
        return project, list(by_id.values())

    def _note_gap(self, project: Project, total: int | None, found: int, repeated: int) -> None:
        """Note a search that ends before it has listed what it counted, or that lists the same scripts again."""
        if total is not None:
            problem = f"counted {total} scripts but listed only {found}"
        elif repeated:
            problem = f"returned a page of {repeated} scripts again instead of the next page"
        else:
            return
        error = MstrError(f"The search in the {project.label} {problem}, so there may be more scripts.")
        self.unread.append(Unread(project, None, error))

    def _start(self, project: Project, operation: str) -> Mapping[str, Any]:
        """The response to the start of a search: its id, and the number of objects found."""
        if self._version == 2:
            try:
                return start_search(self._session, 2, project.id, operation=operation, shape=OBJECT_WITH_ID)
            except ApiError as exc:
                if not says_no_such_call(exc):
                    raise
            self._version = 1
        return start_search(self._session, 1, project.id, operation=operation, shape=OBJECT_WITH_ID)

    def read(self, script: SavedScript) -> SavedScript:
        """The script with its runtime. Raises MstrError."""
        return script.on_runtime(read_script(self._session, script))


def start_search(
    session: Session, version: int, project: str | None, *, operation: str, shape: Shape, **limits: Any
) -> Mapping[str, Any]:
    """The response to the start of a search for scripts. `version`: of the call, 1 or 2. Raises MstrError."""
    path, body = (_RESULTS, None) if version == 1 else (f"/v2{_RESULTS}", dict[str, Any]())
    params = {"type": SCRIPT_TYPE, "domain": _PROJECT_DOMAIN, **limits}
    started: Mapping[str, Any] = session.send(
        "POST", path, body, operation=operation, params=params, project=project, read=True, shape=shape
    )
    return started


def shape_of(script: SavedScript) -> Shape:
    """An object with the id of the script. Any other says nothing about the script."""
    key = script.id.upper()
    name = "an object with the script's id"
    return Shape(name, lambda data: isinstance(data, Mapping) and str(data.get("id")).upper() == key)


def read_script(session: Session, script: SavedScript) -> Mapping[str, Any]:
    """The script's object. Raises MstrError."""
    path, operation = f"/scripts/{script.id}", f"read the {script.label}"
    data: Mapping[str, Any] = session.get(path, operation=operation, project=script.project.id, shape=shape_of(script))
    return data


def _count(total: Any) -> int | None:
    """The number of scripts that a search has found; None if the server does not say it."""
    is_number = isinstance(total, int) and not isinstance(total, bool)
    return total if is_number and total >= 0 else None


def _unread(item: Any, error: MstrError) -> Unread:
    if isinstance(item, Project):
        return Unread(item, None, error)
    if isinstance(item, Runtime):
        return Unread(None, None, error, item)
    script = getattr(item, "script", item)
    return Unread(script.project, script, error)


# --- schedules and last runs

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
    unread = [failure.script for failure in usage.unread if failure.script]
    known = {script.id.upper() for script in (*usage.scripts, *unread)}
    names: dict[tuple[str, str], str] = {}
    for (_project, script), entry in entries:
        if script not in known:
            names[_identity(entry)] = repr(entry.get("name"))
    if not names:
        return []
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
