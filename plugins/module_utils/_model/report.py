# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a task for many runtimes, and the refusal of a plan that is not the approved one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._errors import NAMES_IN_MESSAGE, MstrError, PartialError, counted, listed
from .entry import NO_SCRIPTS, PURGED, Entry, ScriptReport, plan_id
from .kinds import without_null
from .plan import DONE, diff_values
from .runtime import Runtime

_FAILURES_IN_MESSAGE = 5


def report(
    entries: Sequence[Entry],
    purge: bool,
    scripts: ScriptReport = NO_SCRIPTS,
    refusal: MstrError | None = None,
    predicted: bool = False,
) -> dict[str, Any]:
    """The result of a task for many runtimes. Raises PartialError, which carries the result, if an entry failed.

    `purge`: whether the task should purge. `refusal`: why the task was refused in check mode.
    `predicted`: whether the task ran in check mode.
    """
    reported = [entry for entry in entries if entry.place != PURGED or entry.changed or entry.error]
    failed = [(f"{entry.place} {entry.label}", entry.error) for entry in reported if entry.error]
    failed += scripts.failures
    results = [_listed(entry) for entry in reported]
    exempted = [entry.exempted for entry in reported if entry.exempted is not None]
    actions = Counter(result["action"] for result in results)
    shown = [action for action in DONE.values() if action != "none" and (action != "replaced" or actions[action])]
    summary = {
        **{action: actions[action] for action in shown},
        "unchanged": actions["none"],
        "failed": len(failed),
        **({} if scripts.rows is None else {"moved": scripts.moved}),
    }
    # The first one that a replacement deletes is in its entry.
    also = [runtime for entry in reported if entry.action == "replaced" for runtime in going(entry)[1:]]
    summary["deleted"] += len(also)
    diffs = [(f"runtime {entry.name!r} ({entry.id or 'new'})", entry.diff) for entry in reported if entry.changed]
    diffs += [(f"runtime {runtime.name!r} ({runtime.id})", _deletion(runtime)) for runtime in also]
    diffs += [("scripts", dict(scripts.diff))] if scripts.moved else []
    result = {
        "changed": any(entry.changed for entry in reported) or scripts.moved > 0,
        "msg": summary_line(summary, predicted),
        "runtimes": results,
        "summary": summary,
        **scripts.to_result(),
        **({"exempted": [row for rows in exempted for row in rows]} if exempted else {}),
        "plan_id": plan_id(entries, scripts),
        "diff": [{**diff, "before_header": header, "after_header": header} for header, diff in diffs],
    }
    if refusal:
        raise PartialError(refusal, result)
    if not failed:
        return result
    purged = [entry for entry in entries if entry.place == PURGED]
    spared = purge and (not purged or any(entry.action != "deleted" and not entry.error for entry in purged))
    number, what = len(reported), "runtimes"
    if scripts.failures:
        number, what = number + len(scripts.rows or ()), "runtimes and scripts"
    sentence = failures(f"{len(failed)} of {number} {what} failed", failed, "Nothing was purged." if spared else "")
    raise PartialError(MstrError(sentence, **failed[0][1].error), result)


def _listed(entry: Entry) -> dict[str, Any]:
    """The entry's part of the result of a task for many runtimes."""
    return {
        "name": entry.name,
        **entry.facts,
        "id": entry.id or entry.wanted.id,
        "action": "failed" if entry.error and not entry.changed else entry.action,
        "error": {"msg": entry.error.sentence, **entry.error.error} if entry.error else None,
        **_gone(entry),
    }


def _gone(entry: Entry) -> dict[str, Any]:
    """Each runtime that is replaced, as it was; in check mode, with the scripts on it. Of a deletion, the scripts."""
    found = [{"scripts": entry.evidence["scripts"][old.key]} if entry.evidence else {} for old in going(entry)]
    if entry.action == "replaced":
        return {"replaced": [{**old.to_result(), **scripts} for old, scripts in zip(going(entry), found)]}
    return found[0] if found else {}


def going(entry: Entry) -> Sequence[Runtime]:
    """The runtimes that an entry deleted, or would delete. Of a replacement, the one that was copied is the first."""
    if entry.action == "replaced":
        return entry.replaces
    return [entry.before] if entry.before and entry.action == "deleted" else []


def _deletion(runtime: Runtime) -> dict[str, Any]:
    return {"before": diff_values(runtime.values, without_null(runtime.values)), "after": {}}


def failures(what: str, failed: Sequence[tuple[str, MstrError]], end: str = "") -> str:
    """The failures of several objects, at most five of them: `what`, then a line for each with its place and reason."""
    lines = [f"{place}: {error.sentence.rstrip('.')}." for place, error in failed[:_FAILURES_IN_MESSAGE]]
    if len(failed) > len(lines):
        lines.append(f"And {len(failed) - len(lines)} more.")
    return (" " if len(failed) == 1 else "\n").join([f"{what}:", *lines, *([end] if end else [])])


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


def _changes(entry: Entry) -> Iterator[tuple[str, str]]:
    """The action of a plan, and what it concerns. A replacement also deletes runtimes with previous names."""
    name, plan = (entry.replacing.wanted.name, entry.replacing.plan) if entry.replacing else (entry.name, entry.plan)
    text, fields = repr(name), ", ".join(plan.changed_fields)
    first, *others = entry.replaces or (None,)
    if first and first.name != name:
        text = f"{first.name!r} by {name!r}"
    yield plan.action, f"{text}: {fields}" if plan.action in ("update", "replace") else text
    yield from (("delete", repr(old.name)) for old in others if old)


def plan_mismatch(approved: str, entries: Sequence[Entry], scripts: ScriptReport) -> str:
    """The refusal of a plan that is not the approved one: what the plan is now, with at most ten names."""
    planned = [change for entry in entries if entry.to_do for change in _changes(entry)]
    left, parts = NAMES_IN_MESSAGE, []
    for action in ("create", "update", "replace", "delete"):
        changes = sorted(text for planned_action, text in planned if planned_action == action)
        if changes:
            parts.append(f"{len(changes)} to {action} ({listed(changes, left, '; ') if left else '…'})")
            left = max(0, left - len(changes))
    if scripts.moved:
        parts.append(f"{counted(scripts.moved, 'script')} to move")
    failed = [f"{entry.place} {entry.label}: {entry.error.sentence}" for entry in entries if entry.error]
    failed += [f"{label}: {error.sentence}" for label, error in scripts.failures]
    if failed:
        parts.append(f"{len(failed)} that cannot be planned ({listed(failed, _FAILURES_IN_MESSAGE, '; ')})")
    now = ", ".join(parts) or "nothing to change"
    return f"The plan is different from the approved one ({approved}): {now}. Nothing was written."
