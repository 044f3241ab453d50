# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores: each runtime gets the name that the backup has, even if a different runtime holds it now.

A runtime that is in the way passes through a name beside; the next run finds it by its id after an interruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .._errors import MstrError, ValidationError
from .._model.definition import Definition
from .._model.entry import PURGED, UNKNOWN, Entry
from .._model.runtime import Runtime
from .api import Context, or_error
from .locate import plan_entry
from .write import read_again, write


def takes_name(entry: Entry) -> bool:
    """Whether the plan of an entry of a backup gives its runtime a name that it does not have."""
    return entry.wanted.restore and (
        entry.to_do == "create" or (entry.to_do == "update" and "name" in entry.plan.changed_fields)
    )


def check_names(entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries, with an error for each whose name a runtime holds that neither moves nor is purged.

    An error cancels the purge, and a runtime with an error keeps its name.
    """
    before: list[Entry] = []
    while entries != before:
        before, failed = list(entries), any(entry.error for entry in entries)
        moving = [entry for entry in entries if takes_name(entry) or (entry.place == PURGED and not failed)]
        check = partial(_check_name, {entry.before.key for entry in moving if entry.before}, existing)
        entries = [or_error(check, entry) if takes_name(entry) else entry for entry in entries]
    return before


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

    def set_aside(index: int, needed: str) -> None:
        """Give the runtime of an entry a name beside the one that is needed."""
        entry = entries[index]
        before, beside = entry.before, f"{needed} (restore)"
        if before is None:
            return

        def rename(entry: Entry) -> Entry:
            definition = Definition("present", {"name": beside}, id=before.id, name=beside)
            step = write(context, plan_entry(context, Entry(definition, entry.place, before), existing), existing)
            [renamed], _listed = read_again(context._replace(waiting=None), [step])
            done = renamed.carried_out._replace(target=renamed.after)
            if renamed.state == UNKNOWN:
                return entry._replace(plan=done, state=UNKNOWN, error=renamed.error)
            return entry._replace(aside=done, error=renamed.error)

        entries[index] = or_error(rename, entry)
        if not entries[index].error:
            holders.pop(before.name, None)
            holders[beside] = before.key

    for index, entry in enumerate(entries):
        needed = {str(entries[other].wanted.name) for other in pending}
        if entry.place == PURGED and entry.before and entry.before.name in needed:
            context.warn(
                f"Runtime {entry.before.label} is renamed to '{entry.before.name} (restore)', because the backup needs "
                "its name. It is purged last."
            )
            set_aside(index, entry.before.name)
    while pending:
        wanted_names = {index: str(entries[index].wanted.name) for index in pending}
        free = [index for index, name in wanted_names.items() if holders.get(name, own[index]) == own[index]]
        if free:
            index = free[0]
            before = entries[index].before
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
