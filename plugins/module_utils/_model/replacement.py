# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The row of a runtime that is replaced by a second one, or that takes over the scripts of one with a previous name."""

from __future__ import annotations

from typing import Any

from .plan import NO_PLAN, Plan, diff_values
from .runtime import Runtime
from .steps import CLEAN_UP, DELETE_OLD, RENAME, Row


class Replacement(Row):
    """A row whose main step creates or updates the runtime beside the one that has the name."""

    __slots__ = ()

    @property
    def is_undone(self) -> bool:
        """Whether it failed, and its runtime was deleted again."""
        return any(step.done for step in self.in_phase(CLEAN_UP))

    @property
    def runtime(self) -> Runtime | None:
        """The new runtime; while nothing of it is written, the old one."""
        main, old = self.main, self.in_phase(DELETE_OLD)
        if old and not self.is_committed and (self.is_undone or not (main.shows and main.plan.changed)):
            return old[0].before
        return next((step.after for step in self.in_phase(RENAME) if step.after), main.runtime)

    @property
    def shown(self) -> Plan:
        """The replacement as a whole, with what the server stored; of one that is not committed, its first step."""
        runtime = self.runtime
        if not self.is_committed or self.replacement is None or runtime is None:
            return NO_PLAN if self.is_undone else super().shown
        plan = self.replacement
        after = {**diff_values(runtime.values, [name for name in plan.after if name != "id"]), "id": runtime.id}
        changed = tuple(name for name in plan.changed_fields if plan.before.get(name) != after[name])
        return plan._replace(after=after, changed_fields=changed)

    @property
    def action(self) -> str:
        """What was done, or would be done in check mode, in the words of a result."""
        return "replaced" if self.is_committed else "none" if self.is_undone else super().action

    @property
    def msg(self) -> str:
        """What was done, in one line."""
        return f"{super().msg.rstrip('.')}{self._goes_on}."

    @property
    def _goes_on(self) -> str:
        return f", goes on with the unfinished replacement ({self.beside.id})" if self.beside else ""

    @property
    def diff(self) -> dict[str, Any]:
        """The managed fields before and after, under headers that name the old and the new runtime."""
        if not self.is_committed:
            return super().diff
        before, after = f"runtime {self.old[0].label}", f"runtime {self.name!r} (replacement){self._goes_on}"
        return {**super().diff, "before_header": before, "after_header": after}
