# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A step: what a task does to one runtime, from its plan to what was done.

A task has a step for each definition, and for each runtime that it purges. A script is moved by a `Move`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .._errors import MstrError
from .change import DONE, NO_CHANGE, Change
from .definition import PURGE, Definition
from .runtime import Runtime

# The progress of a step or a move
PLANNED = "planned"  # nothing is done
PREDICTED = "predicted"  # check mode: it would be done
UNKNOWN = "unknown"  # the request was sent, and its outcome is not known
WRITTEN = "written"  # the server accepted it, and the object was not read since
READ = "read"  # nothing is left to do, and the object was read since
DONE_STATES = (PREDICTED, WRITTEN, READ)


class Step(NamedTuple):
    """One write to one runtime, create, update or delete, or none if the runtime is as wanted.

    `before`: the runtime as it was seen for the plan, or for a plan that was made again; None for a create. `after`:
    the runtime as it is afterwards; None as long as nothing is done, and if it is deleted. What was written and then
    failed has an `error`, too. `runs_test`: the smoke test runs before a script may use the runtime. `is_awaited`: the
    runtime has to be ready before the task goes on, because of the option `wait`, of a test, or of a script that is to
    use it. `status`: of the response to the write.
    """

    wanted: Definition
    before: Runtime | None = None
    change: Change = NO_CHANGE
    after: Runtime | None = None
    state: str = PLANNED
    error: MstrError | None = None
    runs_test: bool = False
    is_awaited: bool = False
    status: int | None = None

    @property
    def place(self) -> str:
        """Where the definition is written, such as "runtimes[3]"; PURGE for a runtime that no definition names."""
        return self.wanted.place

    @property
    def runtime(self) -> Runtime | None:
        """The runtime as last known; None if it does not exist yet."""
        return self.after or self.before

    @property
    def before_or_empty(self) -> Runtime:
        """The runtime as it was seen for the plan; one without an id for a create."""
        return self.before or Runtime({})

    @property
    def key(self) -> str:
        """The key of the runtime as it was seen; empty for one that is to be created."""
        return self.before_or_empty.key

    @property
    def name(self) -> str | None:
        """The name that the definition has; of one to delete by its id, and without one, the name of the runtime."""
        seen = self.runtime.name if self.runtime else None
        if self.wanted.state == "absent" and self.wanted.id:
            return seen or self.wanted.name
        return self.wanted.name or seen

    @property
    def label(self) -> str:
        """How messages name the runtime: by name, or by id if no name is known."""
        return repr(self.name) if self.name else f"({self.wanted.id})"

    @property
    def is_purge(self) -> bool:
        """Whether no definition asks for the step."""
        return self.place == PURGE

    @property
    def is_cancelled_purge(self) -> bool:
        """Whether it was to purge a runtime, and did not: something else failed, or the runtime was gone already."""
        return self.is_purge and not self.is_changed and self.error is None

    @property
    def is_done(self) -> bool:
        """Whether the plan was carried out, or would have been."""
        return self.state in DONE_STATES

    @property
    def is_reported(self) -> bool:
        """Whether a result shows the plan: it was carried out, or may have been."""
        return self.is_done or self.state == UNKNOWN

    @property
    def is_changed(self) -> bool:
        """Whether something was written, or may have been, or would be without check mode."""
        return self.is_reported and self.change.changed

    @property
    def is_due(self) -> bool:
        """Whether something is left to write."""
        return self.error is None and self.state == PLANNED and self.change.changed

    @property
    def deletes(self) -> bool:
        """Whether its plan is a deletion that is left to do."""
        return self.is_due and self.change.action == "delete"

    @property
    def action(self) -> str:
        """What was done, or would be done in check mode, in the words of a result."""
        if self.state == UNKNOWN:
            return UNKNOWN
        return DONE[self.change.action] if self.is_done else "none"

    @property
    def is_stored(self) -> bool:
        """Whether this task created or updated the runtime, so that the server may have stored different values."""
        return self.state in (WRITTEN, READ) and self.change.action in ("create", "update")

    def finished(self, state: str) -> Step:
        """The step after its plan was carried out, as predicted."""
        return self._replace(state=state, after=self.change.target)


def has_failed(steps: Iterable[Step]) -> bool:
    """Whether a step has failed."""
    return any(step.error for step in steps)
