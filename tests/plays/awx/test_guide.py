"""The examples, tables and names in the guide to AWX are correct."""

from __future__ import annotations

import json
import re
import subprocess

import yaml

from dev.paths import ROOT
from plays.awx.output import message
from plays.examples.blocks import pages

SPECS = yaml.safe_load((ROOT / "roles/controller/meta/argument_specs.yml").read_text())
OPTIONS = SPECS["argument_specs"]["main"]["options"]


def block(caption: str) -> str:
    """The block of the guide to AWX with this caption."""
    [text] = [block.text for block in pages()["docs/docsite/rst/guide_awx.rst"] if block.file == caption]
    return text


def test_the_controller_file_is_that_of_the_role() -> None:
    """test_controller.py runs it."""
    assert set(yaml.safe_load(block("controller.yml"))) < set(OPTIONS)


def test_the_requirements_of_the_project_pin_this_version() -> None:
    required = yaml.safe_load((ROOT / "extensions/awx/project/collections/requirements.yml").read_text())
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())

    assert required == {"collections": [{"name": "mstr.library", "version": galaxy["version"]}]}


def test_the_recipes_for_the_page_of_an_audit() -> None:
    page = '<!DOCTYPE html>\n<p title="{{ 7 * 7 }}">Ü</p>\n</html>'
    job = {"id": 42, "status": "failed", "artifacts": {"mstr_audit_page": page}}
    (script,) = re.findall(r"python3 -c '(.*)' > audit.html", block("the page of a job"))
    ran = subprocess.run(["python3", "-c", script], input=json.dumps(job), capture_output=True, text=True, check=True)
    assert ran.stdout == page

    body = block("body of the message")
    assert json.loads(message(body, job)) == {"job": 42, "status": "failed", "page": page}
    # A controller renders the body with a job that has no artifacts before it saves it.
    assert json.loads(message(body, {**job, "artifacts": {}}))["page"] == ""
