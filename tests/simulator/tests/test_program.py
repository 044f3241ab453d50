"""The process: its start, end and output, TLS, proxy, log and control interface."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from support.waiting import PATIENCE_S, wait_until

from simulator.harness import FOLDER, STOP_S, Simulator, SimulatorError
from simulator.tests.helpers import SAMPLE, Client, create, logged_in, start, wait_for_end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_address_and_credentials_and_ends_with_ctrl_c(number: signal.Signals) -> None:
    command = [sys.executable, str(FOLDER), "--port", "0", "--profile", "newest"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stderr
            lines = [process.stdout.readline() for _ in range(8)]
            url = next(line for line in lines if "MSTR_BASE_URL" in line).partition("=")[2].strip()
            assert url.startswith("http://127.0.0.1:")
            assert url.endswith("/MicroStrategyLibrary")
            assert Client(url).login("admin", "correct-horse-41").status_code == 204
            process.send_signal(number)
            assert process.wait(PATIENCE_S) == 0
            assert process.stderr.read() == ""
        finally:
            # A test that fails must not wait for a server that goes on.
            process.kill()


def test_it_ends_while_calls_hang_and_scripts_run() -> None:
    sim = Simulator().start()
    client = logged_in(sim)
    start(client, "import time\ntime.sleep(60)")
    wait_until(lambda: sim.state()["evaluations"][0]["running"], "the script runs")
    child = sim.state()["evaluations"][0]["pid"]
    sim.fault("hang", operation="list")
    with pytest.raises(requests.Timeout):
        client.call("GET", "/runtimes", timeout=0.1)
    begun = time.monotonic()
    sim.stop()
    assert time.monotonic() - begun < STOP_S, "it was not killed"
    wait_for_end(child)


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


def test_switches_of_the_start_outlive_a_reset() -> None:
    with Simulator("newest", switches={"list_hides": ["a", "b"], "latency_ms": 5}) as other:
        other.switch(latency_ms=0)
        other.reset()
        state = other.state()
        assert (state["profile"], state["switches"]["list_hides"]) == ("newest", ["a", "b"])
        assert state["switches"]["latency_ms"] == 5.0


def test_the_harness_needs_only_the_standard_library() -> None:
    code = "import sys, simulator.harness\nassert not {'aiohttp', 'trustme'} & set(sys.modules)"
    subprocess.run([sys.executable, "-S", "-c", code], cwd=FOLDER.parent, check=True)


def test_the_log_has_everything_but_secrets(sim: Simulator, client: Client) -> None:
    client.call("GET", "/runtimes", params={"fields": "id"}, headers={"Authorization": "Basic eDp5"})
    create(client)
    Client(sim.base_url).login(sim.username, "wrong-password-99")
    client.call("POST", "/auth/logout")
    entries = sim.requests()
    login, logout = "POST /auth/login", "POST /auth/logout"
    assert sim.calls() == [login, "GET /runtimes", "POST /runtimes", login, logout]
    assert [entry["status"] for entry in entries] == [204, 200, 201, 401, 204]
    assert [entry["token"] for entry in entries] == [False, True, True, False, True]
    assert [entry["user"] for entry in entries] == ["admin", "admin", "admin", None, "admin"]
    assert entries[1]["query"] == {"fields": "id"}
    assert entries[1]["authorization"]
    assert entries[2]["body"] == SAMPLE
    text = json.dumps(entries)
    for secret in [*sim.secrets(), "wrong-password-99"]:
        assert len(secret) < 6 or secret not in text
    assert {client.headers["X-MSTR-AuthToken"], client.cookies["JSESSIONID"]} <= set(sim.secrets())
    sim.clear_requests()
    assert sim.requests() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--switch", "nothing=1"], "nothing"),
        (["--client-certificate"], "--tls"),
        (["--port", "PORT"], "port PORT is in use; choose a different one: make simulator PORT=NEXT, or --port"),
    ],
)
def test_a_refused_command_line_is_a_sentence(sim: Simulator, arguments: list[str], message: str) -> None:
    port = int(sim.base_url.split(":")[2].partition("/")[0])
    command = [sys.executable, str(FOLDER), *(argument.replace("PORT", str(port)) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert message.replace("=NEXT", f"={port + 1}").replace("port PORT", f"port {port}") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/seed", {"x": 1}, "a seed has no key 'x'; known: generate, packages, projects, replace, runtimes, users"),
        ("/seed", {"projects": [{"scripts": []}]}, "a project needs the key 'name'"),
        ("/seed", {"projects": [{"name": "S", "tasks": [{"script": "a"}]}]}, "project 'S' has no script 'a' for a"),
        ("/reset", {"profile": "x"}, "no profile is called 'x'"),
        ("/clock", {}, "there is no 'seconds', or this key is missing"),
        ("/faults", {"kind": "nothing"}, "no fault is called 'nothing'"),
        ("/faults", {"kind": "slow", "colour": 1}, "fault slow takes no colour (it takes: seconds, when)"),
    ],
)
def test_a_refused_order_of_a_test_is_a_sentence(
    sim: Simulator, path: str, body: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SimulatorError, match=re.escape(sentence)):
        sim.control("POST", path, body)
    assert (sim.faults(), len(sim.runtimes())) == ([], 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "[::1]:{port}"}, 200),
        ({"Host": "allowed.example.com:{port}"}, 200),
        ({"Host": "127.0.0.1:{port}", "Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Host": "evil.example.com:{port}"}, 403),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/_sim/secrets", "/MicroStrategyLibrary/api/status"])
def test_no_page_of_a_browser_reaches_it(allowed: Simulator, path: str, headers: dict[str, str], status: int) -> None:
    """A site whose name means this machine sends its own name, and a page of a site its origin."""
    port = int(allowed.base_url.split(":")[2].partition("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", path, headers={name: value.format(port=port) for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == status
    assert ("correct-horse" in text) is (status == 200 and path.endswith("secrets"))


@pytest.fixture(scope="module")
def allowed() -> Iterator[Simulator]:
    with Simulator(arguments=["--host", "allowed.example.com"]) as simulator:
        yield simulator
