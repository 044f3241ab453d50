# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One runtime of a task of many on its way, and what the task tells of all of them.

Wing: Work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._definition import Definition
from ._errors import MstrError, PartialError
from ._outcome import Outcome
from ._plan import Plan

PURGED = "purge"
_SHOWN_FAILURES = 5


@dataclass
class Entry:
    """One runtime of the task on its way: what is wanted, then the plan, then the outcome or the error."""

    wanted: Definition
    place: str  # "runtimes[3]", "purge"
    plan: Plan | None = None
    outcome: Outcome | None = None
    error: MstrError | None = None

    @property
    def name(self) -> str | None:
        """The runtime's name."""
        runtime = self.outcome.runtime if self.outcome else self.plan.runtime if self.plan else None
        return self.wanted.name or (runtime.name if runtime else None)

    @property
    def label(self) -> str:
        """How a sentence names the runtime, behind the place: by its name, or by its id where that is all there is."""
        return repr(self.name) if self.name else f"({self.wanted.id})"

    def attempt(self, step: Callable[[], Any]) -> Any:
        """What the step returns; its error is the entry's."""
        try:
            return step()
        except MstrError as exc:
            self.error = exc
            return None

    def to_result(self) -> dict[str, Any]:
        """The entry's part of the result."""
        done = self.outcome.to_result() if self.outcome else {}
        failed = self.error is not None
        return {
            "name": self.name,
            "id": done.get("id") or self.wanted.id,
            "action": "failed" if failed else done.get("action", "none"),
            "changed_fields": done.get("changed_fields", []),
            "changes": done.get("changes", []),
            "runtime": done.get("runtime"),
            "error": {"msg": self.error.sentence, **self.error.error} if self.error else None,
        }


def double_faults(given: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """A fault for each two entries that name one runtime by name or id, whatever else is wrong with them."""
    faults = []
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(given):
        for option in ("id", "name"):
            value = (entry or {}).get(option)
            if not value:
                continue
            first = seen.setdefault((option, value.upper() if option == "id" else value), index)
            if first != index:
                faults.append(f"runtimes[{index}] has the {option} {value!r} of runtimes[{first}]")
    return faults


def told(entries: Sequence[Entry], purge_cancelled: bool) -> dict[str, Any]:
    """The result of the task. Raises PartialError with it when an entry failed."""
    shown = [entry for entry in entries if not (entry.place == PURGED and not entry.outcome and not entry.error)]
    results = [entry.to_result() for entry in shown]
    actions = [result["action"] for result in results]
    summary = {
        **{action: actions.count(action) for action in ("created", "updated", "deleted")},
        "unchanged": actions.count("none"),
        "failed": actions.count("failed"),
    }
    result = {
        "changed": any(entry.outcome and entry.outcome.action != "none" for entry in shown),
        "msg": summary_line(summary, predicted=any(entry.outcome and entry.outcome.predicted for entry in shown)),
        "runtimes": results,
        "summary": summary,
        "diff": [_diff(entry, entry.outcome) for entry in shown if entry.outcome and entry.outcome.action != "none"],
    }
    failed = [entry for entry in shown if entry.error]
    if failed:
        why = [f"{one.place} {one.label}: {one.error.sentence}" for one in failed[:_SHOWN_FAILURES] if one.error]
        more = f"; and {len(failed) - _SHOWN_FAILURES} more" if len(failed) > _SHOWN_FAILURES else ""
        spared = " Nothing was purged." if purge_cancelled else ""
        first = failed[0].error
        raise PartialError(
            MstrError(
                f"{len(failed)} of {len(shown)} runtimes failed: {'; '.join(why).rstrip('.')}{more}.{spared}",
                **(first.error if first else {}),
            ),
            result,
        )
    return result


def summary_line(summary: Mapping[str, int], predicted: bool = False) -> str:
    """The counts of a summary in one line for a person; `predicted` as in check mode."""
    would = dict.fromkeys(("created", "updated", "deleted"), "would be ") if predicted else {}
    counts = [f"{count} {would.get(action, '')}{action}" for action, count in summary.items() if count]
    return f"{', '.join(counts)}." if counts else "No runtimes were given, so there was nothing to do."


def _diff(entry: Entry, outcome: Outcome) -> dict[str, Any]:
    header = f"runtime {entry.name!r} ({outcome.id or 'new'})"
    return {
        "before": dict(outcome.before),
        "after": dict(outcome.after),
        "before_header": header,
        "after_header": header,
    }
