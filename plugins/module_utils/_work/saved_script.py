# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts that are saved in projects, the runtime that each one uses, and the reads that failed.

Facts of the API: the vendor's client [mstrio].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError
from .._model.names import DEFAULT_RUNTIME_ID, id_from
from .._model.runtime import Runtime

SCRIPT_TYPE = 76
# An old Command Manager script has no runtime.
_COMMAND_MANAGER = "19456"
_NAMES_IN_MESSAGE = 10  # scripts or projects that a sentence names


class Project(NamedTuple):
    """A project. `id` is None for a requested project that the server does not list."""

    id: str | None
    name: str | None

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"project {self.name!r}"


class SavedScript(NamedTuple):
    """A script from a search. `runtime_id` is None until the script itself was read."""

    project: Project
    id: str
    name: str
    type: Any = None
    subtype: Any = None
    owner: Mapping[str, Any] | None = None
    date_modified: str | None = None
    runtime_id: str | None = None

    @property
    def has_runtime(self) -> bool:
        """Whether scripts of this kind run on a runtime."""
        return str(self.subtype) != _COMMAND_MANAGER

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"script {self.name!r} in project {self.project.name!r}"

    def on_runtime(self, read: Mapping[str, Any]) -> SavedScript:
        """The script with the runtime from its object. Raises ValidationError for an invalid id.

        A script without a runtime runs on the default one; whether servers return null or no key is unknown.
        """
        named = read.get("scriptRuntimeId")
        if named is None or named == "":
            return self._replace(runtime_id=DEFAULT_RUNTIME_ID)
        return self._replace(runtime_id=id_from(str(named)))

    def to_result(self) -> dict[str, Any]:
        """The script for a result."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "subtype": self.subtype,
            "project": self.project._asdict(),
            "owner": self.owner,
            "date_modified": self.date_modified,
        }


class Unread(NamedTuple):
    """A failed read: of a script, of a project if `script` is None, or of the list of projects."""

    project: Project | None
    script: SavedScript | None
    error: MstrError

    @property
    def label(self) -> str:
        """How messages name it."""
        thing = self.script or self.project
        return thing.label if thing else "the list of projects"

    @property
    def place(self) -> tuple[str, str]:
        """Sort key: by project and script."""
        return (self.project and self.project.name) or "", self.script.name if self.script else ""

    def to_result(self) -> dict[str, Any]:
        """The failed read for a result."""
        return {
            "project": self.project._asdict() if self.project else None,
            "script": {"id": self.script.id, "name": self.script.name} if self.script else None,
            "error": {"msg": self.error.sentence, **self.error.error},
        }


class Usage(NamedTuple):
    """Every script that could be read, with its runtime, and the reads that failed."""

    scripts: Sequence[SavedScript] = ()
    unread: Sequence[Unread] = ()

    def of(self, runtime_id: str | None) -> list[SavedScript]:
        """The scripts that run on a runtime, by project and name."""
        key = (runtime_id or "").upper()
        found = [script for script in self.scripts if script.runtime_id == key]
        return sorted(found, key=lambda script: (script.project.name or "", script.name, script.id))

    def warning(self) -> str | None:
        """One sentence about the failed reads; None if there are none."""
        if not self.unread:
            return None
        first = self.unread[0].error.sentence
        others = len(self.unread) - 1
        more = others and f" The result lists {others} more under unread."
        return f"The scripts are incomplete, so a runtime without scripts may still be used. {first}{more or ''}"

    def protection_faults(self, runtimes: Iterable[Runtime]) -> list[str]:
        """Why these runtimes must not be deleted: a script uses one, or failed reads leave it unknown."""
        faults = []
        unproven = []
        for runtime in runtimes:
            scripts = self.of(runtime.id)
            if scripts:
                used = f"is used by {_counted(len(scripts), 'script')} and was not deleted (protect_used)"
                faults.append(
                    f"runtime {runtime.name!r} ({runtime.id}) {used}: {_listed([script.label for script in scripts])}. "
                    "Choose a different runtime for these scripts first"
                )
            else:
                unproven.append(runtime)
        if self.unread and unproven:
            names = _listed([f"{one.name!r} ({one.id})" for one in unproven])
            faults.append(
                f"protect_used could not find out whether scripts use {names}, so nothing was deleted: "
                f"{_counted(len(self.unread), 'look-up')} failed: {_listed([one.label for one in self.unread])}. "
                f"The first reason: {self.unread[0].error.sentence.rstrip('.')}. Run the task as a user who may read "
                "all scripts, or load the project"
            )
        return faults


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMES_IN_MESSAGE} more" if len(texts) > _NAMES_IN_MESSAGE else ""
    return ", ".join(texts[:_NAMES_IN_MESSAGE]) + more


def script_from_search(entry: Mapping[str, Any], project: Project) -> SavedScript:
    """The script in a search entry, which must have an id."""
    owner, modified = entry.get("owner"), entry.get("dateModified")
    return SavedScript(
        project,
        str(entry["id"]),
        str(entry.get("name") or ""),
        entry.get("type"),
        entry.get("subtype"),
        {key: owner.get(key) for key in ("id", "name")} if isinstance(owner, Mapping) else None,
        None if modified is None else str(modified),
    )


def check_projects(wanted: Sequence[str | None] | None) -> None:
    """Raises ValidationError for an empty list and for empty names."""
    if wanted is None:
        return
    faults = [f"projects[{index}] is empty" for index, name in enumerate(wanted) if not (name or "").strip()]
    if not wanted:
        faults = ["projects is empty, so no script would be found; omit it to search every project"]
    if faults:
        raise ValidationError(faults)


def select_projects(listed: Sequence[Project], wanted: Iterable[str] | None) -> tuple[list[Project], list[Unread]]:
    """The projects with these names or ids (all if `wanted` is None), and an entry for each that was not found."""
    if wanted is None:
        return list(listed), []
    found: list[Project] = []
    unread: list[Unread] = []
    for name in wanted:
        matching = [one for one in listed if one.name == name or (one.id or "").upper() == name.upper()]
        found += [one for one in matching if one not in found]
        if not matching:
            error = MstrError(f"The server lists no project with the name or id {name!r} for this user.")
            unread.append(Unread(Project(None, name), None, error))
    return found, unread
