# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows and steps. A row is what a result shows of one definition, or of one purged runtime. It has steps.

A step is one write to one runtime, or none if the runtime is as wanted. Most rows have one; a replacement has one for
each phase that it needs, and for each unfinished one that it undoes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, PartialError
from .definition import Definition
from .kinds import NOTHING
from .plan import DONE, NO_PLAN, Plan
from .runtime import Runtime

PLAN_ID_DIGITS = 24

# The phases of a task, in their order.
UNDO = "undo"  # delete an unfinished replacement that no definition needs
FINISH = "finish"  # an unfinished replacement takes its name, before it is replaced itself
CHANGE = "change"
CLEAN_UP = "clean up"  # delete the runtime of a replacement that failed
DELETE_OLD = "delete the old runtime"  # the commit of a replacement
RENAME = "rename"  # a replacement takes its name
DELETE = "delete"  # what is listed as absent, and what has a previous name of a replacement
PURGE = "purge"

# How far a step is
PLANNED = "planned"  # nothing is done
PREDICTED = "predicted"  # check mode: it would be done
UNKNOWN = "unknown"  # the request was sent, and its outcome is not known
WRITTEN = "written"  # the server accepted it, and the runtime was not read since
READ = "read"  # it is done, and the runtime was read since


class ScriptReport(NamedTuple):
    """What a result says of the scripts of a task.

    `rows`: None for a task without scripts. `failures`: the label and error of each that failed.
    """

    rows: Sequence[Mapping[str, Any]] | None = None
    fingerprints: Sequence[str | None] = ()
    diff: Mapping[str, Any] = NOTHING
    failures: Sequence[tuple[str, MstrError]] = ()
    moved: int = 0

    def to_result(self) -> dict[str, Any]:
        """Its part of a result."""
        return {} if self.rows is None else {"scripts": list(self.rows)}


NO_SCRIPTS = ScriptReport()


class Step(NamedTuple):
    """One write to one runtime, or none.

    `before`: the runtime as it was seen for the plan; None for a create. `after`: as it is afterwards; None as long as
    nothing is done, and if it is deleted. What was written and then failed has an `error`, too. `fingerprint`: of its
    first plan, which a person may have approved; None if it could not be planned. `status`: of the response to the
    write. `unused_only`: it is not deleted while a script uses it. `shared`: another run may have created the runtime.
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
    unused_only: bool = False
    shared: bool = False

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
        """How messages name the runtime."""
        return repr(self.runtime.name) if self.runtime and self.runtime.name else self.wanted.label

    @property
    def done(self) -> bool:
        """Whether the plan was carried out, or would have been."""
        return self.state in (PREDICTED, WRITTEN, READ)

    @property
    def shows(self) -> bool:
        """Whether a result shows the plan: it was carried out, or may have been."""
        return self.done or self.state == UNKNOWN

    @property
    def is_due(self) -> bool:
        """Whether something is left to write."""
        return self.error is None and self.state == PLANNED and self.plan.changed

    @property
    def action(self) -> str:
        """What was done, or would be done in check mode, in the words of a result."""
        return UNKNOWN if self.state == UNKNOWN else DONE[self.plan.action] if self.done else "none"

    @property
    def written(self) -> bool:
        """Whether the server may have stored different values than requested."""
        return self.state in (WRITTEN, READ) and self.plan.action in ("create", "update")

    def finished(self, state: str) -> Step:
        """The step after its plan was carried out, as predicted."""
        return self._replace(state=state, after=self.plan.target)


class Row(NamedTuple):
    """What a result shows of one definition, or of one purged runtime: it reports what its steps did.

    `place`: where the definition is written, such as "runtimes[3]", or "purge". `steps`: in the order of their phases.
    `error`: why it could not be planned, or what failed between two steps. `replacement`: what a `Replacement` changes
    as a whole. `beside`: the unfinished one that it goes on with. `finishes`: the key of what that one has replaced.
    """

    wanted: Definition
    place: str
    steps: tuple[Step, ...]
    error: MstrError | None = None
    replacement: Plan | None = None
    beside: Runtime | None = None
    finishes: str = ""

    @property
    def main(self) -> Step:
        """The step that makes the runtime as it is wanted. A replacement has others before and after it."""
        if len(self.steps) == 1:  # nearly every row, and this is asked often
            return self.steps[0]
        return next(step for step in self.steps if step.phase in (CHANGE, DELETE, PURGE))

    def in_phase(self, *phases: str) -> list[Step]:
        """The steps in these phases."""
        return [step for step in self.steps if step.phase in phases]

    def with_step(self, step: Step) -> Row:
        """The row with this step in place of the one of its phase, of several deletions for the same runtime."""
        several = len(self.in_phase(step.phase)) > 1
        same = [old.phase == step.phase and (not several or old.before == step.before) for old in self.steps]
        steps = tuple(step if is_same else old for old, is_same in zip(self.steps, same))
        return self._replace(steps=steps if any(same) else (*steps, step))

    @property
    def failure(self) -> MstrError | None:
        """The error that the row reports: no further step of it is carried out."""
        return self.error or next((step.error for step in self.steps if step.error), None)

    def due(self, *phases: str) -> list[Step]:
        """The steps that are to be carried out in these phases. What failed is cleaned up all the same."""
        failed = self.failure and phases != (CLEAN_UP,)
        return [] if failed else [step for step in self.in_phase(*phases) if step.is_due]

    @property
    def is_purged(self) -> bool:
        """Whether no definition asks for it."""
        return self.place == PURGE

    @property
    def going(self) -> list[Step]:
        """The deletions beside the main step: of what it replaces or undoes, and of its own runtime, if it failed."""
        main = self.main
        return [step for step in self.in_phase(UNDO, DELETE_OLD, DELETE, CLEAN_UP) if step is not main]

    @property
    def is_committed(self) -> bool:
        """Whether a replacement has deleted its old runtime: until then everything can be undone."""
        return all(step.done for step in self.in_phase(DELETE_OLD) or self.in_phase(DELETE))

    @property
    def gone(self) -> list[Step]:
        """Those of them that were carried out, or would be, or may have been."""
        return [step for step in self.going if step.shows and step.plan.changed]

    def deletion(self, step: Step) -> Row:
        """A row of its own for one of them: nothing else remains of the runtime."""
        return Row(step.wanted, self.place, (step._replace(phase=DELETE, error=None),))

    @property
    def old(self) -> list[Runtime]:
        """The runtimes that it replaces, first the one that has, or will free, the name."""
        steps = [step for step in self.going if step.phase in (DELETE_OLD, DELETE)]
        return [step.before for step in steps if step.before]

    @property
    def runtime(self) -> Runtime | None:
        """The runtime that the row is about, as last known; None if it does not exist."""
        if self.main.done and self.main.plan.action == "delete":
            return self.main.before  # as it was
        return self.main.runtime

    @property
    def id(self) -> str | None:
        """The runtime's id; None as long as no runtime is known."""
        return self.runtime.id if self.runtime else None

    @property
    def name(self) -> str | None:
        """The name that the definition has; of one to delete by its id, and without one, the name of the runtime."""
        seen = self.runtime.name if self.runtime else None
        return (seen if self.wanted.state == "absent" and self.wanted.id else None) or self.wanted.name or seen

    @property
    def final_name(self) -> str:
        """The name that the runtime will have; empty for an id that no runtime has."""
        return "" if self.wanted.id and not self.runtime and self.wanted.state == "absent" else str(self.name or "")

    @property
    def label(self) -> str:
        """How a message names the row after its place: by name, or by id if no name is known."""
        return repr(self.name) if self.name else f"({self.wanted.id})"

    @property
    def shown(self) -> Plan:
        """What was done, or may have been, as a whole."""
        plans = [step.plan for step in (self.main, *self.in_phase(FINISH)) if step.shows]
        return next((plan for plan in plans if plan.changed), [*plans, NO_PLAN][0])

    @property
    def action(self) -> str:
        """What was done, or would be done in check mode, in the words of a result."""
        actions = [step.action for step in (self.main, *self.in_phase(FINISH))]
        return UNKNOWN if UNKNOWN in actions else next((action for action in actions if action != "none"), "none")

    @property
    def changed(self) -> bool:
        """Whether something was written, or may have been, or would be without check mode."""
        return any(step.shows and step.plan.changed for step in self.steps)

    @property
    def msg(self) -> str:
        """What was done, in one line."""
        if self.runtime is None:
            return f"Runtime {self.wanted.label} does not exist."
        name = repr(self.name)
        if self.action == "none":
            return f"Runtime {name} is already as requested."
        plan = self.shown
        predicted = any(step.state == PREDICTED and step.plan.changed for step in self.steps)
        done = f"Would {plan.action}" if predicted else self.action.capitalize()
        fields = f": {', '.join(plan.changed_fields)}" if plan.action in ("update", "replace") else ""
        return f"{done} runtime {name}{fields}."

    @property
    def tries(self) -> bool:
        """Whether its smoke test belongs to the plan: something changes."""
        return bool(self.wanted.smoke_test and (self.main.fingerprint or self.replacement))

    @property
    def diff(self) -> dict[str, Any]:
        """The managed fields before and after, under headers that name the runtime."""
        plan = self.shown
        after = dict(plan.after)
        if self.tries and plan.changed and plan.action != "delete":
            after["smoke_test"] = self.wanted.smoke_test
        # A rename has the old name before, and the new one after.
        old, new = (
            f"runtime {values.get('name') or self.name!r} ({self.id or 'new'})" for values in (plan.before, after)
        )
        return {"before": dict(plan.before), "after": after, "before_header": old, "after_header": new}

    @property
    def exempted(self) -> list[dict[str, Any]] | None:
        """What the exemptions of the policy let pass; None if no policy applies."""
        if self.main.plan.exempted is None:
            return None
        return [{"name": self.name, "id": self.id, **finding.to_result()} for finding in self.main.plan.exempted]

    @property
    def facts(self) -> dict[str, Any]:
        """The keys that the result of a task for one runtime and that for many have for it."""
        plan, runtime = self.shown, self.runtime
        fields, before, after = plan.changed_fields, plan.before, plan.after
        return {
            "id": runtime.id if runtime else None,
            "action": self.action,
            # For a create, those that were sent, and every value before is None; for a delete, none.
            "changed_fields": list(fields),
            "changes": [{"field": name, "before": before.get(name), "after": after.get(name)} for name in fields],
            "runtime": runtime.to_result() if runtime else None,
        }

    @property
    def fingerprints(self) -> list[str | None]:
        """What a person approves of its plan: each step, and the code that is to run."""
        code = [json.dumps(["smoke test", self.wanted.name, self.wanted.smoke_test])] if self.tries else []
        return [*(step.fingerprint for step in self.steps if step.phase != CLEAN_UP), *code]

    def predicted(self) -> Row:
        """The row as a run would leave it."""
        return self._replace(steps=tuple(step.finished(PREDICTED) for step in self.steps))

    def unplanned(self) -> Row:
        """The row without what a person could approve, because it cannot be carried out."""
        return self._replace(steps=tuple(step._replace(fingerprint=None) for step in self.steps))


def plan_id(rows: Sequence[Row], scripts: ScriptReport = NO_SCRIPTS) -> str:
    """The id of all that a task would change: the same for the same changes from the same values, see `fingerprint`.

    It is empty if something could not be planned: as an option, null would let every plan pass.
    """
    planned = [*(text for row in rows for text in row.fingerprints), *scripts.fingerprints]
    if None in planned:
        return ""
    digest = hashlib.sha256("\n".join(sorted(text for text in planned if text)).encode())
    return digest.hexdigest()[:PLAN_ID_DIGITS]


def report_one(row: Row, scripts: ScriptReport = NO_SCRIPTS, refusal: MstrError | None = None) -> dict[str, Any]:
    """The result of a task for one runtime. Raises its error; PartialError once something was written.

    `refusal`: of a check mode, which shows all the same what it would do.
    """
    gone, undone = [step.seen for step in row.gone], [step for step in row.gone if step.phase == UNDO]
    replaced = [{"id": runtime.id, "name": runtime.name, "runtime": runtime.to_result()} for runtime in gone]
    result = {
        "changed": row.changed or scripts.moved > 0,
        "msg": row.msg,
        **row.facts,
        "plan_id": plan_id([row], scripts),
        **scripts.to_result(),
        **({"exempted": row.exempted} if row.exempted is not None else {}),
        **({"replaced": replaced} if row.going else {}),
        "diff": [row.diff, *(row.deletion(step).diff for step in row.gone)] if undone else row.diff,
    }
    for step in undone:
        would = "Would undo" if step.state == PREDICTED else "Undid"
        result["msg"] += f" {would} the unfinished replacement {step.seen.label}."
    error = refusal or row.failure
    if error:
        raise PartialError(error, result) if refusal or result["changed"] or row.main.done else error
    return result
