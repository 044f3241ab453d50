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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from dev.paths import LOGS, ROOT

# The signals for a group, each with the seconds to wait for its end.
_PERSUASION = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))

# After so many seconds, a program counts as hanging.
LONGEST = 1800.0

_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()
stopping = threading.Event()


class Interrupted(Exception):
    """This run is being stopped and starts no more programs."""


def run(*command: str | Path, log: Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> int:
    """Run a program, append its output to `log`, and return its exit status: 124 if it took too long and was ended."""
    with log.open("ab") as output:
        output.write(f"\n$ {shlex.join(map(str, command))}\n".encode())
        output.flush()
        with started(*command, output=output, cwd=cwd, env=env) as process:
            try:
                status = process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                output.write(f"\nended after {LONGEST} seconds\n".encode())
                status = 124
    check_interrupted()
    return status


def on_terminal(*command: str | Path, env: Mapping[str, str]) -> int:
    """Run a program on the terminal, and return its exit status."""
    with started(*command, env=env) as process:
        return process.wait()


def new_log(name: str) -> Path:
    """The path of a log that does not exist yet."""
    log = LOGS / f"{name}.log"
    log.unlink(missing_ok=True)
    return log


@contextlib.contextmanager
def started(
    *command: str | Path, output: IO[bytes] | None = None, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, and end its whole group at the end of the block. If `output` is None, it uses the terminal."""
    with _lock:
        check_interrupted()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
        )
        _running.add(process)
    try:
        yield process
    finally:
        _end(process)
        with _lock:
            _running.discard(process)


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
