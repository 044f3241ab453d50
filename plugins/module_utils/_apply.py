# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out a plan: the only writer.

Wing: Work.
A write whose answer was lost is never blindly repeated: the state is read again, for some seconds, since a
proxy may give up before the server does, and only what is still missing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ._api import WHOLE, RuntimeApi, one_named
from ._definition import Definition
from ._errors import ApiError, ConnectError, MstrError, PartialError, ValidationError
from ._interrupt import Interrupted
from ._outcome import Outcome
from ._plan import Plan, make_plan, surprises
from ._policy import Policy
from ._runtime import Runtime

_ALREADY_EXISTS = 15
# Seconds before each look at what became of a write whose answer was lost.
_LOOKS = (0.25, 0.5, 1.0, 2.0, 4.0)


class Writer(NamedTuple):
    """How runtimes are written. `retries`: how often an unclear write may be done again; `pause` takes seconds."""

    api: RuntimeApi
    warn: Callable[[str], None]
    pause: Callable[[float], None]
    retries: int
    check_mode: bool
    policy: Policy | None = None

    def ensure(self, wanted: Definition) -> Outcome:
        """Make one runtime as wanted. Raises MstrError; PartialError once something was written."""
        plan = self.plan(self.locate(wanted), wanted)
        if self.check_mode or not plan.changed:
            return Outcome.of(plan, wanted, predicted=plan.changed)
        return self.verified(self.carry_out(plan, wanted), wanted)

    def locate(self, wanted: Definition) -> Runtime | None:
        """The runtime as it is. Raises ValidationError for an ambiguous name, and for an id to change that is none."""
        if wanted.id is None:
            return self.api.whole(one_named(self.api.everything(), str(wanted.name)), {*WHOLE, *wanted.values})
        current = self.api.get(wanted.id)
        if current is None and wanted.state == "present":
            raise ValidationError([f"no runtime has the id {wanted.id}; to create one, give its name and no id"])
        return current

    def plan(self, current: Runtime | None, wanted: Definition, listed: Iterable[Runtime] | None = None) -> Plan:
        """The plan, when nothing forbids it. Raises ValidationError, before anything is written.

        `listed`: the runtimes on the server, where they are known already.
        """
        plan = make_plan(current, wanted)
        if plan.action == "deleted" and plan.runtime and plan.runtime.is_default:
            raise ValidationError(
                [f"{plan.runtime.name!r} ({plan.runtime.id}) is the server's built-in default runtime; it stays"]
            )
        if self.policy and plan.runtime and "whitelist" in wanted.keep and "whitelist" in wanted.values:
            faults = self.policy.faults(enumerate(plan.runtime.values["whitelist"]))
            if faults:
                raise ValidationError([f"what stays in the whitelist: {fault}" for fault in faults])
        if "runtime_version" in plan.changed_fields and wanted.values["runtime_version"]:
            self._check_version(str(wanted.values["runtime_version"]))
        if plan.action == "updated" and plan.runtime and "name" in plan.changed_fields:
            self._check_name(plan.runtime, self.api.everything() if listed is None else listed)
        return plan

    def _check_version(self, version: str) -> None:
        known = self.api.versions()
        if known is None or version in known:
            return
        from difflib import get_close_matches  # costs 3 ms, which a task that is right need not pay

        close = [one for one in known if one.startswith(f"{version}.")] or get_close_matches(version, known, 1)
        hint = f"; did you mean {close[-1]}?" if close else ""
        offered = ", ".join(known) or "none"
        raise ValidationError([f"runtime_version {version!r} is none that the server offers ({offered}){hint}"])

    def _check_name(self, renamed: Runtime, listed: Iterable[Runtime]) -> None:
        # A server that does not refuse a second runtime of a name would leave two that no task can tell apart.
        taken = [one for one in listed if one.name == renamed.name and one.id != renamed.id]
        if taken:
            raise ValidationError([f"name {taken[0].name!r} is taken by the runtime with id {taken[0].id}"])

    def carry_out(self, plan: Plan, wanted: Definition) -> Outcome:
        """Write. The outcome is that of `plan`, also where it took more than one write. Raises MstrError."""
        first, tries = plan, self.retries
        while plan.changed:
            try:
                return Outcome.of(first, wanted)._replace(id=self._write(plan, wanted))
            except Interrupted as exc:
                raise MstrError(f"{exc.sentence} while the runtime {wanted.label} was being {plan.action}") from exc
            except (ApiError, ConnectError) as exc:
                if exc.unclear:
                    plan = self._look_again(plan, wanted, exc)
                    if plan.changed and tries < 1:
                        raise _told(first, plan, wanted, _given_up(exc, plan)) from exc
                    tries -= 1
                elif plan.action != first.action:
                    raise _told(first, plan, wanted, exc) from exc
                else:
                    plan = self._after_refusal(plan, wanted, exc)
                    # After a create whose answer was lost, that one is more likely in the way than another play's.
                    first = plan if tries == self.retries else first
        # Found done, though the answer was lost or somebody else was quicker.
        seen = plan.runtime or first.runtime
        return Outcome.of(first, wanted)._replace(id=seen.id if seen else None, runtime=seen, read=True)

    def _write(self, plan: Plan, wanted: Definition) -> str | None:
        runtime = plan.runtime
        if runtime is None:
            raise AssertionError("a plan that changes something has a runtime")
        if plan.action == "created":
            return self.api.create(plan.body)
        if plan.action == "updated":
            self.api.update(runtime, plan.body)
        else:
            self.api.delete(runtime, wanted.journal_comment)
        return runtime.id

    def _look_again(self, plan: Plan, wanted: Definition, lost: MstrError) -> Plan:
        """What is still to do after a write whose answer was lost."""
        # An error in the API's own form comes from the server itself: nothing goes on behind it.
        for seconds in _LOOKS[:1] if lost.error["code"] else _LOOKS:
            try:
                self.pause(seconds)
                again = make_plan(self.locate(wanted), wanted)
            except MstrError as exc:
                raise MstrError(
                    f"{lost.sentence} The answer was lost, and what became of it could not be found out: "
                    f"{exc.sentence} The runtime {wanted.label} may or may not be {plan.action}; look at it before "
                    "the next run.",
                    **lost.error,
                ) from exc
            if not again.changed:
                break
        return again

    def _after_refusal(self, plan: Plan, wanted: Definition, refusal: MstrError) -> Plan:
        """The plan after a refused write, which is worth another look in one case alone; else raises the refusal."""
        exists = isinstance(refusal, ApiError) and refusal.number == _ALREADY_EXISTS
        if not exists or plan.action != "created":
            raise refusal
        # Another play may have been quicker with the same name.
        runtimes = self.api.everything()
        found = self.api.whole(one_named(runtimes, str(wanted.name)), {*WHOLE, *wanted.values})
        if found is not None:
            return self.plan(found, wanted)
        alike = [f"{one.name!r} ({one.id})" for one in runtimes if one.name.casefold() == str(wanted.name).casefold()]
        why = f"only {' and '.join(alike)} is listed" if alike else "no such name is listed: an ACL may hide it"
        raise MstrError(f"{refusal.sentence} The name is taken, but {why}.", **refusal.error)

    def verified(self, outcome: Outcome, wanted: Definition, listed: list[Runtime] | None = None) -> Outcome:
        """The outcome with the runtime read again; warns where the server made something else of it.

        `listed`: the runtimes on the server after the write, where they are known. Raises PartialError.
        """
        stored = outcome.runtime
        if not outcome.read:
            try:
                stored = self._read_again(outcome, wanted, listed)
            except MstrError as exc:
                preface = f"The runtime {wanted.label} is {outcome.action}, but: "
                raise PartialError(exc, outcome.to_result(), preface) from exc
        if stored is None or wanted.state == "absent":
            return outcome
        for text in surprises(stored, wanted):
            self.warn(text)
        return outcome._replace(id=stored.id, runtime=stored, read=True)

    def _read_again(self, outcome: Outcome, wanted: Definition, listed: list[Runtime] | None) -> Runtime:
        if listed is None and outcome.action == "updated":
            stored = self.api.get(str(outcome.id), wanted.label)
        else:
            # The list shows at once whether another play has made one of the same name meanwhile.
            needed = {*WHOLE, *wanted.values} if listed is None else set(wanted.values)
            found = [
                one
                for one in (self.api.everything() if listed is None else listed)
                if one.id == outcome.id or (outcome.action == "created" and one.name == wanted.name)
            ]
            if len(found) > 1:
                ids = " and ".join(str(one.id) for one in found)
                whose = "Another task made one of them, or a create of this task whose answer was lost did."
                self.warn(f"Several runtimes now have the name {wanted.name!r}: {ids}. {whose}")
            mine = [one for one in found if one.id == outcome.id] or found
            stored = self.api.whole(mine[0], needed) if mine else None
        if stored is None:
            raise MstrError(f"the server no longer shows the runtime {wanted.label} ({outcome.id})")
        return stored


def _told(first: Plan, plan: Plan, wanted: Definition, failure: MstrError) -> MstrError:
    """The failure of a write; with what was done where an earlier write was, whose answer was lost."""
    if plan.action == first.action or plan.runtime is None:
        return failure
    done = Outcome.of(first, wanted)._replace(id=plan.runtime.id, runtime=plan.runtime)
    return PartialError(failure, done.to_result(), f"The runtime {wanted.label} is {first.action}, but: ")


def _given_up(lost: MstrError, plan: Plan) -> MstrError:
    if lost.error["code"]:
        return lost
    return MstrError(
        f"{lost.sentence} The answer was lost, and after looking for {sum(_LOOKS):g} seconds the runtime is not "
        f"{plan.action}. It was not tried again, as retries are used up.",
        **lost.error,
    )
