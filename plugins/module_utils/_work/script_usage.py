# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out which saved scripts use which runtime.

It lists the projects, searches each project, and reads the scripts, because a search does not return the runtime:
many in one request, and by itself each script that this does not show. Failed reads are collected; they never count as
"no script". Code is dropped as soon as it was read. Facts of the API: the vendor's client [mstrio], api/browsing.py and
api/scripts.py, and the vendor's schema [schema].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, TypeVar

from .._errors import ApiError, ConnectError, Interrupted, MstrError
from .._model.runtime import Runtime
from .._model.scripts import Project, SavedScript, Unread, Usage
from .._session.parallel import all_side_by_side
from .._session.response import LIST_WITH_IDS, OBJECT, OBJECT_WITH_ID, Shape, list_of, says_no_such_call
from .._session.session import Session
from .api import Context

SCRIPT_TYPE = 76
_PROJECT_DOMAIN = 2
SEARCHES = {2: "/v2/metadataSearches/results", 1: "/metadataSearches/results"}  # by the version of the call

Item = TypeVar("Item", bound=Any)  # what can be read, with a label: a project, a script or a part of it, a runtime
Found = TypeVar("Found")
Key = tuple[Project, str]  # of a script

_PAGE = 1000  # scripts
# Scripts that are read by one request: their ids make a URL of 3,600 characters. Some servers accept 8,000.
_BATCH = 100
# What decides. Whoever only looks needs nobody's code.
_DECISIVE = {"fields": "id,scriptRuntimeId,variables"}
_SCRIPTS = list_of("result", OBJECT)


def find_usage(
    context: Context,
    names: Sequence[str] | None,
    chosen: Callable[[SavedScript], bool] | None = None,
) -> Usage:
    """The scripts of the projects with these names or ids; with None, of all projects that the user may use.

    `chosen`: which scripts to read; None for all of them. Raises only Interrupted: failed reads are in `unread`, and
    so are projects that do not exist.
    """
    try:
        entries = context.session.get("/projects", operation="list the projects", shape=LIST_WITH_IDS)
    except (ApiError, ConnectError) as exc:
        return Usage((), [Unread(None, None, exc)])
    search = _ScriptSearch(context)
    projects = list(dict.fromkeys(Project(str(entry["id"]), str(entry.get("name") or "")) for entry in entries))
    if names is not None:
        projects = search.choose(projects, names)
    # The first project alone, which shows which version of the search this release has.
    searched = search.each(search.list_scripts, projects[:1]) + search.each(search.list_scripts, projects[1:])
    candidates = [script for _project, scripts in searched for script in scripts if script.has_runtime]
    scripts = search.read_all(list(filter(chosen, candidates)))
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
        """What `read` returns for the items that could be read. Raises MstrError if the task ends."""

        def read_or_note(item: Item) -> list[Found]:
            try:
                return [read(item)]
            except MstrError as exc:
                if isinstance(exc.__cause__, Interrupted):
                    raise MstrError(exc.sentence, **exc.error) from exc  # without the result of one script
                self.unread.append(_unread(item, exc))
                return []

        return list(chain.from_iterable(all_side_by_side(read_or_note, items, on_done)))

    def shown_in_batches(
        self, read: Callable[[Sequence[SavedScript]], Mapping[Key, Found]], scripts: Sequence[SavedScript]
    ) -> dict[Key, Found]:
        """What requests for many scripts show of them. If the first one shows nothing, there is no other."""

        def read_or_nothing(batch: Sequence[SavedScript]) -> Mapping[Key, Found]:
            with suppress(MstrError):
                return read(batch)
            return {}

        batches = _batches(scripts)
        shown: dict[Key, Found] = {}
        for part in (batches[:1], batches[1:]):
            for found in all_side_by_side(read_or_nothing, part):
                shown.update(found)
            if not shown:
                break
        return shown

    def all_unread(self) -> list[Unread]:
        """The failures, first those of whole projects."""
        return sorted(self.unread, key=lambda failure: (failure.label, failure.error.sentence))


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


def _unread(item: Any, error: MstrError) -> Unread:
    if isinstance(item, Project):
        return Unread(item, None, error)
    if isinstance(item, Runtime):
        return Unread(None, None, error, item)
    script = getattr(item, "script", item)
    return Unread(script.project, script, error)


class _ScriptSearch(Reader):
    """One search of all projects."""

    # The newer version first, like the vendor's client on releases that have it [mstrio].
    _version = 2  # of the search, as far as known
    _is_verified = False  # whether a response for many scripts was compared with a read of one

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
        total = search.get("totalItems")
        if isinstance(total, bool) or not isinstance(total, int) or total < 0:
            total = None  # the server does not say how many it has found
        by_id: dict[str, SavedScript] = {}
        offset = 0
        while total is None or len(by_id) < total:
            params = {"searchId": str(search["id"]), "offset": offset, "limit": _PAGE}
            entries = self._session.get(
                SEARCHES[1], params, operation=operation, project=project.id, shape=LIST_WITH_IDS
            )
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
        """The response to the start of a search, by the newest call that this release has."""
        if self._version == 2:
            try:
                return start_search(self._session, 2, project.id, operation)
            except ApiError as exc:
                if not says_no_such_call(exc):
                    raise
            self._version = 1
        return start_search(self._session, 1, project.id, operation)

    def read_all(self, scripts: Sequence[SavedScript]) -> list[SavedScript]:
        """The scripts with their runtimes."""
        shown = self.shown_in_batches(self._read_batch, scripts)
        others = [script for script in scripts if script.key not in shown]
        return [*shown.values(), *self.each(self._read, others)]

    def _read(self, script: SavedScript) -> SavedScript:
        """The script with its runtime. Raises MstrError."""
        return script.on_runtime(read_script(self._session, script, _DECISIVE))

    def _read_batch(self, batch: Sequence[SavedScript]) -> dict[Key, SavedScript]:
        """Those of the scripts that one response shows with their runtime and their variables. Raises MstrError.

        [mstrio] warns of wrong keys in such a response, so one script of the task's first batch is read by itself, too.
        """
        project = batch[0].project
        params, operation = {"ids": ",".join(script.id for script in batch)}, f"read scripts of the {project.label}"
        data = self._session.get("/scripts", params, operation=operation, project=project.id, shape=_SCRIPTS)
        entries = {
            str(entry.get("id")).upper(): entry
            for entry in data["result"]
            if entry.get("scriptRuntimeId") and isinstance(entry.get("variables"), list)
        }
        decided = [script for script in batch if script.id.upper() in entries]
        shown = {script.key: script.on_runtime(entries[script.id.upper()]) for script in decided}
        if shown and not self._is_verified:
            first = next(iter(shown.values()))
            if self._read(first) != first:
                return {}
            self._is_verified = True
        return shown


def start_search(session: Session, version: int, project: str | None, operation: str) -> Mapping[str, Any]:
    """The response to the start of a search for scripts: its id, and the number of scripts found. Raises MstrError.

    `version`: of the call, 1 or 2.
    """
    body = None if version == 1 else dict[str, Any]()
    params = {"type": SCRIPT_TYPE, "domain": _PROJECT_DOMAIN}
    started: Mapping[str, Any] = session.send(
        *("POST", SEARCHES[version], body),
        operation=operation,
        params=params,
        project=project,
        read=True,
        shape=OBJECT_WITH_ID,
    )
    return started


def read_script(session: Session, script: SavedScript, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """The script's object. Raises MstrError."""
    path, operation, project = f"/scripts/{script.id}", f"read the {script.label}", script.project.id
    data: Mapping[str, Any] = session.get(path, params, operation=operation, project=project, shape=shape_of(script))
    return data


def shape_of(script: SavedScript) -> Shape:
    """An object with the id of the script. Any other says nothing about the script."""
    key = script.id.upper()
    name = "an object with the script's id"
    return Shape(name, lambda data: isinstance(data, Mapping) and str(data.get("id")).upper() == key)
