# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait until a runtime is ready.

Floor 3. The clock and the pause are handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ._api import RuntimeApi
from ._apply import Outcome
from ._errors import MstrError, PartialError, ValidationError, clean
from ._interrupt import Interrupted
from ._runtime import Runtime

# Some servers may leave the status at "unknown" until the first script runs (nothing public says that none does).
# So many looks in a row at "unknown" with every package installed count as ready.
_UNKNOWN_LOOKS = 3
_GROWTH = 1.25
_LONGEST_INTERVAL = 5  # times the first


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
    if outcome.runtime is None or outcome.action == "deleted":
        return outcome
    try:
        return outcome._replace(runtime=until_ready(api, outcome.runtime, waiting, clock, pause))
    except NotReady as exc:
        raise PartialError(exc, outcome._replace(runtime=exc.runtime).to_result()) from None
    except Interrupted as exc:
        cause = MstrError(f"{exc.sentence} while waiting until the runtime {_named(outcome.runtime)} is ready")
        raise PartialError(cause, outcome.to_result()) from exc
    except MstrError as exc:
        raise PartialError(exc, outcome.to_result()) from exc


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
    end = clock() + waiting.timeout
    interval, settled = waiting.interval, 0
    while True:
        _raise_if_failed(runtime)
        settled = settled + 1 if _settled(runtime) else 0
        if _ready(runtime) or settled >= _UNKNOWN_LOOKS:
            return runtime
        left = end - clock()
        if left <= 0:
            raise NotReady(
                f"The runtime {_named(runtime)} is not ready after {waiting.timeout:g} seconds: {_state(runtime)}. "
                f"{_advice(runtime)}",
                runtime,
            )
        pause(min(interval, left))
        interval = min(interval * _GROWTH, waiting.interval * _LONGEST_INTERVAL)
        seen = api.get(str(runtime.id), repr(runtime.name))
        if seen is None:
            raise NotReady(f"The runtime {_named(runtime)} was deleted while waiting", runtime)
        runtime = seen


def _raise_if_failed(runtime: Runtime) -> None:
    failed = [package for package in runtime.values.get("packages") or () if package.status == "not_installed"]
    if failed:
        told = [f"{clean(one.name)} ({clean(one.message or 'the server gives no reason')})" for one in failed]
        raise NotReady(f"The runtime {_named(runtime)} lacks packages: {'; '.join(told)}", runtime)
    if runtime.facts.get("status") == "error":
        raise NotReady(f"The runtime {_named(runtime)} is in error: {_state(runtime)}", runtime)


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
