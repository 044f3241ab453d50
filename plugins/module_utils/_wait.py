# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait until runtimes are ready.

Wing: Work.
The clock and the pause are handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ._api import RuntimeApi
from ._errors import MstrError, PartialError, ValidationError, clean
from ._interrupt import Interrupted, all_side_by_side
from ._outcome import Outcome
from ._runtime import Runtime

# Some servers may leave the status at "unknown" until the first script runs (nothing public says that none does).
# So many looks in a row at "unknown" with every package installed count as ready.
_UNKNOWN_LOOKS = 3
_GROWTH = 1.25
_LONGEST_INTERVAL = 5  # times the first

WAIT_OPTIONS: dict[str, Any] = {
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "wait_interval": {"type": "float", "default": 2.0},
}


class NotReady(MstrError):
    """A runtime that is in error, or not ready in time. Carries the runtime as last seen."""

    def __init__(self, sentence: str, runtime: Runtime) -> None:
        super().__init__(sentence)
        self.runtime = runtime


class Waiting(NamedTuple):
    """How long to wait and how often to look, in seconds."""

    timeout: float
    interval: float


def waiting_from(params: Mapping[str, Any]) -> Waiting | None:
    """How a task's options want to wait, None where they do not. Raises ValidationError."""
    faults = [
        f"{option} {params[option]} is out of range; it is more than 0 seconds"
        for option in ("wait_timeout", "wait_interval")
        if not 0 < params[option] < math.inf
    ]
    if faults:
        raise ValidationError(faults)
    return Waiting(params["wait_timeout"], params["wait_interval"]) if params["wait"] else None


def wait_for(
    outcome: Outcome,
    api: RuntimeApi,
    waiting: Waiting,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> Outcome:
    """The outcome once its runtime is ready. Raises PartialError: the runtime exists, ready or not.

    `clock` tells seconds that only grow, `pause` sleeps.
    """
    ((outcome, failure),) = wait_for_all([outcome], api, waiting, clock, pause, 1)
    if failure:
        raise failure
    return outcome


def wait_for_all(
    outcomes: Sequence[Outcome],
    api: RuntimeApi,
    waiting: Waiting,
    clock: Callable[[], float],
    pause: Callable[[float], None],
    workers: int,
) -> list[tuple[Outcome, PartialError | None]]:
    """Each outcome with its runtime as last seen, and why that is not ready where it is not.

    One clock runs for all of them, and they are looked at in rounds, `workers` at a time.
    """
    watches = [None if one.runtime is None or one.action == "deleted" else _Watch(one.runtime) for one in outcomes]
    watched = [one for one in watches if one]
    try:
        _watch(watched, lambda some: all_side_by_side(lambda one: one.look(api), some, workers), waiting, clock, pause)
    except Interrupted as exc:
        for one in watched:
            one.error = one.error or (None if one.done else exc)
    return [
        (outcome, None) if watch is None else _ended(outcome._replace(runtime=watch.runtime), watch.error)
        for outcome, watch in zip(outcomes, watches)
    ]


def _ended(outcome: Outcome, error: MstrError | None) -> tuple[Outcome, PartialError | None]:
    if error is None:
        return outcome, None
    if isinstance(error, Interrupted) and outcome.runtime:
        error = MstrError(f"{error.sentence} while waiting until the runtime {_named(outcome.runtime)} is ready")
    return outcome, PartialError(error, outcome.to_result())


def until_ready(
    api: RuntimeApi,
    runtime: Runtime,
    waiting: Waiting,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> Runtime:
    """The runtime as soon as it is ready: one GET a look, none where it is ready already.

    Raises NotReady; ApiError and ConnectError where the server cannot be asked.
    """
    watch = _Watch(runtime)
    _watch([watch], lambda some: some[0].look(api), waiting, clock, pause)
    if watch.error:
        raise watch.error
    return watch.runtime


class _Watch:
    """A runtime that is waited for, as last seen. `error`: why it is waited for no longer, though it is not ready."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.error: MstrError | None = None
        self._settled = 0
        self.done = False

    def goes_on(self) -> bool:
        """Whether there is something left to wait for. To be asked once after each look."""
        if self.error is None:
            self.error = _failure(self.runtime)
        self._settled = self._settled + 1 if _settled(self.runtime) else 0
        self.done = bool(self.error) or _ready(self.runtime) or self._settled >= _UNKNOWN_LOOKS
        return not self.done

    def look(self, api: RuntimeApi) -> None:
        """Read the runtime again."""
        try:
            seen = api.get(str(self.runtime.id), repr(self.runtime.name))
        except MstrError as exc:
            self.error = exc
            return
        if seen is None:
            self.error = NotReady(f"The runtime {_named(self.runtime)} was deleted while waiting", self.runtime)
        else:
            self.runtime = seen


def _watch(
    watches: Sequence[_Watch],
    look: Callable[[Sequence[_Watch]], object],
    waiting: Waiting,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> None:
    """Look until nothing is left to wait for, or the time is over. Raises Interrupted."""
    end, interval = clock() + waiting.timeout, waiting.interval
    pending = [one for one in watches if one.goes_on()]
    while pending:
        left = end - clock()
        if left <= 0:
            for one in pending:
                one.error = NotReady(
                    f"The runtime {_named(one.runtime)} is not ready after {waiting.timeout:g} seconds: "
                    f"{_state(one.runtime)}. {_advice(one.runtime)}",
                    one.runtime,
                )
            return
        pause(min(interval, left))
        interval = min(interval * _GROWTH, waiting.interval * _LONGEST_INTERVAL)
        look(pending)
        pending = [one for one in pending if one.goes_on()]


def _failure(runtime: Runtime) -> NotReady | None:
    failed = [package for package in runtime.values.get("packages") or () if package.status == "not_installed"]
    if failed:
        told = [f"{clean(one.name)} ({clean(one.message or 'the server gives no reason')})" for one in failed]
        return NotReady(f"The runtime {_named(runtime)} lacks packages: {'; '.join(told)}", runtime)
    if runtime.facts.get("status") == "error":
        return NotReady(f"The runtime {_named(runtime)} is in error: {_state(runtime)}", runtime)
    return None


def _ready(runtime: Runtime) -> bool:
    installing = any(package.status == "installing" for package in runtime.values.get("packages") or ())
    return runtime.facts.get("status") == "ready" and not installing


def _settled(runtime: Runtime) -> bool:
    packages = runtime.values.get("packages") or ()
    return runtime.facts.get("status") in (None, "unknown") and all(one.status == "installed" for one in packages)


def _named(runtime: Runtime) -> str:
    return f"{runtime.name!r} ({runtime.id})"


def _state(runtime: Runtime) -> str:
    packages = [
        f"{clean(one.name)} {clean(one.status or 'without status')}" for one in runtime.values.get("packages") or ()
    ]
    status = clean(runtime.facts.get("status") or "not told")
    return f"status {status}, packages: {', '.join(packages) or 'none'}"


def _advice(runtime: Runtime) -> str:
    told = {one.status for one in runtime.values.get("packages") or ()} | {runtime.facts.get("status")}
    if told <= {None, "unknown"}:
        return "The server tells nothing of it; it may do so once a script has run there."
    return "The server goes on; raise wait_timeout, or look at its packages."
