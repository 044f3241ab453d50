# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out a plan: the only writer.

Wing: Work.
A write whose response was lost is never blindly repeated: the state is read again, for some seconds, since a
proxy may give up before the server does, and only what is still missing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ._api import WHOLE
from ._definition import Definition
from ._errors import ApiError, ConnectError, MstrError, PartialError
from ._interrupt import Interrupted
from ._names import near_names
from ._outcome import Outcome
from ._plan import Plan, surprises
from ._planner import Planner
from ._runtime import Runtime

_ALREADY_EXISTS = 15
# Seconds before each check of what became of a write whose response was lost.
_CHECKS = (0.25, 0.5, 1.0, 2.0, 4.0)


class Writer:
    """Writes runtimes. Several threads may use it.

    `retries`: how often a write whose result is unclear may be sent again. `pause` takes seconds. In check mode nothing
    is written. `guard` gets the runtimes that would be deleted, before any write, and may refuse.
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
        """Make one runtime as wanted. Raises MstrError; PartialError once something was written."""
        listed = self.api.everything() if wanted.id is None else None
        plan = self.planner.plan(self.planner.locate(wanted, listed), wanted, listed)
        self.check_deletes([plan])
        return self.verified(self.carry_out(plan, wanted), wanted)

    def check_deletes(self, plans: Iterable[Plan]) -> None:
        """Let the guard see what would be deleted, if anything would. Raises its ValidationError, before any write."""
        going = [plan.runtime for plan in plans if plan.action == "deleted" and plan.runtime]
        if going and self._guard:
            self._guard(going)

    def carry_out(self, plan: Plan, wanted: Definition) -> Outcome:
        """Write, but not in check mode and not where nothing changes. Raises MstrError."""
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
            done, plan = self._check_lost(plan, wanted, lost)
            if done:
                return done
            if tries < 1:
                raise _not_done(lost, plan)
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

    def _check_lost(self, plan: Plan, wanted: Definition, lost: MstrError) -> tuple[Outcome | None, Plan]:
        """What became of a write whose response was lost: the outcome if it was done, and what is still to do."""
        # An error in the API's own form comes from the server itself: nothing goes on behind it.
        for seconds in _CHECKS[:1] if lost.error["code"] else _CHECKS:
            try:
                self._pause(seconds)
                current = self.planner.locate(wanted)
                left = self.planner.compare(current, wanted)
            except MstrError as exc:
                raise MstrError(
                    f"{lost.sentence} The response was lost, and the task could not find out what the server did: "
                    f"{exc.sentence} The runtime {wanted.label} may or may not have been {plan.action}; check it "
                    "before the next run.",
                    **lost.error,
                ) from exc
            if _is_done(plan, current, left):
                return _found_done(plan, wanted, current), left
        return None, left

    def _name_is_taken(self, plan: Plan, wanted: Definition, refusal: MstrError, lost: MstrError | None) -> Outcome:
        """The outcome where the server refuses a create because the name exists. Raises MstrError."""
        listed = self.api.everything()
        found = self.planner.locate(wanted, listed)
        if found and lost:
            # A create of this task whose response was lost is more likely in the way than another play's.
            return _found_done(plan, wanted, found)
        if found:
            # Another play was quicker: only what differs is left to do.
            return self.carry_out(self.planner.plan(found, wanted, listed), wanted)
        near = near_names(str(wanted.name), (one.name for one in listed))
        alike = " and ".join(f"{one.name!r} ({one.id})" for one in listed if one.name in near)
        why = f"only {alike} is listed" if alike else "this user sees no runtime with it; an ACL may hide it"
        raise MstrError(f"{refusal.sentence} The name is taken, but {why}.", **refusal.error)

    def verified(self, outcome: Outcome, wanted: Definition, listed: list[Runtime] | None = None) -> Outcome:
        """The outcome with the runtime read again; warns where the server stored something else.

        `listed`: the runtimes on the server after the write, where they are known. Raises PartialError.
        """
        if not outcome.to_verify:
            return outcome
        stored = outcome.runtime
        if not outcome.read or stored is None:
            try:
                stored = self._read_again(outcome, wanted, listed)
            except MstrError as exc:
                preface = f"The runtime {wanted.label} was {outcome.action}, but could not be read again: "
                raise PartialError(exc, outcome.to_result(), preface) from exc
        for text in surprises(stored, wanted, outcome.planned):
            self._warn(text)
        return outcome._replace(id=stored.id, runtime=stored, read=True)

    def _read_again(self, outcome: Outcome, wanted: Definition, listed: list[Runtime] | None) -> Runtime:
        stored = None
        if listed is not None or outcome.action == "created":
            # The list shows at once whether another play has made one of the same name meanwhile.
            needed = {*WHOLE, *wanted.values} if listed is None else set(wanted.values)
            found = [
                one
                for one in (self.api.everything() if listed is None else listed)
                if one.id == outcome.id or (outcome.action == "created" and one.name == wanted.name)
            ]
            if len(found) > 1:
                ids = " and ".join(str(one.id) for one in found)
                whose = "Another task created one of them, or this task created two. Delete one by its id."
                self._warn(f"Several runtimes now have the name {wanted.name!r}: {ids}. {whose}")
            mine = [one for one in found if one.id == outcome.id] or found
            stored = self.api.whole(mine[0], needed) if mine else None
        if stored is None and outcome.id:
            # A list may hide what a read shows.
            stored = self.api.get(outcome.id, wanted.label)
        if stored is None:
            raise MstrError(f"the server no longer shows the runtime {wanted.label} ({outcome.id})")
        return stored


def _is_done(plan: Plan, current: Runtime | None, left: Plan) -> bool:
    if plan.action == "created":
        # Whatever the server made of it: differences are warnings afterwards, and no second write.
        return current is not None
    if plan.action == "deleted":
        return current is None or plan.runtime is None or current.id != plan.runtime.id
    return not left.changed


def _found_done(plan: Plan, wanted: Definition, current: Runtime | None) -> Outcome:
    """The outcome of a write that is found done, though its response was lost."""
    seen = current if current and plan.action != "deleted" else plan.runtime
    return Outcome.of(plan, wanted)._replace(id=seen.id if seen else None, runtime=seen, read=True)


def _not_done(lost: MstrError, plan: Plan) -> MstrError:
    if lost.error["code"]:
        return lost
    return MstrError(
        f"{lost.sentence} The response was lost. After {sum(_CHECKS):g} seconds of checking, the runtime is still not "
        f"{plan.action}. The request was not sent again because retries are used up; run the task again.",
        **lost.error,
    )
