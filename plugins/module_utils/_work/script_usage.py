# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out which saved scripts use which runtime.

It lists the projects, searches each project, and reads each script, because a search does not return the runtime.
Failed reads are collected; they never count as "no script". Facts of the API: the vendor's client [mstrio],
mstrio/api/browsing.py and mstrio/api/scripts.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from .._errors import ApiError, ConnectError, ErrorList, MstrError
from .._model.runtime import Runtime
from .._model.scripts import Project, SavedScript, Unread, Usage
from .._session.interrupt import Interrupted
from .._session.parallel import all_side_by_side
from .._session.response import LIST_WITH_IDS, OBJECT_WITH_ID, Shape, says_no_such_call
from .._session.session import Session
from .api import Context

SCRIPT_TYPE = 76
_PROJECT_DOMAIN = 2
_RESULTS = "/metadataSearches/results"


def check_projects(names: Sequence[str | None] | None) -> None:
    """Raises ValidationError for an empty list and for empty names."""
    with ErrorList() as errors:
        if names is not None and not names:
            errors.add("projects is empty, so no script would be found; omit it to search every project")
        for index, name in enumerate(names or ()):
            if not (name or "").strip():
                errors.add(f"projects[{index}] is empty")


# Somebody who may use no project sees no script. That proves nothing for a guard, but there is nothing to read either.
NO_PROJECT = Unread(None, None, MstrError("The server lists no project for this user."))
Item = TypeVar("Item", bound=Any)  # what can be read, with a label: a project, a script or a part of it, a runtime
Found = TypeVar("Found")

_PAGE = 1000  # scripts
# Failed reads, each after all its retries, after which the remaining reads are skipped: each may take minutes.
_MOST_OUTAGES = 5
_OUTAGES = (401, 429, 502, 503, 504)


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
    if not projects and not search.unread:
        return Usage((), [NO_PROJECT])
    # The first project alone, which shows which version of the search this release has.
    searched = search.each(search.list_scripts, projects[:1]) + search.each(search.list_scripts, projects[1:])
    candidates = [script for _project, scripts in searched for script in scripts if script.has_runtime]
    scripts = search.each(search.read, list(filter(chosen, candidates)))
    return Usage(scripts, search.all_unread(), [project for project, _scripts in searched])


class Reader:
    """Reads things side by side, and collects the failures in `unread`."""

    def __init__(self, context: Context) -> None:
        self._session = context.session
        self._outages, self._last_outage = 0, ""
        self.unread: list[Unread] = []

    def each(
        self,
        read: Callable[[Item], Found],
        items: Sequence[Item],
        on_done: Callable[[int], None] = lambda done: None,
    ) -> list[Found]:
        """The items that could be read. After some outages the rest is not tried. Raises MstrError if the task ends."""
        results = all_side_by_side(partial(self._read_or_fail, read), items, on_done)
        self.unread += [result for result in results if isinstance(result, Unread)]
        return [result for result in results if not isinstance(result, Unread)]

    def _read_or_fail(self, read: Callable[[Item], Found], item: Item) -> Found | Unread:
        if self._outages >= _MOST_OUTAGES:
            what = f"packages of runtime {item.label}" if isinstance(item, Runtime) else item.label
            gave_up = f"Did not read the {what}, because {self._outages} earlier requests failed."
            return _unread(item, MstrError(f"{gave_up} The last error: {self._last_outage}"))
        try:
            return read(item)
        except Interrupted:
            raise
        except MstrError as exc:
            if isinstance(exc.__cause__, Interrupted):
                raise MstrError(exc.sentence, **exc.error) from exc  # without the result of one script
            if _is_outage(exc):
                self._outages, self._last_outage = self._outages + 1, exc.sentence
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


def _is_outage(error: MstrError) -> bool:
    return isinstance(error, ConnectError) or (isinstance(error, ApiError) and error.status in _OUTAGES)


def _unread(item: Any, error: MstrError) -> Unread:
    if isinstance(item, Project):
        return Unread(item, None, error)
    if isinstance(item, Runtime):
        return Unread(None, None, error, item)
    script = getattr(item, "script", item)
    return Unread(script.project, script, error)
