"""mstr.library.controller on a real controller, in an organization of the test's own. CONTRIBUTING.md describes it.

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
from plays.awx.test_controller import STAGE, failure, play, recap
from plays.awx.test_guide import block
from plays.awx.test_jobs import copied_by_recipe
from plays.conftest import tools
from simulator.harness import Simulator
from support.ansible import Play

from live.reach import Api, forwarded, own_address

__all__ = ["tools"]

URL = os.environ.get("MSTR_TEST_PROJECT_URL", "")
IMAGE = os.environ.get("MSTR_TEST_IMAGE", "")
LOGIN = ("CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD")
KINDS = ("workflow_job_templates", "job_templates", "projects", "inventories", "credentials", "execution_environments")


@pytest.fixture
def variables() -> Iterator[dict[str, Any]]:
    """Variables with unique names, and an organization, which is deleted with all of these objects."""
    if missing := [name for name in LOGIN if not os.environ.get(name)]:
        pytest.skip(f"{', '.join(missing)} not set, see CONTRIBUTING.md")
    api, name = Api(), f"mstr.library test {secrets.token_hex(4)}"
    organization = api.call("POST", "organizations", {"name": name})["id"]
    yield {
        "mstr_controller_organization": name,
        "mstr_controller_prefix": name,
        "mstr_controller_credential_type_name": name,
        "mstr_controller_execution_environment": {"image": IMAGE or "hub.example.com/mstr-library-ee:1.0"},
        "mstr_controller_project": {
            "scm_url": URL or "https://git.example.com/definitions.git",
            "wait": bool(URL),
        },
        "mstr_controller_stages": [STAGE, {**STAGE, "name": "production", "drift_rrule": ""}],
    }
    for kind in KINDS:
        for thing in api.call("GET", kind, name__startswith=name, page_size=200)["results"]:
            api.call("DELETE", f"{kind}/{thing['id']}")
    api.call("DELETE", f"organizations/{organization}")
    for type_ in api.call("GET", "credential_types", name=name)["results"]:
        api.call("DELETE", f"credential_types/{type_['id']}")


@pytest.fixture
def client(tools: Play) -> Play:
    """A runner that uses the real controller."""
    tools.env |= {name: value for name, value in os.environ.items() if name.startswith("CONTROLLER_")}
    return tools


def test_second_run_and_work_of_others(client: Play, variables: dict[str, Any]) -> None:
    first = play(client, variables)
    assert recap(first)["failed"] == 0, first

    # What others have added to the role's objects.
    api, prefix = Api(), variables["mstr_controller_prefix"]
    organization = api.find("organizations", name=prefix)["id"]
    inventory = api.find("inventories", name=f"{prefix} test")["id"]
    api.call("POST", "hosts", {"name": "by-hand", "inventory": inventory})
    api.call("PATCH", f"inventories/{inventory}", {"variables": "mstr_timeout: 60"})
    drift = api.find("job_templates", name=f"{prefix} test: drift check")["id"]
    api.call("PATCH", f"job_templates/{drift}", {"limit": "test-eu"})
    mail = {"name": "Mail", "organization": organization, "notification_type": "webhook"}
    mail["notification_configuration"] = {"url": "http://127.0.0.1", "http_method": "POST", "headers": {}}
    notification = api.call("POST", "notification_templates", mail)["id"]
    api.call("POST", f"job_templates/{drift}/notification_templates_error", {"id": notification})
    machine = api.find("credential_types", kind="ssh", namespace="ssh")["id"]
    key = {"name": f"{prefix} key", "organization": organization, "credential_type": machine, "inputs": {}}
    api.call("POST", f"job_templates/{drift}/credentials", {"id": api.call("POST", "credentials", key)["id"]})

    # A stage that is gone is left alone.
    second = play(client, variables, mstr_controller_stages=variables["mstr_controller_stages"][:1])
    assert recap(second)["failed"] == recap(second)["changed"] == 0, second
    assert api.call("GET", "job_templates", name=f"{prefix} production: apply")["count"] == 1
    assert api.call("GET", "hosts", inventory=inventory)["count"] == 1 + len(STAGE["environments"])
    assert api.call("GET", f"inventories/{inventory}")["variables"] == "mstr_timeout: 60"
    assert api.call("GET", f"job_templates/{drift}")["limit"] == "test-eu"
    assert api.call("GET", f"job_templates/{drift}/notification_templates_error")["count"] == 1
    assert api.call("GET", f"job_templates/{drift}/credentials")["count"] == 2
    checked = play(client, variables, "--check", mstr_controller_forks=3)
    assert recap(checked)["failed"] == 0, checked
    assert api.call("GET", f"job_templates/{drift}")["forks"] == 5


def test_wrong_repository_fails_each_run(client: Play, variables: dict[str, Any]) -> None:
    variables["mstr_controller_project"] = {"scm_url": "https://127.0.0.1:1/typo.git"}
    for _ in range(2):
        assert "fatal: unable to access" in failure(play(client, variables))


@pytest.mark.skipif(not (URL and IMAGE), reason="no jobs ran: set MSTR_TEST_PROJECT_URL and MSTR_TEST_IMAGE for them")
def test_jobs_and_a_workflow_with_approval_run(client: Play, variables: dict[str, Any]) -> None:
    api, prefix = Api(), variables["mstr_controller_prefix"]
    address = own_address(api.host)
    with Simulator(arguments=["--host", address]) as sim, forwarded(sim.base_url, address) as base_url:
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
        path = workflow()
        approval = api.approval(path)
        assert [runtime["name"] for runtime in sim.runtimes()] == []
        api.call("POST", f"{approval}/approve", {})
        assert api.ended(path)["status"] == "successful"
        assert sorted(runtime["name"] for runtime in sim.runtimes()) == ["Forecasts", "Nightly reports"]

        # There is no drift, so no approval is requested.
        path = workflow()
        assert api.ended(path)["status"] == "successful"
        assert api.call("GET", f"{path}/workflow_nodes", identifier="approval")["results"][0]["job"] is None

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
