# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from definitions to what was done, for one runtime and for a thousand."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .._errors import ValidationError
from .._model.entry import PREDICTED, PURGED, READ, Entry, plan_id, report, report_one
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .._session.interrupt import DEFAULT_CONCURRENCY
from .api import Context, RuntimeApi, map_entries, or_error
from .locate import is_found_by_id, locate, plan_entry
from .request import Request, Waiting, Wanted

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


def context_for(task: Any, policy: Policy | None, waiting: Waiting | None = None) -> Context:
    """The context of a task (`auth.Task`) with perhaps the options `protect_used` and `concurrency`."""
    params, concurrency = task.params, task.params.get("concurrency", DEFAULT_CONCURRENCY)
    guard = None
    if params.get("protect_used"):
        from .script_tasks import used_runtimes  # only a protected task needs it

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
        waiting=waiting,
        guard=guard,
        plan_id=params.get("plan_id"),
    )


def ensure_one(task: Any, request: Request) -> Mapping[str, Any]:
    """Create, update or delete the runtime, and report what was done."""
    [entry], refusal = _carried_out(task, request)
    return report_one(entry, refusal)


def ensure_many(task: Any, request: Request) -> Mapping[str, Any]:
    """Create, update and delete the runtimes, and report what was done."""
    entries, refusal = _carried_out(task, request)
    return report(entries, request.wanted.purge is not None, refusal)


def _carried_out(task: Any, request: Request) -> tuple[Sequence[Entry], Refused | None]:
    context = context_for(task, request.policy, request.waiting)
    try:
        return reconcile(context, request.wanted), None
    except Refused as exc:
        if not context.check_mode:
            raise
        return exc.entries, exc


def reconcile(context: Context, wanted: Wanted) -> list[Entry]:
    """Bring the runtimes to their wanted state. Returns an entry for each definition and for each purged runtime.

    Order of work: list the runtimes, read those that the list shows incompletely, make every plan, ask the guards,
    [check mode stops here] create and update in parallel, read again, wait, ask the guards again, delete, purge unless
    there was an error, and check that what was deleted is gone.

    An error of one runtime is its entry's error. Raises ValidationError if the task as a whole is refused, before any
    write, and MstrError if the runtimes cannot be listed.
    """
    existing = _existing(context, wanted)
    entries = [Entry(definition, f"runtimes[{index}]") for index, definition in enumerate(wanted.definitions)]
    entries = _located(context, entries, existing)
    plan = partial(plan_entry, context, existing=existing)
    entries = [entry if entry.error else or_error(plan, entry) for entry in entries]
    if wanted.purge and not any(entry.error for entry in entries):
        from .delete import purge_plan  # only a purge needs it

        # A failed entry may mean one of the runtimes that appear to be unlisted.
        entries += purge_plan(context, wanted.purge, entries, existing)
    errors = _refusals(context, wanted, entries, existing)
    if context.check_mode:
        entries = _predicted(entries)
    if errors:
        raise Refused(errors, entries)
    entries = [entry.finished(READ) if entry.to_do == "none" else entry for entry in entries]
    if context.check_mode:
        return entries
    return _worked(context, wanted, entries, existing)


def _existing(context: Context, wanted: Wanted) -> list[Runtime]:
    """The runtimes on the server. An incomplete list is read twice, so that no create makes a second runtime."""
    definitions = wanted.definitions
    if is_found_by_id(definitions) and not wanted.purge:
        return []
    existing = context.api.list_all()
    if lists_default(existing):
        return existing
    context.warn(f"{INCOMPLETE}.")
    names = {runtime.name for runtime in existing}
    if any(definition.name not in names for definition in definitions if definition.restore or not definition.id):
        known = {runtime.key for runtime in existing}
        existing += [runtime for runtime in context.api.list_all() if runtime.key not in known]
    return existing


def _located(context: Context, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries with what was found. Raises ValidationError for entries that meet."""
    by_id = {runtime.key: [runtime] for runtime in existing}
    by_name: dict[str, list[Runtime]] = {}
    for runtime in existing:
        by_name.setdefault(runtime.name, []).append(runtime)

    def find(entry: Entry) -> Entry:
        wanted = entry.wanted
        if wanted.restore and wanted.id and wanted.id not in by_id and not context.api.get(wanted.id):
            # The runtime was deleted after the backup, or the server is a different one.
            wanted = wanted._replace(id=None)
        candidates = by_id.get(wanted.id, []) if wanted.id else by_name.get(str(wanted.name), [])
        return entry._replace(wanted=wanted, before=locate(context, wanted, candidates))

    found = map_entries(context, find, entries, lambda entry: True, "read")
    errors = _collisions([entry for entry in found if not entry.error], existing)
    if errors:
        raise ValidationError(errors)
    return found


def _collisions(entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[str]:
    """An error for two entries that mean the same runtime, and for a rename to a name that another entry still has.

    Writes run in parallel, so the server might receive the rename before the other entry's rename or delete.
    """
    errors = []
    owners: dict[str, Entry] = {}
    located = [(entry, entry.before) for entry in entries if entry.before]
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
            for holder in existing
            if holder.name == name and holder.key != current.key and holder.key in owners
        ]
    return errors


def _refusals(context: Context, wanted: Wanted, entries: Sequence[Entry], existing: Sequence[Runtime]) -> Sequence[str]:
    """Why the task is refused."""
    to_delete = [(entry, entry.before) for entry in entries if entry.to_do == "delete" and entry.before]
    if not (to_delete or wanted.purge or context.plan_id):
        return ()
    from .guards import plan_refusals, refusals  # only these tasks need them

    guarded = refusals(context, wanted.purge, entries, to_delete, existing)
    return list(dict.fromkeys([*plan_refusals(context, entries), *(sentence for _entry, sentence in guarded)]))


def _predicted(entries: Sequence[Entry]) -> list[Entry]:
    """The entries as a run would leave them: an error cancels the purge."""
    failed = any(entry.error for entry in entries)
    return [
        entry if entry.error or (failed and entry.place == PURGED) else entry.finished(PREDICTED) for entry in entries
    ]


def _worked(context: Context, wanted: Wanted, entries: list[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries after the work."""
    listed: Sequence[Runtime] | None = None  # the runtimes on the server, if nothing happened since it was read
    written = any(entry.to_do in ("create", "update") for entry in entries)
    if written:
        from .write import read_again, write  # only a task that writes needs it

        step = partial(write, context, existing=existing, read_first=len(entries) > 1)
        entries = map_entries(context, step, entries, lambda entry: entry.to_do in ("create", "update"), "written")
        entries, listed = read_again(context, entries)
    if context.waiting:
        from .wait import wait  # only a task that waits needs it

        entries, listed = wait(context, entries, context.waiting), None
    if any(entry.to_do == "delete" for entry in entries):
        from .delete import delete  # only a task that deletes needs it

        # The guard reads every script, so it is asked again only if there was time for a change.
        guarded = context if written or context.waiting else context._replace(guard=None)
        entries = delete(guarded, wanted.purge, entries, listed)
    return entries
