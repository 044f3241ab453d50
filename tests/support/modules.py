"""Runs modules against a simulator, and waits for their calls on the server.

A module runs directly, as the process that Ansible would start on the host. It reads its arguments as JSON from
standard input and prints its result as JSON.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.faults import OPERATIONS
from simulator.harness import Simulator

from support.ansible import COLLECTIONS, STARTED, own_variables
from support.waiting import PATIENCE_S, wait_until

_MODULES = "ansible_collections.mstr.library.plugins.modules"
# Prints the peak of a child's memory, in KB, as the last line of its standard error.
_MEASURED = (
    "import resource, subprocess, sys; status = subprocess.call(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(status)"
)


def credentials(sim: Simulator) -> dict[str, str]:
    """The options that log in the standard user."""
    return {"base_url": sim.base_url, "username": sim.username, "password": sim.password}


@dataclass(frozen=True)
class Done:
    """A module that has ended. `result` is empty if it printed none; `stderr` is its other output."""

    status: int
    result: dict[str, Any]
    stdout: str
    stderr: str
    seconds: float

    @property
    def sentence(self) -> str:
        """The failure message. If the module did not fail, the test that calls this fails."""
        assert self.result.get("failed"), self.stdout + self.stderr
        return str(self.result["msg"])

    @property
    def warnings(self) -> list[str]:
        return [_text_of(warning) for warning in self.result.get("warnings", [])]


def _text_of(warning: Any) -> str:
    # With ansible-core 2.21 a module returns an object, and the controller converts it to text.
    return str(warning["event"]["msg"]) if isinstance(warning, dict) else str(warning)


class Running:
    def __init__(
        self,
        module: str,
        options: Mapping[str, Any],
        *,
        env: Mapping[str, str] | None = None,
        measured: bool = False,
        python: str = sys.executable,
    ) -> None:
        self._began = time.monotonic()
        command = [python, "-m", f"{_MODULES}.{module}"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _MEASURED, *command] if measured else command,
            env=own_variables(**{"PYTHONPATH": COLLECTIONS, **(env or {})}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        STARTED.append(self.process)
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": dict(options)}))
        self.process.stdin.close()
        self.process.stdin = None  # so that communicate() does not use it

    def wait_until(self, true: Callable[[], object], what: str) -> None:
        """Wait for a condition to become true. If the module ends before, fail with its output."""
        wait_until(lambda: true() or self.process.poll() is not None, what)
        assert self.process.poll() is None or true(), f"the module ended, and still not: {what}: {self.done()}"

    def done(self, patience: float = PATIENCE_S) -> Done:
        """Wait for its end, and return what it printed."""
        stdout, stderr = self.process.communicate(timeout=patience)
        lines = [line for line in stdout.splitlines() if line.startswith("{")]
        result = json.loads(lines[-1]) if lines else {}
        return Done(self.process.returncode, result, stdout, stderr, time.monotonic() - self._began)


def run(module: str, sim: Simulator, *, env: Mapping[str, str] | None = None, **options: Any) -> Done:
    """Run a module to its end, logged in as the standard user."""
    return Running(module, {**credentials(sim), **options}, env=env).done()


def runtime(sim: Simulator, *, env: Mapping[str, str] | None = None, **options: Any) -> Done:
    """Run mstr_runtime to its end, logged in as the standard user."""
    return run("mstr_runtime", sim, env=env, **options)


def send_signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal, and wait until the process has taken it: what it receives next comes later."""
    process.send_signal(number)
    status, pending = Path(f"/proc/{process.pid}/status"), re.compile(r"(Sig|Shd)Pnd:\s*0*[1-9a-f]")
    wait_until(lambda: process.poll() is not None or not pending.search(status.read_text()), f"{number.name} is taken")


def wait_for_call(sim: Simulator, operation: str, running: Running | None = None) -> None:
    """Wait until the server is handling calls of that operation, named as the simulator names it."""
    method, path = OPERATIONS[operation]

    def under_way() -> bool:
        handled = [entry for entry in sim.requests(method) if entry["duration_ms"] is None]
        return any(re.fullmatch(path, entry["path"]) for entry in handled)

    (running.wait_until if running else wait_until)(under_way, f"{operation} is under way")
