"""Runs a probe in this process. Pauses take no time: they move the clocks of the probe and of the simulator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._probe.base import ProbeRun, Settings
from ansible_collections.mstr.library.plugins.module_utils._probe.probe import probe
from ansible_collections.mstr.library.plugins.module_utils._session.connection import connection_from
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Stop
from ansible_collections.mstr.library.plugins.module_utils._session.session import Session
from simulator.harness import Simulator
from support.modules import credentials


class MovedClock(Stop):
    """Moves the clocks in a pause, which takes no time. Only while a script runs, a pause takes real time.

    Nothing else moves them, except on a server with a latency, where an answer is how long calls take.
    """

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        self._sim, self._ahead = sim, 0.0
        self._real = sim.switch()["latency_ms"] > 0
        if not self._real:
            sim.stop_clock()

    def pause(self, seconds: float, woken: object = None) -> None:
        self.check()
        if any(evaluation["running"] or evaluation["status"] < 3 for evaluation in self._sim.state()["evaluations"]):
            time.sleep(0.02)
            return
        self._ahead += seconds
        self._sim.turn_clock(seconds)

    def clock(self) -> float:
        return time.monotonic() * self._real + self._ahead


@dataclass(frozen=True)
class Probed:
    """The outcome of a probe. `failure` is the message of a failed probe, which has no result."""

    result: Mapping[str, Any]
    warnings: list[str]
    failure: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """The answers, by switch."""
        return {answer["switch"]: answer["value"] for answer in self.result["answers"]}

    @property
    def evidence(self) -> dict[str, str]:
        return {answer["switch"]: answer["evidence"] for answer in self.result["answers"]}

    @property
    def message(self) -> str:
        """All texts that a user reads."""
        return " ".join([self.failure or self.result["msg"], *self.warnings])


def probed(sim: Simulator, settings: Settings | None = None, stop: MovedClock | None = None, **options: Any) -> Probed:
    """Run a probe as the standard user, or with different connection `options`."""
    stop, warnings = stop or MovedClock(sim), list[str]()
    session = Session(connection_from({**credentials(sim), **options}), stop, warnings.append)
    try:
        result = probe(ProbeRun(session, settings or Settings(), stop, stop.clock, warnings.append))
    except MstrError as exc:
        return Probed({}, warnings, exc.sentence)
    finally:
        session.log_out()
    return Probed(result, warnings)
