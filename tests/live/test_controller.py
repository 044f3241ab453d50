# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mstr.library.controller on a real controller (`make test-controller`), in a separate organization.

CONTROLLER_HOST, CONTROLLER_USERNAME, CONTROLLER_PASSWORD  its address, and an administrator
CONTROLLER_VERIFY_SSL                                      as awx.awx takes it
MSTR_TEST_PROJECT_URL                                      a git repository that it can read, with the content of
                                                           extensions/awx/project; without it, nothing is downloaded
MSTR_TEST_IMAGE                                            an execution environment with this collection, which its
                                                           nodes can pull; with it and the repository, jobs run
                                                           against a simulator on this machine
MSTR_TEST_ADDRESS                                          the address of this machine for these jobs, if it is not
                                                           the one that leads to the controller
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from plays.awx.test_controller_playbook import STAGE, play, recap
from plays.awx.test_guide import block
from plays.awx.test_jobs import copied_by_recipe
from plays.conftest import tools
from simulator.harness import Simulator
from support.ansible import Play

from live.reach import Api, forwarded, own_address

__all__ = ["tools"]

URL = os.environ.get("MSTR_TEST_PROJECT_URL", "")
IMAGE = os.environ.get("MSTR_TEST_IMAGE", "")


@pytest.fixture
def variables() -> dict[str, Any]:
    """Variables with unique names."""
    name = f"mstr.library test {secrets.token_hex(4)}"
    return {
        "mstr_controller_organization": name,
        "mstr_controller_manage_organization": True,
        "mstr_controller_prefix": name,
        "mstr_controller_credential_type_name": name,
        "mstr_controller_execution_environment": {"image": IMAGE or "hub.example.com/mstr-library-ee:1.0"},
        "mstr_controller_project": {
            "scm_url": URL or "https://git.example.com/definitions.git",
            "wait": bool(URL),
        },
        "mstr_controller_stages": [STAGE, {**STAGE, "name": "production", "drift_rrule": ""}],
    }


@pytest.fixture
def client(tools: Play) -> Play:
    """A runner that uses the real controller."""
    tools.env |= {name: value for name, value in os.environ.items() if name.startswith("CONTROLLER_")}
    return tools


@pytest.fixture
def cleaned(client: Play, variables: dict[str, Any]) -> Iterator[None]:
    """Remove all objects at the end, even after a failure."""
    yield
    output = play(client, variables, mstr_controller_state="absent")
    assert recap(output)["failed"] == 0, output


@pytest.mark.usefixtures("cleaned")
def test_objects_are_created_once_changed_and_removed(client: Play, variables: dict[str, Any]) -> None:
    first = play(client, variables)
    assert recap(first)["failed"] == 0, first

    second = play(client, variables)
    assert recap(second)["failed"] == recap(second)["changed"] == 0, second

    # Remove a stage, a host and a schedule, keep the stored password, and add a right.
    api, prefix = Api(), variables["mstr_controller_prefix"]
    organization = api.find("organizations", name=prefix)["id"]
    api.call("POST", "teams", {"name": "Operators", "organization": organization})
    variables["mstr_controller_stages"] = [
        {
            **STAGE,
            "credential": {"mstr_username": "automation"},
            "environments": STAGE["environments"][:1],
            "drift_rrule": "",
            "variables": {"mstr_timeout": 60},
            "access": {"approve": {"teams": ["Operators"]}},
        }
    ]
    inventory = api.find("inventories", name=f"{prefix} test")["id"]
    api.call("POST", "hosts", {"name": "by-hand", "inventory": inventory})
    # What others have added to the role's objects.
    drift = api.find("job_templates", name=f"{prefix} test: drift check")["id"]
    survey = api.call("GET", f"job_templates/{drift}/survey_spec")
    question = {"variable": "ticket", "question_name": "Ticket", "type": "text", "required": False}
    api.call("POST", f"job_templates/{drift}/survey_spec", {**survey, "spec": [*survey["spec"], question]})
    mail = {"name": "Mail", "organization": organization, "notification_type": "webhook"}
    mail["notification_configuration"] = {"url": "http://127.0.0.1", "http_method": "POST", "headers": {}}
    notification = api.call("POST", "notification_templates", mail)["id"]
    api.call("POST", f"job_templates/{drift}/notification_templates_error", {"id": notification})
    nodes = {
        node["identifier"]: node["id"]
        for node in api.call("GET", "workflow_job_template_nodes", page_size=200)["results"]
        if node["summary_fields"]["workflow_job_template"]["name"].startswith(f"{prefix} test")
    }
    api.call("POST", f"workflow_job_template_nodes/{nodes['drift']}/success_nodes", {"id": nodes["apply"]})
    variables["mstr_controller_forks"] = 3
    planned = play(client, variables, "--check")
    assert recap(planned)["failed"] == 0, planned
    assert f"remove job template '{prefix} production: apply' of organization '{prefix}'" in planned
    assert api.call("GET", "job_templates", name=f"{prefix} production: apply")["count"] == 1
    changed = play(client, variables)
    assert recap(changed)["failed"] == 0, changed
    assert api.call("GET", f"job_templates/{drift}/survey_spec")["spec"][-1]["variable"] == "ticket"
    assert api.call("GET", f"job_templates/{drift}/notification_templates_error")["count"] == 1
    assert api.call("GET", f"workflow_job_template_nodes/{nodes['drift']}")["success_nodes"] == [nodes["apply"]]
    again = play(client, variables)
    assert recap(again)["failed"] == recap(again)["changed"] == 0, again
    hosts = api.call("GET", "hosts", inventory=inventory, order_by="name")["results"]
    assert [host["name"] for host in hosts] == ["by-hand", "test-eu"]
    assert api.call("GET", "schedules", name=f"{prefix} test: drift check every night")["count"] == 0
    assert api.call("GET", "job_templates", name__startswith=f"{prefix} production")["count"] == 0
    credential = api.find("credentials", name=f"{prefix} test")
    assert credential["inputs"] == {"mstr_username": "automation", "mstr_password": "$encrypted$"}

    # A removal takes nothing from others: what they have added, and what uses the objects of the role.
    project = api.find("projects", name=f"{prefix} definitions")["id"]
    theirs = {"name": f"{prefix} by hand", "project": project, "inventory": inventory, "playbook": "apply.yml"}
    by_hand = api.call("POST", "job_templates", theirs)["id"]
    removal = play(client, variables, mstr_controller_state="absent")
    for loss in ("host 'by-hand' of inventory", "survey question 'ticket'", "notification template 'Mail'"):
        assert loss in removal, removal
    assert f"job template '{prefix} by hand' of organization '{prefix}', which uses project" in removal
    assert api.call("GET", "job_templates", name=f"{prefix} test: apply")["count"] == 1
    for path in (f"job_templates/{by_hand}", f"hosts/{hosts[0]['id']}"):
        api.call("DELETE", path)
    api.call("POST", f"job_templates/{drift}/survey_spec", survey)
    api.call("POST", f"job_templates/{drift}/notification_templates_error", {"id": notification, "disassociate": True})

    # Copies of an inventory and of a template, as the button makes them.
    for kind, name in (("inventories", f"{prefix} test"), ("job_templates", f"{prefix} test: audit")):
        id_ = api.find(kind, name=name)["id"]
        copy = api.call("POST", f"{kind}/{id_}/copy", {"name": f"{name} @ 10:05:00"})
        assert "mstr.library.controller: " in copy["description"], "a copy has the record"
    again = play(client, variables)
    assert recap(again)["failed"] == recap(again)["changed"] == 0, again

    # The copied template uses our project, and the organization has a team and a notification template of others.
    removal = play(client, variables, mstr_controller_state="absent")
    assert f"job template '{prefix} test: audit @ 10:05:00'" in removal, removal
    api.call("DELETE", f"job_templates/{api.find('job_templates', name=f'{prefix} test: audit @ 10:05:00')['id']}")
    removal = play(client, variables, mstr_controller_state="absent")
    assert recap(removal)["failed"] == 0, removal
    assert f"The organization '{prefix}' stays" in removal
    (copy,) = api.call("GET", "inventories", organization=organization)["results"]
    assert copy["total_hosts"] > 0, "its hosts stay"
    for kind in ("teams", "notification_templates", "inventories"):
        for thing in api.call("GET", kind, organization=organization)["results"]:
            api.call("DELETE", f"{kind}/{thing['id']}")
    for changes in (True, False):
        removal = play(client, variables, mstr_controller_state="absent")
        assert recap(removal)["failed"] == 0, removal
        assert (recap(removal)["changed"] > 0) == changes, removal
    assert api.call("GET", "organizations", name=prefix)["count"] == 0
    assert api.call("GET", "tokens", description="mstr.library.controller")["count"] == 0


@pytest.mark.usefixtures("cleaned")
def test_the_execution_environment_of_a_different_organization(client: Play, variables: dict[str, Any]) -> None:
    first = play(client, variables)
    assert recap(first)["failed"] == 0, first
    api, prefix = Api(), variables["mstr_controller_prefix"]

    second = {**variables, "mstr_controller_organization": f"{prefix} second"}
    refused = play(client, second)
    assert f"belongs to organization '{prefix}'" in " ".join(refused.split())
    assert "set a different mstr_controller_prefix" in " ".join(refused.split())
    assert api.call("GET", "organizations", name=f"{prefix} second")["count"] == 0
    removal = play(client, second, mstr_controller_state="absent")
    assert recap(removal)["failed"] == 0, removal
    assert api.call("GET", "execution_environments", name=f"{prefix} execution environment")["count"] == 1


@pytest.mark.skipif(not (URL and IMAGE), reason="MSTR_TEST_PROJECT_URL and MSTR_TEST_IMAGE are not both set")
@pytest.mark.usefixtures("cleaned")
def test_jobs_and_a_workflow_with_approval_run(client: Play, variables: dict[str, Any], sim: Simulator) -> None:
    api, prefix = Api(), variables["mstr_controller_prefix"]
    with forwarded(sim.base_url, own_address(api.host)) as base_url:
        variables["mstr_controller_runtimes_src"] = "runtimes/example.yml"
        variables["mstr_controller_stages"] = [
            {
                "name": "test",
                "credential": {"mstr_username": sim.username, "mstr_password": sim.password},
                "environments": [{"name": "us", "variables": {"mstr_base_url": base_url}}],
            }
        ]
        made = play(client, variables)
        assert recap(made)["failed"] == 0, made

        def launched(what: str, answers: dict[str, Any] | None = None) -> dict[str, Any]:
            path = api.launch("job_templates", f"{prefix} test: {what}", answers)
            job = api.ended(path)
            assert job["status"] == "successful", api.output(path)
            return job

        def workflow() -> str:
            return api.launch("workflow_job_templates", f"{prefix} test: drift check, approval, apply")

        check = launched("drift check")
        report = check["artifacts"]["mstr_report"]
        assert [each["outcome"] for each in report["environments"]] == ["drift"]
        assert all(each["plan_id"] for each in report["environments"])
        assert [runtime["name"] for runtime in sim.runtimes()] == []

        path = workflow()
        approval = api.approval(path)
        assert [runtime["name"] for runtime in sim.runtimes()] == []
        api.call("POST", f"{approval}/approve", {})
        assert api.ended(path)["status"] == "successful"
        assert sorted(runtime["name"] for runtime in sim.runtimes()) == ["Forecasts", "Nightly reports"]

        # Two workflows wait for an approval of the same plan. The second apply is refused.
        edited = {"Forecasts": {"resource": {"cpu": "2", "mem": 1024}}}
        have = [{**each, **edited.get(each["name"], {})} for each in sim.runtimes(default=True)]
        sim.seed(*have, replace=True)
        first, second = workflow(), workflow()
        approvals = [api.approval(each) for each in (first, second)]
        for each in approvals:
            api.call("POST", f"{each}/approve", {})
        assert sorted(api.ended(each)["status"] for each in (first, second)) == ["failed", "successful"]

        # There is no drift, so no approval is requested.
        path = workflow()
        assert api.ended(path)["status"] == "successful"
        assert api.call("GET", f"{path}/workflow_nodes", identifier="approval")["results"][0]["job"] is None

        # A survey without answers overrides nothing, and an answer can only be stricter.
        sim.seed({"name": "Surplus 1"}, {"name": "Surplus 2"})
        answers = {"mstr_survey_purge": "yes", "mstr_survey_purge_limit": "1"}
        refused = api.launch("job_templates", f"{prefix} test: apply", answers)
        assert api.ended(refused)["status"] == "failed"
        assert len(sim.runtimes()) == 4
        launched("apply", {"mstr_survey_purge": "yes"})
        assert sorted(runtime["name"] for runtime in sim.runtimes()) == ["Forecasts", "Nightly reports"]

        audit = launched("audit")
        assert audit["artifacts"]["mstr_audit_page"].startswith("<!doctype html>")

        # What an approver sees of a deletion among many creations. The API cuts events, as the page does.
        networks = [f"10.{number}.0.0/16" for number in range(100)]
        sim.seed({"name": "Surplus", "whitelist": networks}, *({"name": f"Made {number}"} for number in range(30)))
        purge = {"mstr_survey_purge": "yes", "mstr_survey_purge_limit": "40"}
        check = api.launch("job_templates", f"{prefix} test: drift check", purge)
        api.ended(check)
        shown = api.output(check)
        assert "'Surplus' would be deleted" in shown
        assert [network for network in networks if network not in shown] == []

        # The text of an export, from the events, from the download, and as an artifact.
        sim.seed({"name": "Kept", "description": r"'line one\nline two'", "whitelist": networks}, replace=True)
        path = api.launch("job_templates", f"{prefix} test: export")
        artifact = api.ended(path)["artifacts"]["mstr_exports"]["us"]
        for output in (api.output(path), api.download(path)):
            text = re.sub(r"\x1b\[[0-9;]*m", "", output).replace("\r", "")
            assert copied_by_recipe(text, "us", encoded=True) == artifact

        # A web hook with the page of an audit can be saved.
        body = block("body of the message")
        hook = {"name": "Page", "organization": api.find("organizations", name=prefix)["id"]}
        hook |= {"notification_type": "webhook", "messages": {"success": {"body": body}, "error": {"body": body}}}
        hook["notification_configuration"] = {"url": "http://127.0.0.1", "http_method": "POST", "headers": {}}
        api.call("DELETE", f"notification_templates/{api.call('POST', 'notification_templates', hook)['id']}")
        launched("smoke test")
        assert sim.open_sessions() == []
