# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until runtimes are ready, also during an outage, and while a status may still be from before a write."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .._errors import Interrupted, MstrError, as_mstr_error
from .._model.runtime import Runtime, failure_of, packages_of, state_text, status_text, status_word, statuses
from .._model.steps import READ, Step
from .._session.parallel import all_side_by_side
from .._session.poll import Rhythm, poll
from .._session.response import is_outage
from .._text import clean, listed
from .api import Context, Waiting, progress_line
from .write import CHECKS, confirm

# Some servers might report the status "unknown" until the first script runs (the public documentation does not say).
# After this many consecutive checks without a sign of a problem, the runtime counts as ready.
_CHECKS_UNTIL_READY = 3
# The first check after a write may still report an earlier failure.
_CHECKS_UNTIL_FAILED = 2
_GROWTH = 1.25
_LONGEST_INTERVAL = 5  # as a multiple of the first interval
_NAMES_IN_PROGRESS = 5
_INSTALLING = ("installing", "pending")


def wait(context: Context, steps: Sequence[Step], places: Collection[str]) -> list[Step]:
    """The steps; each in these places with its runtime as last read, and an error if it is not ready.

    The timeout applies to all of them together. Deleted, absent and failed runtimes are not waited for.
    """

    def is_awaited(step: Step) -> bool:
        return step.place in places and step.after is not None and step.error is None

    watches = list(map(_Watch, filter(is_awaited, steps)))
    try:
        _check_until_done(context, watches, context.inputs.waiting)
    except Interrupted as exc:
        for watch in watches:
            watch.interrupt(exc)
    following = iter(watches)
    return [next(following).step if is_awaited(step) else step for step in steps]


def _check_until_done(context: Context, watches: Sequence[_Watch], waiting: Waiting) -> None:
    """Check until every runtime is done, or the timeout is reached. Raises Interrupted."""

    def pending() -> list[_Watch]:
        return [watch for watch in watches if not watch.done]

    def check() -> bool:
        all_side_by_side(lambda watch: watch.check(context), pending())
        return not pending()

    def report(_passed: float) -> None:
        context.progress(state_of_wait([watch.runtime for watch in pending()], len(watches)))

    rhythm = Rhythm(waiting.timeout, waiting.interval, waiting.interval * _LONGEST_INTERVAL, _GROWTH)
    if pending():
        poll(check, rhythm, context.clock, context.pause, report)
    for watch in pending():
        watch.time_out(waiting.timeout)


def state_of_wait(pending: Sequence[Runtime], total: int) -> str:
    """A line about a wait for `total` runtimes; `pending`: those that are not ready, as last read, at least one."""
    if len(pending) > 1:
        return progress_line(total - len(pending), total, "ready")
    [runtime] = pending
    packages = packages_of(runtime)
    installing = [clean(package.name) for package in packages if status_word(package.status) in _INSTALLING]
    if not installing:
        return f"{clean(runtime.name)}: {status_text(runtime)}"
    names = listed(installing, _NAMES_IN_PROGRESS)
    return f"{clean(runtime.name)}: installing {len(installing)} of {len(packages)} packages ({names})"


class _Watch:
    """A runtime to wait for, as last read. `done`: the wait is over, with or without an error of the step."""

    def __init__(self, step: Step) -> None:
        self.step, self.runtime = step, step.after or step.before_or_empty
        self.done = False
        self._checks = self._unclear_checks = self._proofs = 0
        self._outage: MstrError | None = None  # why the last check failed
        if step.state == READ:
            self._record(self.runtime)

    def check(self, context: Context) -> None:
        """Read the runtime again. Raises only Interrupted."""
        self._outage = None
        try:
            seen = context.api.read(str(self.runtime.id), repr(self.runtime.name), polling=True)
            if seen is None:
                raise MstrError(f"Runtime {self.runtime.label} was deleted while the task waited for it")
        except Interrupted:
            raise
        except Exception as exc:
            error = as_mstr_error(exc)
            if is_outage(error):
                self._outage, self._unclear_checks = error, 0
            else:
                self._end(error)
            return
        if self.step.state == READ:
            self._record(seen)
            return
        self._proofs += 1
        confirmed = confirm(context, self.step, seen)
        if confirmed.error is None:
            self.step = confirmed
            self._record(seen)
        elif self._proofs > len(CHECKS):  # until then, the server may show the effect of the write a moment later
            self.step = confirmed
            self._end(confirmed.error)

    def _end(self, error: MstrError | None) -> None:
        self.done, self.step = True, self.step._replace(error=error)

    def _record(self, runtime: Runtime) -> None:
        self.runtime, self.step = runtime, self.step._replace(after=runtime)
        self._checks += 1
        status, packages = statuses(runtime)
        is_known, is_plausible = packages <= {"installed"}, packages <= {"installed", "unknown"}
        # Some statuses are unknown, and the others do not contradict that the runtime is ready.
        is_unclear = is_plausible if status == "ready" else is_known and status == "unknown"
        self._unclear_checks = self._unclear_checks + 1 if is_unclear else 0
        # After a write, every package must also have a known status.
        is_ready = status == "ready" and (is_known if self.step.is_written else is_plausible)
        failure = failure_of(runtime)
        if failure:
            if not self.step.is_written or self._checks >= _CHECKS_UNTIL_FAILED:
                self._end(MstrError(failure))
        elif is_ready or self._unclear_checks >= _CHECKS_UNTIL_READY:
            self._end(None)

    def time_out(self, timeout: float) -> None:
        """The runtime is not ready after `timeout` seconds."""
        status, packages = statuses(self.runtime)
        advice = "The server is still working on it: raise wait_timeout, or check the packages."
        if self._outage:
            advice = f"The last check failed: {self._outage.sentence}"
        elif {status, *packages} == {"unknown"}:
            advice = (
                "The server has not reported a status; some servers report one only after a script has run there. "
                "Run one with mstr_script_run."
            )
        state = f"is not ready after {timeout:g} seconds: {state_text(self.runtime)}"
        error = self._outage.error if self._outage else {}
        self._end(MstrError(f"Runtime {self.runtime.label} {state}. {advice}", **error))

    def interrupt(self, cause: Interrupted) -> None:
        """The task ends before the runtime is ready. The runtime exists all the same."""
        if self.done:
            return
        error = cause.during(f"waiting for runtime {self.runtime.label} to be ready")
        done = f"was {self.step.action} and" if self.step.is_written else "still"
        self._end(MstrError(f"{error.sentence}. The runtime {done} exists on the server", **error.error))
