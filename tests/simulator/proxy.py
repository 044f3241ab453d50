"""A small forward proxy for tests of HTTPS_PROXY and NO_PROXY."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit


class Proxy:
    """Forwards CONNECT and absolute requests, one per connection; ``seen`` lists their first lines."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._server: asyncio.AbstractServer | None = None

    async def start(self, host: str) -> int:
        """Listen on a free port and return it."""
        self._server = await asyncio.start_server(self._serve, host, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            if len(self.seen) < 10_000:
                self.seen.append(f"{method} {target}")
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
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
