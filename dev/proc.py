"""Runs programs and makes sure that none of them outlives this process.

Each program gets its own process group, so Ctrl-C reaches only this process. It then ends the groups one by one: first
with an interrupt, because ansible-playbook then ends its workers too, later with stronger signals.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from dev.paths import LOGS, ROOT

# The signals for a group, each with the seconds to wait for its end.
_PERSUASION = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))

LONGEST = 1800.0  # seconds, after which a program counts as hanging

_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()
stopping = threading.Event()


class Interrupted(Exception):
    """This run is being stopped and starts no more programs."""


class Failed(Exception):
    """A program failed that others need; its log shows why."""

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(message)
        self.log = log


def run(*command: object, log: Path | None = None, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> int:
    """Run a program, and return its exit status.

    Its output is appended to `log`, and it is ended after `LONGEST` (124). Without a log, it uses the terminal.
    """
    words = [str(word) for word in command]
    with log.open("ab", buffering=0) if log else contextlib.nullcontext() as output:
        if output:
            output.write(f"\n$ {shlex.join(words)}\n".encode())
        errors = subprocess.STDOUT if output else None
        with _lock:
            check_interrupted()
            process = subprocess.Popen(
                words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
            )
            _running.add(process)
        try:
            status = process.wait(LONGEST if output else None)
        except subprocess.TimeoutExpired:
            status = 124
            if output:
                output.write(f"\nended after {LONGEST} seconds\n".encode())
        finally:
            _end(process)
            with _lock:
                _running.discard(process)
    check_interrupted()
    return status


def need(*command: object, log: Path, failure: str, cwd: Path = ROOT, env: Mapping[str, str]) -> None:
    """Run a program. If it fails, raise `Failed` with this message."""
    if run(*command, log=log, cwd=cwd, env=env) != 0:
        raise Failed(failure, log)


def new_log(name: str) -> Path:
    """The path of a log that does not exist yet."""
    log = LOGS / f"{name}.log"
    log.unlink(missing_ok=True)
    return log


def check_interrupted() -> None:
    if stopping.is_set():
        raise Interrupted


def stop_all() -> None:
    """End all running programs, and start no more. The main thread calls this once."""
    with _lock:
        stopping.set()
        running = list(_running)
    for process in running:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, seconds in _PERSUASION:
        if process.poll() is not None:
            break
        _signal_group(process, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    # End the processes that the leader left in its group.
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
