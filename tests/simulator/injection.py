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
from simulator.messages import BASE_PATH, JSON_TYPE, ApiError, Call, Reply
from simulator.server import Server

POLL_S = 0.05  # how often a hanging call checks whether its client has disconnected
PIECE = 256 * 1024  # bytes that an endless response writes at once


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
    if fault.kind == "session_killed":
        with suppress(ApiError):
            server.sessions.expire([server.sessions.find(call)])
    if fault.parameters.get("when") == "before":
        await _delay(fault, server)
    done: Reply | None = None
    if fault.work == "before":
        done = await server.handle(call)
    elif fault.work == "late":
        task = asyncio.create_task(_work_late(server, call, fault.after))
        server.faults.late.add(task)
        task.add_done_callback(server.faults.late.discard)
    return await _answer(fault, server, call, request, done)


async def _delay(fault: Fault, server: Server) -> None:
    if fault.kind == "held":
        await server.faults.released.wait()
    else:
        await asyncio.sleep(fault.parameters["seconds"])


async def _work_late(server: Server, call: Call, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await server.handle(call)


async def _answer(
    fault: Fault, server: Server, call: Call, request: web.Request, done: Reply | None
) -> web.StreamResponse:
    kind, given, transport = fault.kind, fault.parameters, request.transport
    if transport is None:
        return NoResponse()
    if kind in ("close_before", "close_after"):
        if given["reset"]:  # RST instead of FIN
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        return NoResponse()
    if kind == "garbled":
        transport.write(given["text"].encode("latin-1"))
        again = given["for_ever"].encode("latin-1")
        while again and not gone(request):
            transport.write(again * (1 + PIECE // len(again)))
            while transport.get_write_buffer_size() and not gone(request):
                await asyncio.sleep(0)
        await asyncio.sleep(POLL_S)
        transport.close()
        return NoResponse()
    if kind == "hang":
        while not gone(request):
            await asyncio.sleep(POLL_S)
        return NoResponse()
    if kind in ("drip", "truncated"):
        return await _raw(fault, request, transport, done or Reply(200, {}))
    if given.get("when") == "after":
        await _delay(fault, server)
    if kind in ("slow", "held", "session_killed", "filled"):
        return await send(request, _filled(done, call) if kind == "filled" else done or Reply(204))
    return await send(request, _made(kind, given, server, call))


async def _raw(fault: Fault, request: web.Request, transport: asyncio.Transport, reply: Reply) -> web.StreamResponse:
    """Write a response byte by byte, or truncate it, directly to the transport."""
    body = reply.body()
    lines = [f"HTTP/1.1 {reply.status} Simulated", f"Content-Type: {reply.content_type}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines += [f"Set-Cookie: {name}={value}; Path=/" for name, value in reply.cookies.items()]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""]).encode()
    if fault.kind == "truncated":
        transport.write(head + body[:-10])
        await asyncio.sleep(POLL_S)
    else:
        for byte in head + body:
            if gone(request):
                break
            transport.write(bytes([byte]))
            await asyncio.sleep(fault.parameters["seconds"])
    transport.close()
    return web.Response(status=reply.status)


def _made(kind: str, given: dict[str, Any], server: Server, call: Call) -> Reply:
    """The response of a fault that only changes the response."""
    status = given["status"]
    if kind == "unavailable":
        reply = server.error(status, 16, "The service is not available.")
        reply.headers["Retry-After"] = str(given["retry_after"])
        return reply
    if kind in ("error", "echo_secret"):
        message = given["message"].replace("{secrets}", " ".join(secrets_of(call)))
        return server.error(status, given["number"], message)
    body = json.dumps(given["json"]) if kind == "json" else given.get("body", "")
    content_type = JSON_TYPE
    if "title" in given:  # a page like those of a proxy
        content_type, title = "text/html;charset=UTF-8", given["title"]
        page = f"<html><head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body></html>\r\n"
        body = page if body is None else body
    headers = {"Location": given["location"]} if kind == "redirect" else dict(given.get("headers", {}))
    return Reply(status, raw=body.encode(), content_type=content_type, headers=headers)


def _filled(done: Reply | None, call: Call) -> Reply:
    """The reply with the secrets of the request in place of the mark for them in texts."""
    reply = done or Reply(204)
    if reply.payload is not None:
        reply.raw = reply.body().replace(b"{secrets}", json.dumps(" ".join(secrets_of(call)))[1:-1].encode())
    return reply


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
