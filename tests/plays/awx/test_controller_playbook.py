"""mstr.library.controller creates all objects, changes nothing in a second run, and removes all objects."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest
from support.ansible import Play

from plays.awx.controller import ADMIN, VIEWER, Controller

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
PROJECT = "Library definitions"
VARIABLES: dict[str, Any] = {
    "mstr_controller_organization": "Analytics",
    "mstr_controller_manage_organization": True,
    "mstr_controller_execution_environment": {"image": "hub.example.com/mstr-library-ee:1.0"},
    "mstr_controller_project": {"scm_url": "https://git.example.com/analytics/definitions.git"},
    "mstr_controller_stages": [STAGE],
}


def play(runner: Play, variables: dict[str, Any] | None = None, *options: str, **more: Any) -> str:
    """Run the playbook, and return its output."""
    # Ansible shows variables of the command line at -vvvv, and secrets are among them.
    path = runner.write("controller.json", {**(VARIABLES if variables is None else variables), **more})
    return runner("mstr.library.controller", "--extra-vars", f"@{path}", *options).output


def recap(output: str) -> dict[str, int]:
    line = next(line for line in output.splitlines() if re.match(r"localhost +:", line))
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def test_objects_are_created_once_and_removed(client: Play, controller: Controller) -> None:
    output = play(client, None, "-vvvv")

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

    # A run that changes nothing calls no module that makes an object. It does not log in with each look-up, and leaves
    # no token behind.
    controller.writes.clear()
    requests = controller.requests
    output = play(client)
    assert recap(output)["failed"] == recap(output)["changed"] == 0, output
    assert controller.writes == []
    assert controller.requests - requests < 35
    assert controller.names("tokens") == []

    # What others have made with the role's objects is named, and stops the removal.
    organization = controller.named("organizations", "Analytics")["id"]
    losses, additions = add_by_hand(controller, organization)
    template = controller.named("job_templates", "Library test: export")
    output = play(client, mstr_controller_state="absent")
    assert failure(output).startswith("Nothing was changed, because a removal would also delete or break what others ")
    assert [loss for loss in losses if loss not in failure(output)] == []
    assert controller.writes == []
    for kind, id_ in additions:
        del controller.objects[kind][id_]
    controller.surveys[template["id"]]["spec"].pop()
    controller.associated["job_templates", template["id"], "notification_templates_success"] = []
    # A copy is somebody's work, and the role removes no organization in which others have something.
    copy = copied(controller, "inventories", "Library test", "Library test @ 10:05:00")
    type_ = controller.named("credential_types", "MicroStrategy Library")["id"]
    theirs = controller.add("credentials", name="EU test", organization=None, credential_type=type_, inputs={})

    output = play(client, mstr_controller_state="absent")
    assert recap(output)["failed"] == 0, output
    stays = "The organization 'Analytics' stays, because it has inventory 'Library test @ 10:05:00', notification"
    assert stays in output
    assert "The credential type 'MicroStrategy Library' stays, because it has credential 'EU test'." in output
    assert "remove credential type" not in output
    assert controller.names("inventories") == ["Library test @ 10:05:00"]
    assert controller.names("hosts") == ["test-eu", "test-us"]
    assert controller.names("projects") == controller.names("job_templates") == []

    for kind, id_ in (("inventories", copy["id"]), ("credentials", theirs["id"])):
        del controller.objects[kind][id_]
    controller.objects["notification_templates"].clear()
    output = play(client, mstr_controller_state="absent")
    assert recap(output)["failed"] == 0, output
    assert (controller.names("organizations"), controller.names("credential_types")) == (["Theirs"], [])


def copied(controller: Controller, kind: str, name: str, copy: str) -> dict[str, Any]:
    """Copy an object as a different user does with the button."""
    target = f"/api/v2/{kind}/{controller.named(kind, name)['id']}/copy"
    return dict(controller.answer("POST", target, {"name": copy}, ADMIN)[1])


def add_by_hand(controller: Controller, organization: int) -> tuple[list[str], list[tuple[str, int]]]:
    """What others would lose, and the objects to delete so that they do not."""
    other = controller.add("organizations", name="Theirs")["id"]
    inventory = controller.named("inventories", "Library test")["id"]
    template, project = (
        controller.named("job_templates", "Library test: export"),
        controller.named("projects", PROJECT)["id"],
    )
    workflow = controller.add("workflow_job_templates", name="Weekly", organization=other)["id"]
    added = {
        "groups": {"name": "Theirs", "inventory": inventory},
        "schedules": {"name": "Monthly", "unified_job_template": template["id"]},
        "job_templates": {"name": "By hand", "organization": other, "project": project, "inventory": None},
        "workflow_job_template_nodes": {
            "identifier": "first",
            "workflow_job_template": workflow,
            "unified_job_template": template["id"],
        },
    }
    made = [(kind, controller.add(kind, **fields)["id"]) for kind, fields in added.items()]
    controller.named("job_templates", "By hand")["organization"] = other
    controller.surveys[template["id"]]["spec"].append({"variable": "ticket", "required": False})
    mail = controller.add("notification_templates", name="Mail", organization=organization)["id"]
    controller.associated["job_templates", template["id"], "notification_templates_success"] = [mail]
    losses = [
        "group 'Theirs' of inventory 'Library test'",
        "schedule 'Monthly' of job template 'Library test: export'",
        "survey question 'ticket' of job template 'Library test: export'",
        "notification template 'Mail' of job template 'Library test: export'",
        "job template 'By hand' of organization 'Theirs', which uses project 'Library definitions'",
        "workflow node 'first' of workflow 'Weekly', which runs job template 'Library test: export'",
    ]
    return losses, made


def assert_whole(controller: Controller, login: dict[str, str] = STAGE["credential"]) -> None:
    """Check that the objects refer to each other correctly."""
    (type_,) = controller.objects["credential_types"].values()
    assert type_["injectors"]["env"]["MSTR_USERNAME"] == "{{ mstr_username }}"
    (credential,) = controller.objects["credentials"].values()
    assert credential["inputs"] == login
    (inventory,) = controller.objects["inventories"].values()
    assert json.loads(inventory["variables"]) == INVENTORY_VARIABLES
    drift = controller.named("job_templates", "Library test: drift check")
    assert (drift["job_type"], drift["playbook"], drift["inventory"]) == ("check", "apply.yml", inventory["id"])
    assert controller.associated["job_templates", drift["id"], "credentials"] == [credential["id"]]
    asked = [question["variable"] for question in controller.surveys[drift["id"]]["spec"]]
    assert asked == [
        f"mstr_survey_{what}"
        for what in ("src", "purge", "purge_limit", "protect_used", "networks_never", "packages_never", "fail_on_drift")
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
    assert controller.named("workflow_job_template_nodes", "drift")["extra_data"] == {
        "mstr_survey_fail_on_drift": "yes"
    }
    limited = [*controller.objects["job_templates"].values(), *controller.objects["workflow_job_templates"].values()]
    assert {thing["ask_limit_on_launch"] for thing in limited} == {True}


def controller_organization(controller: Controller) -> int:
    """Create the organization of the tests as a different user, and return its id."""
    return int(controller.add("organizations", name=VARIABLES["mstr_controller_organization"])["id"])


def test_the_audit_alone(client: Play, controller: Controller) -> None:
    """For a first hour: no template that could change a server, no workflow, no schedule."""
    organization = controller_organization(controller)
    for name in ("Analysts", "Auditors"):
        controller.add("teams", name=name, organization=organization)
    access = {"launch": {"teams": ["Analysts"]}, "read": {"teams": ["Auditors"]}, "apply": {"teams": ["Analysts"]}}

    output = play(client, mstr_controller_stages=[{**STAGE, "access": access}], mstr_controller_audit_only=True)

    assert recap(output)["failed"] == 0, output
    assert controller.names("job_templates") == ["Library test: audit"]
    assert controller.names("workflow_job_templates") == controller.names("schedules") == []
    assert controller.names("hosts") == ["test-eu", "test-us"]
    assert controller.holders("job_templates", "Library test: audit", "execute_role") == {"Analysts"}
    assert controller.holders("inventories", "Library test", "read_role") == {"Auditors"}


def test_objects_of_others_are_those_of_the_organization(client: Play, controller: Controller) -> None:
    organizations = controller_organization(controller), controller.add("organizations", name="First")["id"]
    machine = controller.add("credential_types", name="Machine", inputs={"fields": []})["id"]
    for organization in organizations:
        controller.add("notification_templates", name="Mail", organization=organization)
        controller.add("credentials", name="Vault", organization=organization, credential_type=machine, inputs={})
    own = {kind: min(controller.objects[kind]) for kind in ("notification_templates", "credentials")}
    controller.add("execution_environments", name="Everybody's", organization=None, image="theirs")
    variables = {
        # A list of one name may be written as a text.
        "mstr_controller_notifications": "Mail",
        "mstr_controller_stages": [{**STAGE, "credentials": "Vault"}],
        "mstr_controller_execution_environment": {"name": "Everybody's"},
    }
    missing = play(
        client,
        **{**variables, "mstr_controller_notifications": ["Mail", "nobody"]},
        mstr_controller_project={**VARIABLES["mstr_controller_project"], "credential": "Git"},
    )
    assert failure(missing) == (
        "Organization Analytics of the controller has no notification template named 'nobody', which "
        "mstr_controller_notifications names; no credential named 'Git', which mstr_controller_project names; exactly "
        "one is needed. Nothing was changed."
    )
    assert controller.writes == []

    output = play(client, **variables)
    assert recap(output)["failed"] == 0, output
    for name in ("apply", "drift check"):
        template = controller.named("job_templates", f"Library test: {name}")
        assert controller.associated["job_templates", template["id"], "notification_templates_error"] == [
            own["notification_templates"]
        ]
        assert own["credentials"] in controller.associated["job_templates", template["id"], "credentials"]
        assert template["execution_environment"] == controller.named("execution_environments", "Everybody's")["id"]
    (workflow,) = controller.objects["workflow_job_templates"].values()
    relation = ("workflow_job_templates", workflow["id"], "notification_templates_approvals")
    assert controller.associated[relation] == [own["notification_templates"]]
    assert workflow["allow_simultaneous"] is True

    # A constructed inventory would give the hosts of one stage the variables of the other one.
    organization = organizations[0]
    mixed = controller.add("inventories", name="All", kind="constructed", organization=organization, variables="")["id"]
    record = json.dumps({"prefix": "Library", "stage": "old"})
    old = {"description": f"\nmstr.library.controller: {record}", "variables": '{"mstr_runtimes_purge": true}'}
    inputs = [
        controller.named("inventories", "Library test")["id"],
        controller.add("inventories", name="Library old", organization=organization, **old)["id"],
    ]
    controller.associated["inventories", mixed, "input_inventories"] = inputs
    message = failure(play(client, **variables))
    assert "The constructed inventory 'All' takes hosts from Library test and Library old" in message
    assert "mstr_runtimes_purge" in message


REFUSED = {
    "blank secret": (
        {"mstr_controller_stages": [{**STAGE, "credential": {"mstr_password": "", "mstr_api_token": None}}]},
        "The credential of stage test has blank inputs: mstr_api_token, mstr_password. Give them a value, or remove "
        "them from mstr_controller_stages to keep what the controller has stored.",
    ),
    "no stages": (
        {"mstr_controller_stages": []},
        "mstr_controller_stages is empty. List at least one stage, or set mstr_controller_state=absent to remove "
        "everything.",
    ),
    "no environments": (
        {"mstr_controller_stages": [{**STAGE, "environments": []}]},
        "Stage test has no environments. Remove the stage from mstr_controller_stages to remove its objects.",
    ),
    "missing": ({"mstr_controller_project": None}, "missing required arguments: mstr_controller_project"),
    "collection": (
        {"mstr_controller_collection": "ansible.controller"},
        "The collection ansible.controller, whose modules this role uses, is not installed where this playbook runs.",
    ),
}


@pytest.mark.complete
def test_what_is_refused_before_any_request(client: Play, controller: Controller) -> None:
    """All in one playbook, because each start of ansible-playbook takes seconds."""
    tasks = [
        {
            "block": [
                {
                    "ansible.builtin.include_role": {"name": "mstr.library.controller"},
                    "vars": {name: value for name, value in {**VARIABLES, **change}.items() if value is not None},
                }
            ],
            "rescue": [
                {"name": f"Refused: {name}", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
            ],
        }
        for name, (change, _) in REFUSED.items()
    ]
    output = client([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]).output

    for name, (_, message) in REFUSED.items():
        shown, task, output = output.partition(f"TASK [Refused: {name}]")
        assert task, name
        assert message in shown, name
    assert controller.requests == 0


def test_a_missing_controller_host_is_reported(tools: Play) -> None:
    tools.env["HOME"] = str(tools.folder)

    assert "No controller is named. Set CONTROLLER_HOST" in play(tools)


def test_an_unreachable_controller_is_reported(client: Play) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client.env["CONTROLLER_HOST"] = f"http://127.0.0.1:{port}"

    assert "Connection refused" in failure(play(client))


def test_a_wrong_password(client: Play, controller: Controller) -> None:
    client.env |= controller.environment(password="wrong")

    assert "Failed to get token: HTTP Error 401: Unauthorized" in failure(play(client))
    assert controller.writes == []


@pytest.mark.complete
def test_a_missing_right_is_reported(client: Play, controller: Controller) -> None:
    client.env |= controller.environment(VIEWER)

    assert failure(play(client)) == "You don't have permission to POST to /api/v2/organizations/ (HTTP 403)."


def failure(output: str) -> str:
    """The message of the last failed task."""
    return str(re.findall(r'^(?:fatal|failed): .*"msg": "([^"]*)"', output, re.MULTILINE)[-1])
