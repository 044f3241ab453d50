# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every plan of a task, before the first write.

The steps of a replacement: rename the runtime of an earlier one that only lacks its name, create or update the one
beside, assign the scripts, delete those with previous names, delete the old one, rename the new one. The name beside is
fixed, so a run that was interrupted anywhere is continued by the next one; but only what belongs to the user of the
task.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from .._errors import ErrorList, ValidationError
from .._model.alike import name_beside
from .._model.definition import Definition, definition_from
from .._model.fields import BY_NAME
from .._model.kinds import Resource, without_null
from .._model.plan import Plan, compare, make_plan
from .._model.replacement import Replacement
from .._model.runtime import Runtime, replacement_name
from .._model.steps import ASIDE, DELETE, DELETE_OLD, RENAME, Row, Step
from .._model.stored import check_sent_back, definition_of, deletion_of, dropped, fingerprint, rename_of
from .._model.usage import name_of
from .api import ALL_FIELDS, Context, Work, attempt, one_named
from .guards import plan_refusals
from .inputs import Inputs
from .locate import plan_step
from .names import is_own


def plan_all(context: Context, inputs: Inputs, rows: list[Row]) -> tuple[Work, list[str]]:
    """The task with every plan, and why it must not carry them out. Raises ValidationError for entries that meet."""
    for row in rows:
        if row.wanted.previous_names and not row.failure:
            _warn_of_previous_names(context, row)
    rows, errors = _plan_replacements(context, rows)
    if inputs.purge and not any(row.failure for row in rows):
        from .delete import purge_rows  # only a purge needs it

        # A failed row may mean one of the runtimes that appear to be unlisted.
        rows += purge_rows(context, inputs.purge, rows)
    work = Work(rows)
    if inputs.scripts is not None or any(row.beside or row.going or row.wanted.state == "absent" for row in rows):
        from .scripts import plan_scripts  # only a task whose scripts count needs it

        work, refused = plan_scripts(context, inputs.scripts, rows)
        errors += refused
    if any(definition.restore for definition in inputs.definitions):
        from .restore import check_names  # only a backup needs it

        work = check_names(context, work)
    if work.scripts:
        from .scripts import spare_failed

        work = spare_failed(work)
    work = work._replace(rows=[row.unplanned() if row.failure else row for row in work.rows])
    _warn_of_unused(context, work)
    return work, [*errors, *plan_refusals(context, work)]


def _warn_of_previous_names(context: Context, row: Row) -> None:
    """Say what previous names do not do: rename a runtime beside one that has the name, or one that does not exist."""
    wanted, before = row.wanted, row.main.before
    if before is None:
        names = ", ".join(map(repr, wanted.previous_names))
        context.warn(f"Runtime {wanted.name!r} is new: neither it nor a previous name of it exists ({names}).")
    elif before.name == wanted.name and "name" not in wanted.replace_on_change:
        for runtime in context.existing:
            if runtime.name in wanted.previous_names:
                context.warn(
                    f"Runtime {wanted.name!r} exists, and so does {runtime.label}, a previous name of it, so nothing "
                    "was renamed. Delete one of them."
                )


def _plan_replacements(context: Context, rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows with the steps of replacements, and refusals. Raises ValidationError for entries that meet."""
    refused: list[str] = []
    kept = {row.main.key for row in rows if row.wanted.state == "present"}
    plan = partial(_with_steps, context, kept, refused)
    planned = [row if row.failure else attempt(plan, row) for row in rows]
    owners = {row.main.key: row.place for row in rows if row.main.before}
    errors = [
        f"{owners[runtime.key]} is {runtime.label}, which {row.place} needs for a replacement; remove one of them"
        for row in planned
        for runtime in ((*row.old, row.main.before) if row.replacement else ())
        if runtime and owners.get(runtime.key, row.place) != row.place
    ]
    if errors:
        raise ValidationError(errors)
    return planned, refused


def _with_steps(context: Context, kept: Collection[str], refused: list[str], row: Row) -> Row:
    """The row with the steps of its replacement, if it needs one. `kept`: the keys of what definitions mean."""
    wanted, before = row.wanted, row.main.before
    if wanted.state == "absent":
        return _unused_only(context, row)
    if before is None:
        return row
    (old, needed), name = _to_replace(context.existing, row), row.final_name
    existing = [runtime for runtime in context.existing if runtime.key != before.key]
    named = [runtime for runtime in existing if runtime.name == replacement_name(name)]
    taken = one_named(named, replacement_name(name)) if old else (named[0] if len(named) == 1 else None)
    # An earlier run may have begun it under the name that the runtime has now.
    earlier = {replacement_name(runtime.name) for runtime in (before, *old)}
    others = [runtime for runtime in existing if runtime.name in earlier]
    beside = taken or (others[0] if len(others) == 1 else None)
    beside = context.api.with_all_fields(beside, [*ALL_FIELDS, "owner"])
    own = is_own(context, beside) if beside else None
    if beside and not (needed and taken) and (own is False or beside.key in kept):
        beside = None
    if beside:
        refused += _not_own(context, name, beside, own, needed)
    return _replaced(context, row, old, beside) if old else row._replace(beside=beside)


def _unused_only(context: Context, row: Row) -> Row:
    """The row, whose runtime must not be deleted while a script uses it, if it is an unfinished replacement."""
    runtime = row.main.before
    name = name_beside(runtime.name) if runtime else None
    if runtime is None or name is None:
        return row
    if not any(other.name == name for other in context.existing or context.api.list_all()):
        return row
    return row.with_step(row.main._replace(unused_only=is_own(context, runtime) is not False))


def _not_own(context: Context, name: str, beside: Runtime, own: bool | None, needed: bool) -> list[str]:
    """Why somebody else's runtime with the name beside refuses the task; what is only doubtful is a warning."""
    owner = beside.facts.get("owner") or {}
    who = f"{name_of(owner)!r} ({owner.get('id')})" if owner else "unknown"
    if own is False:
        text = (
            f"{name!r} is to be replaced, but {beside.label} has the name of its replacement and a different owner: "
            f"{who}. Rename or delete that runtime, or run the task as its owner"
        )
        if not context.check_mode:
            return [text]
        # A plan may be made with a different account than the run, which decides.
        context.warn(f"{text}.")
    elif own is None:
        unchecked = f"whether it belongs to the user of this task could not be checked (owner: {who})"
        context.warn(f"{beside.label} is taken for an unfinished replacement of {name!r}; {unchecked}.")
    elif needed:
        context.warn(f"The replacement of {name!r} goes on with the unfinished replacement ({beside.id}).")
    return []


def _to_replace(existing: Sequence[Runtime], row: Row) -> tuple[list[Runtime], bool]:
    """The runtimes that a row replaces, and whether the one that it means is the first of them.

    Raises ValidationError for a replacement that could not be continued after an interruption.
    """
    wanted, plan, before = row.wanted, row.main.plan, row.main.before
    if before is None or not wanted.replace_on_change:
        return [], False
    # Where the name and a previous name exist, the scripts move from the previous one.
    previous = wanted.previous_names if before.name == wanted.name else ()
    others = [runtime for runtime in (one_named(existing, other) for other in previous) if runtime]
    # One beside whose old runtime is gone only lacks its name. If it must be replaced itself, it gets that name first.
    is_beside = before.name == replacement_name(str(wanted.name))
    fields = wanted.replace_on_change - {"name"} if is_beside else wanted.replace_on_change
    differs = bool(fields & set(plan.changed_fields))
    if "name" not in fields and others and differs:
        # Interrupted after the deletion, the next run would take the previous one for the runtime to replace.
        why = f"{wanted.name!r} cannot be replaced while {others[0].label}, a previous name of it, exists"
        advice = "delete that runtime first, or add name to replace_on_change, which moves its scripts and deletes it"
        raise ValidationError([f"{why}: {advice}"])
    old = [*([before] if differs else []), *(others if "name" in fields else [])]
    for runtime in old:
        if runtime.is_default:
            raise ValidationError([f"{runtime.label} is the server's built-in default runtime and cannot be replaced"])
    return old, differs


def _replaced(context: Context, row: Row, old: Sequence[Runtime], beside: Runtime | None) -> Row:
    """The row with the steps of its replacement."""
    wanted, name, plan, comment = row.wanted, row.final_name, row.main.plan, row.wanted.journal_comment
    old = [context.api.with_all_fields(runtime, ALL_FIELDS) or runtime for runtime in old]
    differs = old[0].key == row.main.key
    main, steps = row.main, list[Step]()
    if differs:
        with ErrorList() as errors:
            prefix = f"{old[0].label} cannot be copied"
            main = errors.check(lambda: plan_step(context, Step(_copy(old[0], wanted), before=beside)), prefix=prefix)
        check_sent_back({**main.plan.body, "name": name}, old[0])
        if old[0].name == replacement_name(name):
            steps.append(plan_step(context, Step(rename_of(old[0], name, comment), ASIDE, old[0])))
    target = main.plan.target or main.before or old[0]
    steps.append(main)
    for runtime in old:
        copied = differs and runtime is old[0]
        _warn_of_loss(context, runtime, target, copied)
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
    return Replacement(wanted, row.place, tuple(steps), replacement=whole, beside=beside)


def _warn_of_loss(context: Context, old: Runtime, target: Runtime, copied: bool) -> None:
    """Say what a definition cannot carry over, and of the new owner only what was read."""
    owner = name_of(old.facts.get("owner"))
    left = ["its owner" + f" {owner!r}" * bool(owner), "its permissions (ACL)"]
    left += dropped(old, target) if copied else []
    belongs = "will belong to the user of this task"
    if target.id:
        new = name_of(target.facts.get("owner"))
        belongs = f"belongs to {new!r}" if new else "has an unknown owner"
    lost = f"This is not carried over: {', '.join(left)}."
    context.warn(f"Runtime {old.label} is to be replaced. {lost} The new runtime {belongs}.")


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
    beside = replacement_name(str(wanted.name))
    values = {**definition.values, **merged, "name": beside}
    return wanted._replace(name=beside, values=values, keep=frozenset(), previous_names=(), replaces=old.key)


def _warn_of_unused(context: Context, work: Work) -> None:
    """Name each unfinished replacement that nobody needs any more."""
    purged = {row.main.key for row in work.rows if row.is_purged}
    for row in work.rows:
        beside = row.unneeded
        if beside and not row.failure and beside.key not in purged:
            context.warn(
                f"The runtime {beside.label} was created to replace {name_beside(beside.name)!r}, which needs no "
                f"replacement any more. To delete it, apply a definition with name: {beside.name} and state: absent."
            )
