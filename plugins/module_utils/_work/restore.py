# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores: each runtime gets the name that the backup has, even if a different runtime holds it now.

A runtime that is in the way passes through a name beside; the next run finds it by its id after an interruption.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, count

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
    before, entries = list[Entry](), list(entries)
    while entries != before:
        before, purges = entries, context.purges(entries)
        moving = [entry for entry in entries if takes_name(entry) or (purges and entry.place == PURGED)]
        check = partial(_check_name, {entry.before.key for entry in moving if entry.before}, existing)
        entries = [or_error(check, entry) if takes_name(entry) else entry for entry in entries]
    for entry in _in_the_way(entries) if context.purges(entries) else ():
        context.warn(
            f"Runtime {entry.label} ({entry.id}) is renamed before it is purged, because the backup needs its name."
        )
    return entries


def _in_the_way(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of the runtimes that are to be purged and have a name that the backup needs."""
    needed = {entry.wanted.name for entry in entries if takes_name(entry)}
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
    names = {runtime.key: runtime.name for runtime in existing}
    tried = set(names.values())
    own = [entry.before.key if entry.before else "" for entry in entries]
    pending = [index for index, entry in enumerate(entries) if takes_name(entry)]

    def holder(index: int) -> str | None:
        """The key of a different runtime that has the name that an entry needs."""
        needed = entries[index].wanted.name
        return next((key for key, name in names.items() if name == needed and key != own[index]), None)

    def carry_out(index: int, step: Callable[[Entry], Entry]) -> None:
        entries[index] = or_error(step, entries[index])
        runtime = entries[index].runtime
        if runtime and not entries[index].error:
            names[runtime.key] = runtime.name

    def set_aside(index: int, needed: str | None) -> None:
        """Give the runtime of an entry a name beside the one that is needed."""
        besides = chain([f"{needed} (restore)"], (f"{needed} (restore {number})" for number in count(2)))
        beside = next(name for name in besides if name not in tried)
        tried.add(beside)
        carry_out(index, partial(rename, context, name=beside, existing=existing))

    if not any(map(holder, pending)):
        return entries
    for entry in _in_the_way(entries):
        set_aside(entries.index(entry), entry.name)
    while pending:
        free = next((index for index in pending if not holder(index)), None)
        if free is not None:
            carry_out(free, partial(write, context, existing=existing))
            pending.remove(free)
            continue
        holders = {index: holder(index) for index in pending}
        blocking = next((index for index in pending if own[index] in holders.values()), None)
        if blocking is None:
            for index, key in holders.items():
                taken = f"name {entries[index].wanted.name!r} is still taken by the runtime with id {key}"
                entries[index] = entries[index]._replace(error=MstrError(f"{taken}; run the restore again"))
            break
        set_aside(blocking, entries[blocking].wanted.name)
        if entries[blocking].error:
            pending.remove(blocking)
    return entries
