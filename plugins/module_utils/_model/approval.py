# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan that a person approves: its id, and how it differs from the one that was approved."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence

from .._errors import ValidationError
from .._text import counted, listed
from .fields import BY_NAME, differing
from .plan import Plan
from .runtime import Runtime
from .steps import Row, assignments_in

_DIGITS = 24
_FAILURES_IN_MESSAGE = 5


def check_plan_id(text: str) -> None:
    """Raises ValidationError if the option `plan_id` cannot be the id of a plan."""
    # An empty text is often a template or a shell variable without a value, and must not let every plan pass.
    if not re.fullmatch(f"[0-9a-f]{{{_DIGITS}}}", text):
        raise ValidationError([f"plan_id {text!r} is invalid: expected {_DIGITS} hexadecimal digits"])


def fingerprint(current: Runtime | None, plan: Plan) -> str:
    """What a person approves of a plan, as text that is the same for the same change; empty if nothing changes.

    It holds the runtime's id (its name for a create), the action, and each changed field before and after; for a
    delete, every field that the runtime has. It depends neither on the order and spelling that a server uses nor on
    unmanaged fields, and not on which fields a release of this collection knows beside those.
    """
    if not plan.changed:
        return ""
    before = current or Runtime({})
    after = plan.target or Runtime({})
    changes = {}
    for name in differing(before.values, after.values, BY_NAME):
        canonical = BY_NAME[name].kind.canonical
        changes[name] = [canonical(before.values.get(name)), canonical(after.values.get(name))]
    identity = current.key if current else [after.name]
    return json.dumps([identity, plan.action, changes], default=str, sort_keys=True)


def plan_id(rows: Sequence[Row]) -> str:
    """The id of all that a task would change: the same for the same changes from the same values, see `fingerprint`.

    It is empty if something could not be planned: as an option, null would let every plan pass.
    """
    planned = [text for row in rows for text in _fingerprints(row)]
    if None in planned:
        return ""
    digest = hashlib.sha256("\n".join(sorted(text for text in planned if text)).encode())
    return digest.hexdigest()[:_DIGITS]


def _fingerprints(row: Row) -> list[str | None]:
    """What a person approves of a row: each step, and the code that is to run."""
    fingerprints = [step.fingerprint for step in row.steps]
    if row.has_smoke_test:
        fingerprints.append(json.dumps(["smoke test", row.wanted.name, row.wanted.smoke_test]))
    return fingerprints


def plan_mismatch(approved: str, rows: Sequence[Row]) -> str:
    """The refusal of a plan that is not the approved one: what the plan is now."""
    parts = list(_changes_by_action(rows))
    failed = [f"{row.place} {row.label}: {row.failure.sentence}" for row in rows if row.failure]
    moved = sum(step.is_due for step in assignments_in(rows))
    if moved:
        parts.append(f"{counted(moved, 'script')} to move")
    if failed:
        parts.append(f"{len(failed)} that cannot be planned ({listed(failed, _FAILURES_IN_MESSAGE, '; ')})")
    return f"The plan is different from the approved one ({approved}): {', '.join(parts)}. Nothing was written."


def _changes_by_action(rows: Sequence[Row]) -> Iterator[str]:
    """Such as "2 to create ('a'; 'b')"."""
    by_action: dict[str, list[str]] = {"create": [], "update": [], "replace": [], "delete": []}
    planned = [row for row in rows if not row.failure]
    for row in planned:
        for action, text in _changes(row):
            by_action[action].append(text)
    for action, texts in by_action.items():
        if texts:
            yield f"{len(texts)} to {action} ({listed(sorted(texts), separator='; ')})"


def _changes(row: Row) -> Iterator[tuple[str, str]]:
    """The action of each runtime that a plan changes, and what it concerns; a replacement is one of its own."""
    plan = row.replacement or row.main.plan
    has_fields = plan.action in ("update", "replace")
    fields = f": {', '.join(plan.changed_fields)}" if has_fields else ""
    if row.main.is_due and not row.main.script:
        yield plan.action, f"{row.label}{fields}"
    if row.old:
        yield "delete", repr(row.old.name)
