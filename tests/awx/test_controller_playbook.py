# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mstr.library.controller creates all objects, changes nothing in a second run, and removes all objects."""

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
INVENTORY_VARIABLES = {
    "ansible_connection": "local",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    "mstr_runtimes_src": "runtimes/{{ inventory_hostname }}.yml",
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
    """Run the playbook, and return its output."""
    path = tmp_path / "controller.yml"
    path.write_text(yaml.safe_dump({**(VARIABLES if variables is None else variables), **more}))
    return run("ansible-playbook", "mstr.library.controller", "-e", f"@{path}", *arguments, env=env).stdout


def recap(output: str) -> dict[str, int]:
    line = next(line for line in output.splitlines() if re.match(r"localhost +:", line))
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def test_the_playbook_creates_all_objects_once_and_removes_them(tmp_path: Path, controller: Controller) -> None:
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
        f"Library test: {what}" for what in ("apply", "approval check", "audit", "drift check", "export", "smoke test")
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
    """Check that the objects refer to each other correctly."""
    (type_,) = controller.objects["credential_types"].values()
    assert type_["injectors"]["env"]["MSTR_USERNAME"] == "{{ mstr_username }}"
    (credential,) = controller.objects["credentials"].values()
    assert credential["inputs"] == STAGE["credential"]
    (inventory,) = controller.objects["inventories"].values()
    assert json.loads(inventory["variables"]) == INVENTORY_VARIABLES
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
    names = {node["id"]: node["identifier"] for node in controller.objects["workflow_job_template_nodes"].values()}
    links = {
        (names[key], relation): [names[each] for each in ids]
        for (kind, key, relation), ids in controller.associated.items()
        if kind == "workflow_job_template_nodes" and ids
    }
    assert links == {
        ("drift", "failure_nodes"): ["approval_check"],
        ("approval_check", "success_nodes"): ["approval"],
        ("approval", "success_nodes"): ["apply"],
    }
    assert controller.one("workflow_job_template_nodes", "drift")["extra_data"] == {"mstr_survey_fail_on_drift": "yes"}
    limited = [*controller.objects["job_templates"].values(), *controller.objects["workflow_job_templates"].values()]
    assert {thing["ask_limit_on_launch"] for thing in limited} == {True}


@pytest.mark.complete
def test_the_next_run_completes_a_failed_run(tmp_path: Path, controller: Controller) -> None:
    env = environment(**controller.environment())
    controller.broken.append("POST /api/v2/schedules/")
    output = play(tmp_path, env)
    assert recap(output)["failed"] == 1, output
    assert controller.names("inventories") == ["Library test"]

    controller.broken.clear()
    output = play(tmp_path, env)
    assert recap(output)["failed"] == 0, output
    assert_whole(controller)


@pytest.mark.complete
def test_unlisted_objects_are_removed_and_objects_of_others_remain(tmp_path: Path, controller: Controller) -> None:
    env = environment(**controller.environment())
    organization = controller_organization(controller)
    for name in ("Analysts", "Auditors", "Others", "Platform"):
        controller.add("teams", name=name, organization=organization)
    controller.add("users", username="jane")
    access = {
        "launch": {"teams": ["Analysts", "Auditors"]},
        "approve": {"teams": ["Platform"], "users": ["jane"]},
        "read": {"teams": ["Auditors"]},
    }
    stages = [{**STAGE, "variables": {"mstr_timeout": 60}, "access": access}, {**STAGE, "name": "old"}]
    output = play(
        tmp_path, env, mstr_controller_stages=stages, mstr_controller_variables={"mstr_runtimes_purge_limit": 1}
    )
    assert recap(output)["failed"] == 0, output
    assert controller.names("inventories") == ["Library old", "Library test"]
    workflow, drift = "Library test: drift check, approval, apply", "Library test: drift check"
    assert controller.holders("workflow_job_templates", workflow, "execute_role") == {"Analysts", "Auditors"}
    assert controller.holders("workflow_job_templates", workflow, "approval_role") == {"Platform", "jane"}
    assert controller.holders("workflow_job_templates", workflow, "read_role") == {"Auditors"}
    assert controller.holders("job_templates", drift, "execute_role") == {"Analysts", "Auditors"}
    assert controller.holders("job_templates", drift, "read_role") == {"Auditors", "Platform", "jane"}
    assert controller.holders("job_templates", "Library test: apply", "execute_role") == set(), "it needs approval"

    # Changes by other users in the meantime.
    inventory = controller.one("inventories", "Library test")
    foreign = {"mstr_runtimes_policy": {"networks_never": ["10.66.0.0/16"]}, "text": "{{ 7 * 7 }}"}
    for thing in (
        inventory,
        next(h for h in controller.objects["hosts"].values() if h["inventory"] == inventory["id"]),
    ):
        thing["variables"] = yaml.safe_dump({**json.loads(thing["variables"]), **foreign})
    controller.add("hosts", name="by-hand", inventory=inventory["id"], variables="")
    controller.add("schedules", name="By hand", unified_job_template=controller.one("job_templates", drift)["id"])
    controller.grant("Others", "workflow_job_templates", workflow, "execute_role")
    theirs = {**controller.one("credentials", "Library test"), "name": "Library EU test"}
    theirs["description"] = theirs["description"].replace('"Library"', '"Library EU"')
    controller.add("credentials", **{name: value for name, value in theirs.items() if name != "id"})

    access = {"approve": {"users": ["jane"]}, "read": {"teams": ["Auditors"]}, "apply": {"teams": ["Platform"]}}
    credential = {"mstr_username": "robot"}
    changed = [{**STAGE, "environments": STAGE["environments"][:1], "drift_rrule": "", "access": access}]
    changed[0]["credential"] = credential
    for _ in range(2):
        output = play(tmp_path, env, mstr_controller_stages=changed, mstr_controller_apply_slices=2)
        assert recap(output)["failed"] == 0, output
    assert recap(output)["changed"] == 0, output

    assert controller.names("inventories") == ["Library test"]
    assert controller.names("credentials") == ["Library EU test", "Library test"]
    assert controller.names("workflow_job_templates") == [workflow]
    assert controller.names("hosts") == ["by-hand", "test-eu"]
    assert controller.names("schedules") == ["By hand"]
    variables = json.loads(controller.one("inventories", "Library test")["variables"])
    assert variables == {**INVENTORY_VARIABLES, **foreign}
    # The definition of this host is unchanged, so its manually edited text remains.
    host = yaml.safe_load(controller.one("hosts", "test-eu")["variables"])
    assert host == {**STAGE["environments"][0]["variables"], **foreign}
    assert controller.one("credentials", "Library test")["inputs"] == {**STAGE["credential"], **credential}
    assert controller.holders("workflow_job_templates", workflow, "execute_role") == {"Others"}
    assert controller.holders("workflow_job_templates", workflow, "approval_role") == {"jane"}
    assert controller.holders("workflow_job_templates", workflow, "read_role") == {"Auditors"}
    assert controller.holders("job_templates", drift, "execute_role") == set()
    assert controller.holders("job_templates", drift, "read_role") == {"Auditors", "jane"}
    assert controller.holders("job_templates", "Library test: apply", "execute_role") == {"Platform"}
    # A slice of a limited inventory may have no hosts, and a limit must apply to every node of the workflow.
    assert not controller.one("workflow_job_templates", workflow)["ask_limit_on_launch"]
    asks = {
        template["name"][14:]: template["ask_limit_on_launch"]
        for template in controller.objects["job_templates"].values()
    }
    assert asks == {
        "apply": False,
        "approval check": True,
        "audit": True,
        "drift check": True,
        "export": True,
        "smoke test": True,
    }

    # A different kind of login replaces the stored one.
    changed[0]["credential"] = {"mstr_api_token": SECRET}
    output = play(tmp_path, env, mstr_controller_stages=changed, mstr_controller_state="present")
    assert recap(output)["failed"] == 0, output
    assert controller.one("credentials", "Library test")["inputs"] == {"mstr_api_token": SECRET}


def controller_organization(controller: Controller) -> int:
    """Create the organization of the tests as a different user, and return its id."""
    return int(controller.add("organizations", name=VARIABLES["mstr_controller_organization"])["id"])


@pytest.mark.complete
def test_the_execution_environment_of_a_different_organization(tmp_path: Path, controller: Controller) -> None:
    env = environment(**controller.environment())
    other = controller.add("organizations", name="First")
    theirs = controller.add(
        "execution_environments", name="Library execution environment", organization=other["id"], image="theirs"
    )

    output = play(tmp_path, env)
    assert failure(output) == (
        "The execution environment 'Library execution environment' belongs to organization First, and such a name is "
        "unique on the whole controller. Set a different mstr_controller_prefix."
    )
    assert controller.writes == []

    controller_organization(controller)
    output = play(tmp_path, env, mstr_controller_state="absent")
    assert recap(output)["failed"] == 0, output
    assert list(controller.objects["execution_environments"].values()) == [theirs]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"mstr_controller_manage_organization": False},
            "The controller has no organization 'Analytics'. Make it there, or set "
            "mstr_controller_manage_organization=true to let this role make it.",
        ),
        (
            {"mstr_controller_notifications": ["nobody"]},
            "The controller has no notification template named 'nobody', which mstr_controller_notifications names; "
            "exactly one is needed.",
        ),
        (
            {"mstr_controller_stages": [{**STAGE, "access": {"launch": {"teams": ["Nobody"]}}}]},
            "The controller has no team named 'Nobody', which mstr_controller_stages names; exactly one is needed.",
        ),
    ],
    ids=["organization", "notification", "team"],
)
def test_a_missing_object_of_others_fails_before_any_change(
    tmp_path: Path, controller: Controller, change: dict[str, Any], message: str
) -> None:
    assert failure(play(tmp_path, environment(**controller.environment()), **change)) == message
    assert controller.writes == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            [{**STAGE, "credential": {"mstr_username": "", "mstr_password": "", "mstr_api_token": None}}],
            "The credential of stage test has blank inputs: mstr_api_token, mstr_password. Give them a value, or "
            "remove them from mstr_controller_stages to keep what the controller has stored.",
        ),
        (
            [],
            "mstr_controller_stages is empty. List at least one stage, or set mstr_controller_state=absent to remove "
            "everything.",
        ),
        (
            [{**STAGE, "environments": []}],
            "Stage test has no environments. Remove the stage from mstr_controller_stages to remove its objects.",
        ),
    ],
    ids=["blank secret", "no stages", "no environments"],
)
def test_invalid_variables_fail_before_any_request(
    tmp_path: Path, controller: Controller, change: list[dict[str, Any]], message: str
) -> None:
    output = play(tmp_path, environment(**controller.environment()), mstr_controller_stages=change)

    assert failure(output) == message
    assert controller.requests == 0


@pytest.mark.parametrize("missing", [name for name in VARIABLES if "manage" not in name])
def test_a_missing_variable_is_named_before_any_request(tmp_path: Path, controller: Controller, missing: str) -> None:
    variables = {name: value for name, value in VARIABLES.items() if name != missing}

    output = play(tmp_path, environment(**controller.environment()), variables)

    assert f"missing required arguments: {missing}" in output
    assert controller.requests == 0


def test_a_missing_controller_host_is_reported(tmp_path: Path) -> None:
    output = play(tmp_path, environment(HOME=str(tmp_path)))

    assert "No controller is named. Set CONTROLLER_HOST" in output


def test_an_unreachable_controller_is_reported(tmp_path: Path, controller: Controller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    env = environment(**controller.environment()) | {"CONTROLLER_HOST": f"http://127.0.0.1:{port}"}

    assert "Connection refused" in failure(play(tmp_path, env))


def test_a_wrong_password(tmp_path: Path, controller: Controller) -> None:
    output = play(tmp_path, environment(**controller.environment(password="wrong")))

    assert "Failed to get token: HTTP Error 401: Unauthorized" in failure(output)
    assert controller.writes == []


def test_a_missing_right_is_reported(tmp_path: Path, controller: Controller) -> None:
    output = play(tmp_path, environment(**controller.environment(VIEWER)))

    assert failure(output) == "You don't have permission to POST to /api/v2/organizations/ (HTTP 403)."


def failure(output: str) -> str:
    """Return the message of the only failed task."""
    (message,) = re.findall(r'^(?:fatal|failed): .*"msg": "([^"]*)"', output, re.MULTILINE)
    return str(message)
