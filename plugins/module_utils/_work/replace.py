# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a replacement needs besides its writes: the new runtime is compared and tried, and a failure is undone.

A replacement has one commit point: the deletion of the old runtime. What fails before it is undone: scripts go back,
and the new runtime is deleted. Nothing is undone after a signal or an outage, because nothing can be read, and where
the server may still carry out the deletion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .._errors import MstrError
from .._model.definition import EACH_PACKAGE, Definition, deletion_of
from .._model.plan import compare, diff_values, make_plan
from .._model.runtime import Runtime, unfinished_in
from .._model.scripts import Usage
from .._model.steps import DELETE_OLD, UNDO, UNKNOWN, Row, Step
from .._text import ended, listed
from .api import Context, map_rows
from .assign import assign
from .recover import by_hand
from .script import Script, run_script
from .script_usage import find_usage
from .scripts import assignment
from .settle import settle

_SMOKE_TEST_TIMEOUT = 600.0  # seconds


def with_new_runtimes(rows: Sequence[Row]) -> list[Row]:
    """The rows, the later steps of their replacements with the new runtimes as they are."""

    def ready(row: Row) -> Row:
        new = _new(row)
        if new is None:
            return row
        steps = [step._replace(successor=new) if step.phase == DELETE_OLD else step for step in row.steps]
        return row._replace(steps=tuple(steps))

    return list(map(ready, rows))


def _new(row: Row) -> Runtime | None:
    """The runtime that a replacement has created; None for other rows, and for a replacement that has failed."""
    return row.main.after if row.replacement and not row.failure else None


def check_names(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows; a new runtime whose name the server changed is deleted at once: the name says what it replaces."""

    def check(row: Row) -> Row:
        new, name = _new(row), row.main.wanted.name
        if new is None or new.name == name:
            return row
        error = f"The server stored the name {new.name!r} instead of {name!r}, which says what it replaces"
        return row._replace(error=MstrError(error))

    return undo(context, list(map(check, rows)))


def compare_stored(rows: Sequence[Row]) -> list[Row]:
    """The rows, with an error for each replacement that is not what the definition asks for in a field that counts.

    The next run would replace it again.
    """

    def check(row: Row) -> Row:
        new, wanted = _new(row), row.wanted
        if new is None:
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

    return map_rows(context, run, rows, is_tried, "tried")


def _code(wanted: Definition, runtime: Runtime) -> str:
    """The code of a smoke test."""
    if wanted.smoke_test != EACH_PACKAGE:
        return str(wanted.smoke_test)
    from .._model.import_check import import_check  # few definitions need it

    return import_check(runtime.to_result()["packages"])


# --- undo


class _Found(NamedTuple):
    """What there is of a replacement that failed. `usage`: the scripts, if the old runtime exists."""

    has_old: bool
    has_new: bool
    usage: Usage = Usage()


def undo(context: Context, rows: Sequence[Row]) -> list[Row]:
    """Undo the replacements that failed before their commit. Their errors say what there is now."""
    return [_undone(context, row) for row in rows]


def _undone(context: Context, row: Row) -> Row:
    """The row, after an undo if it is a replacement that failed after it had created its runtime."""
    old, new = row.old, row.main.after
    if row.failure is None or old is None or new is None:
        return row
    if row.is_committed or row.in_phase(UNDO):
        return row
    if any(step.state == UNKNOWN for step in row.in_phase(DELETE_OLD)):
        return _ended_with(row, _text_of_unknown_commit(old, new))
    try:
        found = _look_for(context, old, new)
    except MstrError as exc:
        return _ended_with(row, f"Nothing was undone: {ended(exc.sentence)} {_unfinished_text(new)}")
    if not found.has_old or found.usage.unread:
        return _ended_with(row, _why_not_undone(found, old, new))
    undone = _with_deletion(context, row, old, new, found.usage)
    return _ended_with(row._replace(steps=(*row.steps, *undone.steps)), _text_of_undo(undone, old, new))


def _look_for(context: Context, old: Runtime, new: Runtime) -> _Found:
    """What there is of a replacement. Raises MstrError."""
    if context.api.find(str(old.id), repr(old.name)):
        return _Found(True, True, find_usage(context, None))
    return _Found(False, context.api.find(str(new.id), repr(new.name)) is not None)


def _with_deletion(context: Context, row: Row, old: Runtime, new: Runtime, usage: Usage) -> Row:
    """A row that assigns the scripts of the new runtime to the old one and deletes the new one, after its work."""
    moves = [assignment(script, old, [new]) for script in usage.of(new.key)]
    wanted = deletion_of(new, row.wanted.journal_comment)
    deletion = Step(wanted, UNDO, new, make_plan(new, wanted), successor=old, fingerprint="")
    [undone], _listed = settle(context, assign(context, [Row(wanted, row.place, (*moves, deletion))]), [UNDO])
    return undone


def _ended_with(row: Row, text: str) -> Row:
    """The row, whose error ends with what there is now."""
    error = row.failure or MstrError("")
    return row._replace(error=MstrError(f"{ended(error.sentence)} {text}", **error.error))


def _text_of_unknown_commit(old: Runtime, new: Runtime) -> str:
    [mark] = unfinished_in([new])
    remedy = f"set recover: true, or {by_hand(mark, None)}"
    return (
        f"The server may still delete {old.label}, so nothing was undone: the replacement is unfinished, and the "
        f"scripts use {new.label}. In the next run, {remedy}."
    )


def _why_not_undone(found: _Found, old: Runtime, new: Runtime) -> str:
    if found.has_old:
        unread = f"Not every script could be read: {ended(found.usage.unread[0].error.sentence)}"
        return f"{_stays(old)} {unread} {_unfinished_text(new)}"
    remedy = f"Neither does the runtime {new.label}. Check which runtime the scripts use."
    if found.has_new:
        remedy = _unfinished_text(new)
    return f"{old.label} does not exist any more. {remedy}"


def _text_of_undo(undone: Row, old: Runtime, new: Runtime) -> str:
    """What there is after an undo, which may have failed."""
    failure = ended(undone.failure.sentence) if undone.failure else ""
    if undone.main.state == UNKNOWN:
        return f"{_stays(old)} {failure}"
    if not undone.main.done and failure:
        return f"This could not be undone: {failure} {_unfinished_text(new)}"
    return f"{_stays(old)} The runtime {new.label} was deleted again. {failure}".rstrip()


def _stays(old: Runtime) -> str:
    return f"The old runtime {old.label} stays in use."


def _unfinished_text(new: Runtime) -> str:
    return f"The runtime {new.label} exists beside it; set recover: true to undo or finish that."
