# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the runtime that a definition means, and plans what to do with it. Several threads may run these steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._errors import ValidationError
from .._model.definition import Definition
from .._model.entry import Entry
from .._model.names import ALIKE, near_names, quoted
from .._model.plan import POOL, fingerprint, make_plan
from .._model.runtime import Runtime
from .api import ALL_FIELDS, Context, one_named

# What a wait looks at.
AWAITED = ("status", "packages")


def is_found_by_id(definitions: Sequence[Definition]) -> bool:
    """Whether this is a single runtime that its id finds, so that no list needs to be read."""
    return len(definitions) == 1 and definitions[0].id is not None and not definitions[0].restore


def needed_fields(context: Context, wanted: Definition) -> set[str]:
    """The fields that a list must show: those that are managed or awaited.

    A runtime to delete needs all of them, so that the diff can serve as evidence and backup.
    """
    managed = {"name", *wanted.values, *(POOL if POOL & set(wanted.values) else ())}
    return {*managed, *(AWAITED if context.waiting else ()), *(ALL_FIELDS if wanted.state == "absent" else ())}


def locate(context: Context, wanted: Definition, listed: Iterable[Runtime]) -> Runtime | None:
    """The runtime as it is now, with the needed fields; None if it does not exist.

    `listed`: those in the list that its name or id may mean. Raises ValidationError for an ambiguous name.
    """
    api, needed = context.api, needed_fields(context, wanted)
    if wanted.id:
        found = next((runtime for runtime in listed if runtime.key == wanted.id), None)
        return api.with_all_fields(found, needed) if found else api.get(wanted.id)
    found = api.with_all_fields(one_named(listed, str(wanted.name)), needed)
    # Between the list and the read of the object, somebody may have renamed it.
    return None if found and found.name not in ("", wanted.name) else found


def plan_entry(context: Context, entry: Entry, existing: Sequence[Runtime]) -> Entry:
    """The entry with its plan, checked against the server. Raises ValidationError, before anything is written.

    `existing`: the runtimes on the server, if they were listed.
    """
    wanted = entry.wanted
    plan = make_plan(entry.before, wanted, context.policy)
    for text in plan.warnings:
        if text not in entry.plan.warnings:
            context.warn(text)
    if "runtime_version" in plan.changed_fields:
        _check_version(context, str(wanted.values["runtime_version"]))
    if plan.action == "update" and plan.target and "name" in plan.changed_fields:
        _check_name(plan.target, existing or context.api.list_all())
    if entry.before is None and wanted.name and not wanted.id:
        _warn_of_near_names(context, wanted, existing)
    planned = fingerprint(entry.before, plan) if entry.fingerprint is None else entry.fingerprint
    return entry._replace(plan=plan, fingerprint=planned)


def _check_version(context: Context, version: str) -> None:
    known = context.api.versions()
    if known is None or version in known:
        return
    from difflib import get_close_matches  # takes 3 ms, which only a failing task should pay

    close = [other for other in known if other.startswith(f"{version}.")] or get_close_matches(version, known, 1)
    hint = f"; did you mean {close[-1]}?" if close else ""
    offered = ", ".join(known) or "none"
    raise ValidationError([f"runtime_version {version!r} is not offered by the server (it offers {offered}){hint}"])


def _check_name(renamed: Runtime, existing: Iterable[Runtime]) -> None:
    # If the server accepts a second runtime with this name, no task can address either of them by name.
    taken = [runtime for runtime in existing if runtime.name == renamed.name and runtime.key != renamed.key]
    if taken:
        holder = f"the runtime with id {taken[0].id}"
        raise ValidationError([f"name {taken[0].name!r} is taken by {holder}; choose a different name"])


def _warn_of_near_names(context: Context, wanted: Definition, existing: Iterable[Runtime]) -> None:
    near = near_names(str(wanted.name), (runtime.name for runtime in existing))
    if near:
        what = "is new" if wanted.state == "present" else "does not exist, so nothing is deleted"
        others = f"{quoted(near)} {'exists' if len(near) == 1 else 'exist'}"
        context.warn(
            f"Runtime {quoted([str(wanted.name)])} {what}, but {others}: the names differ only in {ALIKE}. Check the "
            "spelling."
        )
