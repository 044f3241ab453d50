"""Opens the ports: the API, the control interface, and optionally a proxy."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from simulator.app import BASE_PATH, MAX_BODY, Api
from simulator.control import Control
from simulator.proxy import Proxy
from simulator.server import Server

SHUTDOWN_S = 0.2  # for open calls at the end of the program


async def _open(
    app: web.Application, host: str, port: int, context: ssl.SSLContext | None
) -> tuple[web.AppRunner, int]:
    # handler_cancellation is off: like the real server, it continues its work after the client has disconnected.
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=context, backlog=1024)
    await site.start()
    return runner, runner.addresses[0][1]


@asynccontextmanager
async def listen(
    profile: str, overrides: Mapping[str, Any], host: str, port: int, context: ssl.SSLContext | None, with_proxy: bool
) -> AsyncIterator[tuple[str, str, str | None]]:
    """Serve until the block ends; yields the addresses of API, control interface and proxy."""
    api = Api(Server(profile, overrides))
    api.secure = context is not None
    runners: list[web.AppRunner] = []
    proxy = Proxy()

    def sockets() -> int:
        server = runners[0].server
        return len(server.connections) if server else 0

    main_app, control_app = web.Application(client_max_size=MAX_BODY), web.Application(client_max_size=MAX_BODY)
    api.add_routes(main_app)
    # With TLS, the control interface has its own port: tests must reach it even with an invalid certificate.
    Control(api, sockets, proxy.seen).add_routes(main_app if context is None else control_app)
    try:
        runner, port = await _open(main_app, host, port, context)
        runners.append(runner)
        control_port = port
        if context is not None:
            runner, control_port = await _open(control_app, host, 0, None)
            runners.append(runner)
        proxy_url = f"http://{host}:{await proxy.start(host)}" if with_proxy else None
        scheme = "http" if context is None else "https"
        yield f"{scheme}://{host}:{port}{BASE_PATH}", f"http://{host}:{control_port}/_sim", proxy_url
    finally:
        api.server.evaluations.forget_all()
        await proxy.stop()
        for runner in reversed(runners):
            await runner.cleanup()
