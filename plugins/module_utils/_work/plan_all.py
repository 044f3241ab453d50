# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every plan of a task, before the first write.

The steps of a replacement: create or update the runtime beside, assign the scripts, delete the old one, rename the new
one, and then delete the one with a previous name. The name of the runtime beside says what it replaces, so the next run
goes on with it, undoes it or finishes it, whatever the definitions say by then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from .._errors import ErrorList, ValidationError
from .._model.definition import Definition, definition_from
from .._model.fields import BY_NAME
from .._model.kinds import Resource, without_null
from .._model.plan import Plan, compare, make_plan
from .._model.replacement import Replacement
from .._model.runtime import Runtime, mark_in, mark_name
from .._model.steps import DELETE, DELETE_OLD, FINISH, RENAME, Row, Step
from .._model.stored import definition_of, deletion_of, fingerprint, rename_of
from .._model.usage import name_of
from .api import Context, Work, attempt
from .guards import plan_refusals
from .locate import plan_step
from .names import as_listed
from .recover import of_existing, plan_recovery, previous_of, warn_of_left, without_replaced


def plan_all(context: Context, rows: list[Row]) -> tuple[Work, list[str]]:
    """The task with every plan, and why it must not carry them out. Raises ValidationError for entries that meet."""
    inputs = context.inputs
    for row in rows:
        if row.wanted.previous_names and not row.failure:
            _warn_of_previous_names(context, row)
    rows = _plan_replacements(context, rows)
    errors: list[str] = []
    if inputs.purge and not any(row.failure for row in rows):
        from .delete import purge_rows  # only a purge needs it

        # A failed row may mean one of the runtimes that appear to be unlisted.
        rows += purge_rows(context, inputs.purge, rows)
    work = Work(rows)
    if inputs.scripts is not None or any(row.finishes or row.going or row.wanted.state == "absent" for row in rows):
        from .scripts import plan_scripts  # only a task whose scripts count needs it

        work, refused = plan_scripts(context, inputs.scripts, rows)
        errors += refused
    if inputs.purge and context.left:
        work = work._replace(rows=without_replaced(context, work.rows))
    if work.scripts:
        from .assign import spare_failed

        work = spare_failed(work)
    work = work._replace(rows=[row.unplanned() if row.failure else row for row in work.rows])
    if inputs.purge:
        warn_of_left(context, work.rows)
    return work, [*errors, *plan_refusals(context, work)]


def _warn_of_previous_names(context: Context, row: Row) -> None:
    """Say what previous names do not do: rename a runtime beside one that has the name, or one that does not exist."""
    wanted, before = row.wanted, row.main.before
    if before is None:
        names = ", ".join(map(repr, wanted.previous_names))
        context.warn(f"Runtime {wanted.name!r} is new: neither it nor a previous name of it exists ({names}).")
    elif "name" not in wanted.replace_on_change:
        for runtime in previous_of(context, row):
            if runtime.key not in context.left:
                context.warn(
                    f"Runtime {wanted.name!r} exists, and so does {runtime.label}, a previous name of it, so nothing "
                    "was renamed. Delete one of them."
                )


def _plan_replacements(context: Context, rows: Sequence[Row]) -> list[Row]:
    """The rows with the steps of replacements. Raises ValidationError for entries that meet."""
    claimed = {row.main.key for row in rows if row.wanted.id or mark_in(row.wanted.name or "")}
    plan = partial(_with_steps, context, rows, claimed & set(context.left))
    planned = [row if row.failure else attempt(plan, row) for row in rows]
    owners = {row.main.key: row for row in rows if row.main.before}
    begun = {mark.replaced: mark.runtime for mark in context.left.values() if mark.key in claimed}
    errors = [
        f"{owners[runtime.key].place} is {runtime.label}, which {row.place} needs for a replacement; remove one of them"
        for row in planned
        for runtime in ((*row.old, begun.get(row.old[0].key)) if row.replacement else ())
        if runtime and owners.get(runtime.key, row).place != row.place
    ]
    if errors:
        raise ValidationError(errors)
    return planned


def _with_steps(context: Context, rows: Sequence[Row], claimed: Collection[str], row: Row) -> Row:
    """The row with the steps of its replacement, if it needs one, and of what an earlier run left."""
    wanted, before, beside = row.wanted, row.main.before, None
    if wanted.state == "absent" and before and of_existing(context, before):
        return row.with_step(row.main._replace(unused_only=True))
    old, differs = _to_replace(context, row)
    if context.left:
        absent = {other.main.key for other in rows if other.wanted.state == "absent"}
        row, beside = plan_recovery(context, claimed, absent, row, old, differs)
        if beside:
            context.warn(
                f"The replacement of {row.final_name!r} goes on with the unfinished replacement ({beside.id})."
            )
    return _replaced(context, row, old, beside, differs) if old else row


def _to_replace(context: Context, row: Row) -> tuple[list[Runtime], bool]:
    """The runtimes that a row replaces, and whether the one that it means is the first of them."""
    wanted, plan, before = row.wanted, row.main.plan, row.main.before
    if before is None or not wanted.replace_on_change:
        return [], False
    # An unfinished replacement takes its name without a replacement, before it is replaced itself.
    fields = wanted.replace_on_change - ({"name"} if before.key in context.left else set())
    differs = bool(fields & set(plan.changed_fields))
    # Where the name and a previous name exist, the scripts move from the previous one.
    others = previous_of(context, row) if "name" in wanted.replace_on_change else []
    old = [*([before] if differs else []), *others]
    for runtime in old:
        if runtime.is_default:
            raise ValidationError([f"{runtime.label} is the server's built-in default runtime and cannot be replaced"])
    return old, differs


def _replaced(context: Context, row: Row, old: Sequence[Runtime], beside: Runtime | None, differs: bool) -> Row:
    """The row with the steps of its replacement. `differs`: a runtime is created beside the first one."""
    wanted, name, plan, comment = row.wanted, row.final_name, row.main.plan, row.wanted.journal_comment
    old = [as_listed(context, runtime) for runtime in old]
    main, steps = row.main, [step for step in row.steps if step is not row.main]
    if differs:
        first = old[0]
        if row.finishes:
            finish = plan_step(context, Step(rename_of(first, name, comment), FINISH, first))
            steps.append(finish)
            first = old[0] = finish.plan.target or first
        with ErrorList() as errors:
            prefix = f"{first.label} cannot be copied"
            main = errors.check(_plan_beside, context, first, wanted, name, beside, prefix=prefix)
    target = main.plan.target or main.before or old[0]
    steps.append(main)
    for runtime in old:
        copied = differs and runtime is old[0]
        _warn_of_loss(context, runtime, target)
        phase = DELETE_OLD if copied else DELETE
        steps.append(plan_step(context, Step(deletion_of(runtime, comment), phase, runtime)))
    if differs:
        final = rename_of(target, name, comment)._replace(id=None)  # of one that is perhaps yet to be created
        rename = make_plan(target, final)
        steps.append(Step(final, RENAME, target, rename, fingerprint=fingerprint(target, rename)))
    identity = main.before.id if main.before else None
    whole = Plan(
        "replace",
        target._replace(values={**target.values, "name": name}, id=identity),
        ("id", *plan.changed_fields),
        before={"id": old[0].id, **plan.before},
        after={"id": identity, **plan.after},
    )
    return Replacement(wanted, row.place, tuple(steps), replacement=whole, beside=beside, finishes=row.finishes)


def _plan_beside(context: Context, old: Runtime, wanted: Definition, name: str, beside: Runtime | None) -> Step:
    """The step that creates or updates the runtime beside, whose name says what it replaces."""
    copy = _copy(old, wanted)
    marked = mark_name(name, old.key)
    copy = copy._replace(name=marked, id=None, values={**copy.values, "name": marked})
    return plan_step(context, Step(copy, before=beside))


def _warn_of_loss(context: Context, old: Runtime, target: Runtime) -> None:
    """Say what a definition cannot carry over, and of the new owner only what was read."""
    owner = name_of(old.facts.get("owner"))
    left = ["its owner" + f" {owner!r}" * bool(owner), "its permissions (ACL)"]
    belongs = "belongs to the user of this task"
    if target.id:
        new = name_of(target.facts.get("owner"))
        belongs = f"belongs to {new!r}" if new else "has an unknown owner"
    # Before the replacement and after it, because the report of a run shows it, too.
    lost = f"When runtime {old.label} is replaced, this is not carried over: {', '.join(left)}."
    context.warn(f"{lost} The new runtime {belongs}.")


def _copy(old: Runtime, wanted: Definition) -> Definition:
    """The definition of the runtime beside: a copy with what is new. Raises ValidationError if it cannot be copied."""
    resource = old.values.get("resource") or Resource()
    if resource.unreadable is not None and "resource" not in wanted.values:
        raise ValidationError([f"resource {resource.unreadable!r} has no amounts"])
    copied = {name: value for name, value in definition_of(old.to_result()).items() if name not in wanted.values}
    definition = definition_from({**copied, "name": wanted.name})
    # What is sent to the new runtime, without keys that this collection does not know.
    kinds = {name: BY_NAME[name].kind for name in without_null(old.values)}
    have = {name: kind.from_api(kind.to_api(old.values[name])) for name, kind in kinds.items()}
    merged, _differing = compare(have, wanted)
    return wanted._replace(values={**definition.values, **merged}, keep=frozenset(), previous_names=())
