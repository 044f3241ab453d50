# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the runtime that a definition means, and plans what to do with it. Several threads may run these steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from .._errors import MstrError, ValidationError
from .._model.definition import Definition
from .._model.fields import POOL
from .._model.plan import compare, make_plan
from .._model.runtime import Runtime
from .._model.steps import CHANGE, DELETE, READ, Row, Step
from .api import ALL_FIELDS, Context, attempt, map_rows, one_named


def is_found_by_id(definitions: Sequence[Definition]) -> bool:
    """Whether this is a single runtime that its id finds, so that no list needs to be read."""
    return len(definitions) == 1 and definitions[0].id is not None


def located(context: Context, refused: Mapping[str, MstrError]) -> list[Row]:
    """A row for each definition, with what was found. `refused`: the errors of definitions, by their places.

    Raises ValidationError for two definitions that mean one runtime.
    """
    rows = [_row(wanted, refused) for wanted in context.inputs.definitions]
    claimed: set[str | None] = set()
    if context.inputs.restore:
        keys = {runtime.key for runtime in context.existing}
        rows = _each(partial(_without_deleted_id, context, keys), rows)
        claimed = {row.wanted.id for row in rows}
    find = partial(_found, _Listed(context.existing), claimed)
    rows = _with_fields(context, _each(find, rows))
    errors = list(_meetings(rows))
    if errors:
        raise ValidationError(errors)
    return rows


def _row(wanted: Definition, refused: Mapping[str, MstrError]) -> Row:
    step = Step(wanted, CHANGE if wanted.state == "present" else DELETE)
    return Row(wanted, wanted.place, (step,), refused.get(wanted.place))


def _without_deleted_id(context: Context, listed_ids: Collection[str | None], row: Row) -> Row:
    """The row of a backup; without its id if no runtime has it any more, so that the name decides. Raises MstrError."""
    wanted = row.wanted
    if wanted.id is None or wanted.id in listed_ids or context.api.get(wanted.id):
        return row
    wanted = wanted._replace(id=None)
    return row._replace(wanted=wanted, steps=(row.main._replace(wanted=wanted),))


def _each(work: Callable[[Row], Row], rows: Sequence[Row]) -> list[Row]:
    """The rows after the work, but for those that have failed."""
    return [row if row.error else attempt(work, row) for row in rows]


class _Listed:
    """The listed runtimes by id and by name."""

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        self.by_id = {runtime.key: runtime for runtime in runtimes}
        self.by_name: dict[str, list[Runtime]] = {}
        for runtime in runtimes:
            self.by_name.setdefault(runtime.name, []).append(runtime)

    def candidates(self, wanted: Definition) -> list[Runtime]:
        """The runtimes that a definition may mean: by its id, or else by its name and previous names."""
        if wanted.id:
            return [self.by_id[wanted.id]] if wanted.id in self.by_id else []
        names = (str(wanted.name), *wanted.previous_names)
        return [runtime for name in names for runtime in self.by_name.get(name, ())]


def _found(listed: _Listed, claimed: Collection[str | None], row: Row) -> Row:
    """The row with the listed runtime that it means. `claimed`: the ids by which other definitions mean runtimes."""
    candidates = listed.candidates(row.wanted)
    if row.wanted.id is None:
        candidates = [runtime for runtime in candidates if runtime.key not in claimed]
    return row.with_step(row.main._replace(before=find_listed(row.wanted, candidates)))


def _with_fields(context: Context, rows: list[Row]) -> list[Row]:
    """The rows with the fields of their runtimes that the list omits."""

    def read(row: Row) -> Row:
        before = locate(context, row.wanted, row.main.before)
        return row.with_step(row.main._replace(before=before))

    def is_unread(row: Row) -> bool:
        return not row.error and _needs_read(context, row.wanted, row.main.before)

    return map_rows(context, read, rows, is_unread, "read")


def _meetings(rows: Sequence[Row]) -> Iterator[str]:
    """An error for each definition that means the runtime of an earlier one."""
    owners: dict[str, Row] = {}
    for row in rows:
        current = row.main.before
        if current is None or row.error:
            continue
        first = owners.setdefault(current.key, row)
        if first is not row:
            yield f"{row.place} and {first.place} are the same runtime, {current.label}; list it once"


def needed_fields(context: Context, wanted: Definition) -> set[str]:
    """The fields that a list must show: managed or awaited; all of one to delete, whose diff serves as a backup."""
    needed = {"name", *wanted.values}
    if set(POOL) & set(wanted.values):
        needed |= set(POOL)
    if context.inputs.waits or wanted.replace_on_change or wanted.smoke_test:
        needed |= {"status", "packages"}
    if wanted.state == "absent" or context.inputs.shows_all_fields:
        needed |= set(ALL_FIELDS)
    return needed


def find_listed(wanted: Definition, listed: Sequence[Runtime]) -> Runtime | None:
    """The runtime that a definition means: the one with its id, its name, or a previous name. Sends nothing.

    Raises ValidationError if there are several.
    """
    if wanted.id:
        return next((runtime for runtime in listed if runtime.key == wanted.id), None)
    found = one_named(listed, str(wanted.name))
    if found:
        return found
    earlier = previous_of(wanted, listed)
    if len(earlier) > 1:
        labels = ", ".join(runtime.label for runtime in earlier)
        raise ValidationError([f"several runtimes have a previous name of {wanted.name!r}: {labels}; keep one of them"])
    return earlier[0] if earlier else None


def previous_of(wanted: Definition, listed: Sequence[Runtime]) -> list[Runtime]:
    """The runtimes with a previous name of a definition."""
    names = set(wanted.previous_names)
    return [runtime for runtime in listed if runtime.name in names] if names else []


def _needs_read(context: Context, wanted: Definition, found: Runtime | None) -> bool:
    """Whether `locate` may send a request."""
    return bool(found.lacking(needed_fields(context, wanted)) if found else wanted.id)


def locate(context: Context, wanted: Definition, found: Runtime | None) -> Runtime | None:
    """The runtime as it is now, with the needed fields; None if it does not exist. Raises MstrError.

    `found`: as the list shows it.
    """
    if found is None:
        read = context.api.get if context.existing else context.api.find
        return read(wanted.id) if wanted.id else None
    runtime = _with_needed_fields(context, wanted, found)
    is_same = runtime is not None and runtime.name in ("", found.name)
    if is_same or wanted.id:
        return runtime
    if wanted.state == "absent":
        return None
    # What took its place may be seen only in the next list, so a create could make a second one.
    now = f"renamed to {runtime.name!r}" if runtime else "deleted"
    raise MstrError(f"{found.label} was {now} after the list was read. Run the task again.")


def _with_needed_fields(context: Context, wanted: Definition, found: Runtime) -> Runtime | None:
    """The listed runtime with the needed fields; None if it was deleted meanwhile. Raises MstrError."""
    api, needed = context.api, needed_fields(context, wanted)
    if wanted.state == "absent":
        return api.with_all_fields(found, needed)
    runtime = api.with_set_fields(found, needed)
    _merged, different = compare(runtime.values, wanted) if runtime else ({}, ())
    return api.with_all_fields(runtime, needed) if different else runtime  # because it will be written


def read_unchanged(context: Context, runtime: Runtime, needed: Iterable[str] = ()) -> Runtime:
    """The runtime with all fields, and those `needed`. Raises MstrError if it is not the one that the list showed."""
    current = context.api.with_all_fields(runtime, {*ALL_FIELDS, *needed})
    if current is None or current.name not in ("", runtime.name):
        now = f"renamed to {current.name!r}" if current else "deleted"
        raise MstrError(f"{runtime.label} was {now} after the list was read. Check it, and run the task again")
    return current


def plan_step(context: Context, step: Step) -> Step:
    """The step with its plan, checked against the server; without a change, it is done. Raises ValidationError."""
    wanted, before = step.wanted, step.before
    plan = make_plan(before, wanted, context.inputs.enforced_policy)
    planned = step.fingerprint
    if plan.changed or before is None:
        from .._model.approval import fingerprint  # only a task that writes, or finds no runtime, needs them
        from .guards import check_plan

        check_plan(context, step, plan)
        planned = fingerprint(before, plan) if planned is None else planned
    step = step._replace(plan=plan, fingerprint=planned or "")
    return step if plan.changed else step.finished(READ)
