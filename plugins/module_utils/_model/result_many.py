# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a task for many runtimes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from .._errors import Consequence, MstrError, PartialError
from .._text import counted
from .definition import Definition
from .moves import Move, all_of, errors_of, move_result, moves_diff
from .result import diff_of, exempted_of, facts_of, failures
from .runtime import DEFAULT_RUNTIME_ID, Runtime
from .steps import Step

# The counts of a summary, in their order
_COUNTS = ("created", "updated", "deleted", "unchanged", "moved", "failed")


def report_many(
    steps: Sequence[Step],
    moves: Sequence[Move],
    *,
    plan_id: str,
    purges: bool,
    has_scripts: bool,
    refusal: MstrError | None,
    predicted: bool,
    undefined: Sequence[Runtime] | None,
) -> dict[str, Any]:
    """The result of a task for many runtimes. Raises PartialError, which carries the result, if something failed.

    `purges`: whether the task should purge. `has_scripts`: whether scripts were given. `refusal`: why the task was
    refused in check mode. `predicted`: whether the task ran in check mode. `undefined`: the runtimes that no definition
    names.
    """
    # A purge that was cancelled is not in the result.
    reported = [step for step in steps if not step.is_cancelled_purge]
    items = all_of(reported, moves)
    failed = [item for item in items if item.error]
    results = list(map(_step_result, reported))
    summary = _summary(results, moves, len(failed))
    result: dict[str, Any] = {
        "changed": any(item.is_changed for item in items),
        "msg": summary_line(summary, predicted),
        "runtimes": results,
        "summary": summary,
        "diff": _diffs(reported, moves),
        "plan_id": plan_id,
        "undefined": None if undefined is None else [{"id": runtime.id, "name": runtime.name} for runtime in undefined],
    }
    if has_scripts:
        result["scripts"] = list(map(move_result, moves))
    exempted = _exempted(reported)
    if exempted is not None:
        result["exempted"] = exempted
    end = "Nothing was purged." if purges and _spared(steps) else ""
    error = refusal or _failure_of(failed, items, end)
    if error:
        raise PartialError(error, result)
    return result


def _exempted(steps: Sequence[Step]) -> list[dict[str, Any]] | None:
    """What the policy let pass; None without a policy."""
    found = [entries for entries in map(exempted_of, steps) if entries is not None]
    return list(chain.from_iterable(found)) if found else None


def _failure_of(failed: Sequence[Step | Move], items: Sequence[Step | Move], end: str) -> MstrError | None:
    """The error of a task in which these of all steps and moves failed; None if none did. `end`: of its message."""
    causes = errors_of(failed)
    causes.sort(key=lambda cause: isinstance(cause[1], Consequence))  # a message names the first ones
    if not causes:
        return None
    what = "runtimes" if all(isinstance(item, Step) for item in items) else "runtimes and scripts"
    text = failures(f"{len(causes)} of {len(items)} {what} failed", causes, end)
    return MstrError(text, **causes[0][1].error)


def _spared(steps: Sequence[Step]) -> bool:
    """Whether a purge spared something because of a failure."""
    purges = [step for step in steps if step.is_purge]
    return not purges or any(step.action != "deleted" and not step.error for step in purges)


def undefined_in(
    known: Iterable[Runtime], definitions: Sequence[Definition], steps: Sequence[Step]
) -> list[Runtime] | None:
    """The runtimes of a list that no definition means, but the default one.

    None without a definition of what there should be. `steps`: found for the definitions.
    """
    if all(wanted.state == "absent" for wanted in definitions):
        return None
    names: set[str | None] = set()
    keys: set[str | None] = {DEFAULT_RUNTIME_ID, *map(attrgetter("key"), steps)}
    for wanted in definitions:
        names |= {wanted.name, *wanted.previous_names}
        keys.add(wanted.id)
    undefined = [runtime for runtime in known if runtime.key not in keys and runtime.name not in names]
    return sorted(undefined, key=attrgetter("name"))


def _step_result(step: Step) -> dict[str, Any]:
    """The step's part of the result of a task for many runtimes."""
    facts, error = facts_of(step), step.error
    result = {
        "name": step.name,
        **facts,
        "id": facts["id"] or step.wanted.id,
        "error": {"msg": error.sentence, **error.error} if error else None,
    }
    if step.runs_test and step.is_reported:
        result["smoke_test"] = step.wanted.smoke_test
    return result


def _summary(results: Sequence[Mapping[str, Any]], moves: Sequence[Move], failed: int) -> dict[str, int]:
    """How many runtimes have each action, how many scripts were moved, and how many of both failed."""
    actions = Counter(result["action"] for result in results)
    actions["unchanged"] = sum(result["action"] == "none" and not result["error"] for result in results)
    actions["moved"] = sum(move.is_moved for move in moves)
    actions["failed"] = failed
    return {name: actions[name] for name in _COUNTS}


def _diffs(steps: Sequence[Step], moves: Sequence[Move]) -> list[dict[str, Any]]:
    """A difference for each runtime that changes or whose test runs, and one for all scripts."""
    diffs = [diff_of(step) for step in steps if step.is_reported and (step.change.changed or step.runs_test)]
    if any(move.is_changed for move in moves):
        diffs.append(moves_diff(moves))
    return diffs


def summary_line(summary: Mapping[str, int], predicted: bool) -> str:
    """The counts of a summary in one line; `predicted`: in check mode, so that it says what would be done."""
    would = "would be " if predicted else ""
    phrases = {
        **{name: f"{count} {would}{name}" for name, count in summary.items()},
        "moved": f"{counted(summary['moved'], 'script')} {would}moved",
        "unchanged": f"{summary['unchanged']} unchanged",
        "failed": f"{summary['failed']} failed",
    }
    counts = [phrases[name] for name, count in summary.items() if count]
    return f"{', '.join(counts)}." if counts else "There was nothing to do."
