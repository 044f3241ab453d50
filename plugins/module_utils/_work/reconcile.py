# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from definitions to what was done, for one runtime and for a thousand."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .._errors import MstrError, ValidationError
from .._model.definition import Definition
from .._model.entry import Entry, plan_id
from .._model.plan import POOL
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .._session.interrupt import DEFAULT_CONCURRENCY
from .._session.transport import is_outage
from .api import WHOLE, Context, RuntimeApi, attempt, each
from .delete import Purge, delete, purge_plan, refusals
from .wait import Waiting, wait
from .write import locate, not_read_again, plan_entry, verify, write

if TYPE_CHECKING:
    from .._model.evaluation import Policy


class Refused(ValidationError):
    """A task that is refused before any write. `entries`: what it would do otherwise, for the user to see."""

    def __init__(self, errors: Iterable[str], entries: Sequence[Entry]) -> None:
        super().__init__(errors)
        self.entries = entries

    def to_result(self) -> dict[str, Any]:
        """The arguments of `fail_json`, with the id of what the task would do."""
        return {**super().to_result(), "plan_id": plan_id(self.entries)}


def context_for(task: Any, policy: Policy | None) -> Context:
    """The context of a task (`auth.Task`) with perhaps the options `protect_used` and `concurrency`."""
    params, concurrency = task.params, task.params.get("concurrency", DEFAULT_CONCURRENCY)
    guard = None
    if params.get("protect_used"):
        from .script_usage import used_runtimes  # only a protected task needs it

        guard = partial(used_runtimes, task.session, concurrency=concurrency, projects=params["protect_projects"])
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
        plan_id=params.get("plan_id"),
    )


def reconcile(
    context: Context,
    definitions: Sequence[Definition],
    purge: Purge = Purge(),  # noqa: B008  (it is frozen)
    waiting: Waiting | None = None,
) -> list[Entry]:
    """Bring the runtimes to their wanted state. Returns an entry for each definition and for each purged runtime.

    Order of work: list the runtimes, read those that the list shows incompletely, make every plan, ask the guards,
    create and update in parallel, read again, wait, ask the guards again, delete, purge unless there was an error, and
    check that what was deleted is gone.

    An error of one runtime is its entry's error. Raises ValidationError if the task as a whole is refused, before any
    write, and MstrError if the runtimes cannot be listed.
    """
    # For a single runtime no list is read where its id finds it, and it is reported with all fields.
    alone = len(definitions) == 1 and not purge.wanted
    by_id = alone and definitions[0].id and not definitions[0].restore
    there = () if by_id else _listed(context, definitions)
    entries = [Entry(one, f"runtimes[{index}]") for index, one in enumerate(definitions)]
    entries = _located(context, entries, there, whole=alone)
    plan = partial(plan_entry, context, listed=None if by_id else there)
    entries = [one if one.error else attempt(plan, one) for one in entries]
    if purge.wanted and not any(one.error for one in entries):
        # A failed entry may mean one of the runtimes that appear to be unlisted.
        entries += purge_plan(context, purge, entries, there)
    to_delete = [(one, one.plan.runtime) for one in entries if one.to_do == "delete" and one.plan.runtime]
    errors = list(dict.fromkeys(sentence for _entry, sentence in refusals(context, purge, entries, to_delete, there)))
    if errors and not context.check_mode:
        raise Refused(errors, entries)
    entries = [attempt(partial(write, context), one) if one.to_do == "none" else one for one in entries]
    entries = each(context, write, entries, lambda one: one.to_do in ("create", "update"), "written")
    entries, after = _verified(context, entries, alone, waiting)
    if waiting:
        entries = wait(context, entries, waiting)
    entries = delete(context, purge, entries, after, alone, waiting is not None)
    if errors:
        raise Refused(errors, entries)
    return entries


def _listed(context: Context, definitions: Sequence[Definition]) -> Sequence[Runtime]:
    """The runtimes on the server. An incomplete list is read twice, so that no create makes a second runtime."""
    there = context.api.list_all()
    if lists_default(there):
        return there
    context.warn(f"{INCOMPLETE}.")
    names = {one.name for one in there}
    if any(one.name not in names for one in definitions if one.restore or not one.id):
        known = {one.key for one in there}
        there += [one for one in context.api.list_all() if one.key not in known]
    return there


def _located(context: Context, entries: Sequence[Entry], there: Sequence[Runtime] | None, whole: bool) -> list[Entry]:
    """The entries with what was found. Raises ValidationError for entries that meet."""
    by_id = {one.key: [one] for one in there or ()}
    by_name: dict[str, list[Runtime]] = {}
    for one in there or ():
        by_name.setdefault(one.name, []).append(one)

    def find(context: Context, entry: Entry) -> Entry:
        wanted = entry.wanted
        if wanted.restore and wanted.id and wanted.id not in by_id and not context.api.get(wanted.id):
            # The runtime was deleted after the backup, or the server is a different one.
            wanted = wanted._replace(id=None)
        candidates = by_id.get(wanted.id, []) if wanted.id else by_name.get(str(wanted.name), [])
        # A runtime to delete is read completely, so that the diff can serve as evidence and backup.
        needed = {*wanted.values, *(POOL if POOL & set(wanted.values) else ())}
        if whole or wanted.state == "absent":
            needed.update(WHOLE)
        return entry._replace(wanted=wanted, found=locate(context, wanted, candidates, needed))

    found = each(context, find, entries, lambda one: True, "read")
    errors = _collisions([entry for entry in found if not entry.error], there or ())
    if errors:
        raise ValidationError(errors)
    return found


def _collisions(entries: Sequence[Entry], there: Sequence[Runtime]) -> list[str]:
    """An error for two entries that mean the same runtime, and for a rename to a name that another entry still has.

    Writes run in parallel, so the server might receive the rename before the other entry's rename or delete.
    """
    errors = []
    owners: dict[str, Entry] = {}
    located = [(entry, entry.found) for entry in entries if entry.found]
    for entry, current in located:
        first = owners.setdefault(current.key, entry)
        if first is not entry:
            errors.append(f"{entry.place} and {first.place} are the same runtime, {current.label}; list it once")
    for entry, current in located:
        name = entry.wanted.name
        if entry.wanted.state == "absent" or name in (None, current.name):
            continue
        errors += [
            f"{entry.place} takes the name {name!r}, which {owners[holder.key].place} ({holder.id}) still has; "
            "rename or delete that one in an earlier task"
            for holder in there
            if holder.name == name and holder.key != current.key and holder.key in owners
        ]
    return errors


def _verified(
    context: Context, entries: Sequence[Entry], alone: bool, waiting: Waiting | None
) -> tuple[list[Entry], Sequence[Runtime] | None]:
    """Read the written runtimes again, several of them with one list request. Returns that list, if it was read.

    With `waiting`, an outage of the server is left to the wait, which reads them, too.
    """
    there, failure = None, None
    if not alone and any(one.to_verify and not one.read for one in entries):
        try:
            there = context.api.list_all()
        except MstrError as exc:
            failure = exc

    def step(context: Context, entry: Entry) -> Entry:
        try:
            if failure and not entry.read:
                raise failure
            return verify(context, entry, there)
        except MstrError as exc:
            if waiting and is_outage(exc):
                return entry
            raise not_read_again(entry, exc) from exc

    return each(context, step, entries, lambda one: one.to_verify and not one.error, "read again"), there
