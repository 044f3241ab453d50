# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One runtime of a task that handles many, and the result of such a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import MstrError, PartialError, unforeseen
from .._model.definition import Definition
from .._model.plan import Plan
from .._model.runtime import Runtime
from .outcome import Outcome

PURGED = "purge"
_FAILURES_IN_MESSAGE = 5
_WRITTEN = ("created", "updated", "deleted")


@dataclass
class Entry:
    """One runtime: its definition, what was found on the server, the plan, and the outcome, the error, or both."""

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
        """How a message names the runtime after the place: by its name, or by its id if no name is known."""
        return repr(self.name) if self.name else f"({self.wanted.id})"

    @property
    def action(self) -> str | None:
        """The planned action; None if there is no plan or an error prevents it."""
        return self.plan.action if self.plan and not self.error else None

    @property
    def changed(self) -> bool:
        """Whether something was written, or would be without check mode."""
        return self.outcome is not None and self.outcome.action in _WRITTEN

    def attempt(self, step: Callable[[Entry], object]) -> None:
        """Run the step. Its error, even an unexpected one, becomes this entry's error and affects no other entry."""
        try:
            step(self)
        except MstrError as exc:
            self.error = exc
        except Exception as exc:
            self.error = unforeseen(exc)

    def to_result(self) -> dict[str, Any]:
        """The entry's part of the result."""
        outcome = self.outcome.to_result() if self.outcome else {}
        action = outcome.get("action", "none")
        return {
            "name": self.name,
            "id": outcome.get("id") or self.wanted.id,
            "action": "failed" if self.error and not self.changed else action,
            "changed_fields": outcome.get("changed_fields", []),
            "changes": outcome.get("changes", []),
            "runtime": outcome.get("runtime"),
            "error": {"msg": self.error.sentence, **self.error.error} if self.error else None,
        }

    def to_diff(self, outcome: Outcome) -> dict[str, Any]:
        """The entry's part of `diff`."""
        header = f"runtime {self.name!r} ({outcome.id or 'new'})"
        return {
            "before": dict(outcome.before),
            "after": dict(outcome.after),
            "before_header": header,
            "after_header": header,
        }


def duplicate_faults(given: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """A fault for each pair of entries with the same name or id, even if they have other faults."""
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
    """A fault for two entries that mean the same runtime, and for a rename to a name that another entry still has.

    Writes run in parallel, so the server might receive the rename before the other entry's rename or delete.
    """
    faults = []
    owners: dict[str, Entry] = {}
    located = [(entry, entry.found) for entry in entries if entry.found]
    for entry, current in located:
        if owners.setdefault(current.key, entry) is not entry:
            first = owners[current.key]
            same = f"{current.name!r} ({current.id})"
            faults.append(f"{entry.place} and {first.place} are the same runtime, {same}; list it once")
    for entry, current in located:
        name = entry.wanted.name
        if entry.wanted.state == "absent" or name in (None, current.name):
            continue
        faults += [
            f"{entry.place} takes the name {name!r}, which {owners[holder.key].place} ({holder.id}) still has; "
            "rename or delete that one in an earlier task"
            for holder in listed
            if holder.name == name and holder.key != current.key and holder.key in owners
        ]
    return faults


def report(entries: Sequence[Entry], purge_cancelled: bool) -> dict[str, Any]:
    """The result of the task. Raises PartialError, which carries the result, if an entry failed."""
    reported = [entry for entry in entries if not (entry.place == PURGED and not entry.outcome and not entry.error)]
    results = [entry.to_result() for entry in reported]
    actions = [result["action"] for result in results]
    failed = [entry for entry in reported if entry.error]
    summary = {
        **{action: actions.count(action) for action in _WRITTEN},
        "unchanged": actions.count("none"),
        "failed": len(failed),
    }
    result = {
        "changed": any(entry.changed for entry in reported),
        "msg": summary_line(summary, predicted=any(entry.outcome and entry.outcome.predicted for entry in reported)),
        "runtimes": results,
        "summary": summary,
        "diff": [entry.to_diff(entry.outcome) for entry in reported if entry.outcome and entry.changed],
    }
    if failed:
        raise PartialError(_failure_of_task(failed, len(reported), purge_cancelled), result)
    return result


def _failure_of_task(failed: Sequence[Entry], number: int, purge_cancelled: bool) -> MstrError:
    errors = [(entry, entry.error) for entry in failed if entry.error]
    named = errors[:_FAILURES_IN_MESSAGE]
    lines = [f"{entry.place} {entry.label}: {error.sentence.rstrip('.')}." for entry, error in named]
    if len(errors) > _FAILURES_IN_MESSAGE:
        lines.append(f"And {len(errors) - _FAILURES_IN_MESSAGE} more.")
    if purge_cancelled:
        lines.append("Nothing was purged.")
    between = " " if len(errors) == 1 else "\n"
    return MstrError(between.join([f"{len(errors)} of {number} runtimes failed:", *lines]), **errors[0][1].error)


def summary_line(summary: Mapping[str, int], predicted: bool = False) -> str:
    """The counts of a summary in one line; `predicted`: in check mode, so that it says what would be done."""
    would = dict.fromkeys(_WRITTEN, "would be ") if predicted else {}
    counts = [f"{count} {would.get(action, '')}{action}" for action, count in summary.items() if count]
    return f"{', '.join(counts)}." if counts else "No runtimes were given, so there was nothing to do."
