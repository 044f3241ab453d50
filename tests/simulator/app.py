"""The HTTP side: converts requests to calls and replies to responses, and passes the connection to faults.

Below /_sim, tests control the simulator; clients of the API never see that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator.faults import Fault
from simulator.injection import FaultInjector
from simulator.messages import ApiError, Call, Reply
from simulator.profiles import PROFILES
from simulator.seed import only_keys, seed
from simulator.server import Server
from simulator.users import API_TOKEN_OF_ADMIN, IDENTITY_TOKEN_OF_ADMIN

BASE_PATH = "/MicroStrategyLibrary"
MAX_BODY = 64 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """Serves one :class:`Server`, which a reset may replace."""

    def __init__(self, server: Server, secure: bool) -> None:
        self.server = server
        self._secure = secure
        self.injector = FaultInjector(self.send)

    def add_routes(self, app: web.Application) -> None:
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
        entry = server.log.begin(call)
        status: int | None = None
        try:
            fault = server.faults.take(call)
            if fault is None:
                response = await self.send(request, await server.handle(call))
            else:
                entry["fault"] = fault.name or fault.kind
                response = await self.injector.inject(fault, server, call, request)
            status = None if getattr(response, "simulated_silence", False) else response.status
            return response
        finally:
            entry |= {"status": status, "duration_ms": round(1000 * (time.perf_counter() - begun), 3)}
            if call.session is not None:
                entry |= {"user": call.session.user.username, "session": call.session.number}

    async def send(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """Convert a reply to a response."""
        body = reply.body()
        response = web.Response(status=reply.status, body=body, headers=reply.headers)
        if body:
            response.headers["Content-Type"] = reply.content_type
        elif "Content-Type" in response.headers:
            del response.headers["Content-Type"]
        for name, value in reply.cookies.items():
            # The load balancer's cookie applies to the whole host, Tomcat's only to its own application.
            path = BASE_PATH if name == "JSESSIONID" else "/"
            response.set_cookie(name, value, path=path, httponly=name == "JSESSIONID", secure=self._secure)
        return response


class Control:
    """The handlers, each a few lines for the server's state."""

    def __init__(self, api: Api, proxied: list[str]) -> None:
        self._api = api
        self._proxied = proxied

    @property
    def _server(self) -> Server:
        return self._api.server

    def add_routes(self, app: web.Application) -> None:
        """Put the interface into an application."""
        routes: list[tuple[str, str, Callable[[Any], Any]]] = [
            ("GET", "/requests", lambda _: {"requests": list(self._server.log.entries)}),
            ("DELETE", "/requests", lambda _: self._server.log.entries.clear()),
            ("GET", "/state", lambda _: self._state()),
            ("POST", "/seed", lambda body: seed(self._server, body)),
            ("GET", "/faults", lambda _: {"faults": [{"hits": fault.hits} for fault in self._server.faults.orders]}),
            ("POST", "/faults", self._order),
            ("DELETE", "/faults", lambda _: self._server.faults.orders.clear()),
            ("POST", "/release", lambda _: self._api.injector.release()),
            ("PATCH", "/switches", self._switch),
            ("POST", "/reset", self._reset),
            ("POST", "/sessions/expire", self._expire),
            ("POST", "/sessions/open", self._open),
            ("POST", "/clock", self._turn_clock),
            ("DELETE", "/clock", lambda _: self._server.stop_clock()),
            ("GET", "/secrets", lambda _: {"secrets": self._secrets()}),
            ("GET", "/proxy", lambda _: {"requests": self._proxied}),
        ]
        for method, path, work in routes:
            app.router.add_route(method, "/_sim" + path, _handler(work))

    def _state(self) -> dict[str, Any]:
        server = self._server
        admin = server.users["admin"]
        return {
            "profile": server.profile,
            "profiles": list(PROFILES),
            "switches": dict(server.switches),
            "runtimes": [server.runtimes.to_api(runtime, admin) for runtime in server.runtimes],
            "sessions": server.sessions.to_json(),
            "evaluations": server.evaluations.to_json(),
            "projects": server.projects.to_json(),
            "journal": list(server.journal),
        }

    def _order(self, body: dict[str, Any]) -> None:
        self._server.faults.orders.append(Fault.from_json(body))

    def _switch(self, body: dict[str, Any]) -> dict[str, Any]:
        self._server.switches.set(body)
        return dict(self._server.switches)

    def _reset(self, body: dict[str, Any]) -> None:
        """Start over with an empty log, no faults, no sessions, and only the default runtime."""
        only_keys("this call", body, {"profile", "switches"})
        old = self._server
        server = Server(body.get("profile", old.profile), body.get("switches"))
        old.evaluations.forget_all()
        self._api.injector.release()
        self._api.server = server

    def _expire(self, body: dict[str, Any]) -> dict[str, Any]:
        """End all sessions as a timeout does."""
        only_keys("this call", body, set())
        return {"ended": self._server.sessions.expire("tomcat", self._server.sessions.open())}

    def _open(self, body: dict[str, Any]) -> dict[str, Any]:
        """Open a session like a user in a browser, and return its identity token."""
        only_keys("this call", body, {"user"})
        user = self._server.users[body.get("user", "admin")]
        session = self._server.sessions.start(user, user.mode)
        return {"session": session.number, "identity_token": self._server.sessions.identity_token(session)}

    def _turn_clock(self, body: dict[str, Any]) -> None:
        """Turn the server's clock forward: sessions age, packages get installed."""
        only_keys("this call", body, {"seconds"})
        self._server.ahead += max(0.0, float(body["seconds"]))

    def _secrets(self) -> list[str]:
        """Every password and every issued token and cookie, for tests that search for leaks."""
        server = self._server
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
        return web.json_response({} if answer is None else answer, dumps=_dumps)

    return handle


def _dumps(value: Any) -> str:
    return json.dumps(value, default=list, ensure_ascii=False)
