# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a task for many runtimes, and the refusal of a plan that is not the approved one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from .._errors import MstrError, PartialError, ValidationError
from .._text import NAMES_IN_MESSAGE, counted, ended, listed
from .report import (
    PLAN_ID_DIGITS,
    action_of,
    deletion_diff,
    diff_of,
    exempted_of,
    facts_of,
    has_smoke_test,
    is_changed,
    is_moved,
    plan_id,
    script_result,
    scripts_diff,
    scripts_of,
    shown,
)
from .runtime import DEFAULT_RUNTIME_ID, Runtime
from .steps import DELETE_OLD, PURGE, RECOVERY, Row, Step, assignments_in, is_purged

_FAILURES_IN_MESSAGE = 5
# The counts of a summary, in their order
_COUNTS = ("created", "updated", "deleted", "replaced", "unchanged", "moved", "failed")


def report_many(
    rows: Sequence[Row],
    *,
    purges: bool,
    has_scripts: bool,
    refusal: MstrError | None,
    predicted: bool,
    undefined: Sequence[Runtime] | None,
) -> dict[str, Any]:
    """The result of a task for many runtimes. Raises PartialError, which carries the result, if a row failed.

    `purges`: whether the task should purge. `has_scripts`: whether scripts were given. `refusal`: why the task was
    refused in check mode. `predicted`: whether the task ran in check mode. `undefined`: the runtimes that no definition
    names.
    """
    reported, of_scripts = _in_result(rows)
    scripts = scripts_of(rows)
    failed = [row for row in (*reported, *of_scripts) if row.failure]
    results = list(_results(reported))
    summary = _summary(results, scripts, len(failed))
    result: dict[str, Any] = {
        "changed": any(map(is_changed, rows)),
        "msg": summary_line(summary, predicted),
        "runtimes": results,
        "summary": summary,
        "diff": _diffs(reported, scripts),
        "plan_id": plan_id(rows),
        "undefined": None if undefined is None else _names_of(undefined),
    }
    if scripts or has_scripts:
        result["scripts"] = [script_result(step) for step in scripts]
    exempted = _exempted(reported)
    if exempted is not None:
        result["exempted"] = exempted
    end = "Nothing was purged." if purges and _spared(rows) else ""
    error = refusal or _failure_of((*reported, *of_scripts), failed, end)
    if error:
        raise PartialError(error, result)
    return result


def _in_result(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows of runtimes that a result has, and the rows of scripts."""
    reported = [row for row in rows if not row.main.script and _is_reported(row)]
    return reported, [row for row in rows if row.main.script]


def _names_of(runtimes: Sequence[Runtime]) -> list[dict[str, Any]]:
    return [{"id": runtime.id, "name": runtime.name} for runtime in runtimes]


def _exempted(rows: Sequence[Row]) -> list[dict[str, Any]] | None:
    """What the policy let pass; None without a policy."""
    found = [entries for entries in map(exempted_of, rows) if entries is not None]
    return list(chain.from_iterable(found)) if found else None


def _failure_of(rows: Sequence[Row], failed: Sequence[Row], end: str) -> MstrError | None:
    """The error of a task in which these of all rows failed; None if none did. `end`: of its message."""
    causes = [(f"{row.place} {row.label}", row.failure) for row in failed if row.failure]
    if not causes:
        return None
    what = "runtimes and scripts" if any(row.main.script for row in rows) else "runtimes"
    text = failures(f"{len(failed)} of {len(rows)} {what} failed", causes, end)
    return MstrError(text, **causes[0][1].error)


def _is_reported(row: Row) -> bool:
    """Whether a result has the row: a purge that was cancelled is not in it."""
    return not is_purged(row) or is_changed(row) or bool(row.failure)


def _spared(rows: Sequence[Row]) -> bool:
    """Whether a purge spared something because of a failure."""
    to_purge = [row for row in rows if is_purged(row)]
    return not to_purge or any(action_of(row) != "deleted" and not row.failure for row in to_purge)


def counted_runtimes(number: int, with_default: bool, more: str = "") -> str:
    """A number of runtimes and `more`; says whether the built-in one, which an export leaves out, is among them."""
    return f"{counted(number, 'runtime')}{more} ({'with' if with_default else 'without'} the default one)"


def undefined_in(known: Iterable[Runtime], rows: Sequence[Row], spared: Collection[str]) -> list[Runtime] | None:
    """The runtimes of a list that no row means, but the default one and those with the keys `spared`.

    None without a definition of what there should be.
    """
    definitions = [row.wanted for row in rows if not row.main.script and row.place != RECOVERY]
    if all(wanted.state == "absent" for wanted in definitions):
        return None
    names: set[str | None] = set()
    for wanted in definitions:
        names |= {wanted.name, *wanted.previous_names}
    keys = {DEFAULT_RUNTIME_ID, *spared}
    for row in rows:
        keys |= {step.key for step in row.steps}
        if row.runtime:
            keys.add(row.runtime.key)
    others = [runtime for runtime in known if runtime.key not in keys and runtime.name not in names]
    return sorted(others, key=lambda runtime: runtime.name)


def _results(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Each runtime of a result: the definitions, what was replaced, what was recovered, and what was purged."""
    by_place: dict[str, list[Row]] = {"": [], RECOVERY: [], PURGE: []}
    for row in rows:
        by_place.get(row.place, by_place[""]).append(row)
    yield from map(_row_result, by_place[""])
    for row in by_place[""]:
        for step in row.in_phase(DELETE_OLD):
            if step.shows and step.plan.changed:
                yield _replaced_result(row, step)
    yield from map(_row_result, by_place[RECOVERY])
    yield from map(_row_result, by_place[PURGE])


def _row_result(row: Row) -> dict[str, Any]:
    """The row's part of the result of a task for many runtimes."""
    facts, failure = facts_of(row), row.failure
    result = {
        "name": row.name,
        **facts,
        "id": facts["id"] or row.wanted.id,
        "error": {"msg": failure.sentence, **failure.error} if failure else None,
    }
    if has_smoke_test(row) and shown(row).changed:
        result["smoke_test"] = row.wanted.smoke_test
    return result


def _replaced_result(row: Row, step: Step) -> dict[str, Any]:
    """What a replacement deleted: nothing else remains of the runtime."""
    old = step.seen
    return {
        "name": old.name,
        "id": old.id,
        "action": step.action,
        "changed_fields": [],
        "changes": [],
        "runtime": old.to_result(),
        "error": None,
        "replaced_by": row.runtime.id if row.runtime else None,
    }


def _summary(results: Sequence[Mapping[str, Any]], scripts: Sequence[Step], failed: int) -> dict[str, int]:
    """How many runtimes have each action, how many scripts were moved, and how many of both failed."""
    actions = Counter(result["action"] for result in results)
    actions["unchanged"] = sum(result["action"] == "none" and not result["error"] for result in results)
    actions["moved"] = sum(map(is_moved, scripts))
    actions["failed"] = failed
    return {name: actions[name] for name in _COUNTS}


def _diffs(rows: Sequence[Row], scripts: Sequence[Step]) -> list[dict[str, Any]]:
    """A difference for each runtime that changes, and one for all scripts."""
    diffs: list[dict[str, Any]] = []
    of_purged: list[dict[str, Any]] = []
    for row in rows:
        if shown(row).changed:
            (of_purged if is_purged(row) else diffs).append(diff_of(row))
    deletions = [step for row in rows for step in row.in_phase(DELETE_OLD) if step.shows]
    diffs += [*map(deletion_diff, deletions), *of_purged]
    if any(map(is_moved, scripts)):
        diffs.append({**scripts_diff(scripts), "before_header": "scripts", "after_header": "scripts"})
    return diffs


def failures(what: str, failed: Sequence[tuple[str, MstrError]], end: str = "") -> str:
    """The failures of several objects, at most five of them: `what`, then a line for each with its place and reason."""
    shown_failures = failed[:_FAILURES_IN_MESSAGE]
    # An error of several lines names its object in each.
    lines = [ended(f"{place}: {line}") for place, error in shown_failures for line in error.sentence.splitlines()]
    if len(failed) > len(shown_failures):
        lines.append(f"And {len(failed) - len(shown_failures)} more.")
    return (" " if len(lines) == 1 else "\n").join([f"{what}:", *lines, *([end] if end else [])])


def summary_line(summary: Mapping[str, int], predicted: bool) -> str:
    """The counts of a summary in one line; `predicted`: in check mode, so that it says what would be done."""
    would = "would be " if predicted else ""
    counts = []
    for name, count in summary.items():
        if name == "moved":
            name = f"{'script' if count == 1 else 'scripts'} {would}moved"
        elif name not in ("unchanged", "failed"):
            name = f"{would}{name}"
        if count:
            counts.append(f"{count} {name}")
    return f"{', '.join(counts)}." if counts else "There was nothing to do."


def _changes(row: Row) -> Iterator[tuple[str, str]]:
    """The action of each runtime that a plan changes, and what it concerns; a replacement is one of its own."""
    main, plan = row.main, row.replacement or row.main.plan
    name = row.wanted.name or main.seen.name
    if plan.action == "delete":
        name = main.seen.name or name
    text = repr(name)
    if row.old and row.old.name != name:
        text = f"{row.old.name!r} by {text}"
    if plan.action in ("update", "replace"):
        text = f"{text}: {', '.join(plan.changed_fields)}"
    if main.is_due and not main.script:
        yield plan.action, text
    if row.old:
        yield "delete", repr(row.old.name)


def plan_mismatch(approved: str, rows: Sequence[Row]) -> str:
    """The refusal of a plan that is not the approved one: what the plan is now, with at most ten names."""
    changes: dict[str, list[str]] = {"create": [], "update": [], "replace": [], "delete": []}
    for row in rows:
        for action, text in () if row.failure else _changes(row):
            changes[action].append(text)
    left, parts = NAMES_IN_MESSAGE, []
    for action, texts in changes.items():
        if texts:
            names = listed(sorted(texts), left, "; ") if left else "…"
            parts.append(f"{len(texts)} to {action} ({names})")
            left = max(0, left - len(texts))
    moved = sum(step.is_due for step in assignments_in(rows))
    if moved:
        parts.append(f"{counted(moved, 'script')} to move")
    failed = [f"{row.place} {row.label}: {row.failure.sentence}" for row in rows if row.failure]
    if failed:
        parts.append(f"{len(failed)} that cannot be planned ({listed(failed, _FAILURES_IN_MESSAGE, '; ')})")
    now = ", ".join(parts) or "nothing to change"
    return f"The plan is different from the approved one ({approved}): {now}. Nothing was written."


def check_plan_id(text: str) -> None:
    """Raises ValidationError if the option `plan_id` cannot be the id of a plan."""
    # An empty text is often a template or a shell variable without a value, and must not let every plan pass.
    if not re.fullmatch(f"[0-9a-f]{{{PLAN_ID_DIGITS}}}", text):
        raise ValidationError([f"plan_id {text!r} is invalid: expected {PLAN_ID_DIGITS} hexadecimal digits"])
