# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out replacements, and what becomes of those that earlier runs left.

Until the old runtime is deleted, whatever fails is undone: its scripts go back, and the new runtime is deleted.
Afterwards the next run finishes what is left. After a signal or an outage nothing is undone: the next run decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from .._errors import MstrError, ended, listed
from .._model.fields import differing
from .._model.marks import marks_in
from .._model.plan import NO_PLAN, compare, diff_values, make_plan
from .._model.runtime import Runtime, mark_in
from .._model.steps import CHANGE, CLEAN_UP, DELETE_OLD, FINISH, READ, RENAME, UNDO, UNKNOWN, Row, Step
from .._model.stored import changed_since, deletion_of
from .api import Context, Work, attempt
from .assign import assign, assign_back, follow, move_newcomers
from .assignments import RECOVER
from .delete import delete
from .locate import plan_step
from .names import exists
from .script import Script, run_script
from .side_by_side import map_items
from .write import CHANGED, CHECK_IT, write_and_read

_SMOKE_TEST_TIMEOUT = 600.0  # seconds


def recover(context: Context, work: Work) -> Work:
    """Undo or finish what an earlier run left: assign its scripts, delete it, or give it its name."""
    work = assign(context, work, RECOVER)
    for row in work.rows:
        returned = [step.seen for step in row.due(UNDO)]
        returned += [row.beside] if row.beside and row.due(CHANGE) else []
        for beside in returned:
            _name, replaced = mark_in(beside.name) or ("", "")
            old = next(runtime for runtime in context.existing if runtime.key == replaced)
            work, is_there = _still_there(context, work, old, beside)
            if is_there is False:
                left = f"so {beside.label}, which replaces it, was left as it is"
                error = MstrError(f"{old.label} was deleted meanwhile, {left}. {CHECK_IT}")
                rows = [other._replace(error=error) if other is row else other for other in work.rows]
                work = work._replace(rows=rows)
    work = delete(context, work, UNDO)
    return work._replace(
        rows=map_items(context, partial(_finish, context), work.rows, lambda row: bool(row.due(FINISH)), "renamed")
    )


def _still_there(context: Context, work: Work, old: Runtime, new: Runtime) -> tuple[Work, bool | None]:
    """The work, and whether the runtime exists to which scripts were assigned back. If not, they use the new one again.

    Another run may have deleted it meanwhile.
    """
    is_there = exists(context, old)
    return (follow(context, work, old, new) if is_there is False else work), is_there


def _finish(context: Context, row: Row) -> Row:
    """The row, whose runtime takes its name before it is replaced itself."""
    [step] = row.in_phase(FINISH)
    planned = step.seen
    now = context.api.find(str(planned.id), repr(planned.name))
    changed = changed_since(now, planned) if now else ("it was deleted",)
    if changed:
        raise MstrError(f"{planned.label} was not renamed, {CHANGED}: {', '.join(changed)}. {CHECK_IT}")
    done = write_and_read(context, step)
    if done.after and not done.error:
        shown = [name for name, value in planned.values.items() if value is not None or planned.is_whole]
        changed = differing(planned.values, done.after.values, [name for name in shown if name != "name"])
        if changed:
            text = f"{planned.label} changed while it was renamed: {', '.join(changed)}. {CHECK_IT}"
            done = done._replace(error=MstrError(text))
    row = row.with_step(done)
    # What follows knows the runtime under the name that it has now.
    seen = [step._replace(before=done.after) if step.phase == DELETE_OLD else step for step in row.steps]
    return row._replace(steps=tuple(seen)) if done.done else row


def check_created(context: Context, rows: Sequence[Row], now: Sequence[Runtime] | None) -> list[Row]:
    """The rows, with an error for each runtime beside that got another name, or that another run has overtaken.

    `now`: the runtimes as listed after the creates; None if nothing was created.
    """

    def check(row: Row) -> Row:
        new, name = row.main.after, row.main.wanted.name
        if new and new.name != name:
            error = MstrError(
                f"The server stored the name {new.name!r} instead of {name!r}, which says what it replaces"
            )
            return _to_clean_up(row, new)._replace(error=error)
        rivals = _rivals(row, now or ())
        if rivals and rivals[0] < _key(row):
            raise MstrError(f"Another run replaces {row.old[0].label}, too, and was first: its runtime is {rivals[0]}")
        return _checked_name(row, now or ())

    return [attempt(check, row) if now and _is_new(row) else row for row in rows]


def _is_new(row: Row) -> bool:
    return bool(row.in_phase(RENAME) and not row.failure and row.main.written and row.main.plan.action == "create")


def _rivals(row: Row, now: Sequence[Runtime]) -> list[str]:
    """The keys of the other unfinished replacements of what the row replaces."""
    old, own = row.in_phase(DELETE_OLD)[0].key, _key(row)
    return sorted(mark.key for mark in marks_in(now) if mark.replaced == old and mark.key != own)


def _key(row: Row) -> str:
    """The key of its new runtime; empty as long as that does not exist."""
    return row.main.runtime.key if row.main.runtime else ""


def _checked_name(row: Row, now: Sequence[Runtime]) -> Row:
    """The row. Raises MstrError if somebody else has the name that its runtime is to take."""
    own = {row.in_phase(DELETE_OLD)[0].key, _key(row)}
    holder = next((other for other in now if other.name == row.final_name and other.key not in own), None)
    if holder:
        raise MstrError(f"{holder.label} has the name of {row.old[0].label} by now")
    return row


def compare_stored(rows: Sequence[Row]) -> list[Row]:
    """The rows, with an error for each replacement that is not what the definition asks for in a field that counts.

    The next run would replace it again.
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
        return row._replace(error=error)

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


def commit(context: Context, work: Work) -> Work:
    """Delete what was copied, undo what failed before that, and give the new runtimes their names."""
    places = [row.place for row in work.rows if row.due(DELETE_OLD)]
    if places:
        work = move_newcomers(context, work, places)
        work, now = _alone(context, work)
        check = partial(_compared, context, now)
        rows = map_items(context, check, work.rows, lambda row: bool(row.due(DELETE_OLD)), "compared")
        work = delete(context, work._replace(rows=rows, listed=now), DELETE_OLD)
        work = work._replace(rows=[_settled(context, row) for row in work.rows])
    work = undo(context, work)
    places = [row.place for row in work.rows if row.due(RENAME)]
    if not places:
        return work
    now = work.listed
    work = move_newcomers(context._replace(inputs=context.inputs._replace(plan_id=None)), work, places)
    work = work._replace(rows=[_with_its_mark(row) if row.place in places else row for row in work.rows])
    take = partial(_take_name, context._replace(existing=now or ()))
    rows = map_items(context, take, work.rows, lambda row: bool(row.due(RENAME)), "renamed")
    warn_of_namesakes(context, {_key(row): row.final_name for row in rows if row.place in places})
    return work.outdated()._replace(rows=rows)


def _with_its_mark(row: Row) -> Row:
    """The row; if it failed after its commit, with what there is now."""
    new = row.main.after or row.main.seen
    if row.error is None:
        return row
    now = f"{row.old[0].label} is deleted, and {new.label} keeps its name. The next run finishes the replacement."
    return row._replace(error=MstrError(f"{ended(row.error.sentence)} {now}", **row.error.error))


def warn_of_namesakes(context: Context, names: Mapping[str, str]) -> None:
    """Name the runtimes that got one of these names, by the key of the runtime that has it, meanwhile."""
    for other in _listed(context):
        for key, name in names.items():
            if other.name == name and other.key != key:
                context.warn(f"Several runtimes now have the name {name!r}: {key} and {other.id}. Rename one of them.")


def _alone(context: Context, work: Work) -> tuple[Work, Sequence[Runtime] | None]:
    """The work, once no other run replaces the same runtimes; the run with the first id goes on. Then the list."""
    end = context.clock() + context.inputs.patience.timeout
    rows = list(work.rows)
    try:
        while True:
            now = context.api.list_all()
            rivals = {row.place: _rivals(row, now) for row in rows if row.due(DELETE_OLD)}
            late = context.clock() >= end
            for index, row in enumerate(rows):
                others = rivals.get(row.place)
                if others and (late or others[0] < _key(row)):
                    error = MstrError(f"Another run replaces {row.old[0].label}, too: its runtime is {others[0]}")
                    rows[index] = row._replace(error=error)
            if not any(rivals.get(row.place) for row in rows if row.due(DELETE_OLD)):
                return work._replace(rows=rows), now
            context.pause(context.inputs.patience.interval)
    except MstrError as exc:
        return work._replace(rows=[row._replace(error=exc) if row.due(DELETE_OLD) else row for row in rows]), None


def _compared(context: Context, now: Sequence[Runtime] | None, row: Row) -> Row:
    """The row. Raises MstrError if its new runtime is not what was compared, or somebody else has the name."""
    new = row.main.after or row.main.seen
    read = context.api.find(str(new.id), repr(new.name))
    if read is None:
        raise MstrError(f"The runtime {new.label} was deleted meanwhile")
    if read.name == row.final_name and exists(context, row.old[0]) is False:
        # Another run, which shares it, has finished the replacement.
        return row.with_step(row.main._replace(after=read))
    changed = ", ".join(changed_since(read, new))
    if changed or read.name != new.name:
        raise MstrError(f"The runtime {new.label} changed meanwhile: {changed or 'name'}")
    return _checked_name(row, now or ())


def _settled(context: Context, row: Row) -> Row:
    """The row without the error of a deletion whose runtime is gone: an error is no proof that it still exists."""
    for step in row.in_phase(DELETE_OLD) if row.failure else ():
        if step.error and step.before and step.plan.changed and exists(context, step.before) is False:
            row = row.with_step(step._replace(state=READ, error=None))
    return row


def undo(context: Context, work: Work) -> Work:
    """Undo the replacements that failed before their commit. Their errors say what there is now."""
    to_undo = [row.place for row in work.rows if row.failure and row.in_phase(RENAME) and _can_be_undone(row)]
    for place in to_undo:
        index = next(number for number, row in enumerate(work.rows) if row.place == place)
        work, row = _undone(context, work, work.rows[index])
        work = work._replace(rows=[row if number == index else other for number, other in enumerate(work.rows)])
    to_clean = [bool(row.due(CLEAN_UP)) for row in work.rows]
    work = delete(context, work, CLEAN_UP) if any(to_clean) else work
    return work._replace(rows=[_with_rest(row) if due else row for row, due in zip(work.rows, to_clean)])


def _can_be_undone(row: Row) -> bool:
    """Whether the row did something, and its old runtime is not deleted."""
    return not row.is_committed and (row.main.shows or bool(row.in_phase(CLEAN_UP)))


def _undone(context: Context, work: Work, row: Row) -> tuple[Work, Row]:
    """The work and a row whose scripts are back on the old runtime, and whose new one is to be deleted."""
    old, new, error = row.old[0], row.main.after or row.beside, row.failure or MstrError("")
    is_there = exists(context, old)
    words = {True: "stays in use", False: "does not exist any more", None: "may not exist any more; check it"}
    left, now, goes = "", [f"The old runtime {old.label} {words[is_there]}."], False
    if is_there and new:
        try:
            work, left = assign_back(context, work, row, old)
        except MstrError as exc:
            left = f"{ended(exc.sentence)}"
        now = [left, "Check which runtime they use.", *now[1:]] if left else now
        work, is_there = _still_there(context, work, old, new)
        goes = not left and bool(is_there)
    elif is_there is False and new:
        listed_now = _listed(context)
        others = [*_rivals(row, listed_now), *(other.key for other in listed_now if other.name == row.final_name)]
        goes = bool(set(others) - {new.key})
        now.append("Another run has replaced it." if goes else "")
    if goes and new and not row.main.shared:
        row = _to_clean_up(row, new)
    elif new and not row.in_phase(CLEAN_UP):
        now.append(f"The runtime {new.label} exists beside it. The next run goes on with it or undoes it.")
    return work, row._replace(error=MstrError(" ".join([ended(error.sentence), *filter(None, now)]), **error.error))


def _listed(context: Context) -> Sequence[Runtime]:
    try:
        return context.api.list_all()
    except MstrError:
        return ()


def _with_rest(row: Row) -> Row:
    """The row, whose error says what became of the runtime beside that was to be deleted again."""
    step = next(iter(row.in_phase(CLEAN_UP)), None)
    if step is None or row.error is None or step.before is None:
        return row
    left = f"The runtime {step.before.label} was deleted again." if step.done else f"{step.error}"
    return row._replace(error=MstrError(f"{row.error.sentence} {left}", **row.error.error))


def _take_name(context: Context, row: Row) -> Row:
    """Give the new runtime its name."""
    [step], new = row.in_phase(RENAME), row.main.after or row.main.seen
    holder = next((other for other in context.existing if other.name == row.final_name and other.key != new.key), None)
    if holder:
        raise MstrError(f"{holder.label} has the name of {new.label}, which the scripts use now. Rename one of them")
    if new.name == row.final_name:
        return row.with_step(step._replace(before=new, plan=NO_PLAN).finished(READ))
    step = step._replace(wanted=step.wanted._replace(id=new.id), before=new)
    step = attempt(partial(plan_step, context), step)
    step = step if step.error else write_and_read(context, step)
    if step.error is None or step.done:
        return row.with_step(step)
    took, end = "could not take its name", "The next run gives it its name."
    if step.state == UNKNOWN:
        took, end = "may not have taken its name", "If so, the next run gives it its name."
    used = f"The scripts use {new.label}, which {took}. {end}"
    if exists(context, new) is False:
        used = f"{new.label}, which the scripts use, was deleted meanwhile. Its definition is in the result."
    gone = f"{' and '.join(old.label for old in row.old[:1])} is deleted."
    text = f"{ended(step.error.sentence)} {gone} {used}"
    return row.with_step(step)._replace(error=MstrError(text, **step.error.error))
