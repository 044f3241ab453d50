# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until runtimes are ready, also during an outage, and while a status may still be from before a write."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import Interrupted, MstrError, as_mstr_error
from .._model.runtime import Runtime, failure_of, packages_of, state_text, status_text, status_word, statuses
from .._model.steps import READ, Step
from .._session.parallel import all_side_by_side
from .._session.poll import Rhythm, poll
from .._session.response import is_outage
from .._text import clean, listed
from .api import Context, NotSeen, progress_line
from .write import PAUSES, confirm

# Some servers might report the status "unknown" until the first script runs (the public documentation does not say).
# After this many consecutive checks without a sign of a problem, the runtime counts as ready.
_CHECKS_UNTIL_READY = 3
# The first check after a write may still report an earlier failure.
_CHECKS_UNTIL_FAILED = 2
_GROWTH = 1.25
_LONGEST_INTERVAL = 5  # as a multiple of the first interval
_NAMES_IN_PROGRESS = 5
_INSTALLING = ("installing", "pending")


def wait(context: Context, steps: Sequence[Step]) -> list[Step]:
    """The steps; each that is awaited with its runtime as last read, and an error if it is not ready.

    The timeout applies to all of them together. Deleted, absent and failed runtimes are not waited for.
    """
    watches = [_Watch(context, step) for step in steps if step.is_awaited and step.after and not step.error]
    _check_until_done(context, watches)
    by_place = {watch.step.place: watch.step for watch in watches}
    return [by_place.get(step.place, step) for step in steps]


def _check_until_done(context: Context, watches: Sequence[_Watch]) -> None:
    """Check until every runtime is done, the timeout is reached, or the task has to end."""
    pending = [watch for watch in watches if not watch.done]

    def check() -> bool:
        all_side_by_side(_Watch.check, pending)
        pending[:] = [watch for watch in pending if not watch.done]
        return not pending

    def report(_passed: float) -> None:
        context.progress(state_of_wait([watch.runtime for watch in pending], len(watches)))

    timeout, interval = context.inputs.waiting
    rhythm = Rhythm(timeout, interval, interval * _LONGEST_INTERVAL, _GROWTH)
    try:
        if pending:
            poll(check, rhythm, context.clock, context.pause, report)
        for watch in pending:
            watch.time_out(timeout)
    except Interrupted as exc:
        for watch in pending:
            watch.interrupt(exc)


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

    def __init__(self, context: Context, step: Step) -> None:
        self._context = context
        self.step, self.runtime = step, step.after or step.before_or_empty
        self.done = False
        self._checks = self._unclear_checks = self._misses = 0
        self._outage: MstrError | None = None  # why the last check failed
        if step.state == READ:
            self._record(step)

    def check(self) -> None:
        """Read the runtime again. Raises only Interrupted."""
        self._outage, step = None, self.step
        try:
            seen = self._context.api.read(str(self.runtime.id), repr(self.runtime.name), polling=True)
            if seen is None:
                failure = NotSeen if step.is_stored else MstrError
                raise failure(f"Runtime {self.runtime.label} was deleted while the task waited for it")
            self.runtime = seen
            step = step._replace(after=seen) if step.state == READ else confirm(self._context, step, seen)
            error = step.error
        except Interrupted:
            raise
        except Exception as exc:
            error = as_mstr_error(exc)
        if error is None:
            self._record(step)
        elif is_outage(error):
            self._outage, self._unclear_checks = error, 0
        elif isinstance(error, NotSeen) and self._misses < len(PAUSES):
            self._misses += 1  # the server may show the effect of the write a moment later
        else:
            self.step = step
            self._end(error)

    def _end(self, error: MstrError | None) -> None:
        self.done, self.step = True, self.step._replace(error=error)

    def _record(self, step: Step) -> None:
        """The runtime was read."""
        self.step = step
        self._checks += 1
        status, packages = statuses(self.runtime)
        is_known, is_plausible = packages <= {"installed"}, packages <= {"installed", "unknown"}
        # Some statuses are unknown, and the others do not contradict that the runtime is ready.
        is_unclear = is_plausible if status == "ready" else is_known and status == "unknown"
        self._unclear_checks = self._unclear_checks + 1 if is_unclear else 0
        # After a write, every package must also have a known status.
        is_ready = status == "ready" and (is_known if self.step.is_stored else is_plausible)
        failure = failure_of(self.runtime)
        if failure:
            if not self.step.is_stored or self._checks >= _CHECKS_UNTIL_FAILED:
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
        done = f"was {self.step.action} and" if self.step.is_stored else "still"
        self._end(MstrError(f"{error.sentence}. The runtime {done} exists on the server", **error.error))
