# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replacements: a second runtime beside the first, which is tried, gets the scripts of the first, and then its name.

The name beside is fixed, so a run that was interrupted anywhere is continued by the next one. As long as a step fails,
the old runtime stays in use.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from .._errors import ErrorList, MstrError, ValidationError
from .._model.definition import Definition, definition_from, definition_of
from .._model.entry import PREDICTED, READ, REPLACED, UNKNOWN, Entry
from .._model.fields import BY_NAME
from .._model.kinds import Resource, without_null
from .._model.plan import NO_PLAN, Plan, compare, diff_values, fingerprint
from .._model.runtime import Runtime, replacement_name
from .._model.stored import dropped
from .._model.usage import name_of
from .api import ALL_FIELDS, Context, map_entries, one_named, or_error
from .locate import plan_entry
from .script import Script, run_script
from .scripts import exists, final_name
from .write import rename

_SMOKE_TEST_TIMEOUT = 600.0  # seconds


def plan_replacements(context: Context, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries; each runtime that must not be changed in place has the plan of a runtime beside it."""
    step = partial(_planned, context, existing)
    planned = [
        or_error(step, entry) if entry.wanted.replace_on_change and not entry.error else entry for entry in entries
    ]
    owners = {entry.before.key: entry.place for entry in entries if entry.before}
    errors = [
        f"{owners[runtime.key]} is {runtime.label}, which {entry.place} needs for a replacement; remove one of them"
        for entry in planned
        for runtime in ((*entry.replaces, entry.before) if entry.replacing else ())
        if runtime and owners.get(runtime.key, entry.place) != entry.place
    ]
    if errors:
        raise ValidationError(errors)
    return planned


def _planned(context: Context, existing: Sequence[Runtime], entry: Entry) -> Entry:
    wanted, before, plan = entry.wanted, entry.before, entry.plan
    name = str(wanted.name)
    beside = one_named(existing, replacement_name(name))
    if before is None:
        return entry
    # Where the name and a previous name exist, the scripts move from the previous one.
    previous = wanted.previous_names if before.name == name else ()
    others = [runtime for runtime in (one_named(existing, other) for other in previous) if runtime]
    is_beside = beside is not None and before.key == beside.key
    # One beside whose old runtime is gone only lacks its name. If it must be replaced itself, it gets that name first.
    listed = wanted.replace_on_change - {"name"} if is_beside else wanted.replace_on_change
    differs = plan.action == "update" and bool(listed & set(plan.changed_fields))
    if "name" not in listed and others and differs:
        # Interrupted after the deletion, the next run would take the previous one for the runtime to replace.
        why = f"{name!r} cannot be replaced while {others[0].label}, a previous name of it, exists"
        advice = "delete that runtime first, or add name to replace_on_change, which moves its scripts and deletes it"
        raise ValidationError([f"{why}: {advice}"])
    old = [*([before] if differs else []), *(others if "name" in listed else [])]
    if not old:
        if beside and not is_beside and wanted.state == "present":
            context.warn(
                f"The runtime {beside.label} was created to replace {name!r}, which needs no replacement any more. To "
                f"delete it, apply a definition with name: {beside.name} and state: absent."
            )
        return entry
    for runtime in old:
        if runtime.is_default:
            raise ValidationError([f"{runtime.label} is the server's built-in default runtime and cannot be replaced"])
    old = [context.api.with_all_fields(runtime, ALL_FIELDS) or runtime for runtime in old]
    planned, identity = entry, before.id
    if differs:
        beside = None if is_beside else context.api.with_all_fields(beside, ALL_FIELDS)
        identity = beside.id if beside else None
        with ErrorList() as errors:
            planned = errors.check(
                lambda: plan_entry(context, Entry(_copy(old[0], wanted), entry.place, beside), existing),
                place=f"{old[0].label} cannot be copied",
            )
    target = planned.plan.target or planned.before or old[0]
    for runtime in old:
        owner = name_of(runtime.facts.get("owner"))
        left = ["its owner" + f" {owner!r}" * bool(owner), "its permissions (ACL)"]
        left += dropped(runtime, target) if differs and runtime is old[0] else []
        context.warn(
            f"Runtime {runtime.label} is to be replaced. This is not carried over: {', '.join(left)}. The new runtime "
            "belongs to the user of this task."
        )
    shown = Plan(
        "replace",
        target._replace(values={**target.values, "name": name}, id=identity),
        ("id", *plan.changed_fields),
        before={"id": old[0].id, **plan.before},
        after={"id": identity, **plan.after},
        exempted=planned.plan.exempted,
    )
    changes = fingerprint(before, plan._replace(action="replace") if differs else plan)
    approved = json.dumps(["replace", changes, identity, *(runtime.key for runtime in others)])
    whole = entry._replace(before=old[0], plan=shown, fingerprint=approved, replaces=tuple(old))
    return planned._replace(replacing=whole, replaces=tuple(old))


def _copy(old: Runtime, wanted: Definition) -> Definition:
    """The definition of the runtime beside: everything that a definition can express, with what is new.

    Raises ValidationError for a value that cannot be copied.
    """
    resource = old.values.get("resource") or Resource()
    if resource.unreadable is not None and "resource" not in wanted.values:
        raise ValidationError([f"resource {resource.unreadable!r} has no amounts"])
    copied = {name: value for name, value in definition_of(old.to_result()).items() if name not in wanted.values}
    given = definition_from({**copied, "name": wanted.name})
    # What is sent to the new runtime, without keys that this collection does not know.
    have = {
        name: BY_NAME[name].kind.from_api(BY_NAME[name].kind.to_api(old.values[name]))
        for name in without_null(old.values)
    }
    merged, _differing = compare(have, wanted)
    beside = replacement_name(str(wanted.name))
    values = {**given.values, **merged, "name": beside}
    return wanted._replace(name=beside, values=values, keep=frozenset(), previous_names=())


def predicted(entry: Entry) -> Entry:
    """The entry as a run would leave it."""
    return _complete(entry.replacing, entry.replacing.plan.target, PREDICTED) if entry.replacing else entry


def _complete(replacing: Entry, runtime: Runtime | None, state: str, error: MstrError | None = None) -> Entry:
    """The whole replacement, with the values that its runtime has."""
    plan = replacing.plan
    if runtime is None:
        raise AssertionError("a replacement has a runtime")
    after = {**diff_values(runtime.values, [name for name in plan.after if name != "id"]), "id": runtime.id}
    changed = tuple(name for name in plan.changed_fields if plan.before.get(name) != after[name])
    plan = plan._replace(after=after, changed_fields=changed)
    return replacing._replace(plan=plan, after=runtime, state=state, error=error)


def names_finished(context: Context, entries: Sequence[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries; a runtime that a run before did not rename, and that is replaced now, has its name."""

    def is_unfinished(entry: Entry) -> bool:
        return not entry.error and any(old.name == replacement_name(final_name(entry)) for old in entry.replaces[:1])

    def step(entry: Entry) -> Entry:
        first, *others = entry.replaces
        done = rename(context, entry._replace(before=first), final_name(entry), existing)
        first = done.current or first
        replaces = (first, *others)
        replacing = entry.replacing and entry.replacing._replace(before=first, replaces=replaces)
        return done._replace(before=entry.before, replacing=replacing, replaces=replaces)

    return map_entries(context, step, entries, is_unfinished, "renamed")


def smoke_tested(context: Context, entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with an error for each runtime that was written and fails its smoke test."""

    def step(entry: Entry) -> Entry:
        script = Script(str(entry.wanted.smoke_test), entry.id, _SMOKE_TEST_TIMEOUT, entry.name)
        try:
            run_script(context.session, script, context.clock, context.pause)
        except MstrError as exc:
            raise MstrError(f"The smoke test failed: {exc.sentence}", **exc.error) from exc
        return entry

    def is_new(entry: Entry) -> bool:
        return bool(entry.wanted.smoke_test and entry.id and not entry.error and (entry.written or entry.replacing))

    return map_entries(context, step, entries, is_new, "tried")


def without_scripts(context: Context, entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with an error for each replacement whose old runtime a script still uses.

    Scripts that came to the old runtime meanwhile are moved, too. Those of a failed replacement are assigned back.
    """

    def step(entry: Entry) -> Entry:
        runtime, error = entry.after, context.scripts.move_newcomers(entry)
        if runtime and not error and context.api.find(str(runtime.id), repr(runtime.name)) is None:
            error = MstrError(f"The runtime {runtime.label} was deleted meanwhile")
            return entry._replace(after=None, error=error)
        return entry._replace(error=error)

    context.scripts.look_up_again()
    entries = [or_error(step, entry) if entry.replacing and not entry.error else entry for entry in entries]
    return [_taken_back(context, entry) for entry in entries]


def _taken_back(context: Context, entry: Entry) -> Entry:
    """The entry of a failed replacement, whose error says what there is now; its scripts are assigned back."""
    error = entry.error
    if entry.replacing is None or error is None:
        return entry
    left = context.scripts.assign_back(entry)
    now = " ".join(
        f"The old runtime {old.label} {'stays in use' if exists(context, old) else 'does not exist any more'}."
        for old in entry.replaces
    )
    if left:
        now = f"{left} Check which runtime they use."
    if entry.after and entry.after.name != final_name(entry):
        now += f" The runtime {entry.after.label} exists beside it. The next run continues with it."
    return entry._replace(error=MstrError(f"{error.sentence.rstrip('.')}. {now}", **error.error))


def old_runtimes(context: Context, entries: Sequence[Entry]) -> list[Entry]:
    """An entry for each runtime that was replaced and is to be deleted now.

    The runtime that was copied is deleted after those with previous names. After an interruption, one of these would
    appear to be the runtime to copy.
    """
    done = {entry.wanted.id: entry for entry in entries if entry.place == REPLACED}
    deletions = []
    for entry in entries:
        if entry.replacing is None or entry.error:
            continue
        first, *others = entry.replaces
        due = [old for old in others if old.id not in done]
        if not due and first.id not in done and not any(done[old.id].error for old in others):
            due = [first]
        for old in due:
            absent = Definition("absent", {}, id=old.id, name=old.name, journal_comment=entry.wanted.journal_comment)
            deletions.append(plan_entry(context, Entry(absent, REPLACED, old), ()))
    return deletions


def names_taken(context: Context, entries: Sequence[Entry], listed: Sequence[Runtime] | None) -> list[Entry]:
    """The entries without those of the old runtimes; each replacement has its name, if its old runtime is gone."""
    failed = {entry.wanted.id: entry.error for entry in entries if entry.place == REPLACED and entry.error}

    def step(entry: Entry) -> Entry:
        replacing, runtime, name = entry.replacing, entry.after, final_name(entry)
        if replacing is None or runtime is None:
            return entry
        # An error is no proof that it still exists.
        errors = [failed[old.id] for old in entry.replaces if old.id in failed and exists(context, old)]
        if errors:
            return _taken_back(context, entry._replace(error=errors[0]))
        if runtime.name == name:
            return _complete(replacing, runtime, READ)
        beside = entry._replace(before=runtime, aside=NO_PLAN)
        renamed = or_error(partial(rename, context, name=name, existing=listed or ()), beside)
        if renamed.error is None or renamed.aside.changed:
            return _complete(replacing, renamed.current, READ, renamed.error)
        gone = " and ".join(old.label for old in entry.replaces)
        without = (
            "may not have taken its name. If so, the" if renamed.state == UNKNOWN else "could not take its name. The"
        )
        raise MstrError(
            f"{renamed.error.sentence.rstrip('.')}. {gone} {'is' if len(entry.replaces) == 1 else 'are'} deleted, and "
            f"the scripts use {runtime.label}, which {without} next run renames it.",
            **renamed.error.error,
        )

    left = [entry for entry in entries if entry.place != REPLACED]
    return map_entries(context, step, left, lambda entry: bool(entry.replacing) and not entry.error, "renamed")
