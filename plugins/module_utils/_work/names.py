# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that definitions share, had before, or take from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .._errors import ValidationError
from .._model.definition import Definition
from .._model.runtime import Runtime, replacement_name
from .._model.steps import Row
from .api import Context, one_named
from .owner import is_own


def named_before(context: Context, wanted: Definition, listed: Iterable[Runtime]) -> list[str]:
    """The previous name of the runtime that exists, if any. Raises ValidationError if there are several.

    An unfinished replacement has the last of the names: its runtime is deleted, and it did not take its name.
    """
    listed = list(listed)
    names = {runtime.name for runtime in listed}
    before = [name for name in dict.fromkeys(wanted.previous_names) if name in names]
    if len(before) > 1:
        both = ", ".join(runtime.label for runtime in listed if runtime.name in before)
        raise ValidationError([f"several runtimes have a previous name of {wanted.name!r}: {both}; keep one of them"])
    beside = one_named(listed, replacement_name(str(wanted.name))) if wanted.state == "present" else None
    if beside:
        before += [beside.name] if is_own(context, beside) is not False else []
    return before


def collisions(rows: Sequence[Row], existing: Sequence[Runtime]) -> Iterator[str]:
    """An error for two entries that mean the same runtime, and for a rename to a name that another entry still has.

    Writes run in parallel, so the server might receive the rename before the other entry's rename or delete.
    """
    owners: dict[str, Row] = {}
    located = [(row, row.main.before) for row in rows if row.main.before]
    for row, current in located:
        first = owners.setdefault(current.key, row)
        if first is not row:
            yield f"{row.place} and {first.place} are the same runtime, {current.label}; list it once"
    for row, current in located:
        name = row.wanted.name
        if row.wanted.state == "absent" or row.wanted.restore or name in (None, current.name):
            continue
        for holder in existing:
            if holder.name == name and holder.key != current.key and holder.key in owners:
                yield (
                    f"{row.place} takes the name {name!r}, which {owners[holder.key].place} ({holder.id}) still has; "
                    "rename or delete that one in an earlier task"
                )


def warn_of_previous_names(context: Context, row: Row, existing: Sequence[Runtime]) -> None:
    """Say what previous names do not do: rename a runtime beside one that has the name, or one that does not exist."""
    wanted, before = row.wanted, row.main.before
    if before is None:
        names = ", ".join(map(repr, wanted.previous_names))
        context.warn(f"Runtime {wanted.name!r} is new: neither it nor a previous name of it exists ({names}).")
    elif before.name == wanted.name and "name" not in wanted.replace_on_change:
        for runtime in existing:
            if runtime.name in wanted.previous_names:
                context.warn(
                    f"Runtime {wanted.name!r} exists, and so does {runtime.label}, a previous name of it, so nothing "
                    "was renamed. Delete one of them."
                )
