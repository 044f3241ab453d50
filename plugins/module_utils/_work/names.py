# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that definitions share, had before, or take from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .._errors import MstrError, ValidationError
from .._model.definition import Definition
from .._model.runtime import Runtime, mark_in
from .._model.scripts import Usage
from .._model.steps import Row
from .api import ALL_FIELDS, Context, one_named


def known_otherwise(context: Context, wanted: Definition, listed: Sequence[Runtime]) -> Runtime | None:
    """The runtime of a definition whose name no runtime has: one that only lacks it, or one with a previous name.

    Raises ValidationError if there are several.
    """
    own = successor(context, str(wanted.name), listed)
    if own:
        return own
    names = dict.fromkeys(wanted.previous_names)
    before = [one_named(listed, name) or successor(context, name, listed) for name in names]
    found = [runtime for runtime in before if runtime]
    if len(found) > 1:
        both = ", ".join(runtime.label for runtime in found)
        raise ValidationError([f"several runtimes have a previous name of {wanted.name!r}: {both}; keep one of them"])
    return found[0] if found else None


def successor(context: Context, name: str, listed: Iterable[Runtime]) -> Runtime | None:
    """The unfinished replacement that is to take a name, and what it replaces is gone. Raises ValidationError.

    Of several, it is the one that scripts use, or else the first by its id.
    """
    usage = context.usage or Usage()
    marks = [context.left[runtime.key] for runtime in listed if runtime.key in context.left and mark_in(runtime.name)]
    marks = sorted((mark for mark in marks if mark.is_gone and mark.name == name), key=lambda mark: mark.key)
    used = [mark for mark in marks if usage.of(mark.key)]
    if len(used) > 1 or (len(marks) > 1 and usage.unread):
        labels = ", ".join(mark.runtime.label for mark in marks)
        why = "scripts use several of them" if len(used) > 1 else "not every script could be read"
        advice = "Assign the scripts to one of them with mstr_script_runtime, and delete the others by their ids"
        raise ValidationError([f"several runtimes are to take the name {name!r}: {labels}; {why}. {advice}"])
    chosen = used or marks
    return next((one for one in listed if one.key == chosen[0].key), None) if chosen else None


def listed_twice(rows: Sequence[Row]) -> Iterator[str]:
    """An error for two entries that mean the same runtime."""
    owners: dict[str, Row] = {}
    for row in rows:
        first = owners.setdefault(row.main.key, row) if row.main.before else row
        if first is not row:
            yield f"{row.place} and {first.place} are the same runtime, {row.main.seen.label}; list it once"


def taken_names(rows: Sequence[Row], existing: Sequence[Runtime]) -> Iterator[str]:
    """An error for a rename to a name that another entry still has.

    Writes run in parallel, so the server might receive the rename before the other entry's rename or delete.
    """
    located = [(row, row.main.before) for row in rows if row.main.before]
    owners = {current.key: row for row, current in located}
    for row, current in located:
        name = row.wanted.name
        if row.wanted.state == "absent" or name in (None, current.name):
            continue
        for holder in existing:
            if holder.name == name and holder.key != current.key and holder.key in owners:
                yield (
                    f"{row.place} takes the name {name!r}, which {owners[holder.key].place} ({holder.id}) still has; "
                    "rename or delete that one in an earlier task"
                )


def is_own(context: Context, runtime: Runtime) -> bool | None:
    """Whether the runtime belongs to the user of this task; None if the server does not show it. Raises MstrError.

    A name is no identity: somebody else may have created a runtime with a name that this collection uses.
    """
    whole = context.api.with_all_fields(runtime, ["owner"])
    owner = whole.facts.get("owner") if whole else None
    identity = str(owner.get("id") or "").upper() if isinstance(owner, Mapping) else ""
    user = context.api.user_id if identity else None
    return identity == user if user else None


def exists(context: Context, runtime: Runtime) -> bool | None:
    """Whether the runtime exists; None if that could not be found out. Raises nothing."""
    try:
        return context.api.find(str(runtime.id), repr(runtime.name)) is not None
    except MstrError:
        return None


def as_listed(context: Context, runtime: Runtime) -> Runtime:
    """The runtime with all fields. Raises MstrError if it is not the one that the list showed any more."""
    whole = context.api.with_all_fields(runtime, ALL_FIELDS)
    if whole is None or whole.name not in ("", runtime.name):
        now = f"renamed to {whole.name!r}" if whole else "deleted"
        raise MstrError(f"{runtime.label} was {now} after the list was read. Check it, and run the task again")
    return whole
