# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out which saved scripts use which runtime, which of them run on a schedule, and how their last runs ended.

It lists the projects, searches each project, and reads the scripts, because a search does not return the runtime:
many in one request, and by itself each script that this does not show. Failed reads are collected; they never count as
"no script". A task is a part of its schedule, not an object of its own. A list of tasks does not show their last runs.
Code, and what scripts printed (`log`), is dropped as soon as it was read. Facts of the API: the vendor's client
[mstrio], api/browsing.py, api/scripts.py, api/tasks.py and python_execution/task.py, and the vendor's schema [schema].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from .._errors import ApiError, ConnectError, Interrupted, MstrError
from .._model.runtime import Runtime
from .._model.scripts import Project, SavedScript, Unread, Usage, excerpt
from .._session.parallel import all_side_by_side
from .._session.response import LIST_WITH_IDS, OBJECT, OBJECT_WITH_ID, Shape, list_of, says_no_such_call
from .._session.session import Session
from .._text import counted, listed, time_in_utc
from .api import Context

SCRIPT_TYPE = 76
_PROJECT_DOMAIN = 2
_RESULTS = "/metadataSearches/results"


Item = TypeVar("Item", bound=Any)  # what can be read, with a label: a project, a script or a part of it, a runtime
Found = TypeVar("Found")
Key = tuple[Project, str]

_PAGE = 1000  # scripts
# Scripts that are read by one request: their ids make a URL of 3,600 characters. Some servers accept 8,000.
_BATCH = 100
# What decides. Whoever only looks needs nobody's code.
_DECISIVE = {"fields": "id,scriptRuntimeId,variables"}


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
    scripts = search.read_all(list(filter(chosen, candidates)))
    return Usage(scripts, search.all_unread(), [project for project, _scripts in searched])


class _Failed(NamedTuple):
    """A failed read."""

    error: MstrError


_ReadBatch = Callable[[Sequence[SavedScript]], Mapping[Key, Found]]


def _ids_of(scripts: Sequence[SavedScript]) -> str:
    return ",".join(script.id for script in scripts)


def _batches(scripts: Sequence[SavedScript]) -> list[Sequence[SavedScript]]:
    """The scripts of each project, in parts for one request. One script alone is read by itself."""
    by_project: dict[Project, list[SavedScript]] = {}
    for script in scripts:
        by_project.setdefault(script.project, []).append(script)
    batches = [
        of_project[start : start + _BATCH]
        for of_project in by_project.values()
        for start in range(0, len(of_project), _BATCH)
    ]
    return [batch for batch in batches if len(batch) > 1]


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
        failures = [_unread(item, result.error) for item, result in zip(items, results) if isinstance(result, _Failed)]
        self.unread += failures
        return [result for result in results if not isinstance(result, _Failed)]

    def shown_in_batches(self, read: _ReadBatch[Found], scripts: Sequence[SavedScript]) -> dict[Key, Found]:
        """What requests for many scripts show of them. If the first one shows nothing, there is no other."""
        batches = _batches(scripts)
        first = self._shown(read, batches[:1])
        return {**first, **self._shown(read, batches[1:])} if first else {}

    def _shown(self, read: _ReadBatch[Found], batches: Sequence[Sequence[SavedScript]]) -> dict[Key, Found]:
        results = all_side_by_side(partial(self._read_or_fail, read), batches)
        shown = [result for result in results if not isinstance(result, _Failed)]
        return {key: value for each in shown for key, value in each.items()}

    def _read_or_fail(self, read: Callable[[Item], Found], item: Item) -> Found | _Failed:
        try:
            return read(item)
        except MstrError as exc:
            if isinstance(exc.__cause__, Interrupted):
                raise MstrError(exc.sentence, **exc.error) from exc  # without the result of one script
            return _Failed(exc)

    def all_unread(self) -> list[Unread]:
        """The failures, first those of whole projects."""
        return sorted(self.unread, key=lambda failure: failure.label)


class _ScriptSearch(Reader):
    """One search of all projects."""

    # The newer version first, like the vendor's client on releases that have it [mstrio].
    _version = 2  # of the search, as far as known
    _is_batch_right: bool | None = None  # None: not known yet

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

    def read_all(self, scripts: Sequence[SavedScript]) -> list[SavedScript]:
        """The scripts with their runtimes."""
        shown = self.shown_in_batches(self._read_batch, scripts)
        others = [script for script in scripts if script.key not in shown]
        return [*shown.values(), *self.each(self._read, others)]

    def _read(self, script: SavedScript) -> SavedScript:
        """The script with its runtime. Raises MstrError."""
        return script.on_runtime(read_script(self._session, script, _DECISIVE))

    def _read_batch(self, batch: Sequence[SavedScript]) -> dict[Key, SavedScript]:
        """Those of the scripts that one response shows with everything that decides. Raises MstrError.

        [mstrio] warns of wrong keys in such a response, so one script of the task's first batch is read by itself, too.
        """
        project = batch[0].project
        params, operation = {"ids": _ids_of(batch)}, f"read scripts of the {project.label}"
        data = self._session.get("/scripts", params, operation=operation, project=project.id, shape=_SCRIPTS)
        entries = {str(entry.get("id")).upper(): entry for entry in data["result"] if _decides(entry)}
        decided = [script for script in batch if script.id.upper() in entries]
        shown = {script.key: script.on_runtime(entries[script.id.upper()]) for script in decided}
        return self._trusted(shown)

    def _trusted(self, shown: dict[Key, SavedScript]) -> dict[Key, SavedScript]:
        """What a response shows, if such responses show the same as a read of one script."""
        if self._is_batch_right is None and shown:
            first = next(iter(shown.values()))
            self._is_batch_right = self._read(first) == first
        return shown if self._is_batch_right else {}


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


_SCRIPTS = list_of("result", OBJECT)


def _decides(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of many shows the script's runtime, and whether a variable of it holds a secret."""
    return bool(entry.get("scriptRuntimeId")) and isinstance(entry.get("variables"), list)


def read_script(session: Session, script: SavedScript, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """The script's object. Raises MstrError."""
    path, operation, project = f"/scripts/{script.id}", f"read the {script.label}", script.project.id
    data: Mapping[str, Any] = session.get(path, params, operation=operation, project=project, shape=shape_of(script))
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


class PlannedTask(NamedTuple):
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
        """Whether the server runs it; None if that is not known.

        A number is 0 or 1 [mstrio]. Of text, the schema says the opposite: "0" active, "1" inactive.
        """
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
            "expiration": time_in_utc(self.entry.get("expiration")),
            "last_run": _last_run_of_task(self.last_run),
        }


def _last_run_of_task(run: Any) -> dict[str, Any] | None:
    shown = excerpt(run, "status", "message", time_triggered="timeTriggered", time_finished="timeFinished")
    times = ("time_triggered", "time_finished") if shown else ()
    return shown and {**shown, **{key: time_in_utc(shown[key]) for key in times}}


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
    reader = _TaskReader(context)
    by_key = {script.key: script for script in scripts}
    projects = usage.projects if hidden else list(dict.fromkeys(script.project for script in scripts))
    entries, listed_projects = reader.list_tasks(projects)
    unclear = {project for (project, script), _entry in entries if not script}
    known = [key for key in by_key if key[0] in listed_projects and key[0] not in unclear]
    tasks: dict[Key, list[PlannedTask]] = {key: [] for key in known}
    for task in reader.tasks_of(set(known), by_key, entries, with_last_runs=history):
        tasks[task.script.key].append(task)
    last_runs = reader.last_runs(scripts) if history else {}
    reader.unread += _unclear_tasks(entries)
    if hidden:
        reader.unread += _hidden_tasks(entries, usage)
    return ScriptTasks(tasks, last_runs, reader.all_unread())


Entries = Sequence[tuple[Key, Mapping[str, Any]]]


def _unclear_tasks(entries: Entries) -> list[Unread]:
    """The tasks that name their script in a form that is not known, as one failed read."""
    names = {_identity(entry): repr(entry.get("name")) for (_project, script), entry in entries if not script}
    if not names:
        return []
    what = f"{counted(len(names), 'planned task')} {'names its' if len(names) == 1 else 'name their'} script"
    sentence = (
        f"{what} in an unknown form: {listed(list(names.values()))}. The planned tasks of its project are unknown."
    )
    return [Unread(None, None, MstrError(sentence))]


def _says_no_history(error: ApiError) -> bool:
    """Whether a release has no such call, or reads "history" as the id of a script, which does not exist."""
    return error.status in (404, 405)


def _hidden_tasks(entries: Entries, usage: Usage) -> list[Unread]:
    """The tasks whose script the look-up did not find, as one failed read."""
    unread = [failure.script for failure in usage.unread if failure.script]
    known = {script.id.upper() for script in (*usage.scripts, *unread)}
    names: dict[tuple[str, str], str] = {}
    for (_project, script), entry in entries:
        if script and script not in known:
            names[_identity(entry)] = repr(entry.get("name"))
    if not names:
        return []
    what = f"{counted(len(names), 'planned task')}: {listed(list(names.values()))}"
    return [Unread(None, None, MstrError(f"The user may not read the scripts of {what}."))]


class _TaskReader(Reader):
    """One look-up of tasks and histories."""

    def read_until_absent(
        self,
        read: Callable[[Any], tuple[Any, Any]],
        items: Sequence[Any],
        what: str,
        absent: Callable[[ApiError], bool],
        is_enough: Callable[[Any], bool] = lambda found: False,
    ) -> dict[Any, Any]:
        """What was read for the items; nothing if this release has no such call, which `absent` recognizes.

        The items are read one by one until the first response, which shows that the call exists, and which may be
        enough for all of them.
        """
        for count, item in enumerate(items, 1):
            first = self.each(read, [item])
            if first:
                following = [] if is_enough(first[0]) else items[count:]
                return dict(first + self.each(read, following))
            error = self.unread[-1].error
            if isinstance(error, ApiError) and absent(error):
                error = MstrError(f"This release cannot show the {what}. {error.sentence}", **error.error)
                self.unread[-1] = Unread(None, None, error)
                break
        return {}

    def list_tasks(self, projects: Sequence[Project]) -> tuple[Entries, Collection[Project]]:
        """The tasks with the keys of their scripts, and the projects of which all tasks are listed."""
        lists = self.read_until_absent(
            self._list_tasks, projects, "planned tasks", says_no_such_call, _has_all_projects
        )
        by_id = {str(project.id).upper(): project for project in projects}
        entries = [
            ((_project_in(entry, project, by_id), _script_in(entry)), entry)
            for project, found in lists.items()
            for entry in found
        ]
        return entries, projects if any(map(_has_all_projects, lists.items())) else list(lists)

    def _list_tasks(self, project: Project) -> tuple[Project, Sequence[Mapping[str, Any]]]:
        """The project, and its tasks. A server may also list those of other projects.

        Without a limit, a server lists 1,000 tasks [schema].
        """
        params = {"type": "script", "allProjects": "true", "limit": -1}
        operation = f"list the planned tasks of the {project.label}"
        data = self._session.get(_TASKS, params, operation=operation, project=project.id, shape=_LIST)
        return project, data["tasks"]

    def tasks_of(
        self, keys: Collection[Key], scripts: Mapping[Key, SavedScript], entries: Entries, *, with_last_runs: bool
    ) -> list[PlannedTask]:
        """The tasks of these scripts, each once; with their last runs, as far as these could be read."""
        by_identity = {(key, _identity(entry)): entry for key, entry in entries}
        wanted = {each: PlannedTask(scripts[each[0]], entry) for each, entry in by_identity.items() if each[0] in keys}
        read = self.each(self._read_task, list(wanted.values())) if with_last_runs else []
        return list({**wanted, **{(task.script.key, _identity(task.entry)): task for task in read}}.values())

    def _read_task(self, task: PlannedTask) -> PlannedTask:
        """The task with its last run."""
        path, params = f"{_TASKS}/{task.entry['id']}", {"scheduleId": task.entry["schedule"]["id"], "type": "script"}
        operation, project = f"read the {task.label}", task.script.project.id
        data = self._session.get(path, params, operation=operation, project=project, shape=_WITH_LAST_RUN)
        return task._replace(last_run=data.get("lastRun"))

    def last_runs(self, scripts: Sequence[SavedScript]) -> dict[Key, Mapping[str, Any] | None]:
        """The last run of each script, None if it never ran."""
        shown = self.shown_in_batches(self._histories, scripts)
        others = [script for script in scripts if script.key not in shown]
        return {**shown, **self.read_until_absent(self._last_run, others, "history of scripts", _says_no_history)}

    def _last_run(self, script: SavedScript) -> tuple[Key, Mapping[str, Any] | None]:
        history = self._history([script], f"read the last run of the {script.label}")
        return script.key, _latest(history)

    def _histories(self, batch: Sequence[SavedScript]) -> dict[Key, Mapping[str, Any] | None]:
        """The last runs of many scripts; nothing if the response does not say whose each run is."""
        history = self._history(batch, f"read the last runs of scripts of the {batch[0].project.label}")
        by_script: dict[str, list[Mapping[str, Any]]] = {script.id.upper(): [] for script in batch}
        for run in history:
            of_script = by_script.get(str(run.get("id")).upper())
            if of_script is None:
                return {}
            of_script.append(run)
        return {script.key: _latest(by_script[script.id.upper()]) for script in batch} if history else {}

    def _history(self, scripts: Sequence[SavedScript], operation: str) -> list[Mapping[str, Any]]:
        """Runs of these scripts, without what they printed. `fields` would keep keys of the root object [schema]."""
        params, project = {"scriptids": _ids_of(scripts)}, scripts[0].project.id
        data = self._session.get("/scripts/history", params, operation=operation, project=project, shape=_HISTORY)
        return [{key: value for key, value in run.items() if key != "log"} for run in data["history"]]


_HISTORY = list_of("history", OBJECT)
_WITH_LAST_RUN = Shape(
    "an object whose lastRun is an object",
    lambda data: isinstance(data, Mapping) and isinstance(data.get("lastRun", {}), (Mapping, type(None))),
)


def _latest(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The latest run of a script."""
    return max(history, key=lambda run: time_in_utc(run.get("executionTime")) or "", default=None)


def _has_all_projects(listed_tasks: tuple[Project, Sequence[Mapping[str, Any]]]) -> bool:
    """Whether a list names the project of each task, and shows tasks of other projects, so of all."""
    project, entries = listed_tasks
    ids = [entry.get("projectId") for entry in entries]
    return all(isinstance(identity, str) for identity in ids) and bool(
        {str(identity).upper() for identity in ids} - {str(project.id).upper()}
    )


def _project_in(entry: Mapping[str, Any], listed_in: Project, by_id: Mapping[str, Project]) -> Project:
    """The project of a task: the one that it names [schema], or else the one in whose list it is."""
    identity = entry.get("projectId")
    if not isinstance(identity, str):
        return listed_in
    return by_id.get(identity.upper()) or Project(identity, "")


def _script_in(entry: Mapping[str, Any]) -> str:
    """The id of a task's script; empty for an unknown form.

    It is in `content.contentInfo.id` [schema]; a create sends it as `objectId`, and the client reads `id` [mstrio].
    """
    content = entry.get("content")
    content = content if isinstance(content, Mapping) else {}
    info = content.get("contentInfo")
    ids = [info.get("id") if isinstance(info, Mapping) else None, content.get("objectId"), content.get("id")]
    return next((identity.upper() for identity in ids if isinstance(identity, str)), "")


def _identity(entry: Mapping[str, Any]) -> tuple[str, str]:
    """What tells a task from others: the id alone is not enough."""
    return entry["id"], entry["schedule"]["id"]
