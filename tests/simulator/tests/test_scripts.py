"""Scripts run their code. The integration target of mstr_script_run shows what they import."""

from __future__ import annotations

import base64

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


def test_what_is_not_installed_cannot_be_imported(client: Client, sim: Simulator) -> None:
    sim.seed(packages=[{"name": "broken", "outcome": "not_installed"}])
    runtime_id = create(client, packages=[{"name": "broken"}])
    for name in ("broken", "aiohttp"):
        assert "ModuleNotFoundError" in run(client, f"import {name}", runtime_id)["message"]


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


def test_the_time_limit_of_the_runtime_applies(client: Client, sim: Simulator) -> None:
    runtime_id = create(client, execTimeout=60)
    evaluation = start(client, "import time\nprint('early', flush=True)\ntime.sleep(100)", runtime_id)
    path = f"/scripts/evaluation/{evaluation}"
    wait_until(lambda: client.call("GET", path).json()["results"]["stdout"], "the script prints")
    sim.turn_clock(61)
    answer = wait(client, evaluation)
    assert (answer["status"], answer["results"]["stdout"]) == (5, "early\n")


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
