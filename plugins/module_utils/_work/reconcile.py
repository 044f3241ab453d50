# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from definitions to what was done, for one runtime and for a thousand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from .._errors import ValidationError
from .._model.entry import PREDICTED, PURGED, READ, Entry, ScriptReport, plan_id, report_one
from .._model.runtime import INCOMPLETE, Runtime, lists_default, replacement_name
from .api import Context, map_entries, or_error
from .locate import is_found_by_id, locate, plan_entry
from .request import Request, Wanted, context_for


class Refused(ValidationError):
    """A task that is refused before any write. `entries` and `scripts`: what it would do otherwise."""

    def __init__(self, errors: Iterable[str], entries: Sequence[Entry], scripts: ScriptReport) -> None:
        super().__init__(errors)
        self.entries, self.scripts = entries, scripts

    def to_result(self) -> dict[str, Any]:
        """The arguments of `fail_json`, with the id of what the task would do."""
        return {**super().to_result(), "plan_id": plan_id(self.entries, self.scripts)}


def ensure_one(task: Any, request: Request) -> Mapping[str, Any]:
    """Create, update or delete the runtime, and report what was done."""
    [entry], scripts, refusal = carry_out_or_plan(context_for(task, request), request.wanted)
    return report_one(entry, scripts, refusal)


def ensure_many(task: Any, request: Request) -> Mapping[str, Any]:
    """Create, update and delete the runtimes, assign the scripts, and report what was done."""
    context = context_for(task, request)
    entries, scripts, refusal = carry_out_or_plan(context, request.wanted)
    from .._model.report import report  # only a task for many runtimes needs it

    return report(entries, request.wanted.purge is not None, scripts, refusal, context.check_mode)


def carry_out_or_plan(context: Context, wanted: Wanted) -> tuple[Sequence[Entry], ScriptReport, Refused | None]:
    """What was done with the runtimes and the scripts; in check mode what would be, and why the task is refused."""
    refusal = None
    try:
        entries: Sequence[Entry] = reconcile(context, wanted)
    except Refused as exc:
        if not context.check_mode:
            raise
        entries, refusal = exc.entries, exc
    if context.check_mode and any(entry.action in ("deleted", "replaced") for entry in entries):
        from .scripts import with_evidence  # only a plan that deletes something needs it

        entries = with_evidence(context, entries)
    return entries, context.script_report(entries), refusal


def reconcile(context: Context, wanted: Wanted) -> list[Entry]:
    """Bring the runtimes to their wanted state. Returns an entry for each definition and for each purged runtime.

    Order of work: list, read what the list omits, make every plan, ask the guards, [check mode stops here] `carry_out`.
    An error of one runtime is its entry's error. Raises ValidationError if the task as a whole is refused, before any
    write, and MstrError if the runtimes cannot be listed.
    """
    context = context._replace(purge=wanted.purge)
    existing = _existing(context, wanted)
    entries = [Entry(definition, f"runtimes[{index}]") for index, definition in enumerate(wanted.definitions)]
    entries = _located(context, entries, existing)
    plan = partial(plan_entry, context, existing=existing)
    entries = [entry if entry.error else or_error(plan, entry) for entry in entries]
    if wanted.replaces:
        from .replace import plan_replacements  # only these tasks need it

        entries = plan_replacements(context, entries, existing)
    if wanted.purge and not any(entry.error for entry in entries):
        from .delete import purge_plan  # only a purge needs it

        # A failed entry may mean one of the runtimes that appear to be unlisted.
        entries += purge_plan(context, wanted.purge, entries, existing)
    errors: list[str] = context.scripts.plan(entries, existing) if context.scripts else []
    if any(definition.restore for definition in wanted.definitions):
        from .restore import check_names  # only a backup needs it

        entries = check_names(context, entries, existing)
    entries = context.scripts.checked(entries) if context.scripts else entries
    entries = [entry.unplanned() if entry.error else entry for entry in entries]
    if context.purge or context.plan_id or any(entry.to_do == "delete" or entry.replacing for entry in entries):
        from .guards import plan_refusals  # only these tasks need it

        errors += plan_refusals(context, entries, existing)
    if context.check_mode:
        entries = _predicted(context, entries)
    if errors:
        raise Refused(errors, entries, context.script_report(entries))
    entries = [entry.finished(READ) if entry.to_do == "none" else entry for entry in entries]
    if context.check_mode:
        return entries
    if not context.waiting and not context.scripts and all(entry.to_do is None for entry in entries):
        return entries
    from .carry_out import carry_out  # only a task that changes something, or waits, needs it

    return carry_out(context, entries, existing)


def _existing(context: Context, wanted: Wanted) -> list[Runtime]:
    """The runtimes on the server. An incomplete list is read twice, so that no create makes a second runtime."""
    definitions = wanted.definitions
    if is_found_by_id(definitions) and not wanted.purge and not wanted.scripts:
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

    # In a backup, the id decides; a runtime that has the name of a different one now is renamed.
    restores = any(entry.wanted.restore for entry in entries)
    restored = {entry.wanted.id for entry in entries if restores and entry.wanted.id in by_id}

    def find(entry: Entry) -> Entry:
        wanted = entry.wanted
        if wanted.restore and wanted.id and wanted.id not in by_id and not context.api.get(wanted.id):
            # The runtime was deleted after the backup, or the server is a different one.
            wanted = wanted._replace(id=None)
        names = (str(wanted.name), *wanted.previous_names, replacement_name(str(wanted.name)))
        named = [runtime for name in names for runtime in by_name.get(name, ()) if runtime.key not in restored]
        candidates = by_id.get(wanted.id, []) if wanted.id else named
        return entry._replace(wanted=wanted, before=locate(context, wanted, candidates, bool(existing)))

    found = map_entries(context, find, entries, lambda entry: True, "read")
    errors = list(_collisions([entry for entry in found if not entry.error], existing))
    if errors:
        raise ValidationError(errors)
    return found


def _collisions(entries: Sequence[Entry], existing: Sequence[Runtime]) -> Iterator[str]:
    """An error for two entries that mean the same runtime, and for a rename to a name that another entry still has.

    Writes run in parallel, so the server might receive the rename before the other entry's rename or delete.
    """
    owners: dict[str, Entry] = {}
    located = [(entry, entry.before) for entry in entries if entry.before]
    for entry, current in located:
        first = owners.setdefault(current.key, entry)
        if first is not entry:
            yield f"{entry.place} and {first.place} are the same runtime, {current.label}; list it once"
    for entry, current in located:
        name = entry.wanted.name
        if entry.wanted.state == "absent" or entry.wanted.restore or name in (None, current.name):
            continue
        for holder in existing:
            if holder.name == name and holder.key != current.key and holder.key in owners:
                yield (
                    f"{entry.place} takes the name {name!r}, which {owners[holder.key].place} ({holder.id}) still has; "
                    "rename or delete that one in an earlier task"
                )


def _predicted(context: Context, entries: Sequence[Entry]) -> list[Entry]:
    """The entries as a run would leave them: an error cancels the purge."""
    purges = context.purges(entries)
    if any(entry.replacing for entry in entries):
        from .replace import predicted  # only these tasks need it

        entries = [entry if entry.error else predicted(entry) for entry in entries]
    return [
        entry.finished(PREDICTED) if entry.to_do and (purges or entry.place != PURGED) else entry for entry in entries
    ]
