# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One runtime of a task that handles many, and the result of such a task.

Wing: Work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._definition import Definition
from ._errors import MstrError, PartialError, unforeseen
from ._outcome import Outcome
from ._plan import Plan
from ._runtime import Runtime

PURGED = "purge"
_SHOWN_FAILURES = 5
_WRITTEN = ("created", "updated", "deleted")


@dataclass
class Entry:
    """One runtime: what is wanted, then what was found, then the plan, then the outcome or the error, or both."""

    wanted: Definition
    place: str  # "runtimes[3]", "purge"
    found: Runtime | None = None
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
        """How a sentence names the runtime after the place: by its name, or by its id where no name is known."""
        return repr(self.name) if self.name else f"({self.wanted.id})"

    @property
    def action(self) -> str | None:
        """What is planned; None where an error prevents it."""
        return self.plan.action if self.plan and not self.error else None

    @property
    def changed(self) -> bool:
        """Whether something was written, or would be in check mode."""
        return self.outcome is not None and self.outcome.action in _WRITTEN

    def attempt(self, step: Callable[[Entry], object]) -> None:
        """Do the step. Its error, also an unforeseen one, is this entry's alone."""
        try:
            step(self)
        except MstrError as exc:
            self.error = exc
        except Exception as exc:
            self.error = unforeseen(exc)

    def to_result(self) -> dict[str, Any]:
        """The entry's part of the result."""
        done = self.outcome.to_result() if self.outcome else {}
        action = done.get("action", "none")
        return {
            "name": self.name,
            "id": done.get("id") or self.wanted.id,
            "action": "failed" if self.error and not self.changed else action,
            "changed_fields": done.get("changed_fields", []),
            "changes": done.get("changes", []),
            "runtime": done.get("runtime"),
            "error": {"msg": self.error.sentence, **self.error.error} if self.error else None,
        }

    def to_diff(self, outcome: Outcome) -> dict[str, Any]:
        """The entry's part of C(diff)."""
        header = f"runtime {self.name!r} ({outcome.id or 'new'})"
        return {
            "before": dict(outcome.before),
            "after": dict(outcome.after),
            "before_header": header,
            "after_header": header,
        }


def duplicate_faults(given: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """A fault for each two entries with the same name or the same id, whatever else is wrong with them."""
    faults = []
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(given):
        for option in ("id", "name"):
            value = (entry or {}).get(option)
            if not value:
                continue
            first = seen.setdefault((option, value.upper() if option == "id" else value), index)
            if first != index:
                faults.append(f"runtimes[{index}] has the same {option} as runtimes[{first}]: {value!r}")
    return faults


def collision_faults(entries: Sequence[Entry], listed: Sequence[Runtime]) -> list[str]:
    """A fault for two entries that are one runtime, and for one that takes a name which another has until then.

    The order in which the server would see a rename and the other's rename or delete is unknown.
    """
    faults = []
    owners: dict[str | None, Entry] = {}
    located = [(entry, entry.found) for entry in entries if entry.found]
    for entry, current in located:
        if owners.setdefault(current.id, entry) is not entry:
            first = owners[current.id]
            same = f"{current.name!r} ({current.id})"
            faults.append(f"{entry.place} and {first.place} are the same runtime, {same}; list it once")
    for entry, current in located:
        name = entry.wanted.name
        if entry.wanted.state == "absent" or name in (None, current.name):
            continue
        faults += [
            f"{entry.place} takes the name {name!r}, which {owners[holder.id].place} ({holder.id}) still has; "
            "rename or delete that one in an earlier task"
            for holder in listed
            if holder.name == name and holder.id != current.id and holder.id in owners
        ]
    return faults


def report(entries: Sequence[Entry], purge_cancelled: bool) -> dict[str, Any]:
    """The result of the task. Raises PartialError with it when an entry failed."""
    shown = [entry for entry in entries if not (entry.place == PURGED and not entry.outcome and not entry.error)]
    results = [entry.to_result() for entry in shown]
    actions = [result["action"] for result in results]
    failed = [entry for entry in shown if entry.error]
    summary = {
        **{action: actions.count(action) for action in _WRITTEN},
        "unchanged": actions.count("none"),
        "failed": len(failed),
    }
    result = {
        "changed": any(entry.changed for entry in shown),
        "msg": summary_line(summary, predicted=any(entry.outcome and entry.outcome.predicted for entry in shown)),
        "runtimes": results,
        "summary": summary,
        "diff": [entry.to_diff(entry.outcome) for entry in shown if entry.outcome and entry.changed],
    }
    if failed:
        raise PartialError(_failure(failed, len(shown), purge_cancelled), result)
    return result


def _failure(failed: Sequence[Entry], number: int, purge_cancelled: bool) -> MstrError:
    errors = [(entry, entry.error) for entry in failed if entry.error]
    lines = [f"{entry.place} {entry.label}: {error.sentence.rstrip('.')}." for entry, error in errors[:_SHOWN_FAILURES]]
    if len(errors) > _SHOWN_FAILURES:
        lines.append(f"And {len(errors) - _SHOWN_FAILURES} more.")
    if purge_cancelled:
        lines.append("Nothing was purged.")
    between = " " if len(errors) == 1 else "\n"
    return MstrError(between.join([f"{len(errors)} of {number} runtimes failed:", *lines]), **errors[0][1].error)


def summary_line(summary: Mapping[str, int], predicted: bool = False) -> str:
    """The counts of a summary in one line for a person; `predicted` as in check mode."""
    would = dict.fromkeys(_WRITTEN, "would be ") if predicted else {}
    counts = [f"{count} {would.get(action, '')}{action}" for action, count in summary.items() if count]
    return f"{', '.join(counts)}." if counts else "No runtimes were given, so there was nothing to do."
