# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out a plan: the only writer.

A write whose response was lost is never repeated blindly. The state is read again for some seconds, because a proxy may
give up before the server does, and only what is still missing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .._errors import ApiError, ConnectError, MstrError, PartialError
from .._model.definition import Definition
from .._model.names import near_names
from .._model.plan import Plan, differences_after_write
from .._model.runtime import Runtime
from .._session.interrupt import Interrupted
from .._session.transport import is_outage
from .api import WHOLE
from .outcome import Outcome
from .planner import Planner

_ALREADY_EXISTS = 15
# Seconds before each check whether a write whose response was lost was carried out.
_CHECKS = (0.25, 0.5, 1.0, 2.0, 4.0)


class Writer:
    """Writes runtimes. Several threads may use it.

    `retries`: how many times a write whose result is unclear may be sent again. `pause` sleeps for a number of seconds.
    In check mode nothing is written. `guard` gets the runtimes that would be deleted, before any write; it raises
    ValidationError to refuse.
    """

    def __init__(
        self,
        planner: Planner,
        warn: Callable[[str], None],
        pause: Callable[[float], None],
        retries: int,
        check_mode: bool,
        guard: Callable[[Sequence[Runtime]], None] | None = None,
    ) -> None:
        self.planner, self.api = planner, planner.api
        self._warn, self._pause, self._retries, self.check_mode = warn, pause, retries, check_mode
        self._guard = guard

    def ensure(self, wanted: Definition) -> Outcome:
        """Bring one runtime to the wanted state. Raises MstrError; PartialError once something was written."""
        listed = self.api.everything() if wanted.id is None else None
        plan = self.planner.plan(self.planner.locate(wanted, listed), wanted, listed)
        self.check_deletes([plan])
        return self.verified(self.carry_out(plan, wanted), wanted)

    def check_deletes(self, plans: Iterable[Plan]) -> None:
        """Pass the runtimes that would be deleted to the guard. Raises its ValidationError, before any write."""
        to_delete = [plan.runtime for plan in plans if plan.action == "deleted" and plan.runtime]
        if to_delete and self._guard:
            self._guard(to_delete)

    def carry_out(self, plan: Plan, wanted: Definition) -> Outcome:
        """Write the plan, unless in check mode or nothing changes. Raises MstrError."""
        if self.check_mode or not plan.changed:
            return Outcome.of(plan, wanted, predicted=self.check_mode)
        lost: ApiError | ConnectError | None = None
        tries = self._retries
        while True:
            try:
                return Outcome.of(plan, wanted)._replace(id=self._write(plan, wanted))
            except Interrupted as exc:
                raise MstrError(f"{exc.sentence} while the runtime {wanted.label} was being {plan.action}") from exc
            except (ApiError, ConnectError) as exc:
                if plan.action == "created" and isinstance(exc, ApiError) and exc.number == _ALREADY_EXISTS:
                    return self._name_is_taken(plan, wanted, exc, lost)
                if not exc.unclear:
                    raise
                lost = exc
            done, plan = self._check_after_loss(plan, wanted, lost)
            if done:
                return done
            if tries < 1:
                raise _not_done_error(lost, plan)
            tries -= 1

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

    def _check_after_loss(self, plan: Plan, wanted: Definition, lost: MstrError) -> tuple[Outcome | None, Plan]:
        """Check a write whose response was lost. Returns its outcome if it was carried out, and what is still to do."""
        # An error in the API's own form comes from the server itself: it does not continue with the write.
        checks = _CHECKS[:1] if lost.error["code"] else _CHECKS
        for number, seconds in enumerate(checks, 1):
            try:
                self._pause(seconds)
                current = self.planner.locate(wanted)
                remaining = self.planner.compare(current, wanted)
            except MstrError as exc:
                # The outage that broke the write may last for a moment. With retries, the read itself was repeated.
                if number < len(checks) and not self._retries and is_outage(exc):
                    continue
                raise MstrError(
                    f"{lost.sentence} The response was lost, and the task could not find out what the server did: "
                    f"{exc.sentence} The runtime {wanted.label} may or may not have been {plan.action}; check it "
                    "before the next run.",
                    **lost.error,
                ) from exc
            if _was_written(plan, current, remaining):
                return _outcome_of_completed_write(plan, wanted, current), remaining
        return None, remaining

    def _name_is_taken(self, plan: Plan, wanted: Definition, refusal: MstrError, lost: MstrError | None) -> Outcome:
        """The outcome where the server refuses a create because the name exists. Raises MstrError."""
        listed = self.api.everything()
        found = self.planner.locate(wanted, listed)
        if found and lost:
            # The name was more likely taken by this task's create, whose response was lost, than by another play.
            return _outcome_of_completed_write(plan, wanted, found)
        if found:
            # Another play created it first: write only what still differs.
            return self.carry_out(self.planner.plan(found, wanted, listed), wanted)
        near = near_names(str(wanted.name), (one.name for one in listed))
        alike = " and ".join(f"{one.name!r} ({one.id})" for one in listed if one.name in near)
        why = f"only {alike} is listed" if alike else "this user sees no runtime with it; an ACL may hide it"
        raise MstrError(f"{refusal.sentence} The name is taken, but {why}.", **refusal.error)

    def verified(self, outcome: Outcome, wanted: Definition, listed: list[Runtime] | None = None) -> Outcome:
        """The outcome with the runtime read again. Warns if the server stored different values than requested.

        `listed`: the runtimes on the server after the write, where they are known. Raises PartialError.
        """
        if not outcome.to_verify:
            return outcome
        current = outcome.runtime
        if not outcome.read or current is None:
            try:
                current = self._read_again(outcome, wanted, listed)
            except MstrError as exc:
                preface = f"The runtime {wanted.label} was {outcome.action}, but could not be read again: "
                raise PartialError(exc, outcome.to_result(), preface) from exc
        for text in differences_after_write(current, wanted, outcome.planned):
            self._warn(text)
        return outcome._replace(id=current.id, runtime=current, read=True)

    def _read_again(self, outcome: Outcome, wanted: Definition, listed: list[Runtime] | None) -> Runtime:
        current = None
        if listed is not None or outcome.action == "created":
            # The list also shows whether another play has created a runtime of the same name meanwhile.
            needed = {*WHOLE, *wanted.values} if listed is None else set(wanted.values)
            found = [
                one
                for one in (self.api.everything() if listed is None else listed)
                if one.id == outcome.id or (outcome.action == "created" and one.name == wanted.name)
            ]
            if len(found) > 1:
                ids = " and ".join(str(one.id) for one in found)
                origin = "Another task created one, or a lost response made this task create two. Delete one by its id."
                self._warn(f"Several runtimes now have the name {wanted.name!r}: {ids}. {origin}")
            own = [one for one in found if one.id == outcome.id] or found
            current = self.api.whole(own[0], needed) if own else None
        if current is None and outcome.id:
            # A list may omit a runtime that can be read by its id.
            current = self.api.get(outcome.id, wanted.label)
        if current is None:
            raise MstrError(f"the server no longer shows the runtime {wanted.label} ({outcome.id})")
        return current


def _was_written(plan: Plan, current: Runtime | None, remaining: Plan) -> bool:
    if plan.action == "created":
        # Differences from the request become warnings later; they cause no second write.
        return current is not None
    if plan.action == "deleted":
        return current is None or plan.runtime is None or current.key != plan.runtime.key
    return not remaining.changed


def _outcome_of_completed_write(plan: Plan, wanted: Definition, current: Runtime | None) -> Outcome:
    """The outcome of a write that was carried out although its response was lost."""
    seen = current if current and plan.action != "deleted" else plan.runtime
    return Outcome.of(plan, wanted)._replace(id=seen.id if seen else None, runtime=seen, read=True)


def _not_done_error(lost: MstrError, plan: Plan) -> MstrError:
    if lost.error["code"]:
        return lost
    return MstrError(
        f"{lost.sentence} The response was lost. After {sum(_CHECKS):g} seconds of checking, the runtime is still not "
        f"{plan.action}. The request was not sent again because retries are used up; run the task again.",
        **lost.error,
    )
