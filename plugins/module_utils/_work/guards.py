# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guards: what must not be done, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._errors import NAMES_IN_MESSAGE, listed
from .._model.alike import ALIKE, is_named, name_key, quoted
from .._model.entry import PURGED, Entry, plan_id
from .._model.report import plan_mismatch
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .api import Context
from .request import Purge


def refusals(
    context: Context,
    purge: Purge | None,
    entries: Sequence[Entry],
    to_delete: Sequence[tuple[Entry, Runtime]],
    existing: Sequence[Runtime],
) -> Iterator[tuple[Entry | None, str]]:
    """Every refusal, with the entry to delete, or None for all of them.

    They are asked before the first write, when any refusal refuses the whole task, and again just before deletions,
    with each runtime as it is then and with the list `existing` of that moment; then a refusal with an entry spares
    this runtime, and one with None spares all of them. `entries`: every entry of the task, with its plan.

    To add a guard, yield its refusals here; one that concerns more than deletions belongs in `plan_refusals`.
    """
    if purge is not None:
        yield from _of_purge(context, purge, entries, [pair for pair in to_delete if pair[0].place == PURGED], existing)
    if context.guard and to_delete:
        entry_of = {runtime.key: entry for entry, runtime in to_delete}
        for runtimes, sentence in context.guard([runtime for _entry, runtime in to_delete]):
            for runtime in runtimes:
                yield entry_of[runtime.key], sentence


def plan_refusals(context: Context, entries: Sequence[Entry]) -> Iterator[str]:
    """Why the plan as a whole must not be carried out."""
    scripts = context.script_report(entries)
    if context.plan_id and plan_id(entries, scripts) != context.plan_id:
        yield plan_mismatch(context.plan_id, entries, scripts)


def _of_purge(
    context: Context,
    purge: Purge,
    entries: Sequence[Entry],
    purged: Sequence[tuple[Entry, Runtime]],
    existing: Sequence[Runtime],
) -> Iterator[tuple[Entry | None, str]]:
    names: dict[str, list[str]] = {}
    taken_back = set()  # a backup takes its name back from the runtime that has it now
    for entry in entries if purged else ():
        name = entry.wanted.name or ""
        if entry.place != PURGED:
            names.setdefault(name_key(name), []).append(name)
            if entry.wanted.restore and entry.before is not None and entry.before.name != name:
                taken_back.add(name)
    if not lists_default(existing):
        why = f"{INCOMPLETE[0].lower()}{INCOMPLETE[1:]}"
        yield None, f"purge is refused: {why}. Run the task again, or as a user who sees every runtime"
    for entry, runtime in purged:
        near = names.get(name_key(runtime.name), []) if runtime.name else []
        near = [name for name in near if name not in taken_back or name != runtime.name]
        label = f"{quoted([runtime.name])} ({runtime.id})"
        if not runtime.name:
            yield entry, f"purge would delete the runtime with id {runtime.id}, which has no name; list it by its id"
        elif runtime.name in near:
            yield entry, f"purge would delete {label}, whose name is in the list"
        elif near:
            yield (
                entry,
                f"purge would delete {label}, whose name differs only in {ALIKE} from {quoted(near)} in the list: "
                "write the name as the server has it, or list this runtime with state: absent to delete it",
            )
        elif is_named(runtime.name, purge.exclude, runtime.id):
            yield entry, f"purge would delete {label}, which purge_exclude names"
    if purge.limit is not None and len(purged) > purge.limit:
        most = len(purged) if context.check_mode else NAMES_IN_MESSAGE
        yield (
            None,
            f"purge would delete {len(purged)} runtimes, more than purge_limit {purge.limit}: "
            f"{listed(sorted(repr(runtime.name) for _entry, runtime in purged), most)}. "
            "Raise purge_limit if you want to delete them",
        )
