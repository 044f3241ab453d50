"""Scripts run their code."""

from __future__ import annotations

import base64
import json

from support.waiting import wait_until

from simulator.harness import Simulator
from simulator.tests.helpers import Client, create, logged_in, run, start, wait, wait_for_end


def test_exceptions_show_the_scripts_own_frames(client: Client) -> None:
    answer = run(client, "def f():\n    raise ValueError('no')\nf()")
    assert (answer["status"], answer["message"]) == (4, "ValueError: no")
    assert "ValueError: no" in answer["results"]["stderr"]
    assert "script_child" not in answer["results"]["stderr"]
    assert run(client, "def (")["message"].startswith("SyntaxError")
    assert run(client, "import sys; sys.exit(3)")["status"] == 4
    assert run(client, "import os; os._exit(3)")["message"] == "The Python process ended with 3."


def test_the_runtimes_packages_can_be_imported(client: Client, sim: Simulator) -> None:
    sim.seed(packages=[{"name": "broken", "outcome": "not_installed"}])
    packages = [{"name": "mstrio-py", "version": "11.5.0"}, {"name": "My_Pkg"}, {"name": "broken"}]
    runtime_id = create(client, packages=packages)
    code = (
        "import mstrio, my_pkg\nfrom importlib.metadata import version\n"
        "[mstrio.__version__, version('my-pkg'), version('mstrio-py')]"
    )
    assert json.loads(run(client, code, runtime_id)["results"]["output"]) == ["11.5.0", "1.0.0", "11.5.0"]
    assert "ModuleNotFoundError" in run(client, "import broken", runtime_id)["message"]
    assert "ModuleNotFoundError" in run(client, "import aiohttp", runtime_id)["message"]


def test_metadata_of_what_was_pulled_in(client: Client, sim: Simulator) -> None:
    runtime_id = create(client, packages=[{"name": "requests[socks]", "version": "2.32.3"}, {"name": "pandas"}])
    code = "import importlib.metadata as m\nsorted(found.name for found in m.distributions())"
    pandas = ["numpy", "pandas", "python-dateutil", "pytz", "six", "tzdata"]
    requests = ["PySocks", "certifi", "charset_normalizer", "idna", "requests", "urllib3"]
    assert json.loads(run(client, code, runtime_id)["results"]["output"]) == sorted([*pandas, *requests, "pip"])
    sim.switch(script_metadata="hidden")
    assert json.loads(run(client, code, runtime_id)["results"]["output"]) == []


def test_the_whitelist_limits_connections(client: Client, sim: Simulator) -> None:
    port = int(sim.base_url.split(":")[2].split("/")[0])
    code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2).close()\n'reached'"
    assert json.loads(run(client, code, create(client, whitelist=["127.0.0.0/8"]))["results"]["output"]) == "reached"
    refused = run(client, code, create(client, name="B", whitelist=["10.0.0.0/8"]))
    assert "does not allow 127.0.0.1" in refused["message"]


def test_stopping(client: Client, sim: Simulator) -> None:
    code = "import subprocess, time\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\ntime.sleep(60)"
    evaluation = start(client, code)
    path = f"/scripts/evaluation/{evaluation}"
    wait_until(lambda: client.call("GET", path).json()["results"]["stdout"], "the script prints")
    shown = client.call("GET", path).json()
    assert shown["status"] == 1
    pids = [sim.state()["evaluations"][0]["pid"], int(shown["results"]["stdout"])]
    assert client.call("DELETE", path).status_code == 204
    assert wait(client, evaluation)["status"] == 6
    for pid in pids:
        wait_for_end(pid)


def test_a_child_left_behind_does_not_keep_the_run_open(client: Client) -> None:
    assert run(client, "import subprocess\nsubprocess.Popen(['sleep', '600'])\n1")["status"] == 3


def test_the_limits_of_the_runtime_apply(client: Client, sim: Simulator) -> None:
    runtime_id = create(client, execTimeout=60, resource={"cpu": "1", "mem": 128})
    evaluation = start(client, "import time\nprint('early', flush=True)\ntime.sleep(100)", runtime_id)
    path = f"/scripts/evaluation/{evaluation}"
    wait_until(lambda: client.call("GET", path).json()["results"]["stdout"], "the script prints")
    sim.turn_clock(61)
    answer = wait(client, evaluation)
    assert (answer["status"], answer["results"]["stdout"]) == (5, "early\n")
    assert "MemoryError" in run(client, "bytearray(300 * 1024 * 1024)", runtime_id)["message"]


def test_refusals_and_runs_of_others(client: Client, sim: Simulator) -> None:
    good = base64.b64encode(b"1").decode()
    for body, status in (
        ({}, 400),
        ({"scriptContent": "not base64!"}, 400),
        ({"scriptContent": base64.b64encode(b"\xff").decode()}, 400),
        ({"scriptContent": good, "scriptRuntimeId": "F" * 32}, 404),
        ({"scriptContent": good, "colour": 1}, 400),
    ):
        assert client.call("POST", "/scripts/evaluation", body).status_code == status, body
    done = run(client, "1")["id"]
    assert logged_in(sim, "ldap.admin").call("GET", f"/scripts/evaluation/{done}").status_code == 404
