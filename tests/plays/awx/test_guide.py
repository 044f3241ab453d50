"""The examples, tables and names in the guide to AWX are correct."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulator.harness import Simulator
from support.ansible import ROOT, Play

from plays.awx.controller import Controller
from plays.awx.injection import CredentialType
from plays.awx.jobs import HOST_VARIABLES, Job
from plays.awx.output import faults_of_messages, message
from plays.awx.test_controller_playbook import play, recap

GUIDES = "".join((ROOT / "docs/docsite/rst" / f"guide_awx{name}.rst").read_text() for name in ("", "_reference"))
ROLE = ROOT / "roles" / "controller"


def block(caption: str) -> str:
    pattern = rf"^( *):caption: {re.escape(caption)}\n\n((?:\1.*\n|\n)+)"
    found = re.search(pattern, GUIDES, re.MULTILINE)
    assert found, caption
    return textwrap.dedent(found[2]).strip() + "\n"


@pytest.mark.complete
def test_the_guide_can_be_followed_from_an_empty_controller(client: Play, controller: Controller) -> None:
    exported = re.findall(r"(\w+_PASSWORD)=…", GUIDES)
    client.env = {**dict.fromkeys(exported, "a-secret"), **client.env}
    variables = yaml.safe_load(block("controller.yml"))
    commands = re.findall(r"^\$ (ansible localhost .*)$", block("the organization"), re.MULTILINE)
    for command in commands:
        ran = client.run(shlex.split(command))
        assert "CHANGED" in ran.output, ran.output

    output = play(client, variables)
    assert recap(output)["failed"] == 0, output
    assert controller.names("job_templates") == ["Library production: audit", "Library test: audit"]
    production = json.loads(controller.named("inventories", "Library production")["variables"])
    assert "mstr_runtimes_src" not in production, "there are no definitions yet"

    output = play(client, variables, mstr_controller_audit_only=False)
    assert recap(output)["failed"] == 0, output
    assert controller.names("organizations") == ["Analytics"]
    assert controller.names("inventories") == ["Library production", "Library test"]
    assert controller.names("hosts") == ["prod-eu", "prod-us", "test-eu"]
    assert len(controller.names("job_templates")) == 12
    inputs = [each["inputs"]["mstr_password"] for each in controller.objects["credentials"].values()]
    assert inputs == ["a-secret", "a-secret"]
    production = json.loads(controller.named("inventories", "Library production")["variables"])
    policy = {"networks_never": ["10.66.0.0/16"]}
    own = {"mstr_runtimes_policy": policy, "mstr_runtimes_purge": True, "mstr_runtimes_purge_limit": 1}
    assert production == {**HOST_VARIABLES, **own}


def test_the_rights_are_those_of_the_role() -> None:
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
    stage = specs["argument_specs"]["main"]["options"]["mstr_controller_stages"]["options"]
    rights = stage["access"]["options"]
    example = yaml.safe_load(block("rights of a stage"))["access"]

    assert set(example) < set(rights) == set(re.findall(r"^``(\w+)``  ", GUIDES, re.MULTILINE))
    assert all(set(holders) <= set(rights[right]["options"]) for right, holders in example.items())


def test_the_requirements_of_the_project_pin_this_version() -> None:
    required = yaml.safe_load((ROOT / "extensions/awx/project/collections/requirements.yml").read_text())
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())

    assert required == {"collections": [{"name": "mstr.library", "version": galaxy["version"]}]}


def test_the_definitions_are_applied(tmp_path: Path, collection: Path, sim: Simulator) -> None:
    job = Job(
        tmp_path / "job",
        collection,
        {"mstr_username": sim.username, "mstr_password": sim.password},
        {"prod-eu": {"mstr_base_url": sim.base_url}},
        definitions={"prod-eu": yaml.safe_load(block("runtimes/prod-eu.yml"))},
    )

    assert (job.folder / "project" / "apply.yml").read_text() == block("apply.yml")
    assert job.run() == "successful", job.output
    assert [runtime["name"] for runtime in sim.runtimes()] == ["Nightly reports"]


def test_the_inventory_has_the_tested_variables() -> None:
    assert yaml.safe_load(block("variables of the inventory")) == HOST_VARIABLES


def test_the_surveys_are_those_of_the_playbook() -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
    objects = yaml.load((ROLE / "vars" / "main" / "objects.yml").read_text(), Loader)["controller_stage_objects"]
    surveys: list[dict[str, Any]] = [template["survey_spec"] for template in objects["job_templates"]]
    types = {"multiplechoice": "multiple choice"}
    asked = {
        (question["variable"], types.get(question["type"], question["type"]))
        for survey in surveys
        for question in survey.get("spec", [])
    }
    documented = re.findall(r"``(mstr_\w+)``\s+\((text|textarea|integer|multiple choice)\)", GUIDES)

    assert set(documented) == asked


def test_the_labels_of_the_credential_are_those_of_the_type(collection: Path) -> None:
    labels = {
        field["label"] for field in CredentialType(collection / "roles/controller/files/credential_type.yml").fields
    }
    text = " ".join(GUIDES.split())

    for label in ("Library server", "Skip the check of the server's certificate", "CA bundle"):
        assert label in labels
        assert f"*{label}*" in text


def test_the_recipes_for_the_page_of_an_audit() -> None:
    page = '<!DOCTYPE html>\n<p title="{{ 7 * 7 }}">Ü</p>\n</html>'
    job = {"id": 42, "status": "failed", "artifacts": {"mstr_audit_page": page}}
    (script,) = re.findall(r"python3 -c '(.*)' > audit.html", block("the page of a job"))
    ran = subprocess.run(["python3", "-c", script], input=json.dumps(job), capture_output=True, text=True, check=True)
    assert ran.stdout == f"{page}\n"

    body = block("body of the message")
    assert json.loads(message(body, job)) == {"job": 42, "status": "failed", "page": page}
    # A controller checks the body with a job that has no artifacts before it saves it.
    assert faults_of_messages({"success": {"body": body}}) == []
    unchecked = body.replace(' | default("")', "")
    assert faults_of_messages({"success": {"body": unchecked}}) == [
        "Unable to render 'Object of type DescriptiveUndefined is not JSON serializable'"
    ]


@pytest.mark.parametrize("row", re.findall(r"^(?:\d+ +){7}\d+ *$", GUIDES, re.MULTILINE))
def test_the_numbers_in_the_table_are_consistent(row: str) -> None:
    hosts, forks, slices, jobs, killed, concurrency, sessions, requests = map(int, row.split())

    at_a_time = min(hosts, forks * slices)
    assert sessions == (jobs + killed) * at_a_time
    assert requests == jobs * at_a_time * concurrency
