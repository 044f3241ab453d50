# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until runtimes are ready.

The wait continues during an outage of the server, and while the server
may still report a status from before a write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._errors import MstrError, as_mstr_error, clean
from .._model.entry import PREDICTED, READ, Entry
from .._model.runtime import Runtime, status_word
from .._session.interrupt import Interrupted
from .._session.parallel import all_side_by_side
from .._session.transport import is_outage
from .api import Context, Waiting, progress_line
from .write import confirm

# Some servers might report the status "unknown" until the first script runs (the public documentation does not say).
# After this many consecutive checks without a sign of a problem, the runtime counts as ready.
_CHECKS_UNTIL_READY = 3
# The first check after a write may still report an earlier failure.
_CHECKS_UNTIL_FAILED = 2
_GROWTH = 1.25
_LONGEST_INTERVAL = 5  # as a multiple of the first interval
_NAMES_IN_PROGRESS = 5
_FAILED = ("not_installed", "failed", "error")  # of a package; the first is documented, the others are likely


def wait(context: Context, entries: Sequence[Entry]) -> list[Entry]:
    """Each entry with its runtime as last read, and an error if it is not ready.

    The timeout applies to all of them together. Deleted, absent, predicted and failed runtimes are not waited for.
    Without the option `wait`, only those are that replace others or have a smoke test.
    """
    watches = [_Watch(entry, entry.after) if entry.after and _is_awaited(context, entry) else None for entry in entries]
    watched = [watch for watch in watches if watch]
    try:
        _check_until_done(context, watched, context.waiting or context.patience)
    except Interrupted as exc:
        for watch in watched:
            if not watch.done:
                watch.interrupt(exc)
    return [watch.entry if watch else entry for entry, watch in zip(entries, watches)]


def _is_awaited(context: Context, entry: Entry) -> bool:
    tried = entry.replacing is not None or (entry.written and entry.wanted.smoke_test is not None)
    return not entry.error and entry.state != PREDICTED and (context.waiting is not None or tried)


def _check_until_done(context: Context, watches: Sequence[_Watch], waiting: Waiting) -> None:
    """Check until every runtime is done, or the timeout is reached. Raises Interrupted."""
    timeout, interval = waiting
    end = context.clock() + timeout
    longest = interval * _LONGEST_INTERVAL
    pending = [watch for watch in watches if not watch.done]
    while pending:
        left = end - context.clock()
        if left <= 0:
            for watch in pending:
                watch.time_out(timeout)
            return
        context.progress(state_of_wait([watch.runtime for watch in pending], len(watches)))
        context.pause(min(interval, left))
        interval = min(interval * _GROWTH, longest)
        all_side_by_side(lambda watch: watch.check(context), pending, context.concurrency)
        pending = [watch for watch in pending if not watch.done]


def state_of_wait(pending: Sequence[Runtime], total: int) -> str:
    """A line about a wait for `total` runtimes; `pending`: those that are not ready, as last read, at least one."""
    if len(pending) > 1:
        return progress_line(total - len(pending), total, "ready")
    [runtime] = pending
    packages = runtime.values.get("packages") or ()
    installing = [
        clean(package.name) for package in packages if status_word(package.status) in ("installing", "pending")
    ]
    if not installing:
        return f"{clean(runtime.name)}: status {clean(runtime.facts.get('status') or 'not reported')}"
    names = ", ".join(installing[:_NAMES_IN_PROGRESS]) + (", …" if len(installing) > _NAMES_IN_PROGRESS else "")
    return f"{clean(runtime.name)}: installing {len(installing)} of {len(packages)} packages ({names})"


class _Watch:
    """A runtime to wait for, as last read. `done`: the wait is over, with or without an error of the entry."""

    def __init__(self, entry: Entry, runtime: Runtime) -> None:
        self.entry, self.runtime = entry, runtime
        self.done = False
        self._checks = self._unclear_checks = 0
        self._outage: MstrError | None = None  # why the last check failed
        if entry.state == READ:
            self._record(runtime)

    def check(self, context: Context) -> None:
        """Read the runtime again. Raises only Interrupted."""
        self._outage = None
        try:
            seen = context.api.get(str(self.runtime.id), repr(self.runtime.name), polling=True)
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
        if self.entry.state != READ:
            self.entry = confirm(context, self.entry, seen)
        if self.entry.error:
            self._end(self.entry.error)
        else:
            self._record(seen)

    def _end(self, error: MstrError | None) -> None:
        self.done, self.entry = True, self.entry._replace(error=error)

    def _record(self, runtime: Runtime) -> None:
        self.runtime, self.entry = runtime, self.entry._replace(after=runtime)
        self._checks += 1
        self._unclear_checks = self._unclear_checks + 1 if _is_unclear(runtime) else 0
        failure = _error_of(runtime)
        if failure:
            if not self.entry.written or self._checks >= _CHECKS_UNTIL_FAILED:
                self._end(failure)
        elif _is_ready(runtime, self.entry.written) or self._unclear_checks >= _CHECKS_UNTIL_READY:
            self._end(None)

    def time_out(self, timeout: float) -> None:
        """The runtime is not ready after `timeout` seconds."""
        status, packages = _statuses(self.runtime)
        advice = "The server is still working on it: raise wait_timeout, or check the packages."
        if self._outage:
            advice = f"The last check failed: {self._outage.sentence}"
        elif {status, *packages} == {"unknown"}:
            advice = (
                "The server has not reported a status; some servers report one only after a script has run there. "
                "Run one with mstr_script_run."
            )
        state = f"is not ready after {timeout:g} seconds: {_state(self.runtime)}"
        error = self._outage.error if self._outage else {}
        self._end(MstrError(f"Runtime {self.runtime.label} {state}. {advice}", **error))

    def interrupt(self, cause: Interrupted) -> None:
        """The task ends before the runtime is ready. The runtime exists all the same."""
        error = cause.during(f"waiting for runtime {self.runtime.label} to be ready")
        done = f"was {self.entry.action} and" if self.entry.written else "still"
        self._end(MstrError(f"{error.sentence}. The runtime {done} exists on the server", **error.error))


def _error_of(runtime: Runtime) -> MstrError | None:
    failed = [package for package in _packages(runtime) if status_word(package.status) in _FAILED]
    if failed:
        reasons = [
            f'(server: "{clean(package.message)}")' if package.message else "(no reason given)" for package in failed
        ]
        if len(failed) == 1:
            name = clean(failed[0].name)
            return MstrError(f"Runtime {runtime.label}: package {name} could not be installed {reasons[0]}")
        listed = ", ".join(f"{clean(package.name)} {reason}" for package, reason in zip(failed, reasons))
        return MstrError(f"Runtime {runtime.label}: {len(failed)} packages could not be installed: {listed}")
    if _statuses(runtime)[0] == "error":
        return MstrError(f"Runtime {runtime.label} is in error: {_state(runtime)}")
    return None


def _statuses(runtime: Runtime) -> tuple[str, set[str]]:
    """The status of the runtime, and those of its packages."""
    return status_word(runtime.facts.get("status")), {status_word(package.status) for package in _packages(runtime)}


def _is_ready(runtime: Runtime, written: bool) -> bool:
    """Whether the server reports the runtime as ready. After a write, every package must also have a known status."""
    status, packages = _statuses(runtime)
    return status == "ready" and packages <= ({"installed"} if written else {"installed", "unknown"})


def _is_unclear(runtime: Runtime) -> bool:
    """Whether some statuses are unknown and the others do not contradict that the runtime is ready."""
    status, packages = _statuses(runtime)
    if status == "ready":
        return packages <= {"installed", "unknown"}
    return status == "unknown" and packages <= {"installed"}


def _packages(runtime: Runtime) -> Sequence[Any]:
    return runtime.values.get("packages") or ()


def _state(runtime: Runtime) -> str:
    packages = [f"{clean(package.name)} {clean(package.status or 'without status')}" for package in _packages(runtime)]
    status = clean(runtime.facts.get("status") or "not reported")
    return f"status {status}, packages: {', '.join(packages) or 'none'}"
