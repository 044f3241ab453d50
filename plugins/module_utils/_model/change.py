# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares a runtime with its definition, and plans the change: what a result and a diff show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import ErrorList, ValidationError
from .definition import Definition, pool_errors
from .fields import BY_NAME, POOL, PURGEABLE, differing
from .kinds import EMPTY_MAPPING, without_null
from .runtime import Runtime

if TYPE_CHECKING:
    from .policy import Policy
    from .rules import PolicyFinding

# Each action of a change, and the word for it in results.
DONE = {
    "none": "none",
    "create": "created",
    "update": "updated",
    "delete": "deleted",
}


class Change(NamedTuple):
    """One write or none. `body` is what a create or an update sends; `before` and `after` hold the managed fields.

    For a delete, `before` holds every field that the server returned, because nothing else remains of the runtime.
    """

    action: str  # one of DONE
    target: Runtime | None  # the runtime as predicted; None if it will not exist
    changed_fields: tuple[str, ...] = ()
    body: Mapping[str, Any] = EMPTY_MAPPING
    before: Mapping[str, Any] = EMPTY_MAPPING
    after: Mapping[str, Any] = EMPTY_MAPPING
    exempted: tuple[PolicyFinding, ...] | None = None  # what the policy lets pass; None if no policy applies

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.action != "none"


NO_CHANGE = Change("none", None)


def plan_change(current: Runtime | None, wanted: Definition, policy: Policy | None = None) -> Change:
    """The change. It compares only the fields that the definition manages, and changes only those that differ.

    Raises ValidationError for an id that the server does not have, for deleting its default runtime, for a pool whose
    minimum would exceed its maximum, and for a list that would break the policy because of what stays in it, or because
    a new runtime has an empty whitelist.
    """
    if wanted.state == "absent":
        return _deletion(current)
    if current is None and wanted.id:
        raise ValidationError([f"no runtime has the id {wanted.id}; to create one, set name and omit id"])
    have = current or Runtime({})
    merged, differences = compare(have.values, wanted)
    if current and not differences:
        exempted = policy.check_change(current, wanted) if policy else None
        unchanged = diff_values(have.values, merged)
        return Change("none", current, before=unchanged, after=unchanged, exempted=exempted)
    changed = differences if current else tuple(merged)
    # What does not change stays as the server has it, which may be written differently.
    target = have._replace(values={**have.values, **{name: merged[name] for name in changed}})
    exempted = _checked(current, target, changed, wanted, policy)
    return Change(
        "update" if current else "create",
        target,
        changed,
        _body(target, merged, changed, wanted.journal_comment),
        before=diff_values(have.values, merged) if current else {},
        after=diff_values(target.values, merged),
        exempted=exempted,
    )


def _deletion(current: Runtime | None) -> Change:
    if current is None:
        return NO_CHANGE
    if current.is_default:
        raise ValidationError([f"{current.label} is the server's built-in default runtime and cannot be deleted"])
    return Change("delete", None, before=diff_values(current.values, without_null(current.values)))


def _checked(
    current: Runtime | None, target: Runtime, changed: Sequence[str], wanted: Definition, policy: Policy | None
) -> tuple[PolicyFinding, ...] | None:
    """What the policy lets pass of a change; None without one. Raises ValidationError with all errors."""
    exempted = None
    with ErrorList() as errors:
        # A task that does not change the pool must not fail because the server already holds an invalid one.
        if set(POOL) & set(changed):
            errors.add(*pool_errors(target.values))
        if policy:
            exempted = errors.check(policy.check_change, current, wanted)
        if not target.name:
            errors.add(f"{target.label} has no name, and an update must contain one; set name")
    return exempted


def _body(target: Runtime, merged: Mapping[str, Any], changed: Iterable[str], comment: str | None) -> dict[str, Any]:
    """What a create or an update sends."""
    # The server wants the name in a PATCH, "even if not changing" [mstrio].
    body = {"name": target.name, **{BY_NAME[name].api: BY_NAME[name].kind.to_api(merged[name]) for name in changed}}
    if comment:
        body["changeJournal"] = {"userComments": comment}
    return body


def compare(have: Mapping[str, Any], wanted: Definition) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The wanted values of the managed fields, and the names of the fields whose current value differs."""
    merged = wanted.merged_onto(have)
    return merged, differing(have, merged, merged)


def diff_values(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values of these fields for a diff."""
    kinds = {name: BY_NAME[name].kind for name in names}
    return {name: kind.to_diff(kind.or_empty(values.get(name))) for name, kind in kinds.items()}


def as_stored(change: Change, wanted: Definition, now: Runtime) -> tuple[Change, list[str]]:
    """The change with the values that the server stored, without the fields that it left as they were.

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
    is_changed = {name: change.action == "create" or change.before.get(name) != value for name, value in stored.items()}
    changed = tuple(name for name in change.changed_fields if is_changed.get(name, True))
    return change._replace(after={**change.after, **stored}, changed_fields=changed), sentences


def _remedy(name: str, stored: Any, requested: Any) -> str:
    if name not in PURGEABLE:
        return ""
    text: Callable[[Any], str] = itemgetter("name") if name == "packages" else str
    requested_texts = set(map(text, requested))
    added = [entry for entry in map(text, stored) if entry not in requested_texts]
    return f" It added {', '.join(added)}: list it under {name}, or set purge_{name}: false." if added else ""


def changed_since(now: Runtime, earlier: Runtime, names: Iterable[str] | None = None) -> tuple[str, ...]:
    """Those of these fields, by default of all that both reads show, in which a runtime differs from an earlier read.

    A list may omit a field; then only the object's `version` shows that it changed, since every edit changes it.
    """
    version, before = now.facts.get("version"), earlier.facts.get("version")
    has_versions = version is not None and before is not None
    if names is None:
        lacking = set(earlier.lacking(BY_NAME))
        if has_versions:  # else a field that only the earlier read shows has changed
            lacking.update(now.lacking(BY_NAME))
        names = [name for name in BY_NAME if name not in lacking]
    changed = differing(earlier.values, now.values, names)
    is_edited = has_versions and version != before
    if is_edited and not changed:
        return ("version",)
    return changed
