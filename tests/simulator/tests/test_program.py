# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process: its start, end and output, TLS, proxy, log and control interface."""

from __future__ import annotations

import json
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from simulator.harness import FOLDER, Simulator, SimulatorError
from simulator.rawclient import RawClient
from simulator.tests.helpers import SAMPLE, create, gone, start


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
            assert RawClient(url).login("admin", "correct-horse-41").status == 204
            process.send_signal(number)
            assert process.wait(5) == 0
            assert process.stderr.read() == ""
        finally:
            # A test that fails must not wait for a server that goes on.
            process.kill()


def test_it_ends_while_calls_hang_and_scripts_run() -> None:
    sim = Simulator().start()
    client = RawClient(sim.base_url)
    client.login(sim.username, sim.password)
    start(client, "import time\ntime.sleep(60)")
    deadline = time.monotonic() + 10
    while not sim.state()["evaluations"][0]["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = sim.state()["evaluations"][0]["pid"]
    sim.fault("hang", operation="list")
    client.timeout = 0.1
    with pytest.raises(TimeoutError):
        client.call("GET", "/runtimes")
    begun = time.monotonic()
    sim.stop()
    assert time.monotonic() - begun < 4
    assert gone(child)


@pytest.mark.parametrize("how", ["stdin", "pid"])
def test_it_ends_with_its_parent(tmp_path: Path, how: str) -> None:
    ready = tmp_path / "ready.json"
    option = ["--exit-with-parent"] if how == "stdin" else ["--parent-pid", "{}"]
    code = (
        "import os, subprocess, sys, time\n"
        "args = [a.format(os.getpid()) for a in sys.argv[1:]]\n"
        "subprocess.Popen([sys.executable, *args], stdin=subprocess.PIPE)\n"
        "time.sleep(60)\n"
    )
    command = [str(FOLDER), "--quiet", "--ready-file", str(ready), *option]
    with subprocess.Popen([sys.executable, "-c", code, *command]) as parent:
        deadline = time.monotonic() + 10
        while not ready.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pid = json.loads(ready.read_text())["pid"]
        parent.kill()
    assert gone(pid)
    assert not ready.exists()


def test_an_invalid_command_line_is_explained() -> None:
    for arguments, message in (
        (["--switch", "nothing=1"], "nothing"),
        (["--switch", "x"], "NAME=VALUE"),
        (["--client-ca", "x"], "--tls"),
    ):
        done = subprocess.run([sys.executable, str(FOLDER), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    with pytest.raises(SimulatorError, match="latency_ms"), Simulator(latency_ms=-1):
        pass


def test_the_command_line_sets_switches(sim: Simulator) -> None:
    with Simulator("newest", {"list_omits": ["whitelist", "others"]}, latency_ms=5) as other:
        switches = other.state()["switches"]
        assert (switches["list_omits"], switches["latency_ms"]) == (["whitelist", "others"], 5.0)
        assert other.state()["profile"] == "newest"
        assert other.pid != sim.pid


def test_a_profile_file_sets_the_behaviour(tmp_path: Path) -> None:
    file = tmp_path / "probe.json"
    file.write_text(json.dumps({"product": {}, "profile": {"cpu_format": "number", "list_omits": ["others"]}}))
    with Simulator(profile_file=file) as other:
        for _ in range(2):
            state = other.state()
            assert state["profile"] == "file"
            assert (state["switches"]["cpu_format"], state["switches"]["list_omits"]) == ("number", ["others"])
            assert state["switches"]["create_status"] == "200"
            other.switch(cpu_format="as_sent")
            other.reset()  # to the profile file, not to a built-in profile


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON file"),
        ("[]", "holds no profile"),
        ('{"profile": 3}', "holds no profile"),
        ('{"profile": {"nothing": 1}}', "no switch is called 'nothing'"),
        ('{"cpu_format": "words"}', "'words' is not allowed"),
        (None, "not a JSON file"),
    ],
)
def test_an_invalid_profile_file_is_explained(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "probe.json"
    if text is not None:
        file.write_text(text)
    done = subprocess.run(
        [sys.executable, str(FOLDER), "--profile-file", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_harness_needs_only_the_standard_library() -> None:
    code = "import sys, simulator.harness, simulator.rawclient\nassert not {'aiohttp', 'trustme'} & set(sys.modules)"
    subprocess.run([sys.executable, "-S", "-c", code], cwd=FOLDER.parent, check=True)


def test_a_browser_gets_a_page(sim: Simulator) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(sim.base_url + "/app") as answer:
        assert answer.headers.get_content_type() == "text/html"


def test_the_log_has_everything_but_secrets(sim: Simulator, client: RawClient) -> None:
    client.call("GET", "/runtimes", query={"fields": "id"}, headers={"Authorization": "Basic eDp5"})
    create(client)
    RawClient(sim.base_url).login(sim.username, "wrong-password-99")
    client.logout()
    entries = sim.requests()
    assert sim.calls() == [
        "POST /auth/login",
        "GET /runtimes",
        "POST /runtimes",
        "POST /auth/login",
        "POST /auth/logout",
    ]
    assert [entry["status"] for entry in entries] == [204, 200, 200, 401, 204]
    assert [entry["token"] for entry in entries] == [False, True, True, False, True]
    assert [entry["session"] for entry in entries] == [1, 1, 1, None, 1]
    assert entries[1]["query"] == {"fields": "id"}
    assert entries[1]["authorization"]
    assert entries[2]["body"] == SAMPLE
    text = json.dumps(entries)
    for secret in [*sim.secrets(), "wrong-password-99"]:
        assert len(secret) < 6 or secret not in text
    assert {client.token, client.cookies["JSESSIONID"]} <= set(sim.secrets())
    sim.clear_requests()
    assert sim.requests() == []


def test_reset_restores_the_initial_state(sim: Simulator, client: RawClient) -> None:
    create(client)
    sim.fault("empty")
    sim.switch(session_limit=1)
    sim.reset("oldest", latency_ms=1)
    state = sim.state()
    assert (state["profile"], state["switches"]["latency_ms"], state["sessions"], sim.faults()) == (
        "oldest",
        1.0,
        [],
        [],
    )
    assert sim.runtimes() == []
    assert client.call("GET", "/runtimes").status == 401


@pytest.mark.parametrize("path", ["", "/"])
def test_control_has_an_index(sim: Simulator, path: str) -> None:
    assert {"GET /_sim", "POST /_sim/seed", "GET /_sim/state"} <= set(sim.control("GET", path)["calls"])


@pytest.mark.parametrize(
    ("seed", "sentence"),
    [
        ({"x": 1}, "a seed has no key 'x'; known: generate, packages, projects, replace, runtimes, users"),
        (
            {"projects": [{"nam": "Sales"}]},
            "a project has no key 'nam'; known: denies, id, loaded, name, scripts, tasks",
        ),
        ({"projects": [{"scripts": []}]}, "a project needs the key 'name'"),
        ({"projects": [{"name": "Sales", "scripts": [{"name": "a", "runtim": 1}]}]}, "a script has no key 'runtim'"),
        ({"projects": [{"name": "Sales", "tasks": [{"script": "a"}]}]}, "project 'Sales' has no script 'a' for a task"),
        ({"users": [{"name": "x"}]}, "a user has no key 'name'"),
        ({"packages": [{"nam": "x"}]}, "a rule for packages has no key 'nam'"),
        ({"generate": {"number": 3}}, "generate has no key 'number'"),
        ({"runtimes": 5}, "'int' object is not iterable"),
    ],
)
def test_wrong_seed_is_a_sentence(sim: Simulator, seed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SimulatorError, match=re.escape(sentence)):
        sim.control("POST", "/seed", seed)


def test_busy_port_names_the_option(sim: Simulator) -> None:
    port = int(sim.base_url.split(":")[2].partition("/")[0])
    command = [sys.executable, str(FOLDER), "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert f"port {port} is in use; choose a different one: make simulator PORT={port + 1}, or --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_playground_has_what_the_guides_need() -> None:
    """It is what a person starts: several Python versions, two saved scripts on one runtime, and a schedule."""
    with Simulator("playground") as sim:
        client = RawClient(sim.base_url)
        client.login(sim.username, sim.password)
        assert len(client.call("GET", "/runtimes/versions").json["versions"]) == 3
        assert [runtime["name"] for runtime in sim.runtimes()] == ["Forecasts"]
        [sales] = [project for project in sim.projects() if project["name"] == "Sales"]
        assert [script["name"] for script in sales["scripts"]] == ["Load sales", "Month end"]
        headers = {"X-MSTR-ProjectID": sales["id"]}
        [task] = client.call("GET", "/tasks", query={"type": "script"}, headers=headers).json["tasks"]
        assert task["schedule"]["name"] == "nightly"


@pytest.mark.parametrize("module", ["simulator.cli", "argparse", "aiohttp", "simulator.server"])
def test_ctrl_c_while_it_starts(module: str) -> None:
    """Whatever is being imported when the signal comes, the program ends without a traceback."""
    code = f"""if True:
        import os, runpy, signal, sys

        def interrupt(event, args):
            if event == "import" and args[0] == {module!r}:
                os.kill(os.getpid(), signal.SIGINT)

        sys.addaudithook(interrupt)
        sys.argv = ["simulator"]
        runpy.run_path({str(FOLDER)!r}, run_name="__main__")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode in (0, -signal.SIGINT)
    assert done.stderr == ""


def test_control_rejects_unknown_requests(sim: Simulator) -> None:
    for path, body in (
        ("/reset", {"profile": "x"}),
        ("/sessions/expire", {"x": 1}),
        ("/clock", {}),
    ):
        with pytest.raises(SimulatorError):
            sim.control("POST", path, body)
    assert {"samples", "newest", "oldest", "awkward"} <= set(sim.control("GET", "/profiles")["profiles"])


def test_closed_sockets_are_not_counted(sim: Simulator, client: RawClient) -> None:
    for _ in range(50):
        client.call("GET", "/sessions")
    deadline = time.monotonic() + 5
    while sim.state()["open_sockets"] > 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _context(sim: Simulator, client: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=sim.certificates["ca"])
    if client:
        context.load_cert_chain(sim.certificates[f"{client}_cert"], sim.certificates[f"{client}_key"])
    return context


def test_tls_and_client_certificates() -> None:
    with Simulator(tls=True, client_ca=True) as sim:
        assert sim.base_url.startswith("https://")
        good = RawClient(sim.base_url, context=_context(sim, "client"))
        assert good.login(sim.username, sim.password).status == 204
        for other in (None, "other_client"):
            # With TLS 1.3 the client gets an alert, or a reset if that arrives first.
            with pytest.raises((ssl.SSLError, ConnectionError)):
                RawClient(sim.base_url, context=_context(sim, other)).login(sim.username, sim.password)
        with pytest.raises(ssl.SSLCertVerificationError):
            RawClient(sim.base_url, context=ssl.create_default_context()).login(sim.username, sim.password)
        assert sim.calls() == ["POST /auth/login"]


@pytest.mark.parametrize(("which", "why"), [("expired", "expired"), ("wrong-host", "not valid for")])
def test_invalid_certificates_are_rejected(which: str, why: str) -> None:
    with Simulator(tls=which) as sim, pytest.raises(ssl.SSLCertVerificationError, match=why):
        RawClient(sim.base_url, context=_context(sim)).login(sim.username, sim.password)


def test_proxy() -> None:
    with Simulator(proxy=True) as sim:
        assert sim.proxy_url
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": sim.proxy_url}))
        with opener.open(sim.base_url + "/api/status") as answer:
            assert "iServerVersion" in json.load(answer)
        assert sim.proxied() == [f"GET {sim.base_url}/api/status"]
    with Simulator(proxy=True, tls=True) as sim:
        handlers = [
            urllib.request.ProxyHandler({"https": str(sim.proxy_url)}),
            urllib.request.HTTPSHandler(context=_context(sim)),
        ]
        with urllib.request.build_opener(*handlers).open(sim.base_url + "/api/status") as answer:
            assert "iServerVersion" in json.load(answer)
        assert sim.proxied() == ["CONNECT " + sim.base_url.split("/")[2]]
