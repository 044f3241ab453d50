# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until runtimes are ready.

The wait continues during an outage of the server, and while the server
may still report a status from before a write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError, clean, unforeseen
from .._model.entry import Entry
from .._model.runtime import Runtime
from .._session.interrupt import Interrupted, all_side_by_side
from .._session.transport import is_outage
from .api import Context, RuntimeApi, counted

WAIT_OPTIONS: dict[str, Any] = {
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "wait_interval": {"type": "float", "default": 2.0},
}

# Some servers might report the status "unknown" until the first script runs (the public documentation does not say).
# After this many consecutive checks without a sign of a problem, the runtime counts as ready.
_CHECKS_UNTIL_READY = 3
# The first check after a write may still report an earlier failure.
_CHECKS_UNTIL_FAILED = 2
_GROWTH = 1.25
_LONGEST_INTERVAL = 5  # as a multiple of the first interval
_NAMES_IN_PROGRESS = 5
_UNKNOWN = (None, "unknown")


class Waiting(NamedTuple):
    """How long to wait, and the first pause between two checks, in seconds."""

    timeout: float
    interval: float


def waiting_from(params: Mapping[str, Any]) -> Waiting | None:
    """The wait options of a task; None if `wait` is false. Raises ValidationError for invalid numbers."""
    faults = [
        f"{option} must be more than 0 seconds, not {params[option]}"
        for option in ("wait_timeout", "wait_interval")
        if not 0 < params[option] < math.inf
    ]
    if faults:
        raise ValidationError(faults)
    return Waiting(params["wait_timeout"], params["wait_interval"]) if params["wait"] else None


def wait(context: Context, entries: Sequence[Entry], waiting: Waiting) -> list[Entry]:
    """Each entry with its runtime as last read, and an error if it is not ready.

    The timeout applies to all of them together. Deleted, absent, predicted and failed runtimes are not waited for.
    """
    watches = [_Watch.of(one) for one in entries]
    watched = [one for one in watches if one]
    try:
        _check_until_done(context, watched, waiting)
    except Interrupted as exc:
        for one in watched:
            if not one.done:
                one.error = exc.during(f"waiting for runtime {one.runtime.label} to be ready")
    return [
        entry._replace(runtime=watch.runtime, error=watch.error) if watch else entry
        for entry, watch in zip(entries, watches)
    ]


def _check_until_done(context: Context, watches: Sequence[_Watch], waiting: Waiting) -> None:
    """Check until every runtime is done, or the timeout is reached. Raises Interrupted."""
    timeout, interval = waiting
    end = context.clock() + timeout
    longest = interval * _LONGEST_INTERVAL
    pending = [one for one in watches if not one.done]
    while pending:
        left = end - context.clock()
        if left <= 0:
            for one in pending:
                one.error = one.timed_out(timeout)
            return
        context.progress(state_of_wait([one.runtime for one in pending], len(watches)))
        context.pause(min(interval, left))
        interval = min(interval * _GROWTH, longest)
        all_side_by_side(lambda one: one.check(context.api), pending, context.concurrency)
        pending = [one for one in pending if not one.done]


def state_of_wait(pending: Sequence[Runtime], total: int) -> str:
    """A line about a wait for `total` runtimes; `pending`: those that are not ready, as last read, at least one."""
    if len(pending) > 1:
        return counted(total - len(pending), total, "ready")
    [runtime] = pending
    packages = runtime.values.get("packages") or ()
    installing = [clean(one.name) for one in packages if one.status == "installing"]
    if not installing:
        return f"{clean(runtime.name)}: status {clean(runtime.facts.get('status') or 'not reported')}"
    names = ", ".join(installing[:_NAMES_IN_PROGRESS]) + (", …" if len(installing) > _NAMES_IN_PROGRESS else "")
    return f"{clean(runtime.name)}: installing {len(installing)} of {len(packages)} packages ({names})"


class _Watch:
    """A runtime to wait for, as last read.

    `done`: the wait is over; `error`: the reason, if the runtime is not ready.
    """

    def __init__(self, runtime: Runtime, written: bool) -> None:
        self._written = written
        self._checks = self._unclear_checks = 0
        self._outage: MstrError | None = None  # why the last check failed
        self.done = False
        self.error: MstrError | None = None
        self._record(runtime)

    @classmethod
    def of(cls, entry: Entry) -> _Watch | None:
        """The watch for an entry; None if there is nothing to wait for."""
        if entry.runtime is None or entry.action == "deleted" or entry.predicted or entry.error:
            return None
        return cls(entry.runtime, written=entry.to_verify)

    def check(self, api: RuntimeApi) -> None:
        """Read the runtime again. Raises only Interrupted."""
        try:
            seen = api.get(str(self.runtime.id), repr(self.runtime.name), polling=True)
        except Interrupted:
            raise
        except MstrError as exc:
            self._unclear_checks = 0
            self._outage = exc
            if not is_outage(exc):
                self._end(exc)
        except Exception as exc:
            self._end(unforeseen(exc))
        else:
            self._outage = None
            if seen is None:
                self._end(MstrError(f"Runtime {self.runtime.label} was deleted while the task waited for it"))
            else:
                self._record(seen)

    def _end(self, error: MstrError | None) -> None:
        self.done, self.error = True, error

    def _record(self, runtime: Runtime) -> None:
        """Record the result of a check."""
        self.runtime = runtime
        self._checks += 1
        self._unclear_checks = self._unclear_checks + 1 if _is_unclear(runtime) else 0
        failure = _error_of(runtime, self.runtime.label)
        if failure:
            if not self._written or self._checks >= _CHECKS_UNTIL_FAILED:
                self._end(failure)
        elif _is_ready(runtime, self._written) or self._unclear_checks >= _CHECKS_UNTIL_READY:
            self._end(None)

    def timed_out(self, timeout: float) -> MstrError:
        """The error for a runtime that is not ready after `timeout` seconds."""
        last = f"The last check failed: {self._outage.sentence}" if self._outage else _advice(self.runtime)
        error = self._outage.error if self._outage else {}
        return MstrError(
            f"Runtime {self.runtime.label} is not ready after {timeout:g} seconds: {_state(self.runtime)}. {last}",
            **error,
        )


def _error_of(runtime: Runtime, label: str) -> MstrError | None:
    failed = [package for package in _packages(runtime) if package.status == "not_installed"]
    if failed:
        reasons = [f'(server: "{clean(one.message)}")' if one.message else "(no reason given)" for one in failed]
        if len(failed) == 1:
            return MstrError(f"Runtime {label}: package {clean(failed[0].name)} could not be installed {reasons[0]}")
        listed = ", ".join(f"{clean(one.name)} {reason}" for one, reason in zip(failed, reasons))
        return MstrError(f"Runtime {label}: {len(failed)} packages could not be installed: {listed}")
    if runtime.facts.get("status") == "error":
        return MstrError(f"Runtime {label} is in error: {_state(runtime)}")
    return None


def _is_ready(runtime: Runtime, written: bool) -> bool:
    """Whether the server reports the runtime as ready. After a write, every package must also have a known status."""
    unproven = ("installing", *_UNKNOWN) if written else ("installing",)
    return runtime.facts.get("status") == "ready" and all(one.status not in unproven for one in _packages(runtime))


def _is_unclear(runtime: Runtime) -> bool:
    """Whether some statuses are unknown and the others do not contradict that the runtime is ready."""
    statuses = {one.status for one in _packages(runtime)}
    if runtime.facts.get("status") == "ready":
        return statuses <= {"installed", *_UNKNOWN}
    return runtime.facts.get("status") in _UNKNOWN and statuses <= {"installed"}


def _packages(runtime: Runtime) -> Sequence[Any]:
    return runtime.values.get("packages") or ()


def _state(runtime: Runtime) -> str:
    packages = [f"{clean(one.name)} {clean(one.status or 'without status')}" for one in _packages(runtime)]
    status = clean(runtime.facts.get("status") or "not reported")
    return f"status {status}, packages: {', '.join(packages) or 'none'}"


def _advice(runtime: Runtime) -> str:
    statuses = {one.status for one in _packages(runtime)} | {runtime.facts.get("status")}
    if statuses <= set(_UNKNOWN):
        return (
            "The server has not reported a status; some servers report one only after a script has run there. "
            "Run one with mstr_script_run."
        )
    return "The server is still working on it: raise wait_timeout, or check the packages."
