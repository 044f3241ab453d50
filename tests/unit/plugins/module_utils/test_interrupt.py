from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session import interrupt
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted, Stop


@pytest.fixture
def stop(monkeypatch):
    monkeypatch.setattr(sys, "__stdout__", None)  # that of pytest may be closed
    return Stop().install()


def soon(number):
    """Send this process a signal in a moment; from another one, as it really happens."""
    return subprocess.Popen(["/bin/sh", "-c", f"sleep 0.03; kill -{int(number)} {os.getpid()}"])


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signal_ends_a_wait_at_once(stop, name):
    soon(getattr(signal, name))
    with pytest.raises(Interrupted, match=f"Stopped by signal {name}"):
        stop.pause(100)
    assert not stop.caller_gone


def test_signal_wakes_every_thread(stop):
    woken = SimpleQueue()

    def wait():
        try:
            stop.wait(SimpleQueue(), 10)
        except Interrupted:
            woken.put(True)

    for _number in range(3):
        threading.Thread(target=wait).start()
    time.sleep(0.05)  # until all of them wait; one that does not yet would end all the same
    os.kill(os.getpid(), signal.SIGTERM)
    assert [woken.get(timeout=30) for _thread in range(3)] == [True] * 3


def test_late_answer_after_two_signals(stop):
    """A login that was under way has to be noted, or its session leaks; people press Ctrl-C twice."""

    class Interrupting(SimpleQueue):
        """Both signals come before anybody looks."""

        def get(self, timeout):
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            return super().get(timeout=timeout)

    box = Interrupting()
    with pytest.raises(Interrupted):
        stop.wait(box, 10)
    assert box.qsize() == 1
    box.put("late")
    last = interrupt.Uninterruptible()
    last.reason = "a signal"
    assert last.wait(box, 1) == "late"


# Waits beside other threads for two signals at once, again and again; fails if it slept on.
TWO_SIGNALS = """
import os, subprocess, threading
from contextlib import suppress
from queue import SimpleQueue
from ansible_collections.mstr.library.plugins.module_utils._session import interrupt

interrupt._CALLER_CHECK_S = 30  # so that only the signal wakes it
stop = interrupt.Stop().install()
for _number in range(3):
    interrupt.start_thread(threading.Event().wait)
for _ in range(15):
    stop.reason = None
    kills = f"sleep 0.01; kill -15 {os.getpid()}; kill -2 {os.getpid()}"
    sender = subprocess.Popen(["/bin/sh", "-c", kills])
    with suppress(interrupt.Interrupted):
        stop.wait(SimpleQueue(), 30)
    sender.wait()
"""


def test_two_signals_at_once(tmp_path):
    """In a process of its own, for the threads of a test run take signals."""
    tree = tmp_path / "ansible_collections" / "mstr"
    tree.mkdir(parents=True)
    (tree / "library").symlink_to(Path(__file__).parents[4])
    subprocess.run([sys.executable, "-c", TWO_SIGNALS], env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=True)


def test_a_closed_output_is_noticed(stop, monkeypatch):
    """Between two calls, and while one hangs. A missing output is not a closed one."""
    stop.check()
    reader, writer = os.pipe()
    monkeypatch.setattr(sys, "__stdout__", os.fdopen(writer, "w"))
    stop = Stop()
    stop.check()
    threading.Timer(0.05, os.close, [reader]).start()
    for work in (partial(stop.wait, SimpleQueue(), 10), stop.check):
        with pytest.raises(Interrupted, match="no longer reads"):
            work()
    assert stop.caller_gone


def test_ignored_signal_stays_ignored():
    """As under nohup, where the end of the terminal is not meant to end the run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = Stop().install()
        os.kill(os.getpid(), signal.SIGHUP)
        stop.check()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
