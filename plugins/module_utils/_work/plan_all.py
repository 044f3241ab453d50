# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans what concerns more than one runtime, before the first write: replacements, the purge, scripts, and the guards.

It knows nothing of unfinished replacements, but that a purge spares them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from .._errors import ErrorList, ValidationError
from .._model.alike import is_named
from .._model.approval import fingerprint
from .._model.definition import Definition, Purge, definition_from, definition_of, deletion_of, rename_of
from .._model.fields import BY_NAME
from .._model.kinds import without_null
from .._model.plan import Plan, compare, make_plan
from .._model.runtime import DEFAULT_RUNTIME_ID, Runtime, unfinished_name
from .._model.steps import DELETE_OLD, PURGE, RENAME, Row, Step, final_name, has_failed, unplanned
from .._model.usage import name_of
from .api import ALL_FIELDS, Context, attempt, map_items
from .guards import plan_refusals
from .locate import plan_step, previous_of, read_unchanged


def plan_all(context: Context, rows: list[Row], recovery: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows with every plan, and why the task must not carry them out. Raises ValidationError.

    `recovery`: the rows of what earlier runs left, which come first.
    """
    from .scripts import look_up, needs_scripts, plan_scripts

    purge, usage = context.inputs.purge, None
    for row in rows:
        _warn_of_previous_names(context, row)
    replace = partial(_with_replacement, context)
    rows = [attempt(replace, row) if _is_to_replace(row) else row for row in rows]
    # A failed row may mean one of the runtimes that appear to be unlisted.
    if purge and not has_failed(rows):
        rows += _purge_rows(context, purge, rows)
    if needs_scripts(context, rows):
        usage = context.usage or look_up(context, rows)
        rows = plan_scripts(context, rows, usage)
    rows = [unplanned(row) if row.failure else row for row in (*recovery, *rows)]
    return rows, list(plan_refusals(context, rows, usage))


def _warn_of_previous_names(context: Context, row: Row) -> None:
    """Say that nothing was renamed, because both runtimes exist."""
    wanted, before = row.wanted, row.main.before
    if row.failure or before is None or before.name != wanted.name:
        return
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


def _with_replacement(context: Context, row: Row) -> Row:
    """The row with the steps of its replacement. Raises MstrError if it is refused."""
    wanted, name, plan, comment = row.wanted, final_name(row), row.main.plan, row.wanted.journal_comment
    old = read_unchanged(context, row.main.seen)
    if old.is_default:
        raise ValidationError([f"{old.label} is the server's built-in default runtime and cannot be replaced"])
    with ErrorList() as errors:
        create = errors.check(_plan_new, context, old, wanted, name, prefix=f"{old.label} cannot be copied")
    new = create.plan.target or old
    _warn_of_loss(context, old)
    delete = plan_step(context, Step(deletion_of(old, comment), DELETE_OLD, old, successor=new))
    final = rename_of(new, name, comment)._replace(id=None)  # of one that is yet to be created
    rename_plan = make_plan(new, final)
    rename = Step(final, RENAME, new, rename_plan, fingerprint=fingerprint(new, rename_plan))
    replacement = Plan(
        "replace",
        new._replace(values={**new.values, "name": name}, id=None),
        ("id", *plan.changed_fields),
        before={"id": old.id, **plan.before},
        after={"id": None, **plan.after},
    )
    return row._replace(steps=(create, delete, rename), replacement=replacement)


def _plan_new(context: Context, old: Runtime, wanted: Definition, name: str) -> Step:
    """The step that creates the new runtime, whose name says what it replaces."""
    unfinished = unfinished_name(name, old.key)
    copy = _copy(old, wanted)
    return plan_step(context, Step(copy._replace(name=unfinished, values={**copy.values, "name": unfinished})))


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
    """The definition of the new runtime: a copy with what is new. Raises ValidationError if it cannot be copied."""
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
    keys, names = {DEFAULT_RUNTIME_ID}, set()
    for row in rows:
        keys.update(step.key for step in row.steps)
        if row.wanted.id is None:
            names.add(row.wanted.name)
    unnamed = []
    for runtime in context.existing:
        # Compare names too: a listed runtime that cannot be read must not be deleted.
        is_listed = runtime.key in keys or runtime.name in names
        is_excluded = is_named(runtime.name, purge.exclude, runtime.id)
        if not is_listed and not is_excluded:
            unnamed.append(runtime)
    return unnamed


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
