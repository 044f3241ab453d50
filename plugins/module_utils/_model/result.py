# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a task for many runtimes, and the refusal of a plan that is not the approved one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._errors import NAMES_IN_MESSAGE, MstrError, PartialError, ValidationError, counted, ended, listed
from .kinds import NOTHING
from .plan import DONE
from .runtime import Runtime, mark_in
from .steps import CLEAN_UP, NO_SCRIPTS, PLAN_ID_DIGITS, UNDO, Row, ScriptReport, plan_id

_FAILURES_IN_MESSAGE = 5


def report_many(
    rows: Sequence[Row],
    purge: bool,
    scripts: ScriptReport = NO_SCRIPTS,
    refusal: MstrError | None = None,
    predicted: bool = False,
    known: Iterable[Runtime] | None = None,
) -> dict[str, Any]:
    """The result of a task for many runtimes. Raises PartialError, which carries the result, if a row failed.

    `purge`: whether the task should purge. `refusal`: why the task was refused in check mode.
    `predicted`: whether the task ran in check mode. `known`: the runtimes of which those without a definition count.
    """
    reported = [row for row in rows if not row.is_purged or row.changed or row.failure]
    failed = [(f"{row.place} {row.label}", row.failure) for row in reported if row.failure]
    failed += scripts.failures
    result = {**_result(reported, len(failed), scripts, predicted), "plan_id": plan_id(rows, scripts)}
    result["undefined"] = undefined_in(known, rows)
    if refusal:
        raise PartialError(refusal, result)
    if failed:
        to_purge = [row for row in rows if row.is_purged]
        spared = purge and (not to_purge or any(row.action != "deleted" and not row.failure for row in to_purge))
        number, what = len(reported), "runtimes"
        if scripts.failures:
            number, what = number + len(scripts.rows or ()), "runtimes and scripts"
        end = "Nothing was purged." if spared else ""
        text = failures(f"{len(failed)} of {number} {what} failed", failed, end)
        raise PartialError(MstrError(text, **failed[0][1].error), result)
    return result


def counted_runtimes(number: int, with_default: bool, more: str = "") -> str:
    """A number of runtimes and `more`; says whether the built-in one, which an export leaves out, is among them."""
    return f"{counted(number, 'runtime')}{more} ({'with' if with_default else 'without'} the default one)"


def undefined_in(known: Iterable[Runtime] | None, rows: Sequence[Row]) -> list[dict[str, Any]] | None:
    """The runtimes of a list that no row means, but the default one and what an interrupted replacement left.

    None without a list, and without a definition of what there should be.
    """
    if known is None or all(row.wanted.state == "absent" for row in rows):
        return None
    meant = {runtime.key for row in rows for step in row.steps for runtime in (step.before, step.after) if runtime}
    names = {name for row in rows for name in (row.wanted.name, *row.wanted.previous_names)}
    others = [
        runtime
        for runtime in known
        if not (runtime.key in meant or runtime.name in names or runtime.is_default or mark_in(runtime.name))
    ]
    return [{"id": runtime.id, "name": runtime.name} for runtime in sorted(others, key=lambda runtime: runtime.name)]


def _result(rows: Sequence[Row], failed: int, scripts: ScriptReport, predicted: bool) -> dict[str, Any]:
    defined, purged = ([(row, NOTHING) for row in rows if row.is_purged is last] for last in (False, True))
    # Nothing else remains of a runtime that a replacement deleted.
    replaced = [
        (row.deletion(step), {"replaced_by": None if step.phase in (UNDO, CLEAN_UP) else row.id})
        for row in rows
        for step in row.gone
    ]
    shown = [*defined, *replaced, *purged]
    results = [{**_row_result(row), **more} for row, more in shown]
    exempted = [row.exempted for row in rows if row.exempted is not None]
    summary = _summary(results, failed, scripts)
    diff = [{**scripts.diff, "before_header": "scripts", "after_header": "scripts"}] if scripts.moved else []
    return {
        "changed": any(row.changed for row in rows) or scripts.moved > 0,
        "msg": summary_line(summary, predicted),
        "runtimes": results,
        "summary": summary,
        **scripts.to_result(),
        **({"exempted": [entry for entries in exempted for entry in entries]} if exempted else {}),
        "diff": [*(row.diff for row, _more in shown if row.shown.changed), *diff],
    }


def _summary(results: Sequence[Mapping[str, Any]], failed: int, scripts: ScriptReport) -> dict[str, int]:
    """How many rows have each action."""
    actions = Counter(result["action"] for result in results)
    shown = [action for action in DONE.values() if action != "none" and (action != "replaced" or actions[action])]
    moved = {} if scripts.rows is None else {"moved": scripts.moved}
    return {**{action: actions[action] for action in shown}, "unchanged": actions["none"], "failed": failed, **moved}


def _row_result(row: Row) -> dict[str, Any]:
    """The row's part of the result of a task for many runtimes."""
    code = row.diff["after"].get("smoke_test") if row.tries else None
    facts, failure = row.facts, row.failure
    return {
        "name": row.name,
        **facts,
        "id": facts["id"] or row.wanted.id,
        "action": "failed" if failure and facts["action"] == "none" else facts["action"],
        "error": {"msg": failure.sentence, **failure.error} if failure else None,
        **({"smoke_test": code} if code else {}),
    }


def failures(what: str, failed: Sequence[tuple[str, MstrError]], end: str = "") -> str:
    """The failures of several objects, at most five of them: `what`, then a line for each with its place and reason."""
    shown = failed[:_FAILURES_IN_MESSAGE]
    # An error of several lines names its object in each.
    lines = [ended(f"{place}: {line}") for place, error in shown for line in error.sentence.splitlines()]
    if len(failed) > len(shown):
        lines.append(f"And {len(failed) - len(shown)} more.")
    return (" " if len(lines) == 1 else "\n").join([f"{what}:", *lines, *([end] if end else [])])


def summary_line(summary: Mapping[str, int], predicted: bool = False) -> str:
    """The counts of a summary in one line; `predicted`: in check mode, so that it says what would be done."""
    would = dict.fromkeys(DONE.values(), "would be ") if predicted else {}
    words = {"moved": f"{'script' if summary.get('moved') == 1 else 'scripts'} {'would be ' * predicted}moved"}
    counts = [
        f"{count} {words.get(action, would.get(action, '') + action)}" for action, count in summary.items() if count
    ]
    if not counts and "moved" in summary:
        return "No script needed a different runtime."
    return f"{', '.join(counts)}." if counts else "No runtimes were given, so there was nothing to do."


def _changes(row: Row) -> Iterator[tuple[str, str]]:
    """The action of each step that a plan has, and what it concerns; a replacement is one of its own."""
    main, plan = row.main, row.replacement or row.main.plan
    seen = main.before.name if main.before else None
    text = repr((seen if plan.action == "delete" else None) or row.wanted.name or seen)
    if row.replacement and row.old[0].name != row.wanted.name:
        text = f"{row.old[0].name!r} by {text}"
    if main.is_due or row.replacement:
        fields = ", ".join(plan.changed_fields)
        yield plan.action, f"{text}: {fields}" if plan.action in ("update", "replace") else text
    yield from (("delete", repr(step.before.name)) for step in row.going if step.before)


def plan_mismatch(approved: str, rows: Sequence[Row], scripts: ScriptReport) -> str:
    """The refusal of a plan that is not the approved one: what the plan is now, with at most ten names."""
    planned = [change for row in rows if not row.failure for change in _changes(row)]
    left, parts = NAMES_IN_MESSAGE, []
    for action in ("create", "update", "replace", "delete"):
        changes = sorted(text for planned_action, text in planned if planned_action == action)
        if changes:
            parts.append(f"{len(changes)} to {action} ({listed(changes, left, '; ') if left else '…'})")
            left = max(0, left - len(changes))
    if scripts.moved:
        parts.append(f"{counted(scripts.moved, 'script')} to move")
    failed = [f"{row.place} {row.label}: {row.failure.sentence}" for row in rows if row.failure]
    failed += [f"{label}: {error.sentence}" for label, error in scripts.failures]
    if failed:
        parts.append(f"{len(failed)} that cannot be planned ({listed(failed, _FAILURES_IN_MESSAGE, '; ')})")
    now = ", ".join(parts) or "nothing to change"
    return f"The plan is different from the approved one ({approved}): {now}. Nothing was written."


def check_plan_id(text: str) -> None:
    """Raises ValidationError if the option `plan_id` cannot be the id of a plan."""
    # An empty text is often a template or a shell variable without a value, and must not let every plan pass.
    if not re.fullmatch(f"[0-9a-f]{{{PLAN_ID_DIGITS}}}", text):
        raise ValidationError([f"plan_id {text!r} is invalid: expected {PLAN_ID_DIGITS} hexadecimal digits"])
