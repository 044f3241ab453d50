"""Opens the ports: the API, the control interface, and optionally a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from simulator.app import App
from simulator.messages import BASE_PATH
from simulator.server import Server

LOOPBACK = "127.0.0.1"
MAX_BODY = 64 * 1024 * 1024
SHUTDOWN_S = 0.2  # for open calls at the end of the program


def _only_for(hosts: Collection[str]) -> Any:
    """Refuses what a page in a browser might send.

    With DNS rebinding, a page of any site reaches a port of this machine under the site's name, and might read all
    secrets here and run Python. `hosts`: names that are allowed besides those of this machine.
    """

    def is_allowed(host: str) -> bool:
        name = ""
        with contextlib.suppress(ValueError):
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


async def _open(stack: AsyncExitStack, app: web.Application, port: int, context: ssl.SSLContext | None) -> int:
    """Listen until the stack is left, and return the port."""
    # handler_cancellation is off: like the real server, it continues its work after the client has disconnected.
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, LOOPBACK, port, ssl_context=context, backlog=1024).start()
    return int(runner.addresses[0][1])


@asynccontextmanager
async def listen(
    state: Server, port: int, context: ssl.SSLContext | None, with_proxy: bool, hosts: Collection[str]
) -> AsyncIterator[tuple[str, str, str | None]]:
    """Serve until the block ends; yields the addresses of API, control interface and proxy.

    `hosts`: the names under which clients may call it, besides those of this machine.
    """
    proxied: list[str] = []
    both = App(state, proxied)
    checks = [_only_for(hosts)]
    main_app, control_app = (web.Application(client_max_size=MAX_BODY, middlewares=checks) for _app in range(2))
    both.add_api(main_app)
    # With TLS, the control interface has its own port: tests must reach it even with an invalid certificate.
    both.add_control(main_app if context is None else control_app)
    async with AsyncExitStack() as stack:
        port = await _open(stack, main_app, port, context)
        control_port = port if context is None else await _open(stack, control_app, 0, None)
        proxy_url = None
        if with_proxy:
            proxy = await asyncio.start_server(partial(_forward, proxied, both.ports), LOOPBACK, 0)
            stack.callback(proxy.close)
            proxy_url = f"http://{LOOPBACK}:{proxy.sockets[0].getsockname()[1]}"
        stack.callback(lambda: both.server.evaluations.forget_all())
        scheme = "http" if context is None else "https"
        yield f"{scheme}://{LOOPBACK}:{port}{BASE_PATH}", f"http://{LOOPBACK}:{control_port}/_sim", proxy_url


async def _forward(
    seen: list[str], ports: dict[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """A small forward proxy for CONNECT and absolute requests, one per connection; ``seen`` lists their first lines.

    With ``ports``, CONNECT leads only to these host names, which are ports of this machine.
    """
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, KeyError):
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(seen) < 10_000:
            seen.append(f"{method} {target}")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            if ports:
                host, port = LOOPBACK, str(ports[host])
            there_reader, there_writer = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            url = urlsplit(target)
            there_reader, there_writer = await asyncio.open_connection(url.hostname, url.port or 80)
            path = url._replace(scheme="", netloc="").geturl() or "/"
            rest = head.split(b"\r\n", 1)[1]
            # Allow one request per connection: the next one may go to a different host.
            there_writer.write(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n".encode() + _without(rest))
        await asyncio.gather(_relay(reader, there_writer), _relay(there_reader, writer))
    writer.close()


def _without(headers: bytes) -> bytes:
    """A block of headers without those for the connection."""
    lines = headers.split(b"\r\n")
    hop = (b"connection:", b"proxy-connection:")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(hop))


async def _relay(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()
