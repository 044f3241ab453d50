# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was done to one runtime, and how a result reports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._model.definition import Definition
from .._model.plan import Plan
from .._model.runtime import Runtime

_VERBS = {"created": "create", "updated": "update", "deleted": "delete"}


class Outcome(NamedTuple):
    """What was done to one runtime, or would be done.

    `read`: whether `runtime` was read from the server. `predicted`: check mode, nothing was written. `label`: how
    messages name the runtime if `runtime` is None. `planned`: the runtime that the write should produce.
    """

    action: str
    id: str | None
    changed_fields: tuple[str, ...]
    runtime: Runtime | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    read: bool = False
    predicted: bool = False
    label: str = ""
    planned: Runtime | None = None

    @classmethod
    def of(cls, plan: Plan, wanted: Definition, predicted: bool = False) -> Outcome:
        """The outcome that a plan predicts."""
        return cls(
            action=plan.action,
            id=plan.runtime.id if plan.runtime else None,
            changed_fields=plan.changed_fields,
            runtime=plan.runtime,
            before=plan.before,
            after=plan.after,
            read=plan.action in ("none", "deleted"),
            predicted=predicted,
            label=wanted.label,
            planned=plan.runtime,
        )

    @property
    def to_verify(self) -> bool:
        """Whether the server may have stored different values than requested."""
        return self.action in ("created", "updated") and not self.predicted

    @property
    def msg(self) -> str:
        """The outcome in one line."""
        if self.runtime is None:
            return f"Runtime {self.label} does not exist."
        name = repr(self.runtime.name)
        if self.action == "none":
            return f"Runtime {name} is already as requested."
        done = f"Would {_VERBS[self.action]}" if self.predicted else self.action.capitalize()
        fields = f": {', '.join(self.changed_fields)}" if self.action == "updated" else ""
        return f"{done} runtime {name}{fields}."

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Each changed field with its value before and after; for a create, `before` is None."""
        return [
            {"field": name, "before": self.before.get(name), "after": self.after.get(name)}
            for name in self.changed_fields
        ]

    def to_result(self) -> dict[str, Any]:
        """The keys that every outcome has."""
        return {
            "changed": self.action != "none",
            "msg": self.msg,
            "id": self.id,
            "action": self.action,
            "changed_fields": list(self.changed_fields),
            "changes": self.changes,
            "runtime": self.runtime.to_result() if self.runtime else None,
            "diff": {"before": dict(self.before), "after": dict(self.after)},
        }
