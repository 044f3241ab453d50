# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is deleted: the plan of a purge, and the last look before and after deletions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from .._errors import MstrError
from .._model.alike import is_named
from .._model.definition import Definition
from .._model.entry import PLANNED, PURGED, READ, Entry
from .._model.plan import NO_PLAN
from .._model.runtime import Runtime, is_replacement, lists_default
from .api import ALL_FIELDS, Context, Purge, map_entries, or_error
from .guards import refusals
from .locate import is_found_by_id, plan_entry
from .write import check_again, is_unproven, write

_CHANGED = "because something changed after the plan was made"


def purge_plan(context: Context, purge: Purge, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """An entry for each unlisted runtime to delete."""
    # Compare names too: a listed runtime that cannot be read must not be deleted.
    kept = {entry.definition.name for entry in entries if not entry.wanted.id}
    keys = {entry.before.key for entry in entries if entry.before}
    keys |= {old.key for entry in entries for old in entry.replaces}
    renamed = {name for entry in entries for name in entry.definition.previous_names}
    spared: list[str] = []
    purged: list[Entry] = []
    for runtime in existing:
        if runtime.is_default or runtime.key in keys or is_named(runtime.name, purge.exclude, runtime.id):
            continue
        if is_named(runtime.name, purge.left_out, runtime.id):
            spared.append(f"{runtime.label}, left out of the file")
        elif is_replacement(runtime.name):
            spared.append(f"{runtime.label}, an unfinished replacement")
        elif runtime.name in renamed:
            spared.append(f"{runtime.label}, a previous name of a listed one")
        elif runtime.name not in kept:
            absent = Definition("absent", {}, id=runtime.id, name=runtime.name, journal_comment=purge.comment)
            purged.append(Entry(absent, PURGED, runtime))
    if spared:
        context.warn(f"The purge spares {'; '.join(sorted(spared))}. Delete with state: absent what nobody needs.")

    def read_and_plan(entry: Entry) -> Entry:
        return plan_entry(context, entry._replace(before=context.api.with_all_fields(entry.before, ALL_FIELDS)), ())

    purged = map_entries(context, read_and_plan, purged, lambda entry: True, "read")
    purged = [entry for entry in purged if entry.to_do != "none"]  # one may have been deleted meanwhile
    for text in purge.exclude if purged else ():
        # A misspelled name keeps nothing. A pattern is often for runtimes that only some servers have.
        if not re.search("[*?]", text) and not any(is_named(runtime.name, [text], runtime.id) for runtime in existing):
            context.warn(f"purge_exclude {text!r} matches no runtime, so it keeps none. Check the spelling.")
    return purged


def delete(
    context: Context, entries: Sequence[Entry], listed: Sequence[Runtime] | None, purged: bool
) -> tuple[list[Entry], Sequence[Runtime] | None]:
    """Delete the purged runtimes, or else the listed ones, if they are as they were planned; check that they are gone.

    `listed`: the runtimes on the server, if they were just listed. Returns them as listed afterwards, too.
    """
    due = partial(_is_due, purged=purged)
    group = list(filter(due, entries))
    if not group:
        return list(entries), listed
    by_id = not context.purge and is_found_by_id([entry.wanted for entry in group])
    if listed is None:
        try:
            listed = [] if by_id else context.api.list_all()
        except MstrError as exc:
            return [entry._replace(error=exc) if due(entry) else entry for entry in entries], None
    entries = _checked_again(context, entries, due, listed)
    entries = map_entries(context, partial(write, context, existing=listed), entries, due, "deleted")
    if context.scripts:
        context.scripts.look_up_again()  # the next deletions need it
    check = partial(_checked_gone, context, {runtime.key for runtime in listed})
    # Another list, which also shows what a purge may delete then.
    lists = not by_id and any(map(is_unproven, entries))
    return check_again(context, entries, lists, check)


def _is_due(entry: Entry, purged: bool) -> bool:
    return entry.to_do == "delete" and (entry.place == PURGED) == purged


def _checked_again(
    context: Context, entries: Sequence[Entry], is_due: Callable[[Entry], bool], listed: Sequence[Runtime]
) -> list[Entry]:
    """The entries, with an error for each to delete that has changed since the plan or that a guard now refuses.

    `listed`: the runtimes on the server now; empty for a single one that its id finds.
    """
    by_key = {runtime.key: runtime for runtime in listed}
    number_of = Counter(runtime.name for runtime in listed)

    def read(entry: Entry) -> Entry:
        planned = entry.current
        if planned is None:
            raise AssertionError("a plan to delete has a runtime")
        # A list may omit a runtime that can be read by its id.
        now = by_key.get(planned.key) or context.api.get(str(planned.id), repr(planned.name))
        if now and (now.facts.get("version") is None or planned.facts.get("version") is None):
            now = context.api.with_all_fields(now, ALL_FIELDS)
        if now is None:
            return entry._replace(plan=NO_PLAN, before=None).finished(READ)
        changed = ", ".join(now.changed_since(planned))
        if not changed and not entry.wanted.id and number_of[now.name] > 1:
            changed = "other runtimes now have its name"
        if changed:
            advice = "Check it, and run the task again"
            raise MstrError(f"{planned.label} was not deleted, {_CHANGED}: {changed}. {advice}")
        return entry

    entries = map_entries(context, read, entries, is_due, "read again")
    # A purged runtime that is already gone is no part of the result.
    entries = [entry for entry in entries if entry.place != PURGED or entry.current]
    due = [entry.current for entry in entries if is_due(entry) and entry.current]
    try:
        reasons = list(refusals(context, entries, due, listed))
    except MstrError as exc:
        # Also after a signal: what was written so far must be reported.
        reasons = [(due, exc.sentence)]

    def check_guards(entry: Entry) -> Entry:
        for runtimes, why in reasons:
            if entry.current in runtimes:
                raise MstrError(f"{entry.label} was not deleted, {_CHANGED}: {why}")
        return entry

    return [or_error(check_guards, entry) if is_due(entry) else entry for entry in entries]


def _checked_gone(context: Context, known: set[str], entry: Entry, after: Sequence[Runtime]) -> Entry:
    """The entry, with an error if the deleted runtime still exists. `known`: the keys in the list before the deletions.

    The list `after` them has the last word: what it still shows was not deleted, even if its id is not found, because
    the user may lack permission. What no complete list shows is read.
    """
    why, runtime = None, entry.current
    if runtime is None:
        raise AssertionError("a deletion has a runtime")
    if any(left.key == runtime.key for left in after):
        why = "the list of runtimes shows it. The user may lack permission on this object"
    elif not (runtime.key in known and lists_default(after)) and context.api.get(str(runtime.id), repr(runtime.name)):
        why = "it can still be read"
    if why is None:
        return entry._replace(state=READ)
    error = MstrError(f"The server reported {runtime.label} as deleted, but it still exists: {why}")
    return entry._replace(state=PLANNED, error=error)
