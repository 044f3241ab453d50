# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mstr.library.controller makes everything, changes nothing the second time, and removes everything again."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from awx.controller import VIEWER, Controller
from awx.programs import environment, run

SECRET = "correct-horse-battery-41"
STAGE = {
    "name": "test",
    "credential": {"mstr_username": "automation", "mstr_password": SECRET},
    "environments": [
        {"name": "test-eu", "variables": {"mstr_base_url": "https://eu.example.com/MicroStrategyLibrary"}},
        {"name": "test-us", "variables": {"mstr_base_url": "https://us.example.com/MicroStrategyLibrary"}},
    ],
}
VARIABLES: dict[str, Any] = {
    "mstr_controller_organization": "Analytics",
    "mstr_controller_manage_organization": True,
    "mstr_controller_execution_environment": {"image": "hub.example.com/mstr-library-ee:1.0"},
    "mstr_controller_project": {"scm_url": "https://git.example.com/analytics/definitions.git"},
    "mstr_controller_stages": [STAGE],
}


def play(
    tmp_path: Path, env: dict[str, str], variables: dict[str, Any] | None = None, *arguments: str, **more: Any
) -> str:
    """What the playbook printed."""
    path = tmp_path / "controller.yml"
    path.write_text(yaml.safe_dump({**(VARIABLES if variables is None else variables), **more}))
    return run("ansible-playbook", "mstr.library.controller", "-e", f"@{path}", *arguments, env=env).stdout


def recap(output: str) -> dict[str, int]:
    line = next(line for line in output.splitlines() if re.match(r"localhost +:", line))
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def test_it_makes_everything_once_and_removes_it(tmp_path: Path, controller: Controller) -> None:
    env = environment(**controller.environment())

    output = play(tmp_path, env, None, "-vvvv")

    assert recap(output)["failed"] == 0, output
    assert SECRET not in output
    assert controller.names("credential_types") == ["MicroStrategy Library"]
    assert controller.names("credentials") == controller.names("inventories") == ["Library test"]
    assert controller.names("hosts") == ["test-eu", "test-us"]
    assert controller.names("execution_environments") == ["Library execution environment"]
    assert controller.names("projects") == ["Library definitions"]
    assert controller.names("job_templates") == [
        f"Library test: {what}" for what in ("apply", "drift check", "export", "smoke test")
    ]
    assert controller.names("workflow_job_templates") == ["Library test: drift check, approval, apply"]
    assert_whole(controller)

    controller.writes.clear()
    output = play(tmp_path, env)
    assert recap(output)["failed"] == recap(output)["changed"] == 0, output
    assert controller.writes == []

    for changes in (True, False):
        output = play(tmp_path, env, mstr_controller_state="absent")
        assert recap(output)["failed"] == 0, output
        assert (recap(output)["changed"] > 0) == changes
    assert {kind: things for kind, things in controller.objects.items() if things} == {
        "workflow_approval_templates": controller.objects["workflow_approval_templates"]
    }


def assert_whole(controller: Controller) -> None:
    """The objects hold together."""
    (type_,) = controller.objects["credential_types"].values()
    assert type_["injectors"]["env"]["MSTR_USERNAME"] == "{{ mstr_username }}"
    (credential,) = controller.objects["credentials"].values()
    assert credential["inputs"] == STAGE["credential"]
    (inventory,) = controller.objects["inventories"].values()
    assert json.loads(inventory["variables"]) == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "mstr_runtimes_src": "runtimes/{{ inventory_hostname }}.yml",
    }
    drift = controller.one("job_templates", "Library test: drift check")
    assert (drift["job_type"], drift["playbook"], drift["inventory"]) == ("check", "apply.yml", inventory["id"])
    assert controller.associated["job_templates", drift["id"], "credentials"] == [credential["id"]]
    asked = [question["variable"] for question in controller.surveys[drift["id"]]["spec"]]
    assert asked == [
        f"mstr_survey_{what}"
        for what in ("src", "purge", "purge_limit", "protect_used", "networks_never", "fail_on_drift")
    ]
    (schedule,) = controller.objects["schedules"].values()
    assert schedule["unified_job_template"] == drift["id"]
    assert schedule["extra_data"] == {"mstr_survey_fail_on_drift": "yes"}
    nodes = {name: controller.one("workflow_job_template_nodes", name)["id"] for name in ("drift", "approval", "apply")}
    after = {key[1]: ids for key, ids in controller.associated.items() if key[2] == "success_nodes"}
    assert after == {nodes["drift"]: [nodes["approval"]], nodes["approval"]: [nodes["apply"]]}


def test_what_a_run_left_half_made_the_next_completes(tmp_path: Path, controller: Controller) -> None:
    env = environment(**controller.environment())
    output = play(tmp_path, env, mstr_controller_notifications=["nobody"])
    assert "Request to /api/v2/notification_templates/?name=nobody returned 0 items, expected 1" in failure(output)
    assert controller.names("inventories") == ["Library test"]

    output = play(tmp_path, env)
    assert recap(output)["failed"] == 0, output
    assert_whole(controller)


@pytest.mark.parametrize("missing", [name for name in VARIABLES if "manage" not in name])
def test_a_missing_variable_is_named_before_anything_is_sent(
    tmp_path: Path, controller: Controller, missing: str
) -> None:
    variables = {name: value for name, value in VARIABLES.items() if name != missing}

    output = play(tmp_path, environment(**controller.environment()), variables)

    assert f"missing required arguments: {missing}" in output
    assert controller.requests == 0


def test_no_controller_named(tmp_path: Path) -> None:
    output = play(tmp_path, environment(HOME=str(tmp_path)))

    assert "No controller is named. Set CONTROLLER_HOST" in output


def test_a_controller_that_is_out_of_reach(tmp_path: Path, controller: Controller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    env = environment(**controller.environment()) | {"CONTROLLER_HOST": f"http://127.0.0.1:{port}"}

    assert "Connection refused" in failure(play(tmp_path, env))


def test_a_wrong_password(tmp_path: Path, controller: Controller) -> None:
    output = play(tmp_path, environment(**controller.environment(password="wrong")))

    assert failure(output) == "Failed to get token: HTTP Error 401: Unauthorized"
    assert controller.writes == []


def test_a_user_without_the_right(tmp_path: Path, controller: Controller) -> None:
    output = play(tmp_path, environment(**controller.environment(VIEWER)))

    assert failure(output) == "You don't have permission to POST to /api/v2/organizations/ (HTTP 403)."


def failure(output: str) -> str:
    """The sentence with which the one failed task ended."""
    (message,) = re.findall(r'^(?:fatal|failed): .*"msg": "([^"]*)"', output, re.MULTILINE)
    return str(message)
