# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans what concerns more than one runtime, before the first write: replacements, the purge, scripts, and the guards.

It knows nothing of unfinished replacements, but that a purge spares them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .._errors import ErrorList, ValidationError
from .._model.alike import is_named
from .._model.approval import fingerprint
from .._model.definition import Definition, Purge, definition_from, definition_of, deletion_of, rename_of
from .._model.fields import BY_NAME
from .._model.kinds import without_null
from .._model.plan import Plan, compare, make_plan
from .._model.runtime import Runtime, unfinished_name
from .._model.steps import DELETE_OLD, PURGE, RENAME, Row, Step, final_name, unplanned
from .._model.usage import name_of
from .api import ALL_FIELDS, Context, attempt, map_items
from .guards import plan_refusals
from .locate import as_listed, plan_step, previous_of


def plan_all(context: Context, rows: list[Row], recovery: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows with every plan, and why the task must not carry them out. Raises ValidationError.

    `recovery`: the rows of what earlier runs left, which come first.
    """
    inputs = context.inputs
    for row in rows:
        if row.wanted.previous_names and not row.failure:
            _warn_of_previous_names(context, row)
    rows = [_replaced(context, row) if _is_to_replace(row) else row for row in rows]
    if inputs.purge and not any(row.failure for row in rows):
        # A failed row may mean one of the runtimes that appear to be unlisted.
        rows += _purge_rows(context, inputs.purge, rows)
    usage = None
    from .scripts import look_up, needs_scripts, plan_scripts

    if needs_scripts(context, rows):
        usage = context.usage or look_up(context, rows)
        rows = plan_scripts(context, rows, usage)
    rows = [*recovery, *rows]
    rows = [unplanned(row) if row.failure else row for row in rows]
    return rows, list(plan_refusals(context, rows, usage))


def _warn_of_previous_names(context: Context, row: Row) -> None:
    """Say what previous names do not do: rename a runtime beside one that has the name, or one that does not exist."""
    wanted, before = row.wanted, row.main.before
    if before is None:
        names = ", ".join(map(repr, wanted.previous_names))
        context.warn(f"Runtime {wanted.name!r} is new: neither it nor a previous name of it exists ({names}).")
    elif before.name == wanted.name:
        for runtime in previous_of(wanted, context.existing):
            context.warn(
                f"Runtime {wanted.name!r} exists, and {runtime.label} has one of its previous names, so nothing was "
                "renamed. Delete one of them."
            )


# --- replacements


def _is_to_replace(row: Row) -> bool:
    """Whether a field differs whose change needs a second runtime."""
    differs = row.wanted.replace_on_change & set(row.main.plan.changed_fields)
    return bool(differs) and row.main.before is not None and not row.failure


def _replaced(context: Context, row: Row) -> Row:
    """The row with the steps of its replacement, or with the error for which it is refused."""

    def plan(planned: Row) -> Row:
        return _with_replacement(context, planned)

    return attempt(plan, row)


def _with_replacement(context: Context, row: Row) -> Row:
    wanted, name, plan, comment = row.wanted, final_name(row), row.main.plan, row.wanted.journal_comment
    old = as_listed(context, row.main.seen)
    if old.is_default:
        raise ValidationError([f"{old.label} is the server's built-in default runtime and cannot be replaced"])
    with ErrorList() as errors:
        main = errors.check(_plan_beside, context, old, wanted, name, prefix=f"{old.label} cannot be copied")
    target = main.plan.target or old
    _warn_of_loss(context, old)
    delete = plan_step(context, Step(deletion_of(old, comment), DELETE_OLD, old, successor=target))
    final = rename_of(target, name, comment)._replace(id=None)  # of one that is yet to be created
    rename_plan = make_plan(target, final)
    rename = Step(final, RENAME, target, rename_plan, fingerprint=fingerprint(target, rename_plan))
    whole = Plan(
        "replace",
        target._replace(values={**target.values, "name": name}, id=None),
        ("id", *plan.changed_fields),
        before={"id": old.id, **plan.before},
        after={"id": None, **plan.after},
    )
    return row._replace(steps=(main, delete, rename), replacement=whole)


def _plan_beside(context: Context, old: Runtime, wanted: Definition, name: str) -> Step:
    """The step that creates the runtime beside, whose name says what it replaces."""
    copy = _copy(old, wanted)
    beside = unfinished_name(name, old.key)
    copy = copy._replace(name=beside, id=None, values={**copy.values, "name": beside})
    return plan_step(context, Step(copy))


def _warn_of_loss(context: Context, old: Runtime) -> None:
    """Say what a definition cannot carry over."""
    owner = name_of(old.facts.get("owner"))
    whose = f"its owner {owner!r}" if owner else "its owner"
    # Before the replacement and after it, because the report of a run shows it, too.
    context.warn(
        f"When runtime {old.label} is replaced, this is not carried over: {whose}, its permissions (ACL). The new "
        "runtime belongs to the user of this task."
    )


def _copy(old: Runtime, wanted: Definition) -> Definition:
    """The definition of the runtime beside: a copy with what is new. Raises ValidationError if it cannot be copied."""
    copied = {name: value for name, value in definition_of(old.to_result()).items() if name not in wanted.values}
    definition = definition_from({**copied, "name": wanted.name})
    # What is sent to the new runtime, without keys that this collection does not know.
    kinds = {name: BY_NAME[name].kind for name in without_null(old.values)}
    have = {name: kind.from_api(kind.to_api(old.values[name])) for name, kind in kinds.items()}
    merged, _differing = compare(have, wanted)
    return wanted._replace(values={**definition.values, **merged}, keep=frozenset(), previous_names=())


# --- the purge


def _purge_rows(context: Context, purge: Purge, rows: Sequence[Row]) -> list[Row]:
    """A row for each unlisted runtime to delete."""
    planned = []
    for runtime in _unlisted(context, purge, rows):
        absent = deletion_of(runtime, purge.comment)
        planned.append(Row(absent, PURGE, (Step(absent, PURGE, runtime),)))

    def read_and_plan(row: Row) -> Row:
        step = row.main._replace(before=context.api.with_all_fields(row.main.before, ALL_FIELDS))
        return row._replace(steps=(plan_step(context, step),))

    planned = map_items(context, read_and_plan, planned, "read")
    planned = [row for row in planned if row.failure or row.main.is_due]  # one may have been deleted meanwhile
    if planned:
        _warn_of_exclusions(context, purge)
    return planned


def _unlisted(context: Context, purge: Purge, rows: Sequence[Row]) -> list[Runtime]:
    """The runtimes that no definition means and nothing spares. Warns of those that are spared for a reason."""
    candidates = _unnamed(context, purge, rows)
    reasons = _reasons_to_spare(context, rows, candidates)
    if reasons:
        spared = sorted(f"{runtime.label}, {reasons[runtime.key]}" for runtime in candidates if runtime.key in reasons)
        context.warn(f"The purge spares {'; '.join(spared)}. Delete those that you do not need with state: absent.")
    return [runtime for runtime in candidates if runtime.key not in reasons]


def _unnamed(context: Context, purge: Purge, rows: Sequence[Row]) -> list[Runtime]:
    """The runtimes that neither a definition nor `exclude` names."""
    # Compare names too: a listed runtime that cannot be read must not be deleted.
    names = {row.wanted.name for row in rows if not row.wanted.id}
    keys = {step.key for row in rows for step in row.steps}
    return [
        runtime
        for runtime in context.existing
        if not runtime.is_default
        and runtime.key not in keys
        and runtime.name not in names
        and not is_named(runtime.name, purge.exclude, runtime.id)
    ]


def _reasons_to_spare(context: Context, rows: Sequence[Row], candidates: Sequence[Runtime]) -> dict[str, str]:
    """Why a purge spares runtimes, by their keys: unfinished replacements and what they replace, for example."""
    previous = {name for row in rows for name in row.wanted.previous_names}
    reasons: dict[str, str] = {}
    for runtime in candidates:
        if runtime.name in previous:
            reasons[runtime.key] = "a previous name of a listed one"
    keys = {runtime.key for runtime in candidates}
    for mark in context.unfinished:
        if mark.replaced in keys:
            reasons[mark.replaced] = f"which {mark.runtime.label} is to replace"
        if mark.key in keys:
            reasons[mark.key] = f"an unfinished replacement of {mark.replaced}"
    return reasons


def _warn_of_exclusions(context: Context, purge: Purge) -> None:
    for text in purge.exclude:
        # A misspelled name keeps nothing. A pattern is often for runtimes that only some servers have.
        is_used = any(is_named(runtime.name, [text], runtime.id) for runtime in context.existing)
        if not is_used and not re.search("[*?]", text):
            context.warn(f"purge_exclude {text!r} matches no runtime, so it keeps none. Check the spelling.")
