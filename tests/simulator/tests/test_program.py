"""The process: its end, its log, and who may call it. tests/contract shows what it answers."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.waiting import PATIENCE_S, wait_until

from simulator.faults import KINDS
from simulator.harness import FOLDER, STOP_S, Simulator


def wait_for_end(pid: int) -> None:
    """Wait for the end of a process that is not a child of this one."""
    status = Path(f"/proc/{pid}/stat")
    wait_until(lambda: not status.exists() or ") Z " in status.read_text(), f"process {pid} has ended")


def test_it_ends_while_calls_hang_and_scripts_run() -> None:
    sim = Simulator().start()
    sim.fault("hang", operation="login")
    with pytest.raises(requests.Timeout):
        requests.post(f"{sim.base_url}/api/auth/login", json={}, timeout=0.1)
    begun = time.monotonic()
    sim.stop()
    assert time.monotonic() - begun < STOP_S, "it was not killed"


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    code = (
        "import os, subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, *sys.argv[1:], '--parent-pid', str(os.getpid())])\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(FOLDER), "--ready-file", str(ready)]) as parent:
        wait_until(ready.exists, "the simulator is ready")
        pid = json.loads(ready.read_text())["pid"]
        parent.kill()
    wait_for_end(pid)
    assert not ready.exists()


def test_the_log_has_everything_but_secrets(sim: Simulator) -> None:
    client = requests.Session()
    login = {"loginMode": 1, "username": sim.username, "password": sim.password}
    token = client.post(f"{sim.base_url}/api/auth/login", json=login).headers["X-MSTR-AuthToken"]
    client.post(f"{sim.base_url}/api/runtimes", json={"name": "New"}, headers={"X-MSTR-AuthToken": token})
    assert sim.calls() == ["POST /auth/login", "POST /runtimes"]
    created = sim.requests()[-1]
    assert (created["body"], created["user"], created["token"]) == ({"name": "New"}, "admin", True)
    text = json.dumps(sim.requests())
    assert [secret for secret in sim.secrets() if len(secret) > 5 and secret in text] == []


def test_every_fault_is_used_by_a_test() -> None:
    files = Path(__file__).parents[2].rglob("test_*.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


@pytest.fixture(scope="module")
def allowed() -> Iterator[Simulator]:
    with Simulator(arguments=["--host", "allowed.example.com"]) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "allowed.example.com:{port}"}, 200),
        ({"Host": "127.0.0.1:{port}", "Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Host": "evil.example.com:{port}"}, 403),
        ({"Origin": "https://evil.example.com"}, 403),
    ],
    ids=str,
)
def test_no_page_of_a_browser_reaches_it(allowed: Simulator, headers: dict[str, str], status: int) -> None:
    """A site whose name means this machine sends its own name, and a page of a site its origin."""
    port = int(allowed.base_url.split(":")[2].partition("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    named = {name: value.format(port=port) for name, value in headers.items()}
    connection.request("GET", "/_sim/secrets", headers=named)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == status
    assert ("correct-horse" in text) is (status == 200)
