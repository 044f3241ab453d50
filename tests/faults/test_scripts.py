"""A signal during a script: the module stops the script on the server and logs out."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from simulator.harness import Simulator
from support.modules import Running, credentials, send_signal, wait_for_call
from support.waiting import wait_until

ENDLESS = "print('started', flush=True)\nimport time\ntime.sleep(1000)"
ENOUGH_S = 25.0  # a call that hangs ends after 30 seconds by itself


def evaluations(sim: Simulator) -> list[dict[str, Any]]:
    return list(sim.state()["evaluations"])


def calls_but_polls(sim: Simulator) -> list[str]:
    """The calls on the server, without the polls for the script's result."""
    return [call.split("/evaluation")[0] for call in sim.calls() if not call.startswith("GET /scripts")]


STOPPED = "It was stopped on the server."
MOMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "poll": ({"kind": "hang", "operation": "result"}, f"while the script ran on the default runtime. {STOPPED}"),
    "start": (
        {"kind": "held", "operation": "run"},
        f"while the script was being started on the default runtime. {STOPPED}",
    ),
    "start that hangs": ({"kind": "hang", "operation": "run"}, "the script may be running on the server"),
    "login": ({"kind": "held", "operation": "login"}, "It was not started."),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_signal_during_each_call(sim: Simulator, moment: str) -> None:
    fault, words = MOMENTS[moment]
    sim.fault(**fault)
    running = Running("mstr_script_run", {**credentials(sim), "code": ENDLESS})
    wait_for_call(sim, fault["operation"], running)
    send_signal(running.process, signal.SIGTERM)
    sim.release()
    done = running.done()
    assert "Stopped by signal SIGTERM" in done.sentence
    assert words in done.sentence
    assert done.seconds < ENOUGH_S
    # A script that the server has killed ends a little later.
    wait_until(lambda: all(not e["running"] and e["status"] == 6 for e in evaluations(sim)), "the script has ended")
    stopped = ["POST /scripts", "DELETE /scripts"] if STOPPED in words else []
    assert moment == "start that hangs" or calls_but_polls(sim) == ["POST /auth/login", *stopped, "POST /auth/logout"]
    assert sim.open_sessions() == []
