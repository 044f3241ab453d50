# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the runtime that a definition means, and plans what to do with it. Several threads may run these steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._errors import ValidationError
from .._model.definition import Definition
from .._model.entry import Entry
from .._model.fields import POOL
from .._model.plan import fingerprint, make_plan
from .._model.runtime import Runtime, replacement_name
from .api import ALL_FIELDS, Context, one_named

# What a wait looks at.
AWAITED = ("status", "packages")


def is_found_by_id(definitions: Sequence[Definition]) -> bool:
    """Whether this is a single runtime that its id finds, so that no list needs to be read."""
    return len(definitions) == 1 and definitions[0].id is not None and not definitions[0].restore


def needed_fields(context: Context, wanted: Definition) -> set[str]:
    """The fields that a list must show: those that are managed or awaited.

    A runtime to delete needs all of them, so that the diff can serve as evidence and backup.
    """
    awaited = context.waiting or wanted.replace_on_change or wanted.smoke_test
    managed = {"name", *wanted.values, *(POOL if set(POOL) & set(wanted.values) else ())}
    return {*managed, *(AWAITED if awaited else ()), *(ALL_FIELDS if wanted.state == "absent" else ())}


def locate(context: Context, wanted: Definition, listed: Iterable[Runtime], known: bool = False) -> Runtime | None:
    """The runtime as it is now, with the needed fields; None if it does not exist. Raises ValidationError.

    `listed`: those in the list that its name or id may mean. `known`: whether a list was read.
    """
    api, needed = context.api, needed_fields(context, wanted)
    if wanted.id:
        found = next((runtime for runtime in listed if runtime.key == wanted.id), None)
        by_id = api.get if known else api.find
        return api.with_all_fields(found, needed) if found else by_id(wanted.id)
    listed = list(listed)
    for name in (wanted.name, *named_before(wanted, listed)):
        found = api.with_all_fields(one_named(listed, str(name)), needed)
        # Between the list and the read of the object, somebody may have renamed it.
        if found and found.name in ("", name):
            return found
    return None


def named_before(wanted: Definition, listed: Iterable[Runtime]) -> list[str]:
    """The previous name of the runtime that exists, if any. Raises ValidationError if there are several.

    An unfinished replacement has the last of the names: its runtime is deleted, and it did not take its name.
    """
    names = {runtime.name for runtime in listed}
    before = [name for name in dict.fromkeys(wanted.previous_names) if name in names]
    if len(before) > 1:
        both = ", ".join(runtime.label for runtime in listed if runtime.name in before)
        raise ValidationError([f"several runtimes have a previous name of {wanted.name!r}: {both}; keep one of them"])
    beside = replacement_name(str(wanted.name))
    return [*before, *([beside] if wanted.replace_on_change and beside in names else [])]


def plan_entry(context: Context, entry: Entry, existing: Sequence[Runtime]) -> Entry:
    """The entry with its plan, checked against the server. Raises ValidationError, before anything is written.

    `existing`: the runtimes on the server, if they were listed.
    """
    wanted, before = entry.wanted, entry.before
    plan = make_plan(before, wanted, context.policy)
    if plan.warning and plan.warning != entry.plan.warning:
        context.warn(plan.warning)
    if plan.changed or before is None:
        from .guards import check_plan  # only a task that writes, or finds no runtime, needs it

        check_plan(context, entry, plan, existing)
    if wanted.previous_names and before and before.name == wanted.name and "name" not in wanted.replace_on_change:
        for runtime in existing:
            if runtime.name in wanted.previous_names:
                context.warn(
                    f"Runtime {wanted.name!r} exists, and so does {runtime.label}, a previous name of it, so nothing "
                    "was renamed. Delete one of them."
                )
    planned = fingerprint(before, plan) if entry.fingerprint is None else entry.fingerprint
    return entry._replace(plan=plan, fingerprint=planned)
