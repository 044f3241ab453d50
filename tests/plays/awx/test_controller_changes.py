"""What mstr.library.controller changes in later runs, and what stops it. Each of these tests runs many plays."""

from __future__ import annotations

import json

import pytest
import yaml
from support.ansible import Play

from plays.awx.controller import Controller
from plays.awx.test_controller_playbook import (
    INVENTORY_VARIABLES,
    SECRET,
    STAGE,
    assert_whole,
    controller_organization,
    failure,
    play,
    recap,
)

pytestmark = pytest.mark.complete


def test_the_next_run_completes_a_failed_run(client: Play, controller: Controller) -> None:
    controller.broken.append("POST /api/v2/schedules/")
    output = play(client)
    assert recap(output)["failed"] == 1, output
    assert controller.names("inventories") == ["Library test"]

    controller.broken.clear()
    # A different kind of login replaces the stored one.
    login = {"mstr_api_token": SECRET}
    output = play(client, mstr_controller_stages=[{**STAGE, "credential": login}])
    assert recap(output)["failed"] == 0, output
    assert_whole(controller, login)


def test_unlisted_objects_are_removed_and_objects_of_others_remain(client: Play, controller: Controller) -> None:
    organization = controller_organization(controller)
    for name in ("Analysts", "Auditors", "Others", "Platform"):
        controller.add("teams", name=name, organization=organization)
    controller.add("users", username="jane")
    access = {
        "launch": {"teams": ["Analysts", "Auditors"]},
        "approve": {"teams": ["Platform"], "users": ["jane"]},
        "read": {"teams": ["Auditors"]},
    }
    old_stage = {**STAGE, "name": "old", "environments": STAGE["environments"][:1], "drift_rrule": ""}
    stages = [{**STAGE, "variables": {"mstr_timeout": 60}, "access": access}, old_stage]
    output = play(client, mstr_controller_stages=stages, mstr_controller_variables={"mstr_runtimes_purge_limit": 1})
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
    inventory = controller.named("inventories", "Library test")
    foreign = {"mstr_runtimes_policy": {"networks_never": ["10.66.0.0/16"]}, "text": "{{ 7 * 7 }}"}
    for thing in (
        inventory,
        next(h for h in controller.objects["hosts"].values() if h["inventory"] == inventory["id"]),
    ):
        thing["variables"] = yaml.safe_dump({**json.loads(thing["variables"]), **foreign})
    controller.add("hosts", name="by-hand", inventory=inventory["id"], variables="")
    controller.add("schedules", name="By hand", unified_job_template=controller.named("job_templates", drift)["id"])
    old = controller.named("workflow_job_templates", "Library old: drift check, approval, apply")["id"]
    weekly = controller.add("schedules", name="Weekly", unified_job_template=old)["id"]
    controller.running.append(controller.named("job_templates", "Library old: audit")["id"])
    controller.grant("Others", "workflow_job_templates", workflow, "execute_role")
    theirs = {**controller.named("credentials", "Library test"), "name": "Library EU test"}
    theirs["description"] = theirs["description"].replace('"Library"', '"Library EU"')
    controller.add("credentials", **{name: value for name, value in theirs.items() if name != "id"})
    template, of = controller.named("job_templates", drift), controller.named("workflow_job_templates", workflow)["id"]
    nodes = controller.objects["workflow_job_template_nodes"].values()
    by_name = {each["identifier"]: each["id"] for each in nodes if each["workflow_job_template"] == of}
    node, last = by_name["drift"], by_name["apply"]
    question = {"variable": "ticket", "question_name": "Ticket", "type": "text", "required": False}
    controller.surveys[template["id"]]["spec"].append(question)
    mail = controller.add("notification_templates", name="Mail", organization=organization)["id"]
    vault = {**theirs, "name": "Vault", "description": ""}
    vault_id = controller.add("credentials", **{name: value for name, value in vault.items() if name != "id"})["id"]
    controller.associated["job_templates", template["id"], "notification_templates_error"] = [mail]
    controller.associated["job_templates", template["id"], "credentials"].append(vault_id)
    controller.associated["workflow_job_template_nodes", node, "success_nodes"] = [last]
    controller.associated["workflow_job_template_nodes", node, "failure_nodes"] = []

    access = {"approve": {"users": ["jane"]}, "read": {"teams": ["Auditors"]}, "apply": {"teams": ["Platform"]}}
    credential = {"mstr_username": "robot"}
    changed = [{**STAGE, "environments": STAGE["environments"][:1], "drift_rrule": "", "access": access}]
    changed[0]["credential"] = credential
    more = {"mstr_controller_apply_slices": 2, "mstr_controller_forks": 3}
    # Check mode names what would be removed and changes nothing.
    controller.writes.clear()
    output = play(client, None, "--check", mstr_controller_stages=changed, **more)
    assert "schedule 'Weekly' of workflow 'Library old: drift check, approval, apply'. Delete it" in failure(output)
    del controller.objects["schedules"][weekly]
    output = play(client, None, "--check", mstr_controller_stages=changed, **more)
    assert "a job that needs what would be removed has not ended: Library old: audit." in failure(output)
    controller.running.clear()
    output = play(client, None, "--check", mstr_controller_stages=changed, **more)
    assert recap(output)["failed"] == 0, output
    assert recap(output)["changed"] == 1
    assert controller.writes == []
    for line in (
        "remove inventory 'Library old' of organization 'Analytics'",
        "remove host 'test-us' of inventory 'Library test'",
        f"remove schedule '{drift} every night' of job template '{drift}'",
        "revoke the role execute of team Analysts on ",
        "update inventory 'Library test': description, variables; remove variable mstr_",
        "variable mstr_runtimes_purge_limit",
    ):
        assert line in output, line
    for _ in range(2):
        output = play(client, mstr_controller_stages=changed, **more)
        assert recap(output)["failed"] == 0, output
    assert recap(output)["changed"] == 0, output

    assert template["forks"] == 3
    assert question in controller.surveys[template["id"]]["spec"]
    assert controller.associated["job_templates", template["id"], "notification_templates_error"] == [mail]
    assert vault_id in controller.associated["job_templates", template["id"], "credentials"]
    assert controller.associated["workflow_job_template_nodes", node, "success_nodes"] == [last]
    assert len(controller.associated["workflow_job_template_nodes", node, "failure_nodes"]) == 1
    assert controller.names("inventories") == ["Library test"]
    assert controller.names("credentials") == ["Library EU test", "Library test", "Vault"]
    assert controller.names("workflow_job_templates") == [workflow]
    assert controller.names("hosts") == ["by-hand", "test-eu"]
    assert controller.names("schedules") == ["By hand"]
    variables = json.loads(controller.named("inventories", "Library test")["variables"])
    assert variables == {**INVENTORY_VARIABLES, **foreign}
    # The definition of this host is unchanged, so its manually edited text remains.
    host = yaml.safe_load(controller.named("hosts", "test-eu")["variables"])
    assert host == {**STAGE["environments"][0]["variables"], **foreign}
    assert controller.named("credentials", "Library test")["inputs"] == {**STAGE["credential"], **credential}
    assert controller.holders("workflow_job_templates", workflow, "execute_role") == {"Others"}
    assert controller.holders("workflow_job_templates", workflow, "approval_role") == {"jane"}
    assert controller.holders("workflow_job_templates", workflow, "read_role") == {"Auditors"}
    assert controller.holders("job_templates", drift, "execute_role") == set()
    assert controller.holders("job_templates", drift, "read_role") == {"Auditors", "jane"}
    assert controller.holders("job_templates", "Library test: apply", "execute_role") == {"Platform"}
    # A slice of a limited inventory may have no hosts, and a limit must apply to every node of the workflow.
    assert not controller.named("workflow_job_templates", workflow)["ask_limit_on_launch"]
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


def test_the_audit_alone_removes_and_adds_the_rest(client: Play, controller: Controller) -> None:
    for audit_only, templates in ((False, 6), (True, 1), (False, 6)):
        output = play(client, mstr_controller_audit_only=audit_only)
        assert recap(output)["failed"] == 0, output
        assert len(controller.names("job_templates")) == templates
        assert len(controller.names("workflow_job_templates")) == len(controller.names("schedules")) == (not audit_only)
    assert_whole(controller)


def test_names_in_use_and_running_jobs_fail_before_any_change(client: Play, controller: Controller) -> None:
    other = controller.add("organizations", name="First")["id"]
    name = "Library execution environment"
    record = json.dumps({"prefix": "Library", "organization": "First", "name": name})
    theirs = controller.add("execution_environments", name=name, organization=other, image="theirs")
    theirs["description"] = f"\nmstr.library.controller: {record}"
    organization = controller_organization(controller)
    # Prefix "Library" with stage "EU test" has the same names as prefix "Library EU" with stage "test".
    record = json.dumps({"prefix": "Library", "stage": "EU test", "name": "Library EU test"})
    used = {"organization": organization, "description": f"\nmstr.library.controller: {record}", "variables": ""}
    controller.add("inventories", name="Library EU test", **used)
    output = play(client, mstr_controller_prefix="Library EU")
    assert failure(output) == (
        "Nothing was changed, because the inventory 'Library EU test' belongs to stage 'EU test' of "
        "mstr_controller_prefix 'Library'. Rename it or remove it there, or set a different mstr_controller_prefix."
    )
    stages = [{**STAGE, "name": "EU test"}]
    output = play(client, mstr_controller_stages=stages)
    assert "because the execution environment 'Library execution environment' belongs to organization 'First'" in output
    output = play(client, mstr_controller_state="absent", mstr_controller_manage_organization=False)
    assert recap(output)["failed"] == 0, output
    assert list(controller.objects["execution_environments"].values()) == [theirs]
    assert controller.names("inventories") == []

    # A job that uses the inventory of a stage that would be removed. Its template was changed after the launch.
    inventory = controller.add("inventories", name="Library EU test", **used)["id"]
    controller.jobs.append({"name": "Theirs of others", "inventory": inventory, "project": 0, "status": "running"})
    controller.writes.clear()
    theirs["organization"] = None
    output = play(client, mstr_controller_execution_environment={"name": name})
    assert failure(output) == (
        "Nothing was changed, because a job that needs what would be removed has not ended: Theirs of others. "
        "Wait for its end, cancel it, or approve or deny it if it waits for an approval. "
        "Then start this playbook again."
    )
    assert controller.writes == []
