"""Executes each kind of fault on an open connection."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress
from typing import Any

from aiohttp import web

from simulator.faults import Fault
from simulator.messages import BASE_PATH, ApiError, Call, Reply
from simulator.server import Server

POLL_S = 0.05  # how often a hanging call checks whether its client has disconnected
PIECE = 256 * 1024  # bytes that an endless response writes at once
PAGE = "<html><head><title>{0}</title></head>\r\n<body><h1>{0}</h1></body></html>\r\n"


def gone(request: web.Request) -> bool:
    """Whether the client has closed the connection."""
    return request.transport is None or request.transport.is_closing()


class NoResponse(web.Response):
    """What aiohttp expects of a handler that has closed the connection."""


async def send(request: web.Request, reply: Reply) -> web.StreamResponse:
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
        response.set_cookie(name, value, path=path, httponly=name == "JSESSIONID", secure=request.secure)
    return response


async def inject(fault: Fault, server: Server, call: Call, request: web.Request) -> web.StreamResponse:
    """Handle one call, with or without a response."""
    kind, given = fault.kind, fault.parameters
    if kind == "session_killed":
        with suppress(ApiError):
            server.sessions.expire([server.sessions.find(call)])
    if given.get("when") == "before":
        await server.faults.released.wait()
    done = await server.handle(call) if given["done"] else Reply(204)
    if given.get("when") == "after":
        await server.faults.released.wait()
    if kind in ("close", "hang", "raw"):
        return await _without_response(kind, given, request)
    return await send(request, _reply(kind, given, server, call, done))


async def _without_response(kind: str, given: dict[str, Any], request: web.Request) -> web.StreamResponse:
    """Do with the connection what an HTTP server does not."""
    transport = request.transport
    if transport is None:
        return NoResponse()
    if kind == "close" and given["reset"]:  # RST instead of FIN
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    if kind == "hang":
        while not gone(request):
            await asyncio.sleep(POLL_S)
    if kind == "raw":
        await _write(transport, given, request)
        transport.close()
    else:
        transport.abort()
    return NoResponse()


async def _write(transport: asyncio.Transport, given: dict[str, Any], request: web.Request) -> None:
    """Write the first text, then the second one again and again until the client has gone."""
    transport.write(given["text"].encode("latin-1"))
    again = given["for_ever"].encode("latin-1")
    while again and not gone(request):
        transport.write(again if given["pause"] else again * (1 + PIECE // len(again)))
        await asyncio.sleep(given["pause"])
        while transport.get_write_buffer_size() and not gone(request):
            await asyncio.sleep(0)
    await asyncio.sleep(POLL_S)  # so that the client has read what was written


def _reply(kind: str, given: dict[str, Any], server: Server, call: Call, done: Reply) -> Reply:
    """The response of a fault that closes no connection."""
    if kind == "answer":
        body = given["body"] if given["json"] is None else json.dumps(given["json"])
        return Reply(given["status"], raw=body.encode(), headers=dict(given["headers"]))
    if kind == "html":  # a page like those of a proxy
        page = PAGE.format(f"{given['status']} of a proxy").encode()
        return Reply(given["status"], raw=page, content_type="text/html;charset=UTF-8")
    if kind == "error":
        done = server.error(given["status"], given["number"], given["message"])
    if kind in ("error", "filled") and done.payload is not None:
        secrets = json.dumps(" ".join(secrets_of(call)))[1:-1]
        done.raw = done.body().replace(b"{secrets}", secrets.encode())
    return done


def secrets_of(call: Call) -> list[str]:
    found = [call.header("X-MSTR-AuthToken"), call.header("X-MSTR-IdentityToken"), *call.cookies.values()]
    if call.path.startswith("/auth/"):
        try:
            body = call.form_or_json()
        except ApiError:
            body = {}
        names = ["password", "identityToken"] + ["username"] * (str(body.get("loginMode")) == "4096")
        found += [str(body.get(name, "")) for name in names]
    return [secret for secret in found if secret]
