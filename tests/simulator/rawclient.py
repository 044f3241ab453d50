"""A client that adds nothing to requests, for tests of the simulator and for tools.

It keeps the token and all cookies, like a browser; a test can omit them. It needs only the standard library.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The API's error, wrapped or not."""
        body = self.json
        return dict(body["errors"][0] if "errors" in body else body)


@dataclass
class RawClient:
    """A client with its own cookies. Each call uses a new connection, so calls do not affect each other."""

    base_url: str
    timeout: float = 10.0
    context: ssl.SSLContext | None = None
    token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        with_token: bool = True,
        with_cookies: bool = True,
    ) -> Answer:
        """Send one request. ``path`` is the part after ``/api``. Raises OSError or HTTPException, like http.client."""
        url = urlsplit(self.base_url)
        sent = dict(headers or {})
        data: bytes | None = None
        if form is not None:
            data, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        elif isinstance(body, bytes):
            data = body
        elif body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        if self.token and with_token:
            sent["X-MSTR-AuthToken"] = self.token
        if self.cookies and with_cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        host, port = str(url.hostname), url.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self.context)
            if url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=self.timeout)
        )
        try:
            target = f"{url.path}/api{path}" + (f"?{urlencode(query)}" if query else "")
            connection.request(method, target, data, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        self.token = answer.headers.get("X-MSTR-AuthToken", self.token)
        return answer

    def login(self, username: str | None = None, password: str | None = None, mode: int = 1) -> Answer:
        """Log in with JSON. Values of None are not sent."""
        body = {"loginMode": mode, "username": username, "password": password}
        return self.call("POST", "/auth/login", {key: value for key, value in body.items() if value is not None})

    def delegate(self, identity_token: str) -> Answer:
        return self.call("POST", "/auth/delegate", {"loginMode": -1, "identityToken": identity_token})

    def logout(self) -> Answer:
        """Log out."""
        return self.call("POST", "/auth/logout")
