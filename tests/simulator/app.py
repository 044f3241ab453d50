"""The HTTP side: converts requests to calls and replies to responses, and passes the connection to faults.

Below /_sim, tests control the simulator; clients of the API never see that.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.faults import Fault
from simulator.injection import NoResponse, inject, send
from simulator.messages import BASE_PATH, ApiError, Call, Reply
from simulator.profiles import PROFILES
from simulator.seed import only_keys, seed
from simulator.server import Server
from simulator.users import API_TOKEN_OF_ADMIN, IDENTITY_TOKEN_OF_ADMIN

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TRAFFIC = "MSTR_SIMULATOR_TRAFFIC"  # a folder, for a file with each call and its response; without it, there is none


class App:
    """Serves one :class:`Server`, which a reset replaces. ``proxied``: what went through the proxy."""

    def __init__(self, server: Server, proxied: list[str]) -> None:
        self.server = server
        self._proxied = proxied
        self.ports: dict[str, int] = {}  # where the proxy leads: of each host name; none are all addresses
        folder = os.environ.get(TRAFFIC)
        self._traffic = Path(folder, f"{os.getpid()}.jsonl") if folder else None
        if self._traffic:
            self._traffic.touch()

    def add_api(self, app: web.Application) -> None:
        """Put the API into an application."""
        app.router.add_route("*", BASE_PATH + "/api", self._api)
        app.router.add_route("*", BASE_PATH + "/api/{tail:.*}", self._api)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        begun = time.perf_counter()
        server = self.server  # a reset during the call must not change its server
        call = Call(
            method=request.method,
            path=request.path[len(BASE_PATH + "/api") :] or "/",
            query=dict(request.query),
            headers=request.headers,
            cookies=dict(request.cookies),
            body=await request.read(),
        )
        call.session = server.sessions.guess(call)
        entry = server.record(call)
        status: int | None = None
        try:
            fault = server.faults.take(call)
            if fault is None:
                reply = await server.handle(call)
                self._note(server, call, entry, reply)
                response = await send(request, reply)
            else:
                entry["fault"] = fault.kind
                self._note(server, call, entry, None)
                response = await inject(fault, server, call, request)
            status = None if isinstance(response, NoResponse) else response.status
            return response
        finally:
            entry |= {"status": status, "duration_ms": round(1000 * (time.perf_counter() - begun), 3)}
            if call.session is not None:
                entry |= {"user": call.session.user.username, "session": call.session.number}

    def _note(self, server: Server, call: Call, entry: dict[str, Any], reply: Reply | None) -> None:
        """Write a call and its response to the file of the traffic. `reply` None: a fault decides what is sent."""
        if self._traffic is None:
            return
        keys = ("method", "path", "query", "project", "user_agent")
        line: dict[str, Any] = {"profile": server.profile, **{key: entry[key] for key in keys}, "body": call.sent()}
        if reply is not None:
            line |= {"status": reply.status, "answer": reply.payload}
        with self._traffic.open("a", encoding="utf-8") as file:
            print(json.dumps(line, default=list), file=file)

    def add_control(self, app: web.Application) -> None:
        """Put the control interface into an application."""
        routes: list[tuple[str, str, Callable[[Any], Any]]] = [
            ("GET", "/requests", lambda _: {"requests": self.server.log}),
            ("DELETE", "/requests", lambda _: self.server.log.clear()),
            ("GET", "/state", lambda _: self._state()),
            ("POST", "/seed", lambda body: seed(self.server, body)),
            ("GET", "/faults", lambda _: {"faults": [{"hits": fault.hits} for fault in self.server.faults.orders]}),
            ("POST", "/faults", lambda body: self.server.faults.orders.append(Fault.from_json(body))),
            ("DELETE", "/faults", lambda _: self.server.faults.orders.clear()),
            ("POST", "/release", lambda _: self.server.faults.release()),
            ("PATCH", "/switches", self._switch),
            ("POST", "/reset", self._reset),
            ("POST", "/sessions/expire", lambda _: self.server.sessions.expire(self.server.sessions.open())),
            ("POST", "/sessions/open", self._open),
            ("POST", "/clock", self._turn_clock),
            ("DELETE", "/clock", lambda _: self.server.stop_clock()),
            ("GET", "/secrets", lambda _: {"secrets": self._secrets()}),
            ("GET", "/proxy", lambda _: {"requests": self._proxied}),
            ("PATCH", "/proxy", self.ports.update),
        ]
        for method, path, work in routes:
            app.router.add_route(method, "/_sim" + path, _handler(work))

    def _state(self) -> dict[str, Any]:
        server = self.server
        return {
            "profile": server.profile,
            "profiles": list(PROFILES),
            "switches": server.switches,
            "runtimes": [server.runtimes.to_api(runtime) for runtime in server.runtimes],
            "sessions": server.sessions.to_json(),
            "evaluations": server.evaluations.to_json(),
            "projects": server.projects.to_json(),
            "journal": server.journal,
        }

    def _switch(self, body: dict[str, Any]) -> dict[str, Any]:
        self.server.switches.set(body)
        return self.server.switches

    def _reset(self, body: dict[str, Any]) -> None:
        """Start over with an empty log, no faults, no sessions, and only the default runtime and a seed."""
        only_keys("this call", body, {"profile", "switches", "seed"})
        old = self.server
        self.server = Server(body.get("profile", old.profile), body.get("switches"))
        seed(self.server, body.get("seed") or {})
        old.evaluations.forget_all()
        old.faults.release()

    def _open(self, body: dict[str, Any]) -> dict[str, Any]:
        """Open a session like a user in a browser, and return its identity token."""
        user = self.server.users[body["user"]]
        session = self.server.sessions.start(user, user.mode)
        return {"session": session.number, "identity_token": self.server.sessions.identity_token(session)}

    def _turn_clock(self, body: dict[str, Any]) -> None:
        self.server.ahead += max(0.0, float(body["seconds"]))

    def _secrets(self) -> list[str]:
        server = self.server
        fixed = [API_TOKEN_OF_ADMIN, IDENTITY_TOKEN_OF_ADMIN, *(user.password for user in server.users.values())]
        return sorted({secret for secret in [*fixed, *server.sessions.issued] if secret})


def _handler(work: Callable[[Any], Any]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json() if request.can_read_body else {}
            answer = work(body)
        except KeyError as error:
            return web.json_response({"error": f"there is no {error}, or this key is missing"}, status=400)
        except (ApiError, ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        # In ASCII, because a seed may contain half a character.
        return web.json_response({} if answer is None else answer, dumps=partial(json.dumps, default=list))

    return handle
