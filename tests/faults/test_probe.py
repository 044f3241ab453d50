"""The record of a server, and what a probe leaves on it, after a fault at any of its calls."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._probe.probe import Probe, probe
from ansible_collections.mstr.library.plugins.module_utils._session.connection import connection_from
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Stop
from ansible_collections.mstr.library.plugins.module_utils._session.session import Session
from simulator.harness import Simulator
from support.modules import Running, credentials, send_signal
from support.waiting import wait_until

FAULTS: dict[str, dict[str, Any]] = {
    "closed, done": {"kind": "close", "done": True},
    "page 200, done": {"kind": "html", "status": 200, "done": True},
    "error 403": {"kind": "error", "status": 403, "number": 17},
    "the session dies": {"kind": "session_killed"},
}
NOTHING = "Nothing of the probe is left on the server."


class MovedClock(Stop):
    """Moves the clocks of the probe and of the simulator in a pause, which takes no time."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__()
        self._sim, self.now = sim, 0.0
        sim.stop_clock()

    def pause(self, seconds: float, woken: object = None) -> None:
        self.check()
        self.now += seconds
        self._sim.turn_clock(seconds)


@dataclass(frozen=True)
class Probed:
    """The outcome of a probe. `failure`: the message of a failed one, which has no result."""

    result: Mapping[str, Any]
    warnings: list[str]
    failure: str = ""

    @property
    def calls(self) -> list[str]:
        record = self.result["record"]["calls"]
        return [f"{call['method']} {call['path'].removeprefix('/api')} {call['status']}" for call in record]

    @property
    def texts(self) -> str:
        """All texts that a user reads."""
        return " ".join([self.failure or self.result["msg"], *self.warnings])


def probed(sim: Simulator, stop: MovedClock | None = None, check_mode: bool = False, **options: Any) -> Probed:
    stop, warnings = stop or MovedClock(sim), list[str]()
    session = Session(connection_from({**credentials(sim), **options}), stop, warnings.append)
    try:
        result = probe(Probe(session, stop, lambda: stop.now), check_mode, warnings.append)
    except MstrError as exc:
        return Probed({}, warnings, exc.sentence)
    finally:
        session.log_out()
    return Probed(result, warnings)


RECORDED = [
    "POST /auth/login 204",
    "GET /status 200",
    "GET /openapi.json 404",
    "GET /runtimes/versions 200",
    "GET /runtimes 200",
    "GET /runtimes/{id} 200",
    "GET /projects 200",
    "POST /v2/metadataSearches/results 200",
    "GET /metadataSearches/results 200",
    "POST /metadataSearches/results 200",
    "GET /metadataSearches/results 200",
    "GET /tasks 200",
    "GET /scripts 200",
    "GET /scripts/history 200",
    "POST /runtimes 201",
    "GET /runtimes 200",
    "GET /runtimes/{id} 200",
    "PATCH /runtimes/{id} 204",
    "GET /runtimes/{id} 200",
    "GET /objects/{id} 200",
    "PUT /objects/{id} 200",
    "POST /runtimes 409",
    "GET /runtimes/{id} 200",
    "GET /runtimes 200",
    "DELETE /runtimes/{id} 204",
    "GET /runtimes 200",
]


def calls_without_faults(sim: Simulator) -> list[str]:
    sim.reset("newest", package_delay=2)
    probed(sim)
    return sim.calls()


def test_sequence_of_calls(sim: Simulator) -> None:
    sim.seed(projects=[{"name": "MicroStrategy Tutorial", "scripts": [{"name": "Load", "code": "secret()"}]}])
    done = probed(sim)
    assert done.calls == RECORDED
    assert done.result["msg"] == "Recorded 26 calls."
    [created] = [call["body"] for call in done.result["record"]["calls"][16:17]]
    assert (created["whitelist"], created["packages"][0]["status"]) == (["<cidr>"], "installed")
    assert (sim.runtimes(), sim.open_sessions(), done.warnings) == ([], [], [])


def test_schema_of_the_server(sim: Simulator) -> None:
    """Not as the body of its call, which would have servers and prose."""
    operation = {"summary": "Get runtimes of prod.example.com", "responses": {"200": {"description": "all"}}}
    document = {"servers": [{"url": "https://prod.example.com"}], "paths": {"/api/runtimes": {"get": operation}}}
    sim.fault("answer", operation="any", skip=2, status=200, json=document)
    record = probed(sim, check_mode=True).result["record"]
    assert record["schema"] == {"paths": {"/api/runtimes": {"get": {"responses": {"200": {}}}}}, "components": {}}
    assert (record["calls"][2]["path"], record["calls"][2]["body"]) == ("/api/openapi.json", None)


def test_check_mode_only_reads(sim: Simulator) -> None:
    assert probed(sim, check_mode=True).calls == [*RECORDED[:11], "GET /tasks 200"]
    assert sim.runtimes() == []


def test_at_most_two_runtimes_and_one_minute(sim: Simulator) -> None:
    """A server that allows several runtimes of a name, and packages that are never installed."""
    sim.reset("newest", duplicate_names="allow", package_delay=10_000)
    sim.seed({"name": "mstr-library-probe-of-somebody"})
    stop = MovedClock(sim)
    done = probed(sim, stop)
    assert (done.calls.count("POST /runtimes 201"), done.calls.count("DELETE /runtimes/{id} 204")) == (2, 2)
    assert 60 <= stop.now < 75
    assert [runtime["name"] for runtime in sim.runtimes()] == ["mstr-library-probe-of-somebody"]


def test_nothing_private_is_recorded(sim: Simulator) -> None:
    sim.reset("awkward", default_name="Finance Python")
    sim.seed({"name": "Payroll of the board", "description": "secret plan", "whitelist": ["payroll.example.com"]})
    sim.fault("error", operation="update", message="Refused: {secrets}")
    text = json.dumps(probed(sim).result)
    private = ["Payroll", "secret plan", "payroll", "Finance", "127.0.0.1", "mstr-library", "dministrator"]
    private += sim.secrets()
    private += [runtime["id"] for runtime in sim.runtimes(default=True)]
    assert [word for word in private if word in text] == []


@pytest.mark.parametrize("how", FAULTS)
def test_fault_at_each_call(sim: Simulator, how: str) -> None:
    """Nothing is left, or a message names it."""
    for at, call in enumerate(calls_without_faults(sim)):
        sim.reset("newest", package_delay=2)
        sim.fault(**FAULTS[how], skip=at, operation="any")
        done = probed(sim)
        assert sim.runtimes() == [], f"{how} at {call} ({at}): {done.texts}"
        # Whether a second runtime of the same name was created, no list can disprove.
        assert "mstr-library-probe" not in done.texts or call == "POST /runtimes", f"{how} at {call} ({at})"


def test_signal_at_each_call(sim: Simulator) -> None:
    """It arrives during each request, after the server has done its work."""
    for at, call in enumerate(calls_without_faults(sim)[:-1]):
        sim.reset("newest", package_delay=2)
        sim.fault("held", skip=at)
        stop = MovedClock(sim)

        def watch(stop: MovedClock = stop) -> None:
            wait_until(lambda: sim.faults()[0]["hits"], "a request is held")
            os.kill(os.getpid(), signal.SIGTERM)
            wait_until(lambda: stop.reason, "the signal is handled")
            sim.release()

        stop.install()
        thread = Thread(target=watch)
        thread.start()
        done = probed(sim, stop)
        thread.join()
        for number, handler in stop.previous_handlers.items():
            signal.signal(number, handler)
        assert (sim.runtimes(), sim.open_sessions()) == ([], []), f"{call} ({at}): {done.texts}"
        assert "Stopped by signal SIGTERM while the server was recorded" in done.failure, f"{call} ({at})"
        assert NOTHING in done.failure, f"{call} ({at})"


def test_signal_to_the_module(sim: Simulator) -> None:
    sim.fault("held", operation="create")
    running = Running("mstr_probe", credentials(sim))
    running.wait_until(lambda: sim.faults()[0]["hits"], "the create is under way")
    send_signal(running.process, signal.SIGTERM)
    sim.release()
    done = running.done()
    assert NOTHING in done.sentence
    assert (sim.runtimes(), sim.open_sessions()) == ([], [])


def test_runtime_that_cannot_be_deleted_is_named(sim: Simulator) -> None:
    sim.fault("error", operation="delete", times=None, status=403, number=17)
    [warning] = probed(sim).warnings
    [left] = sim.runtimes()
    assert f"The runtime '{left['name']}' ({left['id']}) is left on the server." in warning
    sim.clear_faults()
    [warning] = probed(sim).warnings
    assert f"Runtimes of an earlier probe are on the server: '{left['name']}' ({left['id']})." in warning
    assert [runtime["id"] for runtime in sim.runtimes()] == [left["id"]]
