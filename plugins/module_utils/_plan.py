# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done: the runtime as it is and as it is wanted, compared.

Wing: Model, pure.
Everything that a result or a diff says of a change is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ._definition import Definition, pool_faults
from ._errors import ValidationError
from ._fields import BY_NAME, PURGEABLE
from ._runtime import Runtime

_NOTHING: Mapping[str, Any] = {}
POOL = {"min_cached_instances", "max_cached_instances"}


class Plan(NamedTuple):
    """One write or none. `body` is what a create or an update sends; `before` and `after` hold the managed fields."""

    action: str  # none, created, updated, deleted: the word that the result says afterwards
    runtime: Runtime | None  # as predicted; for a delete as it was
    changed_fields: tuple[str, ...] = ()
    body: Mapping[str, Any] = _NOTHING
    before: Mapping[str, Any] = _NOTHING
    after: Mapping[str, Any] = _NOTHING

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.action != "none"


def make_plan(current: Runtime | None, wanted: Definition) -> Plan:
    """Compare; only what is wanted is looked at, and only what differs is planned.

    Raises ValidationError where what the runtime would have contradicts itself (a pool's min > max).
    """
    if wanted.state == "absent":
        if current is None:
            return Plan("none", None)
        return Plan("deleted", current, before=_shown(current.values, (n for n, v in current.values.items() if v)))
    have: Mapping[str, Any] = current.values if current else {}
    merged, changed = _compare(have, wanted)
    target = Runtime({**have, **merged}, current.id if current else None, current.facts if current else {})
    if current is None:
        changed = tuple(merged)
    elif not changed:
        shown = _shown(have, merged)
        return Plan("none", current, before=shown, after=shown)
    # A pool that a server already holds upside down is no fault of a task that leaves it alone.
    faults = pool_faults(target.values) if POOL & set(changed) else []
    if faults:
        raise ValidationError(faults)
    # The server wants the name in a PATCH, "even if not changing" [mstrio].
    body = {"name": target.name, **{BY_NAME[name].api: BY_NAME[name].kind.to_api(merged[name]) for name in changed}}
    if wanted.journal_comment:
        body["changeJournal"] = {"userComments": wanted.journal_comment}
    return Plan(
        "updated" if current else "created",
        target,
        changed,
        body,
        before=_shown(have, merged) if current else {},
        after=_shown(target.values, merged),
    )


def _compare(have: Mapping[str, Any], wanted: Definition) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the managed fields are to hold, and the names of those that do not hold it."""
    merged = {
        name: BY_NAME[name].kind.merge(have.get(name), value, name not in wanted.keep)
        for name, value in wanted.values.items()
    }
    return merged, tuple(name for name in merged if _differs(name, have.get(name), merged[name]))


def _differs(name: str, one: Any, other: Any) -> bool:
    kind = BY_NAME[name].kind
    return bool(kind.canonical(one) != kind.canonical(other))


def _shown(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: BY_NAME[name].kind.to_diff(values.get(name)) for name in names}


def surprises(stored: Runtime, wanted: Definition) -> list[str]:
    """What the server made of a write, where it is not what was asked: a sentence for each field, with the remedy."""
    merged, changed = _compare(stored.values, wanted)
    found, asked = _shown(stored.values, changed), _shown(merged, changed)
    return [
        f"The server stored another {name} than was asked for runtime {stored.name!r}: {found[name]!r} instead of "
        f"{asked[name]!r}.{_remedy(name, found[name], asked[name])} The next run will try to change it again."
        for name in changed
    ]


def _remedy(name: str, found: Any, asked: Any) -> str:
    if name not in PURGEABLE:
        return ""
    names = [[entry["name"] if isinstance(entry, dict) else entry for entry in entries] for entries in (found, asked)]
    added = [entry for entry in names[0] if entry not in names[1]]
    return f" It added {', '.join(added)} unasked: list it under {name}, or set purge_{name}: false." if added else ""
