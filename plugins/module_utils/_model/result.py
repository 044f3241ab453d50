# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a result says of a row, of scripts and of failures, and the result of a task for one runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from .._errors import MstrError, PartialError
from .._text import ended
from .approval import plan_id
from .plan import NO_PLAN, Plan, diff_values
from .runtime import Runtime
from .steps import DELETE_OLD, PREDICTED, RECOVERY, UNDO, UNKNOWN, Row, Step, assignments_in

if TYPE_CHECKING:
    from .scripts import SavedScript  # few tasks have scripts

_FAILURES_IN_MESSAGE = 5


def shown(row: Row) -> Plan:
    """What was done, or may have been, as a whole; of a replacement that is not committed, its first step."""
    if row.is_undone:
        return NO_PLAN
    if row.replacement and row.is_committed and row.runtime:
        return _as_replaced(row.replacement, row.runtime)
    return row.main.plan if row.main.is_reported else NO_PLAN


def _as_replaced(plan: Plan, runtime: Runtime) -> Plan:
    """The replacement as a whole, with what the server stored."""
    after = diff_values(runtime.values, [name for name in plan.after if name != "id"])
    after["id"] = runtime.id
    changed = tuple(name for name in plan.changed_fields if plan.before.get(name) != after[name])
    return plan._replace(after=after, changed_fields=changed)


def action_of(row: Row) -> str:
    """What was done, or would be done in check mode, in the words of a result."""
    if row.is_committed:
        return "replaced"
    return "none" if row.is_undone else row.main.action


def is_changed(row: Row) -> bool:
    """Whether something was written, or may have been, or would be without check mode."""
    return any(step.is_reported and step.plan.changed for step in row.steps)


def message(row: Row) -> str:
    """What was done, in one line."""
    if row.runtime is None:
        return f"Runtime {row.wanted.label} does not exist."
    name, action = repr(row.name), action_of(row)
    if action == "none":
        return f"Runtime {name} is already as requested."
    plan = shown(row)
    is_predicted = any(step.state == PREDICTED and step.plan.changed for step in row.steps)
    done = f"Would {plan.action}" if is_predicted else action.capitalize()
    fields = f": {', '.join(plan.changed_fields)}" if plan.action in ("update", "replace") else ""
    return f"{done} runtime {name}{fields}."


def diff_of(row: Row) -> dict[str, Any]:
    """The managed fields before and after, under headers that name the runtime."""
    plan = shown(row)
    after = dict(plan.after)
    if row.has_smoke_test and plan.changed and plan.action != "delete":
        after["smoke_test"] = row.wanted.smoke_test
    identity = (row.runtime.id if row.runtime else None) or "new"
    before_header = f"runtime {row.main.seen.name or row.name!r} ({identity})"
    after_header = f"runtime {row.name!r} ({identity})"
    if row.old and row.is_committed:
        before_header = f"runtime {row.old.label}"
        after_header = f"runtime {row.name!r} (replacement)"
    return {
        "before": dict(plan.before),
        "after": after,
        "before_header": before_header,
        "after_header": after_header,
    }


def deletion_diff(step: Step) -> dict[str, Any]:
    """The diff of a runtime that a replacement or a recovery deletes: nothing else remains of it."""
    header = f"runtime {step.seen.label}"
    return {"before": dict(step.plan.before), "after": {}, "before_header": header, "after_header": header}


def exempted_of(row: Row) -> list[dict[str, Any]] | None:
    """What the exemptions of the policy let pass; None if no policy applies."""
    found = row.main.plan.exempted
    if found is None:
        return None
    identity = row.runtime.id if row.runtime else None
    return [{"name": row.name, "id": identity, **finding.to_result()} for finding in found]


def facts_of(row: Row) -> dict[str, Any]:
    """The keys that the result of a task for one runtime and that for many have for a row."""
    plan, runtime = shown(row), row.runtime
    return {
        "id": runtime.id if runtime else None,
        "action": action_of(row),
        # For a create, those that were sent, and every value before is None; for a delete, none.
        "changed_fields": list(plan.changed_fields),
        "changes": [
            {"field": name, "before": plan.before.get(name), "after": plan.after.get(name)}
            for name in plan.changed_fields
        ],
        "runtime": runtime.to_result() if runtime else None,
    }


# --- scripts


def scripts_of(rows: Sequence[Row]) -> list[Step]:
    """One assignment for each script, by project and name.

    A script that was assigned twice is shown from its first to its last runtime.
    """
    merged: dict[Any, Step] = {}
    for number, later in enumerate(assignments_in(rows)):
        key = later.script.key if later.script and later.script.id else number
        first = merged.get(key)
        merged[key] = later if first is None else _merged(first, later)
    return sorted(merged.values(), key=lambda step: step.script.sort_key if step.script else ("", "", ""))


def _merged(first: Step, later: Step) -> Step:
    if not is_moved(first):
        return later
    if not is_moved(later):
        return first._replace(error=first.error or later.error)
    merged = later._replace(script=first.script, before=first.before)
    first_id = first.script.runtime_id if first.script else None
    last_id = later.successor.key if later.successor else None
    is_back = first_id == last_id and later.error is None
    return merged._replace(plan=NO_PLAN) if is_back else merged


def is_moved(step: Step) -> bool:
    """Whether the script of an assignment has or may have a different runtime than before."""
    return step.is_reported and step.plan.changed


def script_result(step: Step) -> dict[str, Any]:
    """An assignment for a result."""
    script, target = cast("SavedScript", step.script), step.successor
    before = None
    if script.runtime_id:
        before = {"id": script.runtime_id, "name": step.before.name if step.before else None}
    moved = {"id": target.key or None, "name": target.name} if target else None
    action, after = "none", before
    if step.state == UNKNOWN:
        action, after = "failed", None
    elif is_moved(step):
        action, after = "moved", moved
    elif step.error:
        action = "failed"
    return {
        "id": script.id or None,
        "name": script.name or None,
        "project": script.project._asdict(),
        "action": action,
        "before": before,
        "after": after,
        "error": {"msg": step.error.sentence, **step.error.error} if step.error else None,
    }


def scripts_diff(scripts: Sequence[Step]) -> dict[str, dict[str, str]]:
    """The runtime of each moved script before and after."""
    diff: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    for step in filter(is_moved, scripts):
        script, target = cast("SavedScript", step.script), cast(Runtime, step.successor)
        key = f"{script.project.name} / {script.name} ({script.id})"
        diff["before"][key] = _runtime_text(step.before) if step.before else str(script.runtime_id)
        diff["after"][key] = _runtime_text(target)
    return diff


def _runtime_text(runtime: Runtime) -> str:
    """A runtime in a diff. One that is still to be created has no id."""
    return f"{runtime.name} ({runtime.id})" if runtime.id else runtime.name


def report_one(rows: Sequence[Row], refusal: MstrError | None = None) -> dict[str, Any]:
    """The result of a task for one runtime. Raises its error; PartialError once something was written.

    `rows`: of the runtime, and of what was recovered for it. `refusal`: of a check mode, which shows all the same what
    it would do.
    """
    [row] = [row for row in rows if row.place != RECOVERY]
    recovered = [row for row in rows if row.place == RECOVERY]
    deleted = [step for step in row.in_phase(DELETE_OLD) if step.is_reported]
    scripts = scripts_of(rows)
    lines = [message(row), *map(recovery_line, filter(is_changed, recovered))]
    exempted = exempted_of(row)
    result = {
        "changed": any(map(is_changed, rows)),
        "msg": " ".join(lines),
        **facts_of(row),
        "plan_id": plan_id(rows),
        **_parts(scripts, deleted, recovered),
        **({} if exempted is None else {"exempted": exempted}),
        "diff": _diffs(row, recovered, deleted, scripts),
    }
    # What was to be recovered concerns the runtime, so its failure is the row's, too.
    error = refusal or row.failure
    if error is None:
        return result
    has_result = refusal or result["changed"] or row.main.done
    raise PartialError(error, result) if has_result else error


def _parts(scripts: Sequence[Step], deleted: Sequence[Step], recovered: Sequence[Row]) -> dict[str, Any]:
    """The lists of a result that are not empty."""
    parts = {
        "scripts": [script_result(step) for step in scripts],
        "replaced": [_replaced_result(step.seen) for step in deleted],
        "recovered": [_recovered_result(row) for row in recovered],
    }
    return {key: entries for key, entries in parts.items() if entries}


def _replaced_result(old: Runtime) -> dict[str, Any]:
    return {"id": old.id, "name": old.name, "runtime": old.to_result()}


def _recovered_result(row: Row) -> dict[str, Any]:
    return {"id": row.main.seen.id, "name": row.main.seen.name, "action": action_of(row)}


def _diffs(row: Row, recovered: Sequence[Row], deleted: Sequence[Step], scripts: Sequence[Step]) -> Any:
    """The diff of a task for one runtime; a list if there is more than its own."""
    diffs = [diff_of(other) for other in recovered if shown(other).changed]
    diffs.append(diff_of(row))
    diffs += [deletion_diff(step) for step in deleted]
    if any(map(is_moved, scripts)):
        diffs.append({**scripts_diff(scripts), "before_header": "scripts", "after_header": "scripts"})
    return diffs if len(diffs) > 1 else diffs[0]


def recovery_line(row: Row) -> str:
    """What was done with an unfinished replacement, in one sentence."""
    verb = "undo" if row.main.phase == UNDO else "finish"
    done = {"undo": "Undid", "finish": "Finished"}[verb]
    if row.main.state == PREDICTED:
        done = f"Would {verb}"
    return f"{done} the unfinished replacement {row.main.seen.label}."


def failures(what: str, failed: Sequence[tuple[str, MstrError]], end: str = "") -> str:
    """The failures of several objects, at most five of them: `what`, then a line for each with its place and reason."""
    shown_failures = failed[:_FAILURES_IN_MESSAGE]
    # An error of several lines names its object in each.
    lines = [ended(f"{place}: {line}") for place, error in shown_failures for line in error.sentence.splitlines()]
    if len(failed) > len(shown_failures):
        lines.append(f"And {len(failed) - len(shown_failures)} more.")
    return (" " if len(lines) == 1 else "\n").join([f"{what}:", *lines, *([end] if end else [])])
