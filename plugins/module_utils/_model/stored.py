# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server stored, compared with what a write requested."""

from __future__ import annotations

from typing import Any

from .definition import Definition
from .fields import BY_NAME, FIELDS, PURGEABLE
from .plan import Plan, compare, diff_values
from .runtime import Runtime


def has_effect(plan: Plan, before: Runtime, found: Runtime) -> bool:
    """Whether an update changed a field that it should change, or at least the version of the object."""
    versions = {before.facts.get("version"), found.facts.get("version")} - {None}
    changed = (
        BY_NAME[name].kind.canonical(before.values.get(name)) != BY_NAME[name].kind.canonical(found.values.get(name))
        for name in plan.changed_fields
    )
    return len(versions) > 1 or any(changed)


def as_stored(plan: Plan, wanted: Definition, found: Runtime) -> Plan:
    """The plan with the values that the server stored, without the fields that it left as they were."""
    _merged, different = compare(found.values, wanted)
    if not different:
        return plan
    after = {**plan.after, **diff_values(found.values, different)}
    kept = tuple(
        name for name in plan.changed_fields if plan.action == "create" or plan.before.get(name) != after[name]
    )
    return plan._replace(after=after, changed_fields=kept)


def differences_after_write(found: Runtime, wanted: Definition, predicted: Runtime | None = None) -> list[str]:
    """How the server's runtime differs from the request after a write, as sentences with remedies.

    `predicted`: the runtime of the plan; it shows which values the write should not have changed.
    """
    merged, changed = compare(found.values, wanted)
    found_values, requested_values = diff_values(found.values, changed), diff_values(merged, changed)
    sentences = [
        f"The server stored {'' if name.endswith('s') else 'a '}different {name} for runtime {found.name!r} than "
        f"requested: {found_values[name]!r} instead of {requested_values[name]!r}."
        f"{_remedy(name, found_values[name], requested_values[name])} The next run will try to change it again."
        for name in changed
    ]
    lost = [
        f"{place} (it was {value!r})"
        for field in FIELDS
        if predicted
        for place, value in field.kind.lost(predicted.values.get(field.name), found.values.get(field.name)).items()
    ]
    if lost:
        sentences.append(
            f"The update of runtime {found.name!r} made the server drop settings that this collection does not know: "
            f"{', '.join(lost)}. Set them again on the server, and report this to mstr.library."
        )
    return sentences


def _remedy(name: str, found: Any, requested: Any) -> str:
    if name not in PURGEABLE:
        return ""
    listed = [
        [entry["name"] if isinstance(entry, dict) else entry for entry in entries] for entries in (found, requested)
    ]
    added = [entry for entry in listed[0] if entry not in listed[1]]
    return f" It added {', '.join(added)}: list it under {name}, or set purge_{name}: false." if added else ""
