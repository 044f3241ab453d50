# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault on each operation, for each client: what it reported, what is true on the server, and its requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from simulator.harness import Simulator
from support.bodies import packed_twice

from fault_comparison.clients import ADDED, CLIENTS, EXEC_TIMEOUT, NEW, OLD, SECOND, Reported

OPERATIONS = ("login", "list", "read", "create", "update", "delete", "logout")
_CALLS = {
    "login": ("POST", "/auth/login"),
    "list": ("GET", "/runtimes"),
    "read": ("GET", "/runtimes/"),
    "create": ("POST", "/runtimes"),
    "update": ("PATCH", "/runtimes/"),
    "delete": ("DELETE", "/runtimes/"),
    "logout": ("POST", "/auth/logout"),
}
# Jobs for two runtimes: wait until both are ready; add a network to the whitelists of both.
_FOR_TWO = ("ready", "add")
_THEIRS = "10.8.0.0/16"  # what another client adds
_MUCH_MEMORY_MB = 350
_WRITES = ("create", "update", "delete")
_SURROUND = ("login", "logout")


@dataclass(frozen=True)
class Fault:
    """A fault for the simulator. `of`: the tested operations. `ctrl_c`: interrupt the client during the call.

    `proxied`: all calls go through a proxy. `later`: a second fault. `threads`: whether the client can start threads.
    `omitted`: fields that lists omit, else those of the vendor's samples. `package`: the status of the package of the
    runtimes. `edited`: whether another client changes the runtime while it is listed.
    """

    title: str
    order: dict[str, Any]
    of: tuple[str, ...] = OPERATIONS
    ctrl_c: bool = False
    proxied: bool = False
    later: dict[str, Any] | None = None
    threads: bool = True
    omitted: str | None = None
    package: str = "installed"
    edited: bool = False


_REFUSED = {"kind": "error", "operation": "login", "skip": 1, "times": None, "status": 401, "number": 3}
_OK = "HTTP/1.1 200 OK\r\n"


FAULTS = (
    Fault("no fault at all", {}, of=("read", *_WRITES)),
    Fault("no fault at all", {}, of=_FOR_TWO, omitted=""),
    Fault("the response is lost, the work is done", {"kind": "close_after"}),
    Fault(
        "behind a proxy, the response is lost, the work is done",
        {"kind": "close_after"},
        of=("login", "list", *_WRITES),
        proxied=True,
    ),
    Fault(
        "behind a proxy, the connection closes before the work",
        {"kind": "close_before"},
        of=("login", "list", *_WRITES),
        proxied=True,
    ),
    Fault("a proxy answers 502, the work is done a second later", {"kind": "late_work", "status": 502}, of=_WRITES),
    Fault("the connection closes before the work", {"kind": "close_before"}),
    Fault("503 once, with Retry-After: 1", {"kind": "unavailable"}),
    Fault("429 once, with Retry-After: 1", {"kind": "unavailable", "status": 429}),
    Fault("the session ends in the middle", {"kind": "session_killed"}, of=OPERATIONS[1:]),
    Fault(
        "the session ends in the middle, and then logins are refused",
        {"kind": "session_killed"},
        of=("list", *_WRITES),
        later=_REFUSED,
    ),
    Fault("a response with two lengths, the work is done", {"kind": "garbled"}, of=("login", "list", *_WRITES)),
    Fault(
        "a response in chunks of a negative size, the work is done",
        {"kind": "garbled", "text": f"{_OK}Transfer-Encoding: chunked\r\n\r\n-5\r\nx\r\n"},
        of=("list", *_WRITES),
    ),
    Fault("a list of 1 kB that unpacks to 400 MB", {"kind": "garbled", "text": packed_twice(400)}, of=("list",)),
    Fault("the system allows no more threads", {}, of=("read", *_WRITES), threads=False),
    Fault("a redirect to another server", {"kind": "redirect", "status": 307}),
    Fault("a page with status 200", {"kind": "html", "status": 200}),
    Fault("200 with an object without an id, nothing is done", {"kind": "json", "json": {}}, of=("create",)),
    Fault("204, nothing is done", {"kind": "status", "status": 204}, of=("update", "delete")),
    Fault(
        "a cache answers with a different runtime",
        {"kind": "json", "json": {"id": "F" * 32, "name": OLD}},
        of=("read",),
    ),
    Fault(
        "a package could not be installed, and the list does not show packages",
        {},
        of=("ready",),
        omitted="packages",
        package="not_installed",
    ),
    Fault(
        "another client adds a network after the list was read",
        {"kind": "slow", "operation": "list"},
        of=("add",),
        omitted="",
        edited=True,
    ),
    Fault("Ctrl-C while the call is under way", {"kind": "hang"}, ctrl_c=True),
)


@dataclass(frozen=True)
class Cell:
    """One client in one row."""

    reported: Reported
    done: bool
    made: int
    sessions: int
    requests: int
    given_away: bool
    memory_mb: int

    @property
    def true(self) -> bool:
        """Whether the client reported what happened, and it happened once."""
        return self.reported.ok == self.done and self.made <= 1

    @property
    def clean(self) -> bool:
        """Whether the client left no open session and sent no token to another host."""
        return self.sessions == 0 and not self.given_away

    def text(self) -> str:
        """The text for the table."""
        parts = ["ok" if self.reported.ok else "failed"]
        if self.reported.ok != self.done:
            parts[0] += ", but done" if self.done else ", but not done"
        if self.reported.ok and self.reported.warned:
            parts[0] += ", warned"
        if self.made > 1:
            parts.append(f"{self.made} made")
        if self.sessions:
            parts.append(f"{self.sessions} session left")
        if self.given_away:
            parts.append("token sent to another host")
        if self.memory_mb > _MUCH_MEMORY_MB:
            parts.append(f"{self.memory_mb} MB of memory")
        return f"{'; '.join(parts)} ({self.requests})"


@contextmanager
def _somebody_else() -> Iterator[tuple[str, list[str]]]:
    """Start a different server as the target of a redirect, and yield the tokens that it receives."""
    tokens: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _note(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode("utf-8", "replace")
            if self.headers.get("X-MSTR-AuthToken") or "password" in body:
                tokens.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PATCH = do_DELETE = _note  # noqa: N815

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}/elsewhere", tokens
    finally:
        server.shutdown()
        server.server_close()


def _under_way(sim: Simulator, operation: str) -> bool:
    method, path = _CALLS[operation]
    return any(
        entry["duration_ms"] is None
        and entry["method"] == method
        and (entry["path"] == path or (path.endswith("/") and entry["path"].startswith(path)))
        for entry in sim.requests()
    )


def _seed(sim: Simulator, operation: str, package: str) -> str:
    """Seed one runtime, or two for a job for two; returns the id of the first."""
    names = (OLD, SECOND) if operation in _FOR_TWO else (OLD,)
    packages = [{"name": "pandas", "version": "2.2.3", "status": package}]
    fields = {"execTimeout": 600, "whitelist": [], "packages": packages, "status": "ready"}
    return sim.seed(*({"name": name, **fields} for name in names))[0]


def _edit_while_listed(sim: Simulator, identity: str) -> bool:
    """Add a network to the runtime as another client does, if the list is on its way. Returns whether it was."""
    if not _under_way(sim, "list"):
        return False
    sim.seed({**sim.runtime(OLD), "id": identity, "whitelist": [_THEIRS], "version": "F" * 32})
    return True


def _done(sim: Simulator, operation: str, edited: bool) -> tuple[bool, int]:
    """Whether the server did the work, and how many runtimes a create has created."""
    by_name = [runtime["name"] for runtime in sim.runtimes()]
    made = by_name.count(NEW)
    if operation == "create":
        return made > 0, made
    if operation == "update":
        return any(
            runtime["name"] == OLD and runtime.get("execTimeout") == EXEC_TIMEOUT for runtime in sim.runtimes()
        ), made
    if operation == "delete":
        return OLD not in by_name, made
    if operation == "ready":
        return all(
            package["status"] == "installed" for runtime in sim.runtimes() for package in runtime["packages"]
        ), made
    if operation == "add":
        expected = {OLD: {ADDED, _THEIRS} if edited else {ADDED}, SECOND: {ADDED}}
        return {runtime["name"]: set(runtime["whitelist"]) for runtime in sim.runtimes()} == expected, made
    # For a read, this is the status of the server's last response.
    calls = {"login": "list", "logout": "list"}
    method, path = _CALLS[calls.get(operation, operation)]
    answered = [
        entry
        for entry in sim.requests()
        if entry["method"] == method
        and (entry["path"].startswith(path) if path.endswith("/") else entry["path"] == path)
        and entry["status"] == 200
        and not (entry["fault"] or "").startswith(("html", "close", "garbled", "json"))
    ]
    return bool(answered), made


def _cell(sim: Simulator, client: str, fault: Fault, operation: str, elsewhere: str, tokens: list[str]) -> Cell:
    sim.reset(duplicate_names="allow", **({} if fault.omitted is None else {"list_omits": fault.omitted}))
    old = _seed(sim, operation, fault.package)
    if fault.order:
        more = {"location": elsewhere} if fault.order["kind"] == "redirect" else {}
        sim.fault(**{"operation": operation, **fault.order, **more})
    if fault.later:
        sim.fault(**fault.later)
    tokens.clear()
    server = {"base_url": sim.base_url, "username": sim.username, "password": sim.password}
    server["proxy"] = str(sim.proxy_url) if fault.proxied else ""
    server["threads"] = "any" if fault.threads else ""
    edited = False

    def interrupt() -> bool:
        nonlocal edited
        edited = edited or (fault.edited and _edit_while_listed(sim, old))
        return fault.ctrl_c and _under_way(sim, operation)

    reported = CLIENTS[client](operation, server, interrupt)
    if fault.edited and not edited:
        raise AssertionError(f"{client}: nobody changed the runtime while it was listed")
    if fault.order.get("kind") == "late_work":
        time.sleep(1.5)  # until the server has finished all of its work
    done, made = _done(sim, operation, fault.edited)
    return Cell(reported, done, made, len(sim.open_sessions()), len(sim.calls()), bool(tokens), reported.memory_mb)


@dataclass(frozen=True)
class Row:
    """A fault on an operation, with a cell for each client."""

    fault: Fault
    operation: str
    cells: dict[str, Cell]


def rows(chosen: str = "") -> list[Row]:
    """The rows of the table. `chosen`: only faults whose title contains this text."""
    wanted = [(fault, operation) for fault in FAULTS if chosen in fault.title for operation in fault.of]

    def column(client: str) -> list[Cell]:
        with Simulator(proxy=True) as sim, _somebody_else() as (elsewhere, tokens):
            return [_cell(sim, client, fault, operation, elsewhere, tokens) for fault, operation in wanted]

    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        columns = dict(zip(CLIENTS, pool.map(column, CLIENTS), strict=True))
    return [
        Row(fault, operation, {client: columns[client][index] for client in CLIENTS})
        for index, (fault, operation) in enumerate(wanted)
    ]
