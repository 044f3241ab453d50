"""The probe leaves nothing on the server after a fault at any of its requests, or its message names what is left."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from simulator.harness import Simulator
from support.modules import Done, Running, credentials, send_signal
from support.waiting import wait_until

from probe.probing import MovedClock, Settings, probed
from probe.test_answers import wrong_answers

# Faults of a request. After those of LOST, nobody knows whether the server has done the work.
LOST: dict[str, dict[str, Any]] = {
    "closed, done": {"kind": "close_after"},
    "closed, not done": {"kind": "close_before"},
    "page 502, done": {"kind": "html", "status": 502, "work": "before"},
    "page 504, not done": {"kind": "html", "status": 504},
    "page with a yes, done": {"kind": "html", "status": 200, "work": "before"},
}
FAULTS = LOST | {
    "error 500, done": {"kind": "error", "status": 500, "work": "before"},
    "error 500, not done": {"kind": "error", "status": 500},
    "error 400": {"kind": "error", "status": 400, "number": 6},
    "error 403": {"kind": "error", "status": 403, "number": 17},
    "too many": {"kind": "unavailable", "status": 429, "retry_after": 1},
    "the session dies": {"kind": "session_killed"},
}
# For a module in real time: packages are installed at once, so that the probe does not wait.
OPTIONS: dict[str, Any] = {"wait_timeout": 5}
SWITCHES = {"package_delay": 2, "load_balancer_cookie": "rotate"}


def calls_of_a_probe(sim: Simulator, writes_only: bool) -> list[tuple[int, str]]:
    """The requests of a probe without faults, with their numbers."""
    sim.reset("newest", **SWITCHES)
    assert not probed(sim).failure
    return [(at, call) for at, call in enumerate(sim.calls()) if not (writes_only and call.startswith("GET "))]


def leaves_nothing(sim: Simulator) -> bool:
    return (sim.runtimes(), sim.open_sessions()) == ([], [])


@pytest.mark.parametrize("how", FAULTS)
def test_fault_at_each_request(sim: Simulator, how: str) -> None:
    """A lost response makes no answer wrong, either."""
    for at, call in calls_of_a_probe(sim, how.endswith(", done")):
        what = f"{how} at {call} ({at})"
        sim.reset("newest", **SWITCHES)
        sim.fault(**FAULTS[how], skip=at, operation="any")
        done = probed(sim)
        assert sim.runtimes() == [], f"{what}: {done.message}"
        if sim.open_sessions() and "Could not log in to" not in done.message:
            assert "stays open" in done.message, f"{what}: {sim.open_sessions()} {done.message}"
        if how in LOST and not done.failure:
            assert wrong_answers(done, sim) == {}, what


@contextmanager
def terminated(sim: Simulator, stop: MovedClock) -> Iterator[None]:
    """Send SIGTERM to this process as soon as the fault holds a request, which then goes on."""

    def watch() -> None:
        wait_until(lambda: is_affected(sim), "a request is affected")
        os.kill(os.getpid(), signal.SIGTERM)
        wait_until(lambda: stop.reason, "the signal is handled")
        sim.release()

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    thread = Thread(target=watch)
    stop.install()
    thread.start()
    try:
        yield
        thread.join()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def is_affected(sim: Simulator) -> bool:
    return any(request["fault"] == "struck" for request in sim.requests())


@pytest.mark.parametrize("when", ["before", "after"])
def test_signal_at_each_request(sim: Simulator, when: str) -> None:
    """The signal arrives during each request, before and after the server has done its work."""
    for at, call in calls_of_a_probe(sim, when == "after"):
        what = f"{when} {call} ({at})"
        sim.reset("newest", **SWITCHES)
        sim.fault("held", when=when, skip=at, operation="any", name="struck")
        stop = MovedClock(sim)
        with terminated(sim, stop):
            done = probed(sim, stop=stop)
        assert leaves_nothing(sim), f"{what}: {done.message}"
        # A signal does not stop the last logouts.
        assert "Stopped by signal SIGTERM" in done.failure or call.endswith("logout"), what


def signalled(sim: Simulator, number: signal.Signals = signal.SIGTERM, scripts: bool = False, **fault: Any) -> Done:
    """A module that gets a signal during the request that the fault holds."""
    sim.fault("held", name="struck", **fault)
    running = Running("mstr_probe", {**OPTIONS, "scripts": scripts, **credentials(sim)})
    running.wait_until(lambda: is_affected(sim), "the request is under way")
    send_signal(running.process, number)
    sim.release()
    done = running.done()
    assert f"Stopped by signal {number.name}" in done.sentence
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_to_the_module(sim: Simulator, number: signal.Signals, when: str) -> None:
    sim.reset("newest")
    done = signalled(sim, number, when=when, skip=1, operation="create")
    assert "Nothing of the probe is left on the server." in done.sentence
    assert leaves_nothing(sim)


def test_runtimes_of_earlier_probe(sim: Simulator) -> None:
    """After a signal they are deleted, and without a list they are not forgotten silently."""
    sim.reset("newest")
    sim.seed({"name": "mstr-library-probe-0badcafe-b"})
    sim.fault("error", operation="list", status=403, number=17)
    done = probed(sim, Settings(cleanup=True))
    assert "Runtimes of an earlier probe were not looked for: " in done.message
    sim.fault("held", operation="create", name="struck")
    stop = MovedClock(sim)
    with terminated(sim, stop):
        done = probed(sim, Settings(cleanup=True), stop=stop)
    assert "Stopped by signal SIGTERM" in done.failure
    assert sim.runtimes() == []


@pytest.mark.parametrize("create", range(3))
def test_create_done_late(sim: Simulator, create: int) -> None:
    """A proxy gives up at once, and the server continues. The test takes real time, because the server's work does."""
    sim.reset("newest")
    sim.fault("late_work", after=1.5, skip=create, operation="create")
    done = Running("mstr_probe", OPTIONS | credentials(sim)).done()
    assert done.status == 0, done.stdout
    assert leaves_nothing(sim)


def test_create_that_is_not_found_is_named(sim: Simulator) -> None:
    sim.reset("newest")
    sim.fault("late_work", after=60, operation="create")
    message = probed(sim).message
    assert re.search("The runtime 'mstr-library-probe-.* may be left on the server: .* cleanup: true", message)


def test_runtime_not_deleted_is_named(sim: Simulator) -> None:
    sim.reset("newest")
    sim.fault("error", operation="delete", times=None, status=403, number=17)
    done = probed(sim)
    names = [runtime["name"] for runtime in sim.runtimes()]
    assert len(names) == 3
    assert all(f"'{name}'" in done.result["msg"] for name in names)
    sim.clear_faults()
    probed(sim, Settings(cleanup=True))
    assert sim.runtimes() == []


def test_signal_when_deletes_are_refused(sim: Simulator) -> None:
    sim.reset("newest")
    sim.fault("error", operation="delete", times=None, status=500)
    done = signalled(sim, operation="update")
    names = [runtime["name"] for runtime in sim.runtimes()]
    assert names
    assert [name for name in names if f"'{name}'" not in done.sentence] == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_signal_stops_script(sim: Simulator, when: str) -> None:
    sim.reset("newest", script_start_delay=3)
    signalled(sim, scripts=True, when=when, operation="run")
    assert leaves_nothing(sim)
    assert [evaluation for evaluation in sim.state()["evaluations"] if evaluation["status"] < 3] == []


@pytest.mark.parametrize("work", ["before", "none"])
@pytest.mark.parametrize("listed", [True, False])
def test_create_returns_id_of_another(sim: Simulator, work: str, listed: bool) -> None:
    """That one stays as it is, also if the list could not be read before."""
    sim.reset("newest")
    [identity] = sim.seed({"name": "Payroll", "description": "of the board"})
    before = sim.runtimes()
    if not listed:
        sim.fault("error", operation="list", status=500)
    sim.fault("json", operation="create", times=None, work=work, json={"id": identity})
    probed(sim)
    assert sim.runtimes() == before


@pytest.mark.parametrize("settings", [Settings(), Settings(check_mode=True), Settings(scripts=True)], ids=str)
def test_at_most_three_runtimes(sim: Simulator, settings: Settings) -> None:
    sim.reset("awkward")
    ids = sim.seed({"name": "Payroll"}, {"name": "mstr-library-probe"})
    probed(sim, settings)
    writes = [request for request in sim.requests(path="/runtimes") if request["method"] != "GET"]
    created = [write for write in writes if write["method"] == "POST" and write["status"] in (200, 201)]
    assert len(created) == (0 if settings.check_mode else 3)
    assert not [write for write in writes if any(identity in write["path"] for identity in ids)]
    assert sorted(runtime["id"] for runtime in sim.runtimes()) == sorted(ids)
