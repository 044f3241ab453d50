"""A client and helpers for several test files."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import requests
from support.waiting import wait_until

from simulator.harness import Simulator
from simulator.seed import FIELDS

ETL, SALES = "E" * 32, "5A1E5000000000000000000000000001"

# The body of a create in the vendor's sample [doc].
SAMPLE: dict[str, Any] = {
    "name": "Test Runtime",
    "description": "This is a test runtime",
    "whitelist": ["10.10.10.0/24"],
    "packages": [{"name": "mstrio-py", "version": "", "description": ""}],
    **FIELDS,
}


class Client(requests.Session):
    """A client that keeps the token and all cookies, like a browser."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.trust_env = False
        self._api = f"{base_url}/api"

    def call(
        self, method: str, path: str, body: Any = None, *, timeout: float = 10.0, **more: Any
    ) -> requests.Response:
        """Send one request. ``path`` is the part after ``/api``."""
        more |= {"data": body} if isinstance(body, bytes) else {"json": body}
        answer = self.request(method, self._api + path, timeout=timeout, allow_redirects=False, **more)
        if token := answer.headers.get("X-MSTR-AuthToken"):
            self.headers["X-MSTR-AuthToken"] = token
        return answer

    def login(self, username: str | None = None, password: str | None = None, mode: int = 1) -> requests.Response:
        """Log in with JSON. Values of None are not sent."""
        body = {"loginMode": mode, "username": username, "password": password}
        return self.call("POST", "/auth/login", {key: value for key, value in body.items() if value is not None})

    def delegate(self, identity_token: str) -> requests.Response:
        return self.call("POST", "/auth/delegate", {"loginMode": -1, "identityToken": identity_token})


def error(answer: requests.Response) -> tuple[int, str]:
    """The status and the code of the API's error."""
    return answer.status_code, answer.json()["code"]


def logged_in(sim: Simulator, name: str = "admin") -> Client:
    """A new client of a user."""
    user, client = sim.users[name], Client(sim.base_url)
    assert client.login(name, user["password"], user["mode"]).status_code == 204
    return client


def create(client: Client, **fields: Any) -> str:
    """Create the sample with changed fields, and return its id."""
    answer = client.call("POST", "/runtimes", {**SAMPLE, **fields})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def read(client: Client, runtime_id: str) -> dict[str, Any]:
    answer = client.call("GET", f"/runtimes/{runtime_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def wait_for_end(pid: int) -> None:
    """Wait for the end of a process that is not a child of this one."""

    def ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        return status.exists() and ") Z " in status.read_text()

    wait_until(ended, f"process {pid} has ended")


def start(client: Client, code: str, runtime_id: str | None = None, **more: object) -> str:
    """Start a script and return the evaluation's id."""
    body: dict[str, Any] = {"scriptContent": base64.b64encode(code.encode()).decode(), **more}
    if runtime_id:
        body["scriptRuntimeId"] = runtime_id
    answer = client.call("POST", "/scripts/evaluation", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def wait(client: Client, evaluation: str) -> dict[str, Any]:
    """Wait for the end and return the response."""
    path = f"/scripts/evaluation/{evaluation}"
    wait_until(lambda: client.call("GET", path).json()["status"] >= 3, "the script has ended")
    return dict(client.call("GET", path).json())


def run(client: Client, code: str, runtime_id: str | None = None, **more: object) -> dict[str, Any]:
    """Start and wait."""
    return wait(client, start(client, code, runtime_id, **more))


def seed_sales(sim: Simulator) -> None:
    """Add a runtime, and a project with scripts. Only the viewer may read the last one."""
    scripts = [
        {"name": "Load", "id": f"{1:032X}", "runtime": "Etl", "code": "print('lädt')"},
        {"name": "Clean up", "id": f"{2:032X}"},
        {"name": "Old", "id": f"{3:032X}", "subtype": 19456},
        {"name": "Reload", "id": f"{4:032X}", "runtime": ETL, "owner": "viewer", "readers": []},
    ]
    sim.seed({"name": "Etl", "id": ETL}, projects=[{"name": "Sales", "id": SALES, "scripts": scripts}])


def in_project(
    client: Client, method: str, path: str, body: Any = None, project: str = SALES, **query: object
) -> requests.Response:
    """Send a call about a project."""
    return client.call(method, path, body, params=query, headers={"X-MSTR-ProjectID": project})
