# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until runtimes are ready.

The caller passes in the clock and the pause. The wait continues during an outage of the server, and while the server
may still report a status from before a write.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, PartialError, ValidationError, clean, unforeseen
from .._model.runtime import Runtime
from .._session.interrupt import Interrupted, all_side_by_side
from .._session.transport import is_outage
from .api import RuntimeApi
from .outcome import Outcome
from .progress_texts import waiting as waiting_text

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


class Waiter:
    """Waits for runtimes, with up to `concurrency` parallel requests.

    `clock` returns monotonic seconds, `pause` sleeps, `progress` gets a line of text before each round of checks.
    """

    def __init__(
        self,
        api: RuntimeApi,
        waiting: Waiting,
        clock: Callable[[], float],
        pause: Callable[[float], None],
        concurrency: int = 1,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._progress = progress
        self._api, self._waiting, self._clock, self._pause = api, waiting, clock, pause
        self._concurrency = concurrency

    def wait_for(self, outcome: Outcome) -> Outcome:
        """The outcome once its runtime is ready. Raises PartialError if it does not become ready."""
        ((outcome, failure),) = self.wait([outcome])
        if failure:
            raise failure
        return outcome

    def wait(self, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, PartialError | None]]:
        """Each outcome with its runtime as last read, and the error if it is not ready.

        The timeout applies to all of them together. Deleted, absent and predicted runtimes are not waited for.
        """
        watches = [_Watch.of(one) for one in outcomes]
        watched = [one for one in watches if one]
        try:
            self._check_until_done(watched)
        except Interrupted as exc:
            for one in watched:
                if not one.done:
                    one.error = MstrError(f"{exc.sentence} while waiting for runtime {one.label} to be ready")
        return [
            _ended(outcome._replace(runtime=watch.runtime), watch.error) if watch else (outcome, None)
            for outcome, watch in zip(outcomes, watches)
        ]

    def _check_until_done(self, watches: Sequence[_Watch]) -> None:
        """Check until every runtime is done, or the timeout is reached. Raises Interrupted."""
        timeout, interval = self._waiting
        end = self._clock() + timeout
        longest = interval * _LONGEST_INTERVAL
        pending = [one for one in watches if not one.done]
        while pending:
            left = end - self._clock()
            if left <= 0:
                for one in pending:
                    one.error = one.timed_out(timeout)
                return
            self._progress(waiting_text([one.runtime for one in pending], len(watches)))
            self._pause(min(interval, left))
            interval = min(interval * _GROWTH, longest)
            all_side_by_side(lambda one: one.check(self._api), pending, self._concurrency)
            pending = [one for one in pending if not one.done]


def _ended(outcome: Outcome, error: MstrError | None) -> tuple[Outcome, PartialError | None]:
    return outcome, PartialError(error, outcome.to_result()) if error else None


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
    def of(cls, outcome: Outcome) -> _Watch | None:
        """The watch for an outcome; None if there is nothing to wait for."""
        if outcome.runtime is None or outcome.action == "deleted" or outcome.predicted:
            return None
        return cls(outcome.runtime, written=outcome.to_verify)

    @property
    def label(self) -> str:
        """How messages name the runtime."""
        return f"{self.runtime.name!r} ({self.runtime.id})"

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
                self._end(MstrError(f"Runtime {self.label} was deleted while the task waited for it"))
            else:
                self._record(seen)

    def _end(self, error: MstrError | None) -> None:
        self.done, self.error = True, error

    def _record(self, runtime: Runtime) -> None:
        """Record the result of a check."""
        self.runtime = runtime
        self._checks += 1
        self._unclear_checks = self._unclear_checks + 1 if _is_unclear(runtime) else 0
        failure = _error_of(runtime, self.label)
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
            f"Runtime {self.label} is not ready after {timeout:g} seconds: {_state(self.runtime)}. {last}", **error
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
