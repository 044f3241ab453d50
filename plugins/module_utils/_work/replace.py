# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a replacement needs besides its writes: the new runtime is compared and tried, and a failure is undone.

A replacement has one commit point: the deletion of the old runtime. What fails before it is undone: scripts go back,
and the new runtime is deleted. After a signal or an outage nothing is undone, because nothing can be read.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import MstrError
from .._model.definition import EACH_PACKAGE, Definition, deletion_of
from .._model.plan import compare, diff_values, make_plan
from .._model.runtime import Runtime
from .._model.scripts import Usage
from .._model.steps import DELETE_OLD, UNDO, UNKNOWN, Row, Step
from .._text import ended, listed
from .api import Context
from .assign import assign
from .script import Script, run_script
from .script_usage import find_usage
from .scripts import assignment
from .settle import settle
from .side_by_side import map_items

_SMOKE_TEST_TIMEOUT = 600.0  # seconds


def with_new_runtimes(rows: Sequence[Row]) -> list[Row]:
    """The rows, the later steps of their replacements with the new runtimes as they are."""

    def ready(row: Row) -> Row:
        new = row.main.after
        if row.replacement is None or new is None:
            return row
        steps = [step._replace(successor=new) if step.phase == DELETE_OLD else step for step in row.steps]
        return row._replace(steps=tuple(steps))

    return list(map(ready, rows))


def check_names(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows; a new runtime whose name the server changed is deleted at once: the name says what it replaces."""

    def check(row: Row) -> Row:
        new, name = row.main.after, row.main.wanted.name
        if row.replacement is None or new is None or row.failure or new.name == name:
            return row
        error = f"The server stored the name {new.name!r} instead of {name!r}, which says what it replaces"
        return row._replace(error=MstrError(error))

    checked = list(map(check, rows))
    return undo(context, checked) if checked != list(rows) else checked


def compare_stored(rows: Sequence[Row]) -> list[Row]:
    """The rows, with an error for each replacement that is not what the definition asks for in a field that counts.

    The next run would replace it again.
    """

    def check(row: Row) -> Row:
        new, wanted = row.main.after, row.wanted
        if row.replacement is None or new is None or row.failure:
            return row
        merged, different = compare(new.values, wanted)
        fields = [name for name in different if name in wanted.replace_on_change]
        if not fields:
            return row
        stored, requested = diff_values(new.values, fields), diff_values(merged, fields)
        values = listed([f"{name} {stored[name]!r} instead of {requested[name]!r}" for name in fields])
        advice = "A replacement would be made in every run. Write what the server stores, or leave the field out"
        error = MstrError(f"The server stored for {new.label} {values}. {advice} of replace_on_change")
        return row._replace(error=error)

    return list(map(check, rows))


def try_code(context: Context, rows: Sequence[Row]) -> list[Row]:
    """Run the smoke tests. Each runtime that was written and fails its test has an error."""

    def run(row: Row) -> Row:
        runtime = row.main.after or row.main.seen
        script = Script(_code(row.wanted, runtime), runtime.id, _SMOKE_TEST_TIMEOUT, runtime.name)
        try:
            run_script(context.session, script, context.clock, context.pause)
        except MstrError as exc:
            raise MstrError(f"The smoke test failed: {exc.sentence}", **exc.error) from exc
        return row

    def is_tried(row: Row) -> bool:
        return bool(row.wanted.smoke_test and not row.failure and row.main.after and row.main.written)

    return map_items(context, run, rows, is_tried, "tried")


def _code(wanted: Definition, runtime: Runtime) -> str:
    """The code of a smoke test."""
    if wanted.smoke_test != EACH_PACKAGE:
        return str(wanted.smoke_test)
    from .._model.package_test import package_test  # few definitions need it

    return package_test(runtime.to_result()["packages"])


# --- undo


def undo(context: Context, rows: Sequence[Row]) -> list[Row]:
    """Undo the replacements that failed before their commit. Their errors say what there is now."""
    return [_undone(context, row) if _is_to_undo(row) else row for row in rows]


def _is_to_undo(row: Row) -> bool:
    """Whether a replacement failed after it had created its runtime, and has not deleted the old one."""
    return bool(
        row.failure and row.replacement and row.main.is_reported and not row.is_committed and not row.in_phase(UNDO)
    )


def _undone(context: Context, row: Row) -> Row:
    """The row after its scripts went back and its new runtime was deleted, if the old one exists."""
    new, old, error = row.main.after, row.old or Runtime({}), row.failure or MstrError("")
    if new is None or new.id is None:
        return row
    try:
        is_there = context.api.find(str(old.id), repr(old.name)) is not None
        is_left = is_there or context.api.find(str(new.id), repr(new.name)) is not None
        usage = find_usage(context, None) if is_there else Usage()
    except MstrError as exc:
        return _ended_with(row, error, f"Nothing was undone: {ended(exc.sentence)} {_left(new)}")
    if not is_there:
        neither = f"Neither does the runtime {new.label}. Check which runtime the scripts use."
        return _ended_with(row, error, f"{old.label} does not exist any more. {_left(new) if is_left else neither}")
    if usage.unread:
        unread = f"Not every script could be read: {ended(usage.unread[0].error.sentence)}"
        return _ended_with(row, error, f"{_stays(old)} {unread} {_left(new)}")
    moves = [assignment(script, old, [new]) for script in usage.of(new.key)]
    wanted = deletion_of(new, row.wanted.journal_comment)
    deletion = Step(wanted, UNDO, new, make_plan(new, wanted), successor=old, fingerprint="")
    [back], _listed = settle(context, assign(context, [Row(wanted, row.place, (*moves, deletion))]), [UNDO])
    row = row._replace(steps=(*row.steps, *back.steps))
    failure = ended(back.failure.sentence) if back.failure else ""
    if back.failure and not back.main.is_reported:
        return _ended_with(row, error, f"This could not be undone: {failure} {_left(new)}")
    if back.main.state == UNKNOWN:
        return _ended_with(row, error, f"{_stays(old)} {failure}")
    return _ended_with(row, error, f"{_stays(old)} The runtime {new.label} was deleted again. {failure}".rstrip())


def _ended_with(row: Row, error: MstrError, text: str) -> Row:
    return row._replace(error=MstrError(f"{ended(error.sentence)} {text}", **error.error))


def _stays(old: Runtime) -> str:
    return f"The old runtime {old.label} stays in use."


def _left(new: Runtime) -> str:
    return f"The runtime {new.label} exists beside it; set recover: true to undo or finish that."
