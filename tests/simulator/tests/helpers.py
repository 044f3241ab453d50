"""Helpers for several test files."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from support.waiting import wait_until

from simulator.harness import Simulator
from simulator.rawclient import Answer, RawClient

ETL, SALES = "E" * 32, "5A1E5000000000000000000000000001"

# The body of a create in the vendor's sample [doc].
SAMPLE: dict[str, Any] = {
    "name": "Test Runtime",
    "description": "This is a test runtime",
    "whitelist": ["10.10.10.0/24"],
    "packages": [{"name": "mstrio-py", "version": "", "description": ""}],
    "resource": {"cpu": "0.2", "mem": 512},
    "execTimeout": 600,
    "minCachedInstances": 0,
    "maxCachedInstances": 5,
    "runtimeVersion": "3.10.5",
    "others": "",
}


def logged_in(sim: Simulator, name: str = "admin") -> RawClient:
    """A new client of a user."""
    user, client = sim.users[name], RawClient(sim.base_url)
    assert client.login(name, user["password"], user["mode"]).status == 204
    return client


def create(client: RawClient, **fields: Any) -> str:
    """Create the sample with changed fields, and return its id. None removes a field."""
    body = {key: value for key, value in {**SAMPLE, **fields}.items() if value is not None}
    answer = client.call("POST", "/runtimes", body)
    assert answer.status in (200, 201), answer.body
    return str(answer.json["id"])


def read(client: RawClient, runtime_id: str) -> dict[str, Any]:
    answer = client.call("GET", f"/runtimes/{runtime_id}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


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


def start(client: RawClient, code: str, runtime_id: str | None = None, **more: object) -> str:
    """Start a script and return the evaluation's id."""
    body: dict[str, Any] = {"scriptContent": base64.b64encode(code.encode()).decode(), **more}
    if runtime_id:
        body["scriptRuntimeId"] = runtime_id
    answer = client.call("POST", "/scripts/evaluation", body)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def wait(client: RawClient, evaluation: str) -> dict[str, Any]:
    """Wait for the end and return the response."""
    path = f"/scripts/evaluation/{evaluation}"
    wait_until(lambda: client.call("GET", path).json["status"] >= 3, "the script has ended")
    return dict(client.call("GET", path).json)


def run(client: RawClient, code: str, runtime_id: str | None = None, **more: object) -> dict[str, Any]:
    """Start and wait."""
    return wait(client, start(client, code, runtime_id, **more))


def seed_sales(sim: Simulator) -> None:
    """Add a runtime, and a project with scripts. Only the viewer may read the last one."""
    scripts = [
        {"name": "Load", "id": f"{1:032X}", "runtime": "Etl", "code": "print('lädt')"},
        {"name": "Clean up", "id": f"{2:032X}", "running": True},
        {"name": "Old", "id": f"{3:032X}", "subtype": 19456},
        {"name": "Reload", "id": f"{4:032X}", "runtime": ETL, "owner": "viewer", "readers": []},
    ]
    sim.seed({"name": "Etl", "id": ETL}, projects=[{"name": "Sales", "id": SALES, "scripts": scripts}])


def in_project(
    client: RawClient, method: str, path: str, body: Any = None, project: str = SALES, **query: object
) -> Answer:
    """Send a call about a project."""
    texts = {name: str(value) for name, value in query.items()}
    return client.call(method, path, body, query=texts, headers={"X-MSTR-ProjectID": project})
