# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server stored, compared with what a write requested; and what a person approves of a plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from .definition import Definition, pool_errors
from .fields import BY_NAME, FIELDS, POOL, PURGEABLE, Field, differing
from .kinds import NOTHING, without_null
from .plan import Plan, compare, diff_values
from .runtime import Runtime


def as_stored(plan: Plan, wanted: Definition, now: Runtime) -> tuple[Plan, list[str]]:
    """The plan with the values that the server stored, without the fields that it left as they were.

    Then how these values differ from the request, as sentences with remedies.
    """
    merged, different = compare(now.values, wanted)
    stored, requested = diff_values(now.values, different), diff_values(merged, different)
    sentences = [
        f"The server stored {'' if name.endswith('s') else 'a '}different {name} for runtime {now.name!r} than "
        f"requested: {stored[name]!r} instead of {requested[name]!r}."
        f"{_remedy(name, stored[name], requested[name])} The next run will try to change it again."
        for name in different
    ]
    is_changed = {name: plan.action == "create" or plan.before.get(name) != value for name, value in stored.items()}
    changed = tuple(name for name in plan.changed_fields if is_changed.get(name, True))
    return plan._replace(after={**plan.after, **stored}, changed_fields=changed), sentences


def fingerprint(current: Runtime | None, plan: Plan) -> str:
    """What a person approves of a plan, as text that is the same for the same change; empty if nothing changes.

    It holds the runtime's id (its name for a create), the action, and each changed field before and after; for a
    delete, every field that the runtime has. It depends neither on the order and spelling that a server uses nor on
    unmanaged fields, and not on which fields a release of this collection knows beside those.
    """
    if not plan.changed:
        return ""
    before = current.values if current else NOTHING
    after = plan.target.values if plan.target else NOTHING
    names = BY_NAME if plan.action == "delete" else plan.changed_fields
    changes = [
        [name, *(BY_NAME[name].kind.canonical(values.get(name)) for values in (before, after))]
        for name in sorted(names)
    ]
    if plan.action == "delete":
        changes = [[name, value] for name, value, _nothing in changes if value]
    identity = current.key if current else [after.get("name")]
    return json.dumps([identity, plan.action, changes], default=str, sort_keys=True)


def changed_since(now: Runtime, earlier: Runtime, names: Iterable[str] | None = None) -> tuple[str, ...]:
    """Those of these fields, by default of all that both reads show, in which a runtime differs from an earlier read.

    A list may omit a field; then only the object's `version` shows that it changed, since every edit changes it.
    """
    version, before = now.facts.get("version"), earlier.facts.get("version")
    has_versions = version is not None and before is not None
    if names is None:
        names = [
            name
            for name in BY_NAME
            if (not has_versions or now.values.get(name) is not None)
            and (earlier.is_whole or earlier.values.get(name) is not None)
        ]
    changed = differing(earlier.values, now.values, names)
    return changed or (("version",) if has_versions and version != before else ())


def definition_of(runtime: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the definition that would create a runtime, which is as in a result."""
    definition = without_null({field.name: _in_definition(field, runtime.get(field.name)) for field in FIELDS})
    for name in POOL:
        if runtime.get(name) is None and pool_errors(definition):
            # Some servers omit a count of zero, but this one has a different meaning.
            del definition[name]
    return definition


def _in_definition(field: Field, value: Any) -> Any:
    """The value for a definition, from the value in a result; None if a definition cannot express it.

    Null equals empty in every comparison. A definition that omits the field would restore nothing, so it is empty
    there. Only an empty newer field is omitted, because an older release rejects it.
    """
    value = field.kind.canonical(None) if value is None else value
    if value is None or (value == "" and (field.newer_only or not field.may_be_empty)):
        return None
    return field.kind.to_definition(value)


def deletion_of(runtime: Runtime, comment: str | None) -> Definition:
    """The definition that deletes a runtime that was read, by its id. `comment`: for the server's journal."""
    return Definition("absent", {}, id=runtime.id, name=runtime.name, journal_comment=comment)


def rename_of(runtime: Runtime, name: str, comment: str | None) -> Definition:
    """The definition that only renames a runtime that was read. `comment`: for the server's journal."""
    return Definition("present", {"name": name}, id=runtime.id, name=name, journal_comment=comment)


def _remedy(name: str, stored: Any, requested: Any) -> str:
    if name not in PURGEABLE:
        return ""
    text: Callable[[Any], str] = itemgetter("name") if name == "packages" else str
    requested_texts = set(map(text, requested))
    added = [entry for entry in map(text, stored) if entry not in requested_texts]
    return f" It added {', '.join(added)}: list it under {name}, or set purge_{name}: false." if added else ""
