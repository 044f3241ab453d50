# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from definitions to what was done, for one runtime and for a thousand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError, listed, unforeseen
from .._model.definition import Definition
from .._model.entry import PURGED, Entry
from .._model.names import ALIKE, is_named, near_names, quoted
from .._model.plan import POOL
from .._model.policy import Policy
from .._model.runtime import Runtime
from .._session.interrupt import DEFAULT_CONCURRENCY, all_side_by_side
from .api import WHOLE, Context, RuntimeApi, counted
from .wait import Waiting, wait
from .write import locate, not_read_again, plan_entry, verify, write

_NAMES_IN_MESSAGE = 10


class Purge(NamedTuple):
    """Whether to delete unlisted runtimes, and the limits of that.

    `exclude`: names, ids or shell patterns of names of runtimes to keep. `limit`: maximum number of deletions.
    `comment`: for the server's journal.
    """

    wanted: bool = False
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    comment: str | None = None


class PurgeRefused(ValidationError):
    """A purge refused in check mode. `entries`: what would be done, because the user needs to see it."""

    def __init__(self, faults: Sequence[str], entries: Sequence[Entry]) -> None:
        super().__init__(faults)
        self.entries = entries


def context_for(task: Any, policy: Policy | None) -> Context:
    """The context of a task (`auth.Task`) with the options `protect_used` and perhaps `concurrency`."""
    params, concurrency = task.params, task.params.get("concurrency", DEFAULT_CONCURRENCY)
    guard = None
    if params["protect_used"]:
        from .script_usage import check_unused  # only a task that deletes needs it

        guard = partial(check_unused, task.session, concurrency=concurrency, projects=params["protect_projects"])
    return Context(
        api=RuntimeApi(task.session),
        warn=task.warn,
        pause=task.stop.pause,
        clock=time.monotonic,
        progress=task.progress,
        retries=task.retries,
        concurrency=concurrency,
        check_mode=task.check_mode,
        policy=policy,
        guard=guard,
    )


def reconcile(
    context: Context,
    definitions: Sequence[Definition],
    purge: Purge = Purge(),  # noqa: B008  (it is frozen)
    waiting: Waiting | None = None,
) -> list[Entry]:
    """Bring the runtimes to their wanted state. Returns an entry for each definition and for each purged runtime.

    Order of work: list the runtimes, read those that the list shows incompletely, make every plan, create and update
    in parallel, delete, list again. With `waiting`, the purge comes after the wait, which may cancel it.

    An error of one runtime is its entry's error. Raises ValidationError if the task as a whole is refused, before any
    write, and MstrError if the runtimes cannot be listed.
    """
    # For a single runtime no list is read where its id finds it, and it is reported with all fields.
    alone = len(definitions) == 1 and not purge.wanted
    there = None if alone and definitions[0].id else context.api.everything()
    entries = [Entry(one, f"runtimes[{index}]") for index, one in enumerate(definitions)]
    entries = _located(context, entries, there, whole=alone)
    entries = [one if one.error else _attempt(partial(plan_entry, context, listed=there), one) for one in entries]
    purged, faults = _purge_plan(context, purge, entries, there or ())
    entries += purged
    to_delete = [one.plan.runtime for one in entries if one.to_do == "delete" and one.plan.runtime]
    if to_delete and context.guard:
        context.guard(to_delete)
    entries = _carried_out(context, entries, waiting, alone)
    if faults:
        raise PurgeRefused(faults, entries)
    return entries


def _attempt(step: Callable[[Entry], Entry], entry: Entry) -> Entry:
    """The entry after the step. An error, even an unexpected one, becomes this entry's error and affects no other."""
    try:
        return step(entry)
    except MstrError as exc:
        return entry._replace(error=exc)
    except Exception as exc:
        return entry._replace(error=unforeseen(exc))


def _each(
    context: Context,
    step: Callable[[Context, Entry], Entry],
    entries: Sequence[Entry],
    chosen: Callable[[Entry], bool],
    done: str,
) -> list[Entry]:
    """All entries, the chosen ones after a step that runs for several in parallel. `done`: such as "written"."""
    to_do = [one for one in entries if chosen(one)]

    def report_progress(number: int) -> None:
        if len(to_do) > 1:
            context.progress(counted(number, len(to_do), done))

    work = partial(_attempt, partial(step, context))
    results = iter(all_side_by_side(work, to_do, context.concurrency, report_progress))
    return [next(results) if chosen(one) else one for one in entries]


def _located(context: Context, entries: Sequence[Entry], there: Sequence[Runtime] | None, whole: bool) -> list[Entry]:
    """The entries with what was found. Raises ValidationError for entries that meet."""
    by_id = {one.key: [one] for one in there or ()}
    by_name: dict[str, list[Runtime]] = {}
    for one in there or ():
        by_name.setdefault(one.name, []).append(one)

    def find(context: Context, entry: Entry) -> Entry:
        wanted = entry.wanted
        candidates = by_id.get(wanted.id, []) if wanted.id else by_name.get(str(wanted.name), [])
        # A runtime to delete is read completely, so that the diff can serve as evidence and backup.
        needed = {*wanted.values, *(POOL if POOL & set(wanted.values) else ())}
        if whole or wanted.state == "absent":
            needed.update(WHOLE)
        return entry._replace(found=locate(context, wanted, candidates, needed))

    found = _each(context, find, entries, lambda one: True, "read")
    faults = _collisions([entry for entry in found if not entry.error], there or ())
    if faults:
        raise ValidationError(faults)
    return found


def _collisions(entries: Sequence[Entry], there: Sequence[Runtime]) -> list[str]:
    """A fault for two entries that mean the same runtime, and for a rename to a name that another entry still has.

    Writes run in parallel, so the server might receive the rename before the other entry's rename or delete.
    """
    faults = []
    owners: dict[str, Entry] = {}
    located = [(entry, entry.found) for entry in entries if entry.found]
    for entry, current in located:
        first = owners.setdefault(current.key, entry)
        if first is not entry:
            faults.append(f"{entry.place} and {first.place} are the same runtime, {current.label}; list it once")
    for entry, current in located:
        name = entry.wanted.name
        if entry.wanted.state == "absent" or name in (None, current.name):
            continue
        faults += [
            f"{entry.place} takes the name {name!r}, which {owners[holder.key].place} ({holder.id}) still has; "
            "rename or delete that one in an earlier task"
            for holder in there
            if holder.name == name and holder.key != current.key and holder.key in owners
        ]
    return faults


def _purge_plan(
    context: Context, purge: Purge, entries: Sequence[Entry], there: Sequence[Runtime]
) -> tuple[list[Entry], list[str]]:
    """An entry for each unlisted runtime to delete, and the faults for which the purge is refused.

    Raises ValidationError for these faults, except in check mode.
    """
    if not purge.wanted or any(entry.error for entry in entries):
        # A failed entry may mean one of the runtimes that appear to be unlisted.
        return [], []
    # Compare names too: a listed runtime that cannot be read must not be deleted.
    kept = {entry.wanted.name for entry in entries if not entry.wanted.id}
    keys = {entry.plan.runtime.key for entry in entries if entry.plan.runtime}
    to_delete = [
        one
        for one in there
        if not (one.is_default or one.name in kept or one.key in keys or is_named(one.name, purge.exclude, one.id))
    ]
    faults = _purge_faults(to_delete, [entry.wanted.name for entry in entries if entry.wanted.name], purge)
    if faults and not context.check_mode:
        raise ValidationError(faults)

    def read_and_plan(context: Context, entry: Entry) -> Entry:
        return plan_entry(context, entry._replace(found=context.api.whole(entry.found, WHOLE)), ())

    purged = [
        Entry(Definition("absent", {}, id=one.id, name=one.name, journal_comment=purge.comment), PURGED, one)
        for one in to_delete
    ]
    purged = _each(context, read_and_plan, purged, lambda one: True, "read")
    return [entry for entry in purged if entry.to_do != "none"], faults  # one may have been deleted meanwhile


def _purge_faults(to_delete: Sequence[Runtime], names: Sequence[str], purge: Purge) -> list[str]:
    """Reasons to refuse the purge: a name that is read as one to keep, or too many runtimes."""
    limit = purge.limit
    faults = [
        f"purge would delete {quoted([one.name])} ({one.id}), whose name differs only in {ALIKE} from {quoted(near)} "
        "in the list: write the name as the server has it, or list this runtime with state: absent to delete it"
        for one in to_delete
        for near in [near_names(one.name, names)]
        if near
    ]
    if limit is not None and len(to_delete) > limit:
        names = sorted(repr(one.name) for one in to_delete)
        faults.append(
            f"purge would delete {len(to_delete)} runtimes, more than purge_limit {limit}: "
            f"{listed(names, _NAMES_IN_MESSAGE)}. Raise purge_limit if you want to delete them"
        )
    return faults


def _carried_out(context: Context, entries: Sequence[Entry], waiting: Waiting | None, alone: bool) -> list[Entry]:
    """Write, read again, wait, and purge unless there was an error."""
    entries = [
        _attempt(partial(write, context), one) if one.to_do == "none" and one.place != PURGED else one
        for one in entries
    ]
    entries = _each(context, write, entries, lambda one: one.to_do in ("create", "update"), "written")
    entries = _each(context, write, entries, lambda one: one.to_do == "delete" and one.place != PURGED, "deleted")
    if waiting:
        entries = _verified(context, entries, alone)
        entries = wait(context, entries, waiting)
    if not any(one.error for one in entries):
        entries = _each(context, write, entries, lambda one: one.place == PURGED, "deleted")
    return entries if waiting else _verified(context, entries, alone)


def _verified(context: Context, entries: Sequence[Entry], alone: bool) -> list[Entry]:
    """Read the written runtimes again, several of them with one list request."""
    there, failure = None, None
    if not alone and any(one.to_verify and not one.read for one in entries):
        try:
            there = context.api.everything()
        except MstrError as exc:
            failure = exc

    def step(context: Context, entry: Entry) -> Entry:
        if failure and not entry.read:
            raise not_read_again(entry, failure) from failure
        return verify(context, entry, there)

    return _each(context, step, entries, lambda one: one.to_verify and not one.error, "read again")
