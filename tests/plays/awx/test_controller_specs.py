"""The file with all objects matches the argument specs of the real awx.awx; one variable names the collection.

test_controller_playbook.py checks the options of the role's own tasks, because it runs the modules.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from support.ansible import ROOT, Play

from plays.awx.test_controller_playbook import SECRET, STAGE, play, recap

# The types of options, and the types of their literal values in YAML.
LITERALS = {"str": str, "bool": bool, "int": int, "dict": dict, "list": list}


# The variables of infra.aap_configuration, as its README lists them, and the module of awx.awx that takes the options.
FILE_VARIABLES = {
    "aap_organizations": "organization",
    "controller_credential_types": "credential_type",
    "controller_credentials": "credential",
    "controller_execution_environments": "execution_environment",
    "controller_hosts": "host",
    "controller_inventories": "inventory",
    "controller_projects": "project",
    "controller_roles": "role",
    "controller_schedules": "schedule",
    "controller_templates": "job_template",
    "controller_workflows": "workflow_job_template",
}


@pytest.fixture
def specs(tools: Play) -> dict[str, dict[str, Any]]:
    """The documented options of the modules, by the module's name."""
    modules = [*FILE_VARIABLES.values(), "workflow_job_template_node"]
    names = [f"awx.awx.{module}" for module in modules]
    documentation = json.loads(tools.run(["ansible-doc", "--json", "--type", "module", *names]).output)
    return {module: documentation[f"awx.awx.{module}"]["doc"]["options"] for module in modules}


@pytest.mark.complete
def test_the_file_for_a_different_collection(specs: dict[str, dict[str, Any]], tools: Play) -> None:
    stage = {
        **STAGE,
        "access": {"launch": {"teams": ["Analysts"]}, "approve": {"users": ["jane"]}},
        "credentials": ["Vault"],
        "variables": {"mstr_runtimes_purge": True},
    }
    output = play(
        tools,
        mstr_controller_stages=[stage, {**STAGE, "name": "production", "drift_rrule": ""}],
        mstr_controller_notifications=["Mail"],
        mstr_controller_dest=str(tools.folder / "written.yml"),
    )
    assert recap(output)["failed"] == 0, output
    text = (tools.folder / "written.yml").read_text()
    assert SECRET not in text
    written = yaml.safe_load(text)

    # A file with all objects is not what somebody wants who removes them.
    output = play(tools, mstr_controller_state="absent", mstr_controller_dest=str(tools.folder / "removed.yml"))
    assert "mstr_controller_dest writes the objects that exist with mstr_controller_state=present" in output
    assert not (tools.folder / "removed.yml").exists()

    assert set(written) == set(FILE_VARIABLES)
    faults = []
    for variable, module in FILE_VARIABLES.items():
        for thing in written[variable]:
            nodes = thing.pop("simplified_workflow_nodes", [])
            faults += [f"{variable}: {fault}" for fault in _faults(thing, specs[module])]
            for node in nodes:
                # The role of that collection names the workflow by itself.
                node_of = {**node, "workflow_job_template": thing["name"]}
                faults += [f"{variable}: {fault}" for fault in _faults(node_of, specs["workflow_job_template_node"])]
    assert faults == []
    (drift,) = [each for each in written["controller_templates"] if each["name"] == "Library test: drift check"]
    assert drift["credentials"] == ["Library test", "Vault"]
    assert drift["notification_templates_error"] == ["Mail"]
    assert len(written["controller_templates"]) == 12
    assert len(written["controller_schedules"]) == 1
    # A template of the controller is escaped, a template of the person who applies the file is not.
    assert (
        written["controller_inventories"][0]["variables"]["ansible_python_interpreter"]
        == "{  { ansible_playbook_python }}"
    )
    password = written["controller_credentials"][0]["inputs"]["mstr_password"]
    assert password == '{{ mstr_controller_secrets["test"].mstr_password }}'


def _faults(options: dict[str, Any], spec: dict[str, Any]) -> list[str]:
    return [
        *(f"there is no {option}" for option in options if option not in spec),
        *(f"{option} is missing" for option in spec if spec[option].get("required") and option not in options),
        *(
            f"{option} {value!r} does not fit"
            for option, value in options.items()
            if option in spec and not _fits(value, spec[option])
        ),
    ]


def _fits(value: Any, spec: dict[str, Any]) -> bool:
    if isinstance(value, str) and "{{" in value:
        return True
    if value not in (spec.get("choices") or [value]):
        return False
    return isinstance(value, LITERALS.get(spec.get("type", "str"), object))


def test_ansible_controller_can_replace_awx_awx() -> None:
    """Only the variable contains the name of a collection."""
    folder = ROOT / "roles" / "controller"
    texts = [path.read_text() for part in ("tasks", "vars/main") for path in (folder / part).glob("*.yml")]
    named = [
        line
        for text in texts
        for line in text.splitlines()
        if re.search(r"(awx\.awx|ansible\.controller)\b", line) and not line.strip().startswith(("#", "~"))
    ]

    assert named == ["controller_collection: \"{{ mstr_controller_collection | default('awx.awx') }}\""]
