# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows and steps. A row is what a result shows of one definition, of one purged or recovered runtime, or of one script.

A step is one write to one object, or none if the object is as wanted: a runtime is created, updated, renamed or
deleted, or a script is assigned to a runtime. Most rows have one step. A replacement creates a runtime beside the old
one, assigns the scripts to it, deletes the old one and renames the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .._errors import MstrError
from .definition import Definition
from .plan import DONE, NO_PLAN, Plan
from .runtime import Runtime

if TYPE_CHECKING:
    from .scripts import SavedScript

# The phases of steps
UNDO = "undo"  # delete an unfinished replacement
FINISH = "finish"  # an unfinished replacement takes its name
CHANGE = "change"  # create or update
ASSIGN = "assign"  # a script gets a runtime
DELETE_OLD = "delete the old runtime"  # the commit of a replacement
RENAME = "rename"  # a replacement takes its name
DELETE = "delete"  # what is listed as absent
PURGE = "purge"

RECOVERY = "recovery"  # the place of a row that undoes or finishes what an earlier run left

# How far a step is
PLANNED = "planned"  # nothing is done
PREDICTED = "predicted"  # check mode: it would be done
UNKNOWN = "unknown"  # the request was sent, and its outcome is not known
WRITTEN = "written"  # the server accepted it, and the object was not read since
READ = "read"  # it is done, and the object was read since

NO_DEFINITION = Definition("present", {})


class Step(NamedTuple):
    """One write to one runtime or script, or none.

    `before`: the runtime as it was seen for the plan; None for a create. Of an assignment, it is the runtime that the
    script is to leave, None if the server does not list it. `after`: the runtime as it is afterwards; None as long as
    nothing is done, and if it is deleted. What was written and then failed has an `error`, too. `fingerprint`: what a
    person may have approved of it; None if it could not be planned. `status`: of the response to the write.
    `successor`: the runtime to which scripts go: that of an assignment, and all of a runtime that is deleted. It has no
    id until the task has created it. `script`: as it was found; None for a write to a runtime.
    """

    wanted: Definition
    phase: str = CHANGE
    before: Runtime | None = None
    plan: Plan = NO_PLAN
    after: Runtime | None = None
    state: str = PLANNED
    error: MstrError | None = None
    fingerprint: str | None = None
    status: int | None = None
    successor: Runtime | None = None
    script: SavedScript | None = None

    @property
    def runtime(self) -> Runtime | None:
        """The runtime as last known; None if it does not exist yet."""
        return self.after or self.before

    @property
    def seen(self) -> Runtime:
        """The runtime that it changes or deletes, as it was seen for the plan; one without an id for a create."""
        return self.before or Runtime({})

    @property
    def key(self) -> str:
        """The key of the runtime as it was seen; empty for one that is to be created."""
        return self.seen.key

    @property
    def label(self) -> str:
        """How messages name its object."""
        if self.script:
            return self.script.label
        return repr(self.runtime.name) if self.runtime and self.runtime.name else self.wanted.label

    @property
    def done(self) -> bool:
        """Whether the plan was carried out, or would have been."""
        return self.state in (PREDICTED, WRITTEN, READ)

    @property
    def is_reported(self) -> bool:
        """Whether a result shows the plan: it was carried out, or may have been."""
        return self.done or self.state == UNKNOWN

    @property
    def is_due(self) -> bool:
        """Whether something is left to write."""
        return self.error is None and self.state == PLANNED and self.plan.changed

    @property
    def action(self) -> str:
        """What was done, or would be done in check mode, in the words of a result."""
        if self.state == UNKNOWN:
            return UNKNOWN
        return DONE[self.plan.action] if self.done else "none"

    @property
    def written(self) -> bool:
        """Whether the server may have stored different values than requested."""
        return self.state in (WRITTEN, READ) and self.plan.action in ("create", "update")

    def finished(self, state: str) -> Step:
        """The step after its plan was carried out, as predicted."""
        return self._replace(state=state, after=self.plan.target)


class Row(NamedTuple):
    """What a result shows of one definition, one runtime or one script: it reports what its steps did.

    `place`: where it is written, such as "runtimes[3]", or PURGE, or RECOVERY. `steps`: in the order of the work.
    `error`: why it could not be planned, or what failed between two steps. `replacement`: what a replacement changes as
    a whole. `target`: of a script, the place of the definition of its runtime, if the task has one. `needed_by`: of a
    recovery, the places of the definitions that need it.
    """

    wanted: Definition
    place: str
    steps: tuple[Step, ...]
    error: MstrError | None = None
    replacement: Plan | None = None
    target: str = ""
    needed_by: tuple[str, ...] = ()

    @property
    def main(self) -> Step:
        """The step that makes the runtime as it is wanted, or that assigns the script."""
        return next((step for step in self.steps if step.phase != ASSIGN), self.steps[0])

    def in_phase(self, *phases: str) -> list[Step]:
        """The steps in these phases."""
        return [step for step in self.steps if step.phase in phases]

    def due(self, *phases: str) -> list[Step]:
        """The steps that are to be carried out in these phases; none of a row that failed."""
        return [] if self.failure else [step for step in self.in_phase(*phases) if step.is_due]

    def with_step(self, new: Step) -> Row:
        """The row with a step in place of the one of its phase. Not for assignments, of which there are several."""
        return self._replace(steps=tuple(new if step.phase == new.phase else step for step in self.steps))

    @property
    def failure(self) -> MstrError | None:
        """The error that the row reports: no further step of it is carried out."""
        return self.error or next((step.error for step in self.steps if step.error), None)

    @property
    def old(self) -> Runtime | None:
        """The runtime that it replaces."""
        return next((step.before for step in self.steps if step.phase == DELETE_OLD), None)

    @property
    def is_committed(self) -> bool:
        """Whether it has replaced a runtime, or would: the old one is deleted, and nothing can be undone."""
        return any(step.phase == DELETE_OLD and step.done for step in self.steps)

    @property
    def runtime(self) -> Runtime | None:
        """The runtime that the row is about, as last known; None if it does not exist.

        Of a replacement, it is the old one until the new one exists, and after an undo.
        """
        has_new = self.is_committed or (self.main.is_reported and not self.is_undone)
        if self.old and not has_new:
            return self.old
        renamed = [step.after for step in self.in_phase(RENAME) if step.after]
        return renamed[0] if renamed else self.main.runtime

    @property
    def is_undone(self) -> bool:
        """Whether it is a replacement that failed, and whose runtime was deleted again."""
        return bool(self.replacement) and any(step.phase == UNDO and step.done for step in self.steps)

    @property
    def name(self) -> str | None:
        """The name that the definition has; of one to delete by its id, and without one, the name of the runtime."""
        seen = self.runtime.name if self.runtime else None
        if self.wanted.state == "absent" and self.wanted.id:
            return seen or self.wanted.name
        return self.wanted.name or seen

    @property
    def label(self) -> str:
        """How a message names the row after its place: by name, or by id if no name is known."""
        if self.main.script:
            return self.main.label
        return repr(self.name) if self.name else f"({self.wanted.id})"

    @property
    def has_smoke_test(self) -> bool:
        """Whether the smoke test belongs to the plan: something changes."""
        return bool(self.wanted.smoke_test and (self.main.fingerprint or self.replacement))


def final_name(row: Row) -> str:
    """The name that the runtime of a row will have; empty for an id that no runtime has."""
    if row.wanted.id and not row.runtime and row.wanted.state == "absent":
        return ""
    return str(row.name or "")


def is_purged(row: Row) -> bool:
    """Whether no definition asks for the row."""
    return row.place == PURGE


def predicted(row: Row) -> Row:
    """The row as a run would leave it."""
    return row._replace(steps=tuple(step.finished(PREDICTED) for step in row.steps))


def unplanned(row: Row) -> Row:
    """The row without what a person could approve, because it cannot be carried out."""
    return row._replace(steps=tuple(step._replace(fingerprint=None) for step in row.steps))


def assignments_in(rows: Sequence[Row]) -> list[Step]:
    """Every assignment of a script."""
    return [step for row in rows for step in row.steps if step.phase == ASSIGN]


def deletions_in(rows: Sequence[Row]) -> list[Step]:
    """Every planned deletion of a runtime, but for rows that have failed."""
    return [step for row in rows if not row.failure for step in row.steps if step.plan.action == "delete"]


def has_failed(rows: Sequence[Row]) -> bool:
    """Whether a row has failed."""
    return any(row.failure for row in rows)
