# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is deleted: the plan of a purge, and the last look before and after deletions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial

from .._errors import MstrError
from .._model.alike import is_named
from .._model.definition import Definition
from .._model.entry import PLANNED, PURGED, READ, WRITTEN, Entry
from .._model.plan import NO_PLAN
from .._model.runtime import Runtime, is_replacement, lists_default
from .api import ALL_FIELDS, Context, map_entries
from .guards import Purge, refusals
from .locate import is_found_by_id, plan_entry
from .write import not_read_again, write

_CHANGED = "because something changed after the plan was made"
_LOOK = "Check it, and run the task again"


def purge_plan(
    context: Context, purge: Purge, entries: Sequence[Entry], existing: Sequence[Runtime], left_out: Sequence[str]
) -> list[Entry]:
    """An entry for each unlisted runtime to delete. `left_out`: names and ids that a file leaves out on purpose."""
    # Compare names too: a listed runtime that cannot be read must not be deleted.
    kept = {entry.wanted.name for entry in entries if not entry.wanted.id}
    keys = {entry.before.key for entry in entries if entry.before}
    keys |= {old.key for entry in entries for old in entry.replaces}
    renamed = {name for entry in entries for name in entry.wanted.previous_names}
    spared: list[str] = []
    purged: list[Entry] = []
    for runtime in existing:
        if runtime.is_default or runtime.key in keys or is_named(runtime.name, purge.exclude, runtime.id):
            continue
        if is_named(runtime.name, left_out, runtime.id):
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
    context: Context, purge: Purge | None, entries: Sequence[Entry], listed: Sequence[Runtime] | None, purged: bool
) -> tuple[list[Entry], Sequence[Runtime] | None]:
    """Delete the purged runtimes, or else the listed ones, if they are as they were planned; check that they are gone.

    `listed`: the runtimes on the server, if they were just listed. Returns them as listed afterwards, too.
    """
    group = [entry for entry in entries if _is_due(entry, purged)]
    if not group:
        return list(entries), listed
    try:
        before = _listed(context, purge, group) if listed is None else listed
    except MstrError as exc:
        return [entry._replace(error=exc) if _is_due(entry, purged) else entry for entry in entries], None
    entries = _checked_again(context, purge, entries, purged, before)
    step = partial(write, context, existing=before)
    entries = map_entries(context, step, entries, partial(_is_due, purged=purged), "deleted")
    group = [entry for entry in entries if _is_unproven(entry)]
    if not group:
        return entries, None
    try:
        # Another list, which also shows what a purge may delete then.
        after = _listed(context, purge, group)
    except MstrError as exc:
        failed = [
            entry._replace(error=not_read_again(entry, exc)) if _is_unproven(entry) else entry for entry in entries
        ]
        return failed, None
    return _checked_gone(context, entries, before, after), after


def _is_due(entry: Entry, purged: bool) -> bool:
    return entry.to_do == "delete" and (entry.place == PURGED) == purged


def _is_unproven(entry: Entry) -> bool:
    """Whether only the response to the deletion says that the runtime is gone."""
    return entry.state == WRITTEN and entry.action == "deleted" and not entry.error


def _listed(context: Context, purge: Purge | None, group: Sequence[Entry]) -> list[Runtime]:
    by_id = is_found_by_id([entry.wanted for entry in group]) and purge is None
    return [] if by_id else context.api.list_all()


def _checked_again(
    context: Context, purge: Purge | None, entries: Sequence[Entry], purged: bool, listed: Sequence[Runtime]
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
        changed = now.changed_since(planned)
        if changed:
            raise MstrError(f"{planned.label} was not deleted, {_CHANGED}: {', '.join(changed)}. {_LOOK}")
        if not entry.wanted.id and number_of[now.name] > 1:
            raise MstrError(f"{planned.label} was not deleted, {_CHANGED}: other runtimes now have its name. {_LOOK}")
        return entry

    entries = map_entries(context, read, entries, partial(_is_due, purged=purged), "read again")
    # A purged runtime that is already gone is no part of the result.
    entries = [entry for entry in entries if entry.place != PURGED or entry.current]
    due = [(entry, entry.current) for entry in entries if _is_due(entry, purged) and entry.current]
    try:
        reasons = list(refusals(context, purge, entries, due, listed))
    except MstrError as exc:
        # Also after a signal: what was written so far must be reported.
        reasons = [(None, exc.sentence)]

    def refused(entry: Entry) -> Entry:
        why = next((why for of, why in reasons if _is_due(entry, purged) and (of is None or of is entry)), None)
        return entry._replace(error=MstrError(f"{entry.label} was not deleted, {_CHANGED}: {why}")) if why else entry

    return [refused(entry) for entry in entries]


def _checked_gone(
    context: Context, entries: Sequence[Entry], before: Sequence[Runtime], after: Sequence[Runtime]
) -> list[Entry]:
    """The entries, with an error for each deleted runtime that still exists.

    `before`, `after`: the lists before and after the deletions. The list has the last word: what it still shows was not
    deleted, even if its id is not found, because the user may lack permission. What no complete list shows is read.
    """
    left = {runtime.key for runtime in after}
    gone = {runtime.key for runtime in before} - left if lists_default(after) else set()

    def check(entry: Entry) -> Entry:
        runtime = entry.current
        if runtime is None or runtime.key in gone:
            return entry._replace(state=READ)
        why = "the list of runtimes shows it. The user may lack permission on this object"
        if runtime.key not in left:
            why = "it can still be read"
            try:
                if context.api.get(str(runtime.id), repr(runtime.name)) is None:
                    return entry._replace(state=READ)
            except MstrError as exc:
                raise not_read_again(entry, exc) from exc
        error = MstrError(f"The server reported {runtime.label} as deleted, but it still exists: {why}")
        return entry._replace(state=PLANNED, error=error)

    return map_entries(context, check, entries, _is_unproven, "read again")
