# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a task for many runtimes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from .._errors import MstrError, PartialError
from .approval import plan_id
from .definition import Definition
from .result import (
    action_of,
    deletion_diff,
    diff_of,
    exempted_of,
    facts_of,
    failures,
    is_changed,
    is_moved,
    script_result,
    scripts_diff,
    scripts_of,
    shown,
)
from .runtime import DEFAULT_RUNTIME_ID, Runtime
from .steps import DELETE_OLD, PURGE, RECOVERY, Row, Step, is_purged

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


def undefined_in(
    known: Iterable[Runtime], definitions: Sequence[Definition], rows: Sequence[Row], spared: Collection[str]
) -> list[Runtime] | None:
    """The runtimes of a list that no definition means, but the default one and those with the keys `spared`.

    None without a definition of what there should be. `rows`: found for the definitions.
    """
    if all(wanted.state == "absent" for wanted in definitions):
        return None
    names: set[str | None] = set()
    keys: set[str | None] = {DEFAULT_RUNTIME_ID, *spared}
    for wanted in definitions:
        names |= {wanted.name, *wanted.previous_names}
        keys.add(wanted.id)
    for row in rows:
        keys |= {step.key for step in row.steps}
    undefined = [runtime for runtime in known if runtime.key not in keys and runtime.name not in names]
    return sorted(undefined, key=attrgetter("name"))


def _results(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Each runtime of a result: the definitions, what was replaced, what was recovered, and what was purged."""
    by_place: dict[str, list[Row]] = {"": [], RECOVERY: [], PURGE: []}
    for row in rows:
        by_place.get(row.place, by_place[""]).append(row)
    yield from map(_row_result, by_place[""])
    for row in by_place[""]:
        for step in row.in_phase(DELETE_OLD):
            if step.is_reported and step.plan.changed:
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
    if row.has_smoke_test and shown(row).changed:
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
    deletions = [step for row in rows for step in row.in_phase(DELETE_OLD) if step.is_reported]
    diffs += [*map(deletion_diff, deletions), *of_purged]
    if any(map(is_moved, scripts)):
        diffs.append({**scripts_diff(scripts), "before_header": "scripts", "after_header": "scripts"})
    return diffs


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
