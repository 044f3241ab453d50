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


def script(sim: Simulator, **options: Any) -> Running:
    return Running("mstr_script_run", {**credentials(sim), "code": ENDLESS, **options})


def wait_until_it_runs(sim: Simulator, running: Running) -> None:
    """Wait until the script runs, and the module knows it."""
    running.wait_until(lambda: any(evaluation["running"] for evaluation in evaluations(sim)), "the script runs")
    running.wait_until(lambda: sim.requests("GET", "/scripts"), "the module polls")


def wait_until_it_is_stopped(sim: Simulator) -> None:
    """A script that the server has killed ends a little later."""
    wait_until(
        lambda: all(not entry["running"] and entry["status"] == 6 for entry in evaluations(sim)), "the script has ended"
    )


def calls_but_polls(sim: Simulator) -> list[str]:
    """The calls on the server, without the polls for the script's result."""
    return [call.split("/evaluation")[0] for call in sim.calls() if not call.startswith("GET /scripts")]


def test_signal_stops_script(sim: Simulator) -> None:
    running = script(sim)
    wait_until_it_runs(sim, running)
    running.process.send_signal(signal.SIGTERM)
    done = running.done()
    assert done.sentence == (
        "Stopped by signal SIGTERM while the script ran on the default runtime. It was stopped on the server."
    )
    assert done.result["status"] == "cancelled"
    assert done.result["evaluation_id"] == evaluations(sim)[0]["id"]
    wait_until_it_is_stopped(sim)
    assert calls_but_polls(sim) == ["POST /auth/login", "POST /scripts", "DELETE /scripts", "POST /auth/logout"]
    assert sim.open_sessions() == []


MOMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "poll": ({"kind": "hang", "operation": "result"}, "It was stopped on the server."),
    "start": (
        {"kind": "held", "operation": "run"},
        "Stopped by signal SIGTERM while the script was being started on the default runtime. It was stopped on the "
        "server.",
    ),
    "start that hangs": ({"kind": "hang", "operation": "run"}, "the script may be running on the server"),
    "login": ({"kind": "held", "operation": "login"}, "It was not started."),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_signal_during_each_call(sim: Simulator, moment: str) -> None:
    fault, words = MOMENTS[moment]
    sim.fault(**fault)
    running = script(sim)
    wait_for_call(sim, fault["operation"], running)
    send_signal(running.process, signal.SIGTERM)
    sim.release()
    done = running.done()
    assert words in done.sentence
    assert moment != "poll" or done.seconds < ENOUGH_S
    stopped = ["POST /scripts", "DELETE /scripts"] if "stopped on the server" in words else []
    if moment != "start that hangs":
        assert calls_but_polls(sim) == ["POST /auth/login", *stopped, "POST /auth/logout"]
    wait_until_it_is_stopped(sim)
    assert sim.open_sessions() == []
