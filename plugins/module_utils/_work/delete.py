# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is deleted: the plan of a purge, the guards, and the last look before and after deletions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError, listed
from .._model.definition import Definition
from .._model.entry import PURGED, Entry, plan_id, plan_mismatch
from .._model.fields import LIST_AS_WRITTEN
from .._model.names import ALIKE, is_named, name_key, quoted
from .._model.plan import NO_PLAN
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .api import WHOLE, Context, each
from .write import not_read_again, plan_entry, write

_NAMES_IN_MESSAGE = 10
_CHANGED = "because something changed after the plan was made"
_LOOK = "Check it, and run the task again"


PROTECT_OPTIONS: dict[str, Any] = {
    "protect_used": {"type": "bool", "default": False},
    "protect_projects": {"type": LIST_AS_WRITTEN, "elements": "str"},
}


def check_protection(params: Mapping[str, Any]) -> None:
    """Raises ValidationError for options that protect nothing."""
    projects = params["protect_projects"]
    if projects is None:
        return
    from .script_usage import check_projects  # only a protected task needs it

    check_projects(projects, "protect_projects")
    if not params["protect_used"]:
        raise ValidationError(["protect_projects needs protect_used: true, because it protects nothing by itself"])


class Purge(NamedTuple):
    """Whether to delete unlisted runtimes, and the limits of that.

    `exclude`: names, ids or shell patterns of names of runtimes to keep. `limit`: maximum number of deletions.
    `comment`: for the server's journal.
    """

    wanted: bool = False
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    comment: str | None = None


def purge_plan(context: Context, purge: Purge, entries: Sequence[Entry], there: Sequence[Runtime]) -> list[Entry]:
    """An entry for each unlisted runtime to delete."""
    # Compare names too: a listed runtime that cannot be read must not be deleted.
    kept = {entry.wanted.name for entry in entries if not entry.wanted.id}
    keys = {entry.plan.runtime.key for entry in entries if entry.plan.runtime}
    purged = [
        Entry(Definition("absent", {}, id=one.id, name=one.name, journal_comment=purge.comment), PURGED, one)
        for one in there
        if not (one.is_default or one.name in kept or one.key in keys or is_named(one.name, purge.exclude, one.id))
    ]

    def read_and_plan(context: Context, entry: Entry) -> Entry:
        return plan_entry(context, entry._replace(found=context.api.with_all_fields(entry.found, WHOLE)), ())

    purged = each(context, read_and_plan, purged, lambda one: True, "read")
    purged = [entry for entry in purged if entry.to_do != "none"]  # one may have been deleted meanwhile
    for text in purge.exclude if purged else ():
        # A misspelled name keeps nothing. A pattern is often for runtimes that only some servers have.
        if not re.search("[*?]", text) and not any(is_named(one.name, [text], one.id) for one in there):
            context.warn(f"purge_exclude {text!r} matches no runtime, so it keeps none. Check the spelling.")
    return purged


def refusals(
    context: Context,
    purge: Purge,
    entries: Sequence[Entry],
    to_delete: Sequence[tuple[Entry, Runtime]],
    there: Sequence[Runtime],
    again: bool = False,
) -> Iterator[tuple[Entry | None, str]]:
    """All guards: what must not be done, and why. For each refusal, the entry to delete, or None for the whole task.

    They are asked before the first write, when any refusal refuses the whole task, and again just before the deletions,
    with each runtime as it is then and with the list `there` of that moment; then a refusal with an entry spares this
    runtime, and one with None spares all of them. `entries`: every entry of the task, with its plan.

    To add a guard, yield its refusals here. One that concerns more than deletions is asked only if not `again`.
    """
    purged = [(entry, one) for entry, one in to_delete if entry.place == PURGED]
    names: dict[str, list[str]] = {}
    for name in (entry.wanted.name for entry in entries if purged and entry.place != PURGED):
        names.setdefault(name_key(name or ""), []).append(name or "")
    if context.plan_id and not again and plan_id(entries) != context.plan_id:
        yield None, plan_mismatch(context.plan_id, entries)
    if purge.wanted and not lists_default(there):
        why = f"{INCOMPLETE[0].lower()}{INCOMPLETE[1:]}"
        yield None, f"purge is refused: {why}. Run the task again, or as a user who sees every runtime"
    for entry, one in purged:
        near = names.get(name_key(one.name), []) if one.name else []
        label = f"{quoted([one.name])} ({one.id})"
        if not one.name:
            yield entry, f"purge would delete the runtime with id {one.id}, which has no name; list it by its id"
        elif one.name in near:
            yield entry, f"purge would delete {label}, whose name is in the list"
        elif near:
            yield (
                entry,
                f"purge would delete {label}, whose name differs only in {ALIKE} from {quoted(near)} in the list: "
                "write the name as the server has it, or list this runtime with state: absent to delete it",
            )
        elif is_named(one.name, purge.exclude, one.id):
            yield entry, f"purge would delete {label}, which purge_exclude names"
    if purge.limit is not None and len(purged) > purge.limit:
        most = len(purged) if context.check_mode else _NAMES_IN_MESSAGE
        yield (
            None,
            f"purge would delete {len(purged)} runtimes, more than purge_limit {purge.limit}: "
            f"{listed(sorted(repr(one.name) for _entry, one in purged), most)}. "
            "Raise purge_limit if you want to delete them",
        )
    if context.guard and to_delete:
        entry_of = {one.key: entry for entry, one in to_delete}
        for runtimes, sentence in context.guard([one for _entry, one in to_delete]):
            for one in runtimes:
                yield entry_of[one.key], sentence


def delete(
    context: Context, purge: Purge, entries: list[Entry], there: Sequence[Runtime] | None, alone: bool, waiting: bool
) -> list[Entry]:
    """Delete what is still as it was planned, the purged runtimes last, and check that it is gone.

    `there`: the runtimes on the server, if the list was read after the writes.
    """
    failed = any(one.error for one in entries)

    def is_due(entry: Entry) -> bool:
        return entry.to_do == "delete" and not entry.done and not (failed and entry.place == PURGED)

    due = [one for one in entries if is_due(one)]
    if due and not context.check_mode:
        entries, there = _checked_again(context, purge, entries, is_due, there, alone, waiting)
        failed = any(one.error for one in entries if one.place != PURGED)
    entries = each(context, write, entries, lambda one: is_due(one) and one.place != PURGED, "deleted")
    failed = failed or any(one.error for one in entries if one.place != PURGED)
    entries = each(context, write, entries, is_due, "deleted")
    return entries if context.check_mode else _checked_gone(context, entries, there or ())


def _checked_again(
    context: Context,
    purge: Purge,
    entries: list[Entry],
    is_due: Callable[[Entry], bool],
    there: Sequence[Runtime] | None,
    alone: bool,
    waiting: bool,
) -> tuple[list[Entry], Sequence[Runtime]]:
    """The entries, with an error for each to delete that has changed since the plan or that a guard now refuses.

    Returns also the runtimes that the list shows now. For a single runtime that its id finds, no list is read.
    """
    written = any(one.to_verify for one in entries)
    if waiting or there is None:
        by_id = alone and entries[0].wanted.id
        try:
            there = () if by_id else context.api.list_all()
        except MstrError as exc:
            return [one._replace(error=exc) if is_due(one) else one for one in entries], ()
    by_key = {one.key: one for one in there}
    number_of = Counter(one.name for one in there)

    def read(context: Context, entry: Entry) -> Entry:
        planned = entry.plan.runtime
        if planned is None:
            raise AssertionError("a plan to delete has a runtime")
        # A list may omit a runtime that can be read by its id.
        now = by_key.get(planned.key) or context.api.get(str(planned.id), repr(planned.name))
        if now and (now.facts.get("version") is None or planned.facts.get("version") is None):
            now = context.api.with_all_fields(now, WHOLE)
        if now is None:
            return entry._replace(plan=NO_PLAN, found=None)
        changed = now.changed_since(planned)
        if changed:
            raise MstrError(f"{planned.label} was not deleted, {_CHANGED}: {', '.join(changed)}. {_LOOK}")
        if not entry.wanted.id and number_of[now.name] > 1:
            raise MstrError(f"{planned.label} was not deleted, {_CHANGED}: other runtimes now have its name. {_LOOK}")
        return entry._replace(found=now)

    entries = each(context, read, entries, is_due, "read again")
    # A purged runtime that is already gone is no part of the result.
    entries = [one for one in entries if one.place != PURGED or one.to_do != "none"]
    to_delete = [(one, one.found) for one in entries if is_due(one) and one.found]
    # The guard reads every script, so it is asked again only if there was time for a change.
    asked = context if written or waiting else context._replace(guard=None)
    reasons = list(refusals(asked, purge, entries, to_delete, there, again=True))

    def refused(entry: Entry) -> Entry:
        why = next((why for of, why in reasons if is_due(entry) and (of is None or of is entry)), None)
        return entry._replace(error=MstrError(f"{entry.label} was not deleted, {_CHANGED}: {why}")) if why else entry

    return [refused(one) for one in entries], there


def _checked_gone(context: Context, entries: list[Entry], before: Sequence[Runtime]) -> list[Entry]:
    """The entries, with an error for each deleted runtime that still exists. `before`: the list before the deletions.

    One list shows what is gone of several, unless it is incomplete. What it still shows, and what no list shows, is
    read by its id.
    """
    gone: set[str] = set()
    if sum(map(_is_deleted, entries)) > 1:
        try:
            after = context.api.list_all()
            gone = {one.key for one in before} - {one.key for one in after} if lists_default(after) else gone
        except MstrError as exc:
            return [one._replace(error=not_read_again(one, exc)) if _is_deleted(one) else one for one in entries]

    def check(context: Context, entry: Entry) -> Entry:
        runtime = entry.runtime
        if runtime is None or runtime.key in gone:
            return entry
        try:
            still = context.api.get(str(runtime.id), repr(runtime.name))
        except MstrError as exc:
            raise not_read_again(entry, exc) from exc
        if still is None:
            return entry
        error = MstrError(f"The server reported {runtime.label} as deleted, but it still exists")
        return entry._replace(done=False, error=error)

    return each(context, check, entries, _is_deleted, "read again")


def _is_deleted(entry: Entry) -> bool:
    return entry.action == "deleted" and not entry.error
