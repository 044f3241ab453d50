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
from .change import Change
from .fields import BY_NAME, differing
from .moves import Move, all_of, failures_in
from .runtime import Runtime
from .steps import Step

_DIGITS = 24
_FAILURES_IN_MESSAGE = 5


def check_plan_id(text: str) -> None:
    """Raises ValidationError if the option `plan_id` cannot be the id of a plan."""
    # An empty text is often a template or a shell variable without a value, and must not let every plan pass.
    if not re.fullmatch(f"[0-9a-f]{{{_DIGITS}}}", text):
        raise ValidationError([f"plan_id {text!r} is invalid: expected {_DIGITS} hexadecimal digits"])


def fingerprint(current: Runtime | None, change: Change) -> str:
    """What a person approves of a change, as text that is the same for the same change; empty if nothing changes.

    It holds the runtime's id (its name for a create), the action, and each changed field before and after; for a
    delete, every field that the runtime has. It depends neither on the order and spelling that a server uses nor on
    unmanaged fields, and not on which fields a release of this collection knows beside those.
    """
    if not change.changed:
        return ""
    before = current or Runtime({})
    after = change.target or Runtime({})
    changes = {}
    for name in differing(before.values, after.values, BY_NAME):
        kind = BY_NAME[name].kind
        changes[name] = [kind.canonical(kind.or_empty(values.get(name))) for values in (before.values, after.values)]
    identity = current.key if current else [after.name]
    return json.dumps([identity, change.action, changes], default=str, sort_keys=True)


def plan_id(server: str, steps: Sequence[Step] = (), moves: Sequence[Move] = ()) -> str:
    """The id of all that a task would change: the same for the same changes from the same values on the same server.

    `server`: its normal address. The id is empty if something could not be planned: as an option, null would let every
    plan pass.
    """
    if any(item.error for item in all_of(steps, moves)):
        return ""
    texts = list(map(_step_fingerprint, steps))
    for move in moves:
        if move.is_due:
            script, target = move.script, move.target.key or move.target.name
            texts.append(json.dumps(["script", script.project.id, script.id, script.runtime_id, target]))
    digest = hashlib.sha256("\n".join([server, *sorted(filter(None, texts))]).encode())
    return digest.hexdigest()[:_DIGITS]


def _step_fingerprint(step: Step) -> str:
    """What a person approves of a step: its change, and the code that is to run."""
    change = fingerprint(step.before, step.change)
    if not step.runs_test:
        return change
    return json.dumps([change, "smoke test", step.key or step.name, step.wanted.smoke_test])


def plan_mismatch(approved: str, steps: Sequence[Step], moves: Sequence[Move]) -> str:
    """The refusal of a plan that is not the approved one: what the plan is now."""
    parts = list(_changes_by_action(steps))
    failed = failures_in(steps, moves)
    moved = sum(move.is_due for move in moves)
    if moved:
        parts.append(f"{counted(moved, 'script')} to move")
    if failed:
        parts.append(f"{len(failed)} that cannot be planned ({listed(failed, _FAILURES_IN_MESSAGE, '; ')})")
    now = ", ".join(parts) or "nothing to change"
    return f"The plan is different from the approved one ({approved}): {now}. Nothing was written."


def _changes_by_action(steps: Sequence[Step]) -> Iterator[str]:
    """Such as "2 to create ('a'; 'b')"."""
    by_action: dict[str, list[str]] = {"create": [], "update": [], "delete": []}
    for step in steps:
        if step.is_due:
            fields = f": {', '.join(step.change.changed_fields)}" if step.change.action == "update" else ""
            by_action[step.change.action].append(f"{step.label}{fields}")
    for action, texts in by_action.items():
        if texts:
            yield f"{len(texts)} to {action} ({listed(sorted(texts), separator='; ')})"
