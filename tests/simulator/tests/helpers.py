"""Helpers for several test files."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any

from simulator.rawclient import RawClient

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


def gone(pid: int, seconds: float = 5) -> bool:
    """Wait for the end of a process that is not a child of this one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.02)
    return False


def start(client: RawClient, code: str, runtime_id: str | None = None, **more: object) -> str:
    """Start a script and return the evaluation's id."""
    body: dict[str, Any] = {"scriptContent": base64.b64encode(code.encode()).decode(), **more}
    if runtime_id:
        body["scriptRuntimeId"] = runtime_id
    answer = client.call("POST", "/scripts/evaluation", body)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def wait(client: RawClient, evaluation: str, seconds: float = 20) -> dict[str, Any]:
    """Wait for the end and return the response."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = client.call("GET", f"/scripts/evaluation/{evaluation}").json
        if answer["status"] >= 3:
            return dict(answer)
        time.sleep(0.02)
    raise AssertionError(answer)


def run(client: RawClient, code: str, runtime_id: str | None = None, **more: object) -> dict[str, Any]:
    """Start and wait."""
    return wait(client, start(client, code, runtime_id, **more))
