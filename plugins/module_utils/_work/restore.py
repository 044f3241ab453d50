# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores: each runtime gets the name that the backup has, even if a different runtime holds it now.

Renames are done in the order in which each name is free, after the deletion of what the backup lists as absent, if that
has the name. Nothing is renamed aside.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from .._errors import MstrError, ValidationError, listed
from .._model.definition import Definition
from .._model.runtime import Runtime
from .._model.steps import CHANGE, DELETE, LATE, PURGE, Row, Step
from .._model.usage import name_of
from .api import Context, Work, attempt
from .names import is_own
from .write import write, write_and_read

if TYPE_CHECKING:
    from .._model.src import Source


def identified(context: Context, wanted: Definition, listed_ids: Collection[str | None]) -> Definition:
    """The definition of a runtime that no list shows: without its id if it was deleted, or the server is another one.

    An unfinished replacement of it is what is left of it, unless the backup lists that as absent.
    """
    if context.api.get(str(wanted.id)):
        return wanted
    marks = [mark for mark in context.left.values() if mark.is_gone and mark.replaced == wanted.id]
    left = sorted(mark.key for mark in marks if mark.name != wanted.name and mark.key not in listed_ids)
    return wanted._replace(id=left[0] if left else None)


def takes_name(row: Row) -> bool:
    """Whether the plan of a row of a backup gives its runtime a name that it does not have."""
    due = row.main.is_due and "name" in row.main.plan.changed_fields
    return bool(row.wanted.restore and not row.failure and not row.replacement and due)


def order_names(context: Context, work: Work) -> Work:
    """The work, with an error for each row whose name a runtime holds that neither moves nor is deleted.

    A row whose name gets free by a deletion is carried out after that. An error, also of a script, cancels the purge,
    and a runtime with an error keeps its name. Warns of the runtimes that are neither in the backup nor purged.
    """
    before = None
    while work != before:
        before, owners = work, {row.main.key: row for row in work.rows if row.main.key}
        order = partial(_ordered, context, owners, work.purges)
        work = work._replace(rows=[attempt(order, row) if takes_name(row) else row for row in work.rows])
    keys = {step.key for row in work.rows for step in row.steps}
    others = [
        one.label for one in context.existing if not (one.is_default or one.key in keys or one.key in context.left)
    ]
    if others:
        context.warn(f"These runtimes are not in the backup, and were left alone: {listed(sorted(others))}.")
    return work


def unless_older(context: Context, backup: Source, row: Row) -> Row:
    """The row of a runtime to delete; of one that is older than the backup, a row that leaves it alone.

    A run lists in its backup only what it created after it. Anything else means that somebody edited the file.
    """
    before = context.api.with_all_fields(row.main.before, ["dateCreated"]) or row.main.seen
    if _is_newer(before, backup):
        return row
    created, written = before.facts.get("dateCreated") or "unknown", backup.server_time or "an unknown time"
    context.warn(
        f"Runtime {before.label} is left alone, although the backup of {written} lists it as absent: a run lists only "
        f"what it created after its backup, and the time of this creation is {created}. Check who edited the file."
    )
    kept = Definition("present", {}, id=before.id, name=before.name)
    return row._replace(wanted=kept, steps=(Step(kept, CHANGE, before),))


def warn_of_newer(context: Context, backup: Source, work: Work) -> None:
    """Name what the run that wrote an unfinished backup may have created."""
    known = {*(step.key for row in work.rows for step in row.steps), *context.left}
    runtimes = [runtime for runtime in context.existing if runtime.key not in known and not runtime.is_default]
    if not backup.unfinished or not runtimes:
        return
    needed = ["dateCreated", "owner"]
    whole = [context.api.with_all_fields(runtime, needed) or runtime for runtime in runtimes]
    newer = sorted((runtime for runtime in whole if _is_newer(runtime, backup)), key=lambda runtime: runtime.name)
    texts = [
        f"{runtime.label}, created {runtime.facts['dateCreated']}, owner {name_of(runtime.facts.get('owner'))!r}"
        for runtime in newer
    ]
    own = [runtime.id for runtime in newer if is_own(context, runtime)]
    if newer:
        entries = ", ".join(f"{{id: {identity}, state: absent}}" for identity in own)
        remedy = f" To delete those of the user of this task, apply: {{runtimes: [{entries}]}}" if own else ""
        context.warn(
            "The run that wrote this backup did not end, so nobody knows which of these runtimes it created: "
            f"{listed(texts, len(texts))}.{remedy}"
        )


def _is_newer(runtime: Runtime, backup: Source) -> bool:
    """Whether a runtime was created after the backup, or at most five minutes before it."""
    created, written = _moment(runtime.facts.get("dateCreated")), _moment(backup.server_time)
    return bool(created and written and created >= written - timedelta(minutes=5))


def _moment(text: object) -> datetime | None:
    try:
        return datetime.strptime(re.sub(r"\.\d+", "", str(text)), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None


def _ordered(context: Context, owners: Mapping[str, Row], purges: bool, row: Row) -> Row:
    """The row in its phase. Raises ValidationError if its name cannot get free."""
    phase, chain = CHANGE, [row]
    while holder := _holder(context.existing, chain[-1]):
        owner = owners.get(holder.key)
        if owner and owner.due(DELETE, PURGE) and (purges or not owner.is_purged):
            phase = LATE
            break
        if owner in chain:
            circle = ", ".join(f"{each.main.seen.label} is to be {each.wanted.name!r}" for each in chain)
            first = row.main.seen
            raise ValidationError(
                [
                    f"the names are a circle: {circle}. Rename one of them to a name that nobody has, such as "
                    f"{{id: {first.id}, name: {first.name} 2}}, and run the restore again"
                ]
            )
        if owner is None or not takes_name(owner):
            why = "which keeps it" if owner else "which is not in the backup. Rename that one"
            taken = f"name {chain[-1].wanted.name!r} is taken by the runtime with id {holder.id}"
            raise ValidationError([f"{taken}, {why}, and run the restore again"])
        chain.append(owner)
    main = row.main
    return row._replace(steps=tuple(step._replace(phase=phase) if step is main else step for step in row.steps))


def _holder(existing: Sequence[Runtime], row: Row) -> Runtime | None:
    """The runtime that has the name that a row needs, if it is a different one."""
    return next((one for one in existing if one.name == row.wanted.name and one.key != row.main.key), None)


def write_in_order(context: Context, rows: Sequence[Row], phase: str) -> list[Row]:
    """The rows; those that take names are written one after another, if a different runtime holds one of them."""
    rows, pending = list(rows), [index for index, row in enumerate(rows) if takes_name(row) and row.due(phase)]
    existing = list(context.existing)
    if phase == CHANGE and not any(_holder(existing, rows[index]) for index in pending):
        return rows
    work = write if phase == CHANGE else write_and_read
    while pending:
        free = next((index for index in pending if not _holder(existing, rows[index])), None)
        index = pending[0] if free is None else free
        pending.remove(index)
        row, holder = rows[index], _holder(existing, rows[index])
        if holder:
            taken = f"name {row.wanted.name!r} is still taken by the runtime with id {holder.id}"
            rows[index] = row._replace(error=MstrError(f"{taken}; run the restore again"))
            continue
        rows[index] = row = row.with_step(attempt(partial(work, context), row.main))
        runtime = row.main.runtime
        if runtime and not row.failure:
            existing = [*(one for one in existing if one.key != runtime.key), runtime]
    return rows


def change_late(context: Context, work: Work) -> Work:
    """Carry out the changes that wait for deletions."""
    try:
        now = context.api.list_all()
    except MstrError as exc:
        return work._replace(rows=[row._replace(error=exc) if row.due(LATE) else row for row in work.rows])
    rows = write_in_order(context._replace(existing=now), work.rows, LATE)
    return work.outdated()._replace(rows=rows)
