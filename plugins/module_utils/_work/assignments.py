# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assignments of saved scripts to runtimes: what is wanted, their plan, and what a result says of them.

A plan is made of one look-up of scripts, without a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import ErrorList, MstrError
from .._model.runtime import Runtime, id_from
from .._model.scripts import Project, SavedScript, ScriptEntry, Usage
from .._model.steps import ScriptReport
from .api import Context
from .script_usage import find_usage

# What must not change, by its name in the API, in the words of a message.
KEPT = {
    "name": "name",
    "folderId": "folder",
    "description": "description",
    "variables": "variables",
    "scriptContent": "code",
    "scriptType": "type",
    "scriptResultType": "result type",
}
# When an assignment is carried out
RECOVER = "recover"  # before everything else: what an earlier run left
ASSIGN = "assign"
SETTLE = "settle"  # after the renames: from what has a previous name


# --- what is wanted


def script_entries(scripts: Sequence[Mapping[str, Any]], places: Sequence[str] = ()) -> tuple[ScriptEntry, ...]:
    """The checked entries of the option `scripts`; `places` names those of a file. Raises ValidationError."""
    with ErrorList() as errors:
        entries: dict[tuple[Any, ...], ScriptEntry] = {}
        for index, options in enumerate(scripts):
            place = places[index] if places else f"scripts[{index}]"
            if not options["id"] and not options["name"]:
                errors.add(f"{place} needs an id or a name")
            named = [option for option in ("project", "runtime") if option in options]
            start = f"{place}: " if places else f"{place}."
            errors.add(*(f"{start}{option} is empty" for option in named if not options[option].strip()))
            identity = errors.check(id_from, options["id"] or None, prefix=place)
            entry = ScriptEntry(place, identity, options["name"], options["project"], options.get("runtime"))
            first = entries.setdefault((identity or entry.name, entry.project), entry)
            if first is not entry:
                errors.add(f"{place} is the same script as {first.place}; list it once")
    return tuple(entries.values())


# --- the plan


class Assignment(NamedTuple):
    """A script as it was found, the runtime that it is to use, and what is to be done, or what was done.

    `action`: "moved", "none", "failed" if nothing was done, or "unknown" if the script may use either runtime. With
    "moved", `error` is about the rest of the script. `target` has no id until the task has created it; then `row` is
    the place of the row that creates it. `stage`: when it is carried out; empty once it was. `fingerprint`: of the
    plan, which a person may have approved; None if the assignment cannot be planned.
    """

    script: SavedScript
    target: Runtime
    action: str
    error: MstrError | None = None
    place: str = ""
    fingerprint: str | None = ""
    stage: str = ASSIGN
    row: str = ""

    @classmethod
    def planned(cls, script: SavedScript, target: Runtime, **more: Any) -> Assignment:
        """What is to be done with a script whose runtime is known."""
        return cls(script, target, "none" if script.runtime_id == target.key else "moved", **more)

    @property
    def is_changed(self) -> bool:
        """Whether the script has or may have a different runtime than before."""
        return self.action in ("moved", "unknown")

    def to_result(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The assignment for a result. `names`: of the runtimes on the server, by their id."""
        script, identity, target = self.script, self.script.runtime_id, self.target
        before = {"id": identity, "name": names.get(identity)} if identity else None
        moved = {"id": target.key or None, "name": names.get(target.key, target.name)}
        after = {"moved": moved, "unknown": None}
        return {
            "id": script.id or None,
            "name": script.name or None,
            "project": script.project._asdict(),
            "action": "failed" if self.action == "unknown" else self.action,
            "before": before,
            "after": after.get(self.action, before),
            "error": {"msg": self.error.sentence, **self.error.error} if self.error else None,
        }


def find_entries(context: Context, entries: Sequence[ScriptEntry]) -> Usage:
    """A look-up of these scripts alone. Raises Interrupted."""
    projects = [entry.project for entry in entries]
    return find_usage(context, projects, lambda script: any(entry.matches(script) for entry in entries))


def plan_assignment(entry: ScriptEntry, usage: Usage, target: Runtime) -> Assignment:
    """What is to be done for an entry; with an error where the look-up shows no script, or several, for it."""
    matching = [script for script in usage.scripts if entry.matches(script)]
    # A failed read of the script says more than one of the project, and is the last of them.
    hidden = [failure for failure in usage.unread if entry.may_be_in(failure)]
    ids = sorted(script.id for script in (*matching, *(failure.script for failure in hidden)) if script)
    if len(ids) > 1:
        error = MstrError(f"{len(ids)} scripts have this name: {', '.join(ids)}; choose one by id.")
    elif matching:
        return Assignment.planned(matching[0], target, place=entry.place)
    elif hidden:
        error = hidden[-1].error
    else:
        error = MstrError("The project has no such script that uses a runtime, or the user may not see it.")
    unknown = SavedScript(Project(None, entry.project), entry.id or "", entry.name or "")
    return Assignment(unknown, target, "failed", error, entry.place)


def script_report(assignments: Sequence[Assignment], names: Mapping[str, str]) -> ScriptReport:
    """What a result says of the scripts. `names`: of the runtimes on the server, by their id."""
    done = sorted(_by_script(assignments), key=lambda assignment: assignment.script.sort_key)
    diff: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    for script, target in ((assignment.script, assignment.target) for assignment in done if assignment.is_changed):
        key = f"{script.project.name} / {script.name} ({script.id})"
        diff["before"][key] = _runtime_text(names.get(script.runtime_id or ""), script.runtime_id)
        diff["after"][key] = _runtime_text(names.get(target.key, target.name), target.key)
    rows = [assignment.to_result(names) for assignment in done]
    failed = [(f"{plan.place} {plan.script.label}".strip(), plan.error) for plan in assignments if plan.error]
    fingerprints = [assignment.fingerprint for assignment in assignments]
    return ScriptReport(rows, fingerprints, diff, failed, len(diff["after"]))


def _by_script(assignments: Sequence[Assignment]) -> list[Assignment]:
    """One assignment for each script: one that was moved twice is shown from its first to its last runtime."""
    merged: dict[Any, Assignment] = {}
    for number, later in enumerate(assignments):
        key = later.script.key if later.script.id else number
        first = merged.setdefault(key, later)
        if first is later or not first.is_changed:
            merged[key] = later
        elif later.is_changed:
            action = "none" if later.target.key == first.script.runtime_id and not later.error else later.action
            merged[key] = later._replace(script=first.script, action=action)
        else:
            merged[key] = first._replace(error=first.error or later.error)
    return list(merged.values())


def _runtime_text(name: str | None, identity: str | None) -> str:
    """A runtime in a diff. One that was deleted has no name, and one that is still to be created has no id."""
    return f"{name} ({identity})" if name and identity else str(name or identity)


def words(fields: Iterable[str]) -> str:
    return ", ".join(KEPT[name] for name in fields)
