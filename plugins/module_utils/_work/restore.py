# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores: each runtime gets the name that the backup has, even if a different runtime holds it now.

A runtime that is in the way passes through a name beside; the next run finds it by its id after an interruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import count

from .._errors import MstrError, ValidationError
from .._model.entry import PURGED, Entry
from .._model.runtime import Runtime
from .api import Context, or_error
from .write import rename, write


def takes_name(entry: Entry) -> bool:
    """Whether the plan of an entry of a backup gives its runtime a name that it does not have."""
    return entry.wanted.restore and (
        entry.to_do == "create" or (entry.to_do == "update" and "name" in entry.plan.changed_fields)
    )


def check_names(context: Context, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries, with an error for each whose name a runtime holds that neither moves nor is purged.

    An error, also of a script, cancels the purge, and a runtime with an error keeps its name.
    """
    before: list[Entry] = []
    entries = list(entries)
    cancelled = bool(context.scripts and context.scripts.failed)
    while entries != before:
        before, cancelled = entries, cancelled or any(entry.error for entry in entries)
        moving = [entry for entry in entries if takes_name(entry) or (entry.place == PURGED and not cancelled)]
        check = partial(_check_name, {entry.before.key for entry in moving if entry.before}, existing)
        entries = [or_error(check, entry) if takes_name(entry) else entry for entry in entries]
    for entry in [] if cancelled else _in_the_way(entries):
        context.warn(
            f"Runtime {entry.label} ({entry.id}) is renamed before it is purged, because the backup needs its name."
        )
    return entries


def _in_the_way(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of the runtimes that are to be purged and have a name that the backup needs."""
    needed = {str(entry.wanted.name) for entry in entries if takes_name(entry)}
    return [entry for entry in entries if entry.place == PURGED and entry.name in needed]


def _check_name(moves: set[str], existing: Sequence[Runtime], entry: Entry) -> Entry:
    own = entry.before.key if entry.before else ""
    for runtime in existing:
        if runtime.name == entry.wanted.name and runtime.key not in (own, *moves):
            holder = f"the runtime with id {runtime.id}"
            raise ValidationError([f"name {runtime.name!r} is taken by {holder}, which the backup does not rename"])
    return entry


def write_in_order(context: Context, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries; those that take a name that a different runtime holds are written, one after another."""
    entries = list(entries)
    holders = {runtime.name: runtime.key for runtime in existing}
    own = [entry.before.key if entry.before else "" for entry in entries]
    pending = [index for index, entry in enumerate(entries) if takes_name(entry)]
    if not any(holders.get(str(entries[index].wanted.name), own[index]) != own[index] for index in pending):
        return entries

    names = set(holders)

    def set_aside(index: int, needed: str) -> None:
        """Give the runtime of an entry a name beside the one that is needed."""
        before, beside = entries[index].before, f"{needed} (restore)"
        for number in count(2):
            if beside not in names:
                break
            beside = f"{needed} (restore {number})"
        names.add(beside)
        entries[index] = or_error(partial(rename, context, name=beside, existing=existing), entries[index])
        if before and not entries[index].error:
            holders.pop(before.name, None)
            holders[beside] = before.key

    for entry in _in_the_way(entries):
        set_aside(entries.index(entry), str(entry.name))
    while pending:
        wanted_names = {index: str(entries[index].wanted.name) for index in pending}
        free = [index for index, name in wanted_names.items() if holders.get(name, own[index]) == own[index]]
        if free:
            index = free[0]
            before = entries[index].current
            entries[index] = or_error(partial(write, context, existing=existing), entries[index])
            if before and not entries[index].error:
                holders.pop(before.name, None)
                holders[wanted_names[index]] = own[index]
            pending.remove(index)
            continue
        holding = {holders.get(name) for name in wanted_names.values()}
        in_the_way = [index for index in pending if own[index] in holding]
        if not in_the_way:
            for index, name in wanted_names.items():
                taken = f"name {name!r} is still taken by the runtime with id {holders[name]}; run the restore again"
                entries[index] = entries[index]._replace(error=MstrError(taken))
            break
        set_aside(in_the_way[0], wanted_names[in_the_way[0]])
        if entries[in_the_way[0]].error:
            pending.remove(in_the_way[0])
    return entries
