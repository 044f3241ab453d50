"""Starts the simulator for tests and tools, and uses its control interface. Needs only the standard library.

from simulator.harness import Simulator      # with tests/ on sys.path

with Simulator(profile="newest") as sim:
    ...  # sim.base_url, sim.username, sim.password
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
START_S = 90.0  # long enough for a busy machine
STOP_S = 15.0  # an open call may not delay the end for longer on a busy machine


class SimulatorError(RuntimeError):
    """The simulator did not start, or rejected a request of a test."""


class Simulator:
    """A running simulator, as a context manager or between :meth:`start` and :meth:`stop`.

    The variable ``MSTR_SIMULATOR_PYTHON`` names an interpreter with the packages of requirements.txt; the default is
    the current one. ``tls`` is True or ``wrong_host``. With ``client_ca`` it requests a client certificate.
    """

    # What the program says of itself when it has started.
    pid: int
    base_url: str  # the address for clients, without /api
    control_url: str
    proxy_url: str | None  # with `proxy=True`
    username: str  # a standard user with all privileges
    password: str
    api_token: str  # of the standard user
    identity_token: str  # of the standard user; it never expires
    users: dict[str, dict[str, Any]]  # by username: `username`, `password`, `id`, `mode`, `manages`
    certificates: dict[str, str]  # paths, with `tls`: `ca`, `client_cert`, `client_key`, `other_ca` …

    def __init__(
        self,
        profile: str = "samples",
        *,
        tls: bool | str = False,
        client_ca: bool = False,
        proxy: bool = False,
        arguments: Iterable[str] = (),
    ) -> None:
        self._python = os.environ.get("MSTR_SIMULATOR_PYTHON") or sys.executable
        self._options = [*arguments, "--profile", profile, "--parent-pid", str(os.getpid())]
        if tls:
            self._options += ["--tls", "good" if tls is True else tls]
        self._options += ["--client-certificate"] * client_ca + ["--proxy"] * proxy
        self._profile = profile
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        # A test reaches its simulator directly, even if the environment names a proxy.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # --- life

    def start(self) -> Simulator:
        """Start the program and wait until it listens."""
        self._folder = tempfile.TemporaryDirectory(prefix="simulator-")
        ready = Path(self._folder.name, "ready.json")
        output = Path(self._folder.name, "output.txt")
        command = [self._python, str(FOLDER), *self._options, "--ready-file", str(ready)]
        with output.open("wb") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                printed = output.read_text(encoding="utf-8", errors="replace").strip()
                self.stop()
                raise SimulatorError(f"the simulator did not start: {printed or 'it printed nothing'}")
            time.sleep(0.01)
        vars(self).update(json.loads(ready.read_text(encoding="utf-8")))
        return self

    def stop(self) -> None:
        """End the program. Does nothing if it has already ended."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """The variables that make the collection use this server."""
        return {"MSTR_BASE_URL": self.base_url, "MSTR_USERNAME": self.username, "MSTR_PASSWORD": self.password}

    # --- control

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control interface; ``path`` begins with a slash, as in ``/state``."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.control_url + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise SimulatorError(f"{method} {path}: {error.read().decode('utf-8', 'replace')}") from None

    def reset(self, profile: str | None = None, **switches: Any) -> None:
        """Start over: new state, empty log, no faults. The default ``profile`` is that of the start."""
        self.control("POST", "/reset", {"profile": profile or self._profile, "switches": switches})

    def switch(self, **switches: Any) -> dict[str, Any]:
        """Change switches of the running server; returns all of them."""
        return dict(self.control("PATCH", "/switches", switches))

    def seed(self, *runtimes: Mapping[str, Any], **more: Any) -> list[str]:
        """Store raw API objects, unchecked; returns their ids.

        ``more``: ``packages=[{"name", "outcome", "delay"}]`` (rules), ``users`` and ``projects`` (README),
        ``replace=True``.
        """
        return list(self.control("POST", "/seed", {"runtimes": list(runtimes), **more})["ids"])

    def fault(self, kind: str, **order: Any) -> None:
        """Order a fault, as in ``fault("close", operation="create", done=True)``."""
        self.control("POST", "/faults", {"kind": kind, **order})

    def faults(self) -> list[dict[str, int]]:
        """The orders, oldest first, each with its ``hits``: the number of requests that it has affected."""
        return list(self.control("GET", "/faults")["faults"])

    def clear_faults(self) -> None:
        """Withdraw all orders."""
        self.control("DELETE", "/faults")

    def release(self) -> None:
        """Let the calls go on that the fault `held` holds."""
        self.control("POST", "/release", {})

    def requests(self, method: str | None = None, path: str | None = None) -> list[dict[str, Any]]:
        """The log, oldest first; optionally only one method, or only paths with this start.

        An entry has method, path below /api, query, status (None: no answer), whether token, cookie, project and
        Authorization came, user and session number, body of a runtimes call, fault, duration; never a secret.
        """
        entries = self.control("GET", "/requests")["requests"]
        return [e for e in entries if method in (None, e["method"]) and e["path"].startswith(path or "")]

    def calls(self) -> list[str]:
        """The log in short form: ``["POST /auth/login", …]``."""
        return [entry["call"] for entry in self.requests()]

    def traffic(self) -> list[dict[str, Any]]:
        """Every call of this process with its response, bodies included; see TRAFFIC in app.py."""
        path = Path(os.environ["MSTR_SIMULATOR_TRAFFIC"], f"{self.pid}.jsonl")
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def clear_requests(self) -> None:
        """Empty the log."""
        self.control("DELETE", "/requests")

    def state(self) -> dict[str, Any]:
        return dict(self.control("GET", "/state"))

    def runtimes(self, default: bool = False) -> list[dict[str, Any]]:
        """All complete runtimes except the built-in one, including those hidden from users of the API."""
        built_in = "0F35652CA7D041978BF0CBCB67531203"
        return [r for r in self.state()["runtimes"] if default or r["id"] != built_in]

    def runtime(self, name: str) -> dict[str, Any]:
        found = [r for r in self.runtimes(default=True) if r.get("name") == name]
        if len(found) != 1:
            raise SimulatorError(f"there are {len(found)} runtimes called {name!r}")
        return dict(found[0])

    def projects(self) -> list[dict[str, Any]]:
        """The projects, each with its saved scripts."""
        return list(self.state()["projects"])

    def journal(self) -> list[dict[str, Any]]:
        return list(self.state()["journal"])

    def open_sessions(self) -> list[dict[str, Any]]:
        return list(self.state()["sessions"])

    def expire_sessions(self) -> None:
        """End all sessions as a timeout does."""
        self.control("POST", "/sessions/expire", {})

    def open_session(self) -> dict[str, Any]:
        """Log in like a user in a browser; returns ``session`` (its number) and ``identity_token``."""
        return dict(self.control("POST", "/sessions/open", {"user": "admin"}))

    def turn_clock(self, seconds: float) -> None:
        """Turn the server's clock forward: sessions age, packages get installed."""
        self.control("POST", "/clock", {"seconds": seconds})

    def stop_clock(self) -> None:
        """Stop the server's clock until the next reset, so that only `turn_clock` moves it."""
        self.control("DELETE", "/clock")

    def secrets(self) -> list[str]:
        """Every password, token and cookie value that is or was valid, to search for leaks."""
        return list(self.control("GET", "/secrets")["secrets"])

    def proxied(self) -> list[str]:
        """What went through the proxy: ``["CONNECT 127.0.0.1:4443", …]``."""
        return list(self.control("GET", "/proxy")["requests"])

    def lead_to(self, host: str, port: int) -> None:
        """Make the proxy reach only hosts that are named so, each a port of this machine."""
        self.control("PATCH", "/proxy", {host: port})
