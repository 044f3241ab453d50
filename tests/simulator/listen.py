"""Opens the ports: the API, the control interface, and optionally a proxy."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from simulator.app import BASE_PATH, MAX_BODY, Api
from simulator.control import Control
from simulator.proxy import Proxy
from simulator.server import Server

LOOPBACK = "127.0.0.1"
SHUTDOWN_S = 0.2  # for open calls at the end of the program


def _only_for(hosts: Collection[str]) -> Any:
    """Refuses what a page in a browser might send.

    With DNS rebinding, a page of any site reaches a port of this machine under the site's name, and might read all
    secrets here and run Python. `hosts`: names that are allowed besides those of this machine.
    """

    def is_allowed(host: str) -> bool:
        name = ""
        with suppress(ValueError):
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            if ip_address(name).is_loopback:
                return True
        return name == "localhost" or name.endswith(".localhost") or name in hosts

    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        host, origin = request.headers.get("Host", "localhost"), request.headers.get("Origin")
        if not is_allowed(host):
            return web.Response(status=403, text="This host is not the simulator's; allow it with --host.")
        if origin is not None and origin.partition("://")[2] != host:
            return web.Response(status=403, text="A page of a different origin must not call the simulator.")
        response: web.StreamResponse = await handler(request)
        return response

    return check


async def _open(app: web.Application, port: int, context: ssl.SSLContext | None) -> tuple[web.AppRunner, int]:
    # handler_cancellation is off: like the real server, it continues its work after the client has disconnected.
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, port, ssl_context=context, backlog=1024)
    await site.start()
    return runner, runner.addresses[0][1]


@asynccontextmanager
async def listen(
    state: Server, port: int, context: ssl.SSLContext | None, with_proxy: bool, hosts: Collection[str]
) -> AsyncIterator[tuple[str, str, str | None]]:
    """Serve until the block ends; yields the addresses of API, control interface and proxy.

    `hosts`: the names under which clients may call it, besides those of this machine.
    """
    api = Api(state, secure=context is not None)
    runners: list[web.AppRunner] = []
    proxy = Proxy()

    checks = [_only_for(hosts)]
    main_app, control_app = (web.Application(client_max_size=MAX_BODY, middlewares=checks) for _app in range(2))
    api.add_routes(main_app)
    # With TLS, the control interface has its own port: tests must reach it even with an invalid certificate.
    Control(api, proxy.seen).add_routes(main_app if context is None else control_app)
    try:
        runner, port = await _open(main_app, port, context)
        runners.append(runner)
        control_port = port
        if context is not None:
            runner, control_port = await _open(control_app, 0, None)
            runners.append(runner)
        proxy_url = f"http://{LOOPBACK}:{await proxy.start(LOOPBACK)}" if with_proxy else None
        scheme = "http" if context is None else "https"
        yield f"{scheme}://{LOOPBACK}:{port}{BASE_PATH}", f"http://{LOOPBACK}:{control_port}/_sim", proxy_url
    finally:
        api.server.evaluations.forget_all()
        await proxy.stop()
        for runner in reversed(runners):
            await runner.cleanup()
