# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a result says of a step and of failures, and the result of a task for one runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._errors import MstrError, PartialError
from .._text import with_full_stop
from .change import NO_CHANGE, Change
from .steps import PREDICTED, Step

_FAILURES_IN_MESSAGE = 5


def report_one(step: Step, plan_id: str, refusal: MstrError | None = None) -> dict[str, Any]:
    """The result of a task for one runtime. Raises its error; PartialError once something was written.

    `refusal`: of a check mode, which shows all the same what it would do.
    """
    exempted = exempted_of(step)
    result = {
        "changed": step.is_changed,
        "msg": message(step),
        **facts_of(step),
        "plan_id": plan_id,
        **({} if exempted is None else {"exempted": exempted}),
        "diff": diff_of(step),
    }
    error = refusal or step.error
    if error is None:
        return result
    has_result = refusal or step.is_done or step.is_changed
    raise PartialError(error, result) if has_result else error


def reported_change(step: Step) -> Change:
    """What was done, or may have been."""
    return step.change if step.is_reported else NO_CHANGE


def message(step: Step) -> str:
    """What was done, in one line."""
    if step.runtime is None:
        return f"Runtime {step.wanted.label} does not exist."
    change, action = reported_change(step), step.action
    if action == "none":
        return f"Runtime {step.name!r} is already as requested."
    is_predicted = step.state == PREDICTED and change.changed
    done = f"Would {change.action}" if is_predicted else action.capitalize()
    fields = f": {', '.join(change.changed_fields)}" if change.action == "update" else ""
    return f"{done} runtime {step.name!r}{fields}."


def diff_of(step: Step) -> dict[str, Any]:
    """The managed fields before and after, and a smoke test that runs, under headers that name the runtime."""
    change = reported_change(step)
    after = dict(change.after)
    if step.runs_test and step.is_reported:
        after["smoke_test"] = step.wanted.smoke_test
    identity = (step.runtime.id if step.runtime else None) or "new"
    return {
        "before": dict(change.before),
        "after": after,
        "before_header": f"runtime {step.before_or_empty.name or step.name!r} ({identity})",
        "after_header": f"runtime {step.name!r} ({identity})",
    }


def exempted_of(step: Step) -> list[dict[str, Any]] | None:
    """What the exemptions of the policy let pass; None if no policy applies."""
    found = step.change.exempted
    if found is None:
        return None
    identity = step.runtime.id if step.runtime else None
    return [{"name": step.name, "id": identity, **finding.to_result()} for finding in found]


def facts_of(step: Step) -> dict[str, Any]:
    """The keys that the result of a task for one runtime and that for many have for a step."""
    change, runtime = reported_change(step), step.runtime
    return {
        "id": runtime.id if runtime else None,
        "action": step.action,
        # For a create, those that were sent, and every value before is None; for a delete, none.
        "changed_fields": list(change.changed_fields),
        "changes": [
            {"field": name, "before": change.before.get(name), "after": change.after.get(name)}
            for name in change.changed_fields
        ],
        "runtime": runtime.to_result() if runtime else None,
    }


def failures(what: str, failed: Sequence[tuple[str, MstrError]], end: str = "") -> str:
    """The failures of several objects, at most five of them: `what`, then a line for each with its place and reason."""
    shown_failures = failed[:_FAILURES_IN_MESSAGE]
    # An error of several lines names its object in each.
    lines = [
        with_full_stop(f"{place}: {line}") for place, error in shown_failures for line in error.sentence.splitlines()
    ]
    if len(failed) > len(shown_failures):
        lines.append(f"And {len(failed) - len(shown_failures)} more.")
    return (" " if len(lines) == 1 else "\n").join([f"{what}:", *lines, *filter(None, [end])])
