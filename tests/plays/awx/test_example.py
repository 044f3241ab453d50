"""The example for AWX has valid options, and its credential type sets what the modules read."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks import variables
from support.ansible import COLLECTIONS, Play

from dev.envs import CALLER
from dev.paths import CACHE, once, run
from plays.awx.controller import Controller
from plays.awx.job import BIN, block, injected
from plays.examples.blocks import EXAMPLES

# The last series of releases that contains awx.awx, in version 24.6.1.
_AWX_PACKAGE = "ansible==13.8.0"


def awx_collections() -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH that contains only `awx.awx`, which is fetched once per clone."""
    folder = CACHE / _AWX_PACKAGE.replace("==", "-")

    def make(mark: Path) -> None:
        if not folder.exists():
            # The package has 10,000 files that are not needed.
            uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--no-config")
            run(*uv, "--target", mark, _AWX_PACKAGE, env={**CALLER, "UV_CONSTRAINT": ""})
            collections = Path("ansible_collections", "awx")
            (mark / "kept" / collections).parent.mkdir(parents=True)
            (mark / collections).rename(mark / "kept" / collections)
            shutil.move(mark / "kept", folder.with_suffix(".new"))
            folder.with_suffix(".new").rename(folder)
        mark.mkdir(exist_ok=True)

    once("awx", make)
    return folder


@pytest.fixture
def controller() -> Iterator[Controller]:
    found = Controller("Default", "Other")
    yield found
    found.stop()


@pytest.fixture
def run_example(tmp_path: Path, controller: Controller) -> Callable[..., int]:
    """A function that runs the example, and returns how many tasks and items changed something."""
    env = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join((COLLECTIONS, str(awx_collections()))),
        "CONTROLLER_HOST": controller.address,
        "CONTROLLER_OAUTH_TOKEN": "x",
        "LIBRARY_PASSWORD": "s3cret-password",
    }
    play = Play(tmp_path, env=env, hosts={})
    text = (EXAMPLES / "awx.yml").read_text(encoding="utf-8")

    def run(**variables: Any) -> int:
        played = play(text, **variables)
        assert played.status == 0, played.output
        assert "s3cret-password" not in played.output
        return played.output.count("changed: [localhost]")

    return run


def test_rights(run_example: Callable[..., int], controller: Controller) -> None:
    """Nobody sets a variable beside the login: a connection, an interpreter or a shell is one, too. Jobs of a workflow
    get all of its variables. Who approves may read what the check shows.
    """
    run_example()
    with_login = [each for each in controller.objects["job_templates"].values() if each["credentials"]]
    workflows = [*controller.objects["workflow_job_templates"].values()]
    assert (len(with_login), len(workflows)) == (4, 1)
    assert {each["ask_variables_on_launch"] for each in (*with_login, *workflows)} == {False}
    asked = [question for each in (*with_login, *workflows) for question in each["survey_spec"].get("spec", [])]
    assert [*variables.unknown_errors([], [question["variable"] for question in asked])] == []
    roles = {
        name: controller.named(endpoint, f"Library: {name}")["summary_fields"]["object_roles"]
        for endpoint, name in (("job_templates", "check"), ("workflow_job_templates", "check, approval, apply"))
    }
    granted = {role for role, links in controller.objects["roles"].items() if links.get("teams")}
    assert granted == {roles["check"]["read_role"]["id"], roles["check, approval, apply"]["approval_role"]["id"]}


def test_a_second_run_changes_nothing(run_example: Callable[..., int], controller: Controller) -> None:
    """A node that somebody has linked to a node of the example would otherwise run first at every launch."""
    assert run_example() == 19
    nodes = "workflow_job_template_nodes"
    check, approval = (controller.named(nodes, name) for name in ("check", "approval"))
    added = controller.create(nodes, {**check, "identifier": "notify", "success_nodes": []})
    check["success_nodes"].append(added["id"])
    controller.named("inventories", "Library")["variables"] = '{"mstr_runtimes_purge_limit": 1}'
    assert run_example() == 0
    assert check["success_nodes"] == [approval["id"], added["id"]]
    assert "purge_limit" in controller.named("inventories", "Library")["variables"]


def test_a_second_organization(run_example: Callable[..., int], controller: Controller) -> None:
    """It has the same names, shares only the credential type, and changes nothing of the first one."""
    run_example()
    assert run_example(organization="Other", repository="https://git.example.com/other.git") == 18
    assert run_example() == 0
    inventories = [each["id"] for each in controller.objects["inventories"].values()]
    assert [each["inventory"] for each in controller.objects["job_templates"].values()] == [
        inventory for inventory in inventories for _template in ("audit", "check", "apply", "go back")
    ]


def test_variables_of_the_repository(tmp_path: Path) -> None:
    """AWX reads the inventory by ansible-inventory, which keeps templates for the job."""
    (tmp_path / "inventory.yml").write_text(block("inventory.yml"))
    command = [BIN / "ansible-inventory", "-i", "inventory.yml", "--list", "--export"]
    read = json.loads(Play(tmp_path, hosts={}).run(command).output)
    written = yaml.safe_load(block("inventory.yml"))["all"]
    assert read["all"]["vars"] == written["vars"]
    assert read["_meta"]["hostvars"] == written["hosts"]


def test_each_variable_is_that_of_an_option(tmp_path: Path) -> None:
    known = {name for option in auth.argument_spec().values() for name in option["fallback"][1]}
    assert set(injected({}, tmp_path)) - known == {"MSTR_SERVERS"}


def test_a_blank_field_is_not_set(tmp_path: Path) -> None:
    """AWX sets an empty variable for it, which the modules treat as not set."""
    blank = injected({"mstr_username": "jane", "mstr_password": "x", "mstr_ca_bundle": ""}, tmp_path)
    assert {name for name, value in blank.items() if value} == {"MSTR_USERNAME", "MSTR_PASSWORD"}
    path = injected({"mstr_ca_bundle": "PEM"}, tmp_path)["MSTR_CA_PATH"]
    assert Path(path).read_text() == "PEM"
