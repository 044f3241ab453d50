# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Saved scripts: which runtime each uses, what could not be read, and which script an entry of a task means.

Facts of the API: the vendor's client [mstrio], mstrio/api/scripts.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError
from .._text import time_in_utc
from .runtime import DEFAULT_RUNTIME_ID, Runtime, id_from

# An old Command Manager script has no runtime.
_COMMAND_MANAGER = "19456"
_SECRET = "4"  # the type of a variable


def excerpt(value: Any, *same: str, **renamed: str) -> dict[str, Any] | None:
    """The keys of an object of the API for a result, some under a different name; None if it is no object."""
    keys = {**{key: key for key in same}, **renamed}
    return {key: value.get(api) for key, api in keys.items()} if isinstance(value, Mapping) else None


class Project(NamedTuple):
    """A project. `id` is None for a requested project that the server does not list."""

    id: str | None
    name: str

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"project {self.name!r}"

    def is_called(self, name: str) -> bool:
        """Whether a user who writes this name or id means it."""
        return name == self.name or name.upper() == (self.id or "").upper()


class SavedScript(NamedTuple):
    """A script. `entry`: of a search. `runtime_id` is None until the script itself was read.

    `has_secret`: a variable of it holds a secret, of which a read may show only a mask.
    """

    project: Project
    id: str
    name: str
    entry: Mapping[str, Any] = MappingProxyType({})
    runtime_id: str | None = None
    has_secret: bool = False

    @property
    def key(self) -> tuple[Project, str]:
        """What identifies it on the server."""
        return self.project, self.id.upper()

    @property
    def has_runtime(self) -> bool:
        """Whether scripts of this kind run on a runtime."""
        return str(self.entry.get("subtype")) != _COMMAND_MANAGER

    @property
    def label(self) -> str:
        """How messages name it."""
        name = repr(self.name) if self.name else f"with id {self.id}"
        return f"script {name} in project {self.project.name!r}"

    def on_runtime(self, read: Mapping[str, Any]) -> SavedScript:
        """The script with the runtime from its object. Raises ValidationError for an invalid id.

        A script without a runtime runs on the default one; whether servers return null or no key is unknown.
        """
        named = read.get("scriptRuntimeId")
        try:
            runtime_id = id_from(DEFAULT_RUNTIME_ID if named in (None, "") else str(named))
        except ValidationError as exc:
            raise ValidationError([f"Could not read the {self.label}: its runtime's {exc.sentence}"]) from exc
        return self._replace(runtime_id=runtime_id, has_secret=holds_secret(read))

    def to_result(self) -> dict[str, Any]:
        """The script for a result."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.entry.get("type"),
            "subtype": self.entry.get("subtype"),
            "project": self.project._asdict(),
            "owner": excerpt(self.entry.get("owner"), "id", "name"),
            "date_modified": time_in_utc(self.entry.get("dateModified")),
            "has_secret": self.has_secret,
        }


def holds_secret(read: Mapping[str, Any]) -> bool:
    """Whether a variable of a script that was read holds a secret [mstrio], or may hold one.

    A type is a number [mstrio], or its digits as text [schema].
    """
    variables = read.get("variables")
    if not isinstance(variables, list):
        return variables is not None
    types = [each.get("type") if isinstance(each, Mapping) else None for each in variables]
    return any(not isinstance(kind, (int, str)) or str(kind) == _SECRET for kind in types)


class Unread(NamedTuple):
    """A failed read: of a script, of a project if `script` is None, of a runtime, or of the list of projects."""

    project: Project | None
    script: SavedScript | None
    error: MstrError
    runtime: Runtime | None = None

    @property
    def label(self) -> str:
        """How messages name it."""
        thing = self.script or self.project or self.runtime
        return thing.label if thing else "list of projects"

    def to_result(self) -> dict[str, Any]:
        """The failed read for a result."""
        return {
            "project": self.project._asdict() if self.project else None,
            "script": {"id": self.script.id, "name": self.script.name} if self.script else None,
            "runtime": {"id": self.runtime.id, "name": self.runtime.name} if self.runtime else None,
            "error": {"msg": self.error.sentence, **self.error.error},
        }


class Usage(NamedTuple):
    """Every script that could be read, with its runtime, the reads that failed, and the projects that were searched."""

    scripts: Sequence[SavedScript] = ()
    unread: Sequence[Unread] = ()
    projects: Sequence[Project] = ()

    def of(self, runtime_id: str | None) -> list[SavedScript]:
        """The scripts that run on a runtime, by project and name."""
        key = (runtime_id or "").upper()
        scripts = [script for script in self.scripts if script.runtime_id == key]
        return sorted(scripts, key=lambda script: (script.project.name, script.name, script.id))


class ScriptEntry(NamedTuple):
    """An entry of the option `scripts`: `id`, or else `name`, and the name or id of its project.

    `runtime`: the name of the runtime that it is to use; None if the task has one runtime for all of its scripts.
    """

    place: str
    id: str | None
    name: str | None
    project: str
    runtime: str | None = None

    def matches(self, script: SavedScript) -> bool:
        """Whether it is this script."""
        return script.project.is_called(self.project) and (
            self.id == script.id.upper() if self.id else self.name == script.name
        )

    def may_be_in(self, failure: Unread) -> bool:
        """Whether a failed read may be why this script was not found."""
        if failure.script:
            return self.matches(failure.script)
        return failure.project is None or failure.project.is_called(self.project)
