# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One runtime of a task, from its definition to what was done, and how results report it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, PartialError, ValidationError
from .definition import Definition
from .kinds import NOTHING
from .plan import DONE, NO_PLAN, Plan
from .runtime import Runtime

PURGED = "purge"
REPLACED = "replaced"
_PLAN_ID_DIGITS = 24

# How far the work on an entry is.
PLANNED = "planned"  # nothing is done
PREDICTED = "predicted"  # check mode: it would be done
UNKNOWN = "unknown"  # the request was sent, and its outcome is not known
WRITTEN = "written"  # the server accepted it, and the runtime was not read since
READ = "read"  # it is done, and the runtime was read since


class ScriptReport(NamedTuple):
    """What a result says of the scripts of a task.

    `rows`: a result for each; None for a task without scripts. `fingerprints`: of the planned assignments. `failures`:
    the label and error of each that failed. `moved`: how many have a different runtime, or would have.
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


class Entry(NamedTuple):
    """One runtime: each step of the work returns a copy that knows more.

    `place`: where a list has the definition, such as "runtimes[3]", or "purge". `before`: the runtime before the task.
    `after`: after it; None as long as nothing is done, and if it is deleted. What was written and then failed has an
    `error`, too. `fingerprint`: of its first plan, which a person may have approved; None if it could not be planned.
    `status`: of the response to the write. `replacing`: the whole replacement, as results show it, until this runtime
    has replaced those in `replaces`, which are deleted once it has their scripts. `aside`: a rename before the plan,
    which frees the name. `evidence`: what a result shows besides the plan: by the key of each runtime that goes, the
    `scripts` that use it, None if unknown, and the same as a `text`.
    """

    wanted: Definition
    place: str
    before: Runtime | None = None
    plan: Plan = NO_PLAN
    after: Runtime | None = None
    state: str = PLANNED
    error: MstrError | None = None
    fingerprint: str | None = None
    status: int | None = None
    replacing: Entry | None = None
    replaces: tuple[Runtime, ...] = ()
    aside: Plan = NO_PLAN
    evidence: Mapping[str, Any] = NOTHING

    @property
    def runtime(self) -> Runtime | None:
        """The runtime as last known; None if it does not exist."""
        return self.after or (self.before if self.done else self.current)

    @property
    def current(self) -> Runtime | None:
        """The runtime before the plan is carried out."""
        return self.aside.target or self.before

    @property
    def definition(self) -> Definition:
        """What the task asks for; a runtime beside another has a definition of its own in `wanted`."""
        return (self.replacing or self).wanted

    @property
    def name(self) -> str | None:
        """The runtime's name on the server; of a runtime that does not exist, the name that the definition has."""
        return (self.runtime.name if self.runtime else None) or self.definition.name

    @property
    def id(self) -> str | None:
        """The runtime's id; None as long as no runtime is known."""
        return self.runtime.id if self.runtime else None

    @property
    def done(self) -> bool:
        """Whether the plan was carried out, or would have been."""
        return self.state in (PREDICTED, WRITTEN, READ)

    @property
    def carried_out(self) -> Plan:
        """What was done, or may have been."""
        return self.plan if self.done or self.state == UNKNOWN else self.aside

    @property
    def label(self) -> str:
        """How a message names the runtime after the place: by its name, or by its id if no name is known."""
        return repr(self.name) if self.name else f"({self.wanted.id})"

    @property
    def to_do(self) -> str | None:
        """The planned action; None if it is done, or if an error prevents it."""
        return None if self.error or self.state != PLANNED else self.plan.action

    @property
    def action(self) -> str:
        """What was done, or would be done in check mode, in the words of a result."""
        return UNKNOWN if self.state == UNKNOWN else DONE[self.carried_out.action]

    @property
    def changed(self) -> bool:
        """Whether something was written, or may have been, or would be without check mode."""
        return self.action != "none"

    @property
    def written(self) -> bool:
        """Whether the server may have stored different values than requested."""
        return self.state in (WRITTEN, READ) and self.plan.action in ("create", "update")

    def finished(self, state: str) -> Entry:
        """The entry after its plan was carried out, as predicted."""
        return self._replace(state=state, after=self.plan.target)

    def unplanned(self) -> Entry:
        """The entry without what a person could approve, because it cannot be carried out."""
        return self._replace(fingerprint=None, replacing=self.replacing and self.replacing._replace(fingerprint=None))

    @property
    def msg(self) -> str:
        """What was done, in one line."""
        if self.runtime is None:
            return f"Runtime {self.wanted.label} does not exist."
        name = repr(self.runtime.name)
        if not self.changed:
            return f"Runtime {name} is already as requested."
        plan = self.carried_out
        done = f"Would {plan.action}" if self.state == PREDICTED else self.action.capitalize()
        fields = f": {', '.join(plan.changed_fields)}" if plan.action in ("update", "replace") else ""
        used = f"; {self.evidence['text']}" if self.evidence else ""
        return f"{done} runtime {name}{fields}{used}."

    @property
    def diff(self) -> dict[str, dict[str, Any]]:
        """The managed fields before and after."""
        return {"before": dict(self.carried_out.before), "after": dict(self.carried_out.after)}

    @property
    def exempted(self) -> list[dict[str, Any]] | None:
        """What the exemptions of the policy let pass; None if no policy applies."""
        if self.plan.exempted is None:
            return None
        return [{"name": self.name, "id": self.id, **found.to_result()} for found in self.plan.exempted]

    @property
    def facts(self) -> dict[str, Any]:
        """The keys that the result of a task for one runtime and that for many have for it."""
        fields, before, after = self.carried_out.changed_fields, self.carried_out.before, self.carried_out.after
        return {
            "id": self.id,
            "action": self.action,
            # For a create, those that were sent, and every value before is None; for a delete, none.
            "changed_fields": list(fields),
            "changes": [{"field": name, "before": before.get(name), "after": after.get(name)} for name in fields],
            "runtime": self.runtime.to_result() if self.runtime else None,
        }

    def to_result(self, scripts: ScriptReport = NO_SCRIPTS) -> dict[str, Any]:
        """The result of a task for this one runtime. `scripts`: those that a replacement moves."""
        facts = {**self.facts, "plan_id": plan_id([self], scripts), **scripts.to_result()}
        facts |= {"exempted": self.exempted} if self.exempted is not None else {}
        return {"changed": self.changed, "msg": self.msg, **facts, "diff": self.diff}


def plan_id(entries: Sequence[Entry], scripts: ScriptReport = NO_SCRIPTS) -> str:
    """The id of all that a task would change. An empty plan has one, too.

    It is the same if and only if the same runtimes (by id; by name for a create) get the same changes from the same
    values, and the same scripts the same runtimes. It is empty if something could not be planned: as an option, null
    would let every plan pass.
    """
    planned = [*((entry.replacing or entry).fingerprint for entry in entries), *scripts.fingerprints]
    if None in planned:
        return ""
    digest = hashlib.sha256("\n".join(sorted(text for text in planned if text)).encode())
    return digest.hexdigest()[:_PLAN_ID_DIGITS]


def check_plan_id(text: str | None) -> None:
    """Raises ValidationError if the option `plan_id` is given and cannot be the id of a plan."""
    # An empty text is often a template or a shell variable without a value, and must not let every plan pass.
    if text is not None and not re.fullmatch(f"[0-9a-f]{{{_PLAN_ID_DIGITS}}}", text):
        raise ValidationError([f"plan_id {text!r} is invalid: expected {_PLAN_ID_DIGITS} hexadecimal digits"])


def report_one(entry: Entry, scripts: ScriptReport = NO_SCRIPTS, refusal: MstrError | None = None) -> dict[str, Any]:
    """The result of a task for one runtime. Raises the entry's error; PartialError once something was written.

    `refusal`: why the task was refused in check mode, which shows all the same what it would do.
    """
    result, error = entry.to_result(scripts), refusal or entry.error
    if error:
        raise PartialError(error, result) if refusal or entry.changed or entry.done else error
    return result
