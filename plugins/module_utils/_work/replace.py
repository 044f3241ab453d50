# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out replacements. As long as a step fails, the old runtime stays in use, and gets its scripts back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from .._errors import MstrError, ended, listed
from .._model.plan import NO_PLAN, compare, diff_values, make_plan
from .._model.runtime import Runtime
from .._model.steps import ASIDE, CLEAN_UP, DELETE, DELETE_OLD, READ, RENAME, UNKNOWN, Row, Step
from .._model.stored import deletion_of
from .api import Context, Work, attempt
from .delete import delete
from .locate import plan_step
from .names import exists
from .restore import renamed_aside
from .script import Script, run_script
from .scripts import Scripts, assign_back, move_newcomers
from .side_by_side import map_items
from .write import write_and_read

_SMOKE_TEST_TIMEOUT = 600.0  # seconds


def finish_names(context: Context, rows: Sequence[Row]) -> list[Row]:
    """Give the runtime that an earlier run did not rename its name, before it is replaced itself."""

    rename = partial(renamed_aside, context)
    return map_items(context, rename, rows, lambda row: bool(row.replacement and row.due(ASIDE)), "renamed")


def compare_stored(rows: Sequence[Row]) -> list[Row]:
    """The rows, with an error for each replacement that is not what the definition asks for in a field that counts.

    The next run would replace it again. The runtime beside, which no script uses then, is to be deleted.
    """

    def check(row: Row) -> Row:
        new, wanted = row.main.after or row.main.seen, row.wanted
        merged, different = compare(new.values, wanted)
        fields = [name for name in different if name in wanted.replace_on_change and name != "name"]
        if not fields:
            return row
        stored, requested = diff_values(new.values, fields), diff_values(merged, fields)
        values = listed([f"{name} {stored[name]!r} instead of {requested[name]!r}" for name in fields])
        advice = "A replacement would be made in every run. Write what the server stores, or leave the field out"
        error = MstrError(f"The server stored for {new.label} {values}. {advice} of replace_on_change")
        return _to_clean_up(row, new)._replace(error=error)

    return [attempt(check, row) if row.in_phase(RENAME) and not row.failure else row for row in rows]


def _to_clean_up(row: Row, beside: Runtime) -> Row:
    gone = deletion_of(beside, row.wanted.journal_comment)
    return row.with_step(Step(gone, CLEAN_UP, beside, make_plan(beside, gone), unused_only=True))


def try_code(context: Context, rows: Sequence[Row]) -> list[Row]:
    """Run the smoke tests. Each runtime that was written and fails its test has an error."""

    def run(row: Row) -> Row:
        runtime = row.main.after or row.main.seen
        script = Script(str(row.wanted.smoke_test), runtime.id, _SMOKE_TEST_TIMEOUT, runtime.name)
        try:
            run_script(context.session, script, context.clock, context.pause)
        except MstrError as exc:
            raise MstrError(f"The smoke test failed: {exc.sentence}", **exc.error) from exc
        return row

    def is_new(row: Row) -> bool:
        return bool(
            row.wanted.smoke_test and not row.failure and row.main.after and (row.main.written or row.replacement)
        )

    return map_items(context, run, rows, is_new, "tried")


def move_scripts(context: Context, work: Work) -> Work:
    """Move the scripts that came to old runtimes meanwhile, and take back those of failed replacements.

    A row has an error if a script still uses what it replaces, or if its new runtime is gone.
    """
    scripts, rows = work.scripts, list[Row]()
    for row in work.rows:
        if row.replacement and not row.failure:
            scripts, error = move_newcomers(context, scripts, row)
            row = row._replace(error=error) if error else attempt(partial(_check_new, context), row)
        rows.append(row)
    return take_back(context, Work(rows, scripts), [row.failure is not None for row in rows])


def _check_new(context: Context, row: Row) -> Row:
    new = row.main.runtime
    if new and context.api.find(str(new.id), repr(new.name)) is None:
        return row.with_step(
            row.main._replace(after=None, error=MstrError(f"The runtime {new.label} was deleted meanwhile"))
        )
    return row


def take_back(context: Context, work: Work, failed: Sequence[bool]) -> Work:
    """Assign the scripts of failed replacements to their old runtimes again. The errors say what there is now."""
    scripts, rows = work.scripts, list[Row]()
    for row, is_failed in zip(work.rows, failed):
        if row.replacement and is_failed and row.failure:
            scripts, row = _return_scripts(context, scripts, row, row.failure)
        rows.append(row)
    to_clean = [bool(row.due(CLEAN_UP)) for row in rows]
    work = delete(context, Work(rows, scripts), CLEAN_UP)
    return work._replace(rows=[_with_rest(row) if due else row for row, due in zip(work.rows, to_clean)])


def _return_scripts(context: Context, scripts: Scripts, row: Row, error: MstrError) -> tuple[Scripts, Row]:
    """Assign back the scripts of one failed replacement."""
    if row.beside:
        with suppress(MstrError):  # after a signal, what is known has to do
            scripts = scripts.looked_up(context)
    # What puts things in order is tried even after the server was given up, but nothing else.
    goes_back = row.beside or any(moved.target.name == row.final_name for moved in scripts.changed)
    look = context.session.insisting()(exists) if goes_back else exists
    exists_by_key = {old.key: look(context, old) for old in row.old}
    scripts, left = assign_back(scripts, row, exists_by_key)
    words = {True: "stays in use", False: "does not exist any more", None: "may not exist any more; check it"}
    now = [f"The old runtime {old.label} {words[exists_by_key[old.key]]}." for old in row.old]
    now = [left, "Check which runtime they use."] if left else now
    new, holder = row.main.after, _other_holder(context, row)
    if holder:
        now.append(f"Another task has replaced {row.final_name!r} meanwhile: it is {holder.label} now.")
        row = _to_clean_up(row, new) if new and row.main.action == "created" else row
    elif new and new.name != row.final_name and not row.in_phase(CLEAN_UP):
        now.append(f"The runtime {new.label} exists beside it. The next run continues with it.")
    return scripts, row._replace(error=MstrError(" ".join([ended(error.sentence), *now]), **error.error))


def _other_holder(context: Context, row: Row) -> Runtime | None:
    """The runtime that has the name of a replacement and is neither the old one nor the new one; None if unknown."""
    own = {runtime.key for runtime in (*row.old, row.main.runtime) if runtime}
    with suppress(MstrError):
        named = (other for other in context.api.list_all() if other.name == row.final_name)
        return next((other for other in named if other.key not in own), None)
    return None


def _with_rest(row: Row) -> Row:
    """The row, whose error says what became of the runtime beside that was to be deleted again."""
    step = next(iter(row.in_phase(CLEAN_UP)), None)
    if step is None or row.error is None or step.before is None:
        return row
    left = f"The runtime {step.before.label} was deleted again." if step.done else f"{step.error}"
    return row._replace(error=MstrError(f"{row.error.sentence} {left}", **row.error.error))


def delete_old(context: Context, work: Work) -> Work:
    """Delete what was replaced, take back the scripts of what could not be, and give the others their names.

    The runtime that was copied is deleted after those with previous names. After an interruption, one of these would
    appear to be the runtime to copy.
    """
    failed = [row.failure is not None for row in work.rows]
    for phase in (DELETE, DELETE_OLD):
        work = delete(context, work, phase)
        rows = [_settle(context, row, phase) if row.replacement else row for row in work.rows]
        work = work._replace(rows=rows)
    rename = partial(_take_name, context._replace(existing=work.listed or ()))
    work = take_back(context, work, [row.failure is not None and not before for row, before in zip(work.rows, failed)])
    rows = map_items(context, rename, work.rows, lambda row: bool(row.in_phase(RENAME) and not row.failure), "renamed")
    return work.outdated()._replace(rows=rows)


def _settle(context: Context, row: Row, phase: str) -> Row:
    """The row without the error of a deletion whose runtime is gone: an error is no proof that it still exists.

    It has an error if somebody else has replaced the runtime.
    """
    for step in row.in_phase(phase):
        was_gone = step.state == READ and not step.plan.changed
        if step.before and (was_gone or (step.error and exists(context, step.before) is False)):
            if was_gone and _other_holder(context, row):
                return row._replace(error=MstrError(f"{step.before.label} does not exist any more"))
            row = row.with_step(step._replace(state=READ, error=None))
    return row


def _take_name(context: Context, row: Row) -> Row:
    """Give the new runtime its name."""
    [step], new = row.in_phase(RENAME), row.main.after or row.main.seen
    holder = next((other for other in context.existing if other.name == row.final_name and other.key != new.key), None)
    if holder:
        raise MstrError(f"{holder.label} has the name of {new.label}, which the scripts use now. Delete one of them")
    if new.name == row.final_name:
        return row.with_step(step._replace(before=new, plan=NO_PLAN).finished(READ))
    step = step._replace(wanted=step.wanted._replace(id=new.id), before=new)
    step = attempt(partial(plan_step, context), step)
    step = step if step.error else write_and_read(context, step)
    if step.error is None or step.done:
        return row.with_step(step)
    took, end = "could not take its name", ". The next run renames it."
    if step.state == UNKNOWN:
        took, end = "may not have taken its name", ". If so, the next run renames it."
    gone = f"{' and '.join(old.label for old in row.old)} {'is' if len(row.old) == 1 else 'are'} deleted"
    text = f"{ended(step.error.sentence)} {gone}, and the scripts use {new.label}, which {took}{end}"
    return row.with_step(step)._replace(error=MstrError(text, **step.error.error))
