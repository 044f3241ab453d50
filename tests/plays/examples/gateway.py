"""A forward proxy that connects the host names of the examples to simulators, so that examples run unchanged."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from typing import Any


class _Handler(socketserver.StreamRequestHandler):
    server: Gateway

    def handle(self) -> None:
        target = self.rfile.readline().split(b" ")[1].decode()
        while self.rfile.readline().strip():
            pass
        port = self.server.ports.get(target.rpartition(":")[0])
        if port is None:
            self.wfile.write(b"HTTP/1.1 502 No such host in the examples\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_relay, args=(there, self.connection), daemon=True)
            back.start()
            _relay(self.connection, there)
            back.join()


def _relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Gateway(socketserver.ThreadingTCPServer):
    """The proxy, as a context manager. `ports`: the port for each host name."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ports: dict[str, int] = {}

    @property
    def url(self) -> str:
        """The value for HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Gateway:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.shutdown()
        self.server_close()
