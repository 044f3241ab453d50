"""Serves the model of a controller with HTTP: logins with a password or a token, and bodies in JSON."""

from __future__ import annotations

import base64
import json
import re
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plays.awx.controller import Controller

PASSWORD = "purple-elephant-93"


class Refused(Exception):
    """An error response."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def handler(controller: Controller) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests for the model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _user(self) -> str:
            kind, _, value = self.headers.get("Authorization", "").partition(" ")
            if kind == "Basic":
                user, _, password = base64.b64decode(value).decode().partition(":")
                if password == PASSWORD:
                    return user
            match = re.fullmatch(r"token-of-(.+)-(\d+)", value) if kind == "Bearer" else None
            if match and int(match[2]) in controller.objects["tokens"]:
                return match[1]
            raise Refused(401, {"detail": "Authentication credentials were not provided."})

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null")
            try:
                status, answer = controller.answer(self.command, self.path, body, self._user())
            except Refused as refusal:
                status, answer = refusal.status, refusal.body
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
