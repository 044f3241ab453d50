"""The HTTP side: converts requests to calls and replies to responses, and passes the connection to faults."""

from __future__ import annotations

import time

from aiohttp import web

from simulator.injection import FaultInjector
from simulator.messages import Call, Reply
from simulator.server import Server

BASE_PATH = "/MicroStrategyLibrary"
MAX_BODY = 64 * 1024 * 1024
PAGE = """<!DOCTYPE html>
<html><head><title>Library (simulated)</title></head>
<body><h1>Library (simulated)</h1>
<p>This is the simulator of mstr.library. Its API is under <code>{base}/api</code>.</p></body></html>
"""


class Api:
    """Serves one :class:`Server`, which a reset may replace."""

    def __init__(self, server: Server, secure: bool) -> None:
        self.server = server
        self._secure = secure
        self.injector = FaultInjector(self.send)

    def add_routes(self, app: web.Application) -> None:
        """Put the API and the page for browsers into an application."""
        app.router.add_route("*", BASE_PATH + "/api", self._api)
        app.router.add_route("*", BASE_PATH + "/api/{tail:.*}", self._api)
        for path in ("/", BASE_PATH, BASE_PATH + "/", BASE_PATH + "/app", BASE_PATH + "/app/{tail:.*}"):
            app.router.add_get(path, self._page)

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE.format(base=BASE_PATH), content_type="text/html")

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
