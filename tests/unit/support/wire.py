"""A real server on a loopback port. Each test writes its responses in a few lines."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.client import parse_headers
from pathlib import Path
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import start_thread
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Request:
    call: str  # such as "GET /api/runtimes"
    headers: Mapping[str, str]
    body: bytes
    socket: socket.socket


def reply(status: int = 200, body: Any = b"", **headers: str) -> bytes:
    """The bytes of an answer; names of headers are written with underscores."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw


@dataclass
class Listener:
    """`respond` gets each request and returns the bytes to send, if any; then the connection closes."""

    respond: Callable[[Request], bytes | None]
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Listener:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        start_thread(self._serve)
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def calls(self) -> list[str]:
        return [request.call for request in self.requests]

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._socket.accept()
                start_thread(self._talk, connection)

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as file:
                try:
                    method, path, _version = file.readline().decode().split(" ")
                except ValueError:  # no HTTP at all
                    connection.sendall(reply(400))
                    return
                headers = {name.lower(): value for name, value in parse_headers(file).items()}
                body = file.read(int(headers.get("content-length", 0)))
                request = Request(f"{method} {path}", headers, body, connection)
                self.requests.append(request)
                connection.sendall(self.respond(request) or b"")


# It is taken, so that no other program listens there, and nothing else does.
_SILENT = socket.socket()
_SILENT.bind(("127.0.0.1", 0))


def free_port() -> int:
    """A port where nothing listens."""
    return int(_SILENT.getsockname()[1])


def self_signed(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """The file of a certificate for `host` with its key, and the server's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return file, context
