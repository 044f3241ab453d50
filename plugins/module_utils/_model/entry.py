# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One runtime of a task, from its definition to what was done, and how results report it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, PartialError
from .definition import Definition
from .plan import DONE, NO_PLAN, Plan
from .runtime import Runtime

PURGED = "purge"
_FAILURES_IN_MESSAGE = 5


class Entry(NamedTuple):
    """One runtime: each step of the work returns a copy that knows more.

    `place`: where a list has the definition, such as "runtimes[3]", or "purge". `found`: the runtime before the task.
    `done`: the plan was carried out, or would have been (`predicted`: check mode). `runtime`: the runtime after that;
    `read`: it comes from the server. An entry that was written and then failed has an `error` and is `done`.
    """

    wanted: Definition
    place: str
    found: Runtime | None = None
    plan: Plan = NO_PLAN
    runtime: Runtime | None = None
    done: bool = False
    predicted: bool = False
    read: bool = False
    error: MstrError | None = None

    @property
    def name(self) -> str | None:
        """The runtime's name."""
        runtime = self.runtime or self.plan.runtime
        return self.wanted.name or (runtime.name if runtime else None)

    @property
    def id(self) -> str | None:
        """The runtime's id; None if there is none."""
        return self.runtime.id if self.runtime else None

    @property
    def changed_fields(self) -> tuple[str, ...]:
        """The options that differed. For a create, those that were sent; for a delete, none."""
        return self.plan.changed_fields if self.done else ()

    @property
    def label(self) -> str:
        """How a message names the runtime after the place: by its name, or by its id if no name is known."""
        return repr(self.name) if self.name else f"({self.wanted.id})"

    @property
    def to_do(self) -> str | None:
        """The planned action; None if an error prevents it."""
        return None if self.error else self.plan.action

    @property
    def action(self) -> str:
        """What was done, or would be done in check mode, in the words of a result."""
        return DONE[self.plan.action] if self.done else "none"

    @property
    def changed(self) -> bool:
        """Whether something was written, or would be without check mode."""
        return self.action != "none"

    @property
    def to_verify(self) -> bool:
        """Whether the server may have stored different values than requested."""
        return self.action in ("created", "updated") and not self.predicted

    @property
    def msg(self) -> str:
        """What was done, in one line."""
        if self.runtime is None:
            return f"Runtime {self.wanted.label} does not exist."
        name = repr(self.runtime.name)
        if not self.changed:
            return f"Runtime {name} is already as requested."
        done = f"Would {self.plan.action}" if self.predicted else self.action.capitalize()
        fields = f": {', '.join(self.changed_fields)}" if self.plan.action == "update" else ""
        return f"{done} runtime {name}{fields}."

    @property
    def diff(self) -> dict[str, Any]:
        """The managed fields before and after."""
        plan = self.plan if self.done else NO_PLAN
        return {"before": dict(plan.before), "after": dict(plan.after)}

    def _facts(self) -> dict[str, Any]:
        before, after = self.diff.values()
        return {
            "id": self.id,
            "action": self.action,
            "changed_fields": list(self.changed_fields),
            # For a create, every value before is None.
            "changes": [
                {"field": name, "before": before.get(name), "after": after.get(name)} for name in self.changed_fields
            ],
            "runtime": self.runtime.to_result() if self.runtime else None,
        }

    def to_result(self) -> dict[str, Any]:
        """The result of a task for this one runtime."""
        return {"changed": self.changed, "msg": self.msg, **self._facts(), "diff": self.diff}

    def to_listed(self) -> dict[str, Any]:
        """The entry's part of the result of a task for many runtimes."""
        return {
            "name": self.name,
            **self._facts(),
            "id": self.id or self.wanted.id,
            "action": "failed" if self.error and not self.changed else self.action,
            "error": {"msg": self.error.sentence, **self.error.error} if self.error else None,
        }

    def to_diff(self) -> dict[str, Any]:
        """The entry's part of `diff` in the result of a task for many runtimes."""
        header = f"runtime {self.name!r} ({self.id or 'new'})"
        return {**self.diff, "before_header": header, "after_header": header}


def report_one(entry: Entry) -> dict[str, Any]:
    """The result of a task for one runtime. Raises the entry's error; PartialError once its plan was carried out."""
    if entry.error:
        raise PartialError(entry.error, entry.to_result()) if entry.done else entry.error
    return entry.to_result()


def report(entries: Sequence[Entry], purge: bool) -> dict[str, Any]:
    """The result of a task for many runtimes. Raises PartialError, which carries the result, if an entry failed.

    `purge`: whether the task should purge.
    """
    reported = [one for one in entries if one.place != PURGED or one.done or one.error]
    results = [one.to_listed() for one in reported]
    actions = [result["action"] for result in results]
    failed = [(one, one.error) for one in reported if one.error]
    summary = {
        **{action: actions.count(action) for action in DONE.values() if action != "none"},
        "unchanged": actions.count("none"),
        "failed": len(failed),
    }
    result = {
        "changed": any(one.changed for one in reported),
        "msg": summary_line(summary, predicted=any(one.predicted for one in reported)),
        "runtimes": results,
        "summary": summary,
        "diff": [one.to_diff() for one in reported if one.changed],
    }
    if not failed:
        return result
    lines = [f"{one.place} {one.label}: {error.sentence.rstrip('.')}." for one, error in failed[:_FAILURES_IN_MESSAGE]]
    if len(failed) > _FAILURES_IN_MESSAGE:
        lines.append(f"And {len(failed) - _FAILURES_IN_MESSAGE} more.")
    purged = [one for one in entries if one.place == PURGED]
    if purge and (not purged or any(not one.done and not one.error for one in purged)):
        lines.append("Nothing was purged.")
    sentence = (" " if len(failed) == 1 else "\n").join([f"{len(failed)} of {len(reported)} runtimes failed:", *lines])
    raise PartialError(MstrError(sentence, **failed[0][1].error), result)


def summary_line(summary: Mapping[str, int], predicted: bool = False) -> str:
    """The counts of a summary in one line; `predicted`: in check mode, so that it says what would be done."""
    would = dict.fromkeys(DONE.values(), "would be ") if predicted else {}
    counts = [f"{count} {would.get(action, '')}{action}" for action, count in summary.items() if count]
    return f"{', '.join(counts)}." if counts else "No runtimes were given, so there was nothing to do."
