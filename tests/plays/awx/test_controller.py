"""mstr.library.controller: with the real awx.awx on a model of a controller, and with a stub of ansible.controller."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.ansible import Play, play_of

from dev.envs import OLDEST
from plays.awx.controller import REASON, Controller
from plays.awx.jobs import HOST_VARIABLES, tools_in
from plays.awx.stub import Stub, documented

SECRET = "correct-horse-battery-41"
STAGE: dict[str, Any] = {
    "name": "test",
    "credential": {"mstr_username": "automation", "mstr_password": SECRET},
    "environments": [
        {"name": "test-eu", "variables": {"mstr_base_url": "https://eu.example.com/MicroStrategyLibrary"}},
    ],
}
VARIABLES: dict[str, Any] = {
    "mstr_controller_organization": "Analytics",
    "mstr_controller_execution_environment": {"image": "hub.example.com/mstr-library-ee:1.0"},
    "mstr_controller_project": {"scm_url": "https://git.example.com/analytics/definitions.git"},
    "mstr_controller_stages": [STAGE],
}
TEMPLATES = ("apply", "approval check", "audit", "drift check", "export", "restore", "smoke test")
WORKFLOW = "Library test: drift check, approval, apply"


# Until core 2.19, the role has to keep the text of a controller's templates from being a template.
ON_CORES = pytest.mark.parametrize("tools", ["", pytest.param(OLDEST, marks=pytest.mark.matrix)], indirect=True)


def play(runner: Play, variables: dict[str, Any] | None = None, *options: str, **more: Any) -> str:
    """Run the playbook, and return its output."""
    # Ansible shows variables of the command line at -vvvv, and secrets are among them.
    path = runner.write("controller.json", {**(VARIABLES if variables is None else variables), **more})
    return runner("mstr.library.controller", "--extra-vars", f"@{path}", *options).output


def recap(output: str) -> dict[str, int]:
    line = next(line for line in output.splitlines() if re.match(r"localhost +:", line))
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def failure(output: str) -> str:
    """The message of the last failed task."""
    return str(re.findall(r'^(?:fatal|failed): .*?"msg": "((?:[^"\\]|\\.)*)"', output, re.MULTILINE)[-1])


def test_second_run_and_work_of_others(client: Play, controller: Controller) -> None:
    """With the real awx.awx: a second run changes nothing, what others have added stays, and a list names it."""
    organization = controller.add("organizations", name="Analytics")["id"]
    first = play(client, None, "-vvvv")
    assert recap(first)["failed"] == 0, first
    assert SECRET not in first
    assert_whole(controller)

    inventory = controller.named("inventories", "Library test")
    drift = controller.named("job_templates", "Library test: drift check")
    machine = controller.add("credential_types", name="Machine", inputs={"fields": []})["id"]
    vault = controller.add("credentials", name="Vault", organization=organization, credential_type=machine, inputs={})
    mail = controller.add("notification_templates", name="Mail", organization=organization)["id"]
    theirs = {"credentials": vault["id"], "notification_templates_error": mail}
    for relation, id_ in theirs.items():
        controller.associated.setdefault(("job_templates", drift["id"], relation), []).append(id_)
    inventory["variables"] = '{"mstr_timeout": 60}'
    drift |= {"limit": "test-eu", "webhook_service": "github"}
    controller.add("hosts", name="by-hand", inventory=inventory["id"], variables="")
    # Beside the links of the role, as a page for workflows makes them.
    own = controller.add("workflow_job_template_nodes", identifier="theirs", **workflow_of(controller))["id"]
    for name, relation in (("approval", "success_nodes"), ("drift", "failure_nodes"), ("apply", "failure_nodes")):
        node = controller.named("workflow_job_template_nodes", name)["id"]
        controller.associated.setdefault(("workflow_job_template_nodes", node, relation), []).append(own)
    links = links_of(controller)
    monthly = controller.add("workflow_job_templates", name="Monthly", organization=organization)["id"]
    apply = controller.named("job_templates", "Library test: apply")["id"]
    used = {"workflow_job_template": monthly, "unified_job_template": apply}
    controller.add("workflow_job_template_nodes", identifier="a", **used)
    second = play(client)

    assert links_of(controller) == links
    assert links["approval", "success_nodes"] == ["apply", "theirs"]
    assert recap(second)["failed"] == recap(second)["changed"] == 0, second
    assert inventory["variables"] == '{"mstr_timeout": 60}'
    assert (drift["limit"], drift["webhook_service"]) == ("test-eu", "github")
    for relation, id_ in theirs.items():
        assert id_ in controller.associated["job_templates", drift["id"], relation]
    assert controller.names("hosts") == ["by-hand", "test-eu"]

    # What exists, in the order in which to delete it, and what others have made of it.
    listed = play(client, mstr_controller_list=True)
    assert recap(listed)["changed"] == 0
    lines = re.findall(r'^ +"(.*)",?$', listed, re.MULTILINE)
    kinds = [line.partition(": ")[0].rpartition(" ")[0] for line in lines if line[0] != " "]
    assert kinds == ["workflow job template", *["job template"] * len(TEMPLATES), "inventory", "credential"]
    theirs_listed = [line.split(": ", 1)[1] for line in lines if line.endswith(", made by others")]
    assert {"a of Monthly, made by others", "by-hand, made by others"} <= set(theirs_listed)
    assert f"job template {apply}: Library test: apply" in lines


def assert_whole(controller: Controller) -> None:
    """Check that the objects refer to each other correctly."""
    (type_,) = controller.objects["credential_types"].values()
    assert type_["injectors"]["env"]["MSTR_USERNAME"] == "{{ mstr_username }}"
    (credential,) = controller.objects["credentials"].values()
    servers = {"mstr_servers": STAGE["environments"][0]["variables"]["mstr_base_url"]}
    assert credential["inputs"] == {**servers, **STAGE["credential"]}
    (host,) = controller.objects["hosts"].values()
    assert json.loads(host["variables"]) == {**HOST_VARIABLES, **STAGE["environments"][0]["variables"]}
    assert controller.names("job_templates") == [f"Library test: {name}" for name in TEMPLATES]
    drift = controller.named("job_templates", "Library test: drift check")
    assert (drift["job_type"], drift["playbook"], drift["inventory"]) == ("check", "apply.yml", host["inventory"])
    assert controller.associated["job_templates", drift["id"], "credentials"] == [credential["id"]]
    templates = controller.objects["job_templates"].values()
    assert [each["name"] for each in templates if "ask_job_type_on_launch" in each] == ["Library test: restore"]
    schedule = controller.named("schedules", "Library test: drift check every night")
    assert schedule["unified_job_template"] == drift["id"]
    assert links_of(controller) == {
        ("drift", "failure_nodes"): ["approval_check"],
        ("approval_check", "success_nodes"): ["approval"],
        ("approval", "success_nodes"): ["apply"],
    }


def workflow_of(controller: Controller) -> dict[str, Any]:
    return {"workflow_job_template": controller.named("workflow_job_templates", WORKFLOW)["id"]}


def links_of(controller: Controller) -> dict[tuple[str, str], list[str]]:
    """The links between the nodes of all workflows."""
    names = {node["id"]: node["identifier"] for node in controller.objects["workflow_job_template_nodes"].values()}
    return {
        (names[key], relation): [names[each] for each in ids]
        for (kind, key, relation), ids in controller.associated.items()
        if kind == "workflow_job_template_nodes" and ids
    }


def test_namesakes(client: Play, controller: Controller) -> None:
    """They are found by organization, or refused before anything is made, as those of another prefix and stage."""
    first = controller.add("organizations", name="R&D/EU + US")["id"]
    shared = controller.add("execution_environments", name="Shared", image="x", organization=first)
    controller.add("execution_environments", name="Library execution environment", organization=first)
    machine = controller.add("credential_types", name="Machine", inputs={"fields": []})["id"]
    for _ in range(2):
        controller.add("credentials", name="Vault", organization=first, credential_type=machine, inputs={})
    stage = {**STAGE, "credentials": ["Vault", "Gone"]}
    refused = failure(play(client, mstr_controller_stages=[stage]))
    assert "The controller has no organization 'Analytics' that this user can see." in refused
    assert "The execution environment 'Library execution environment' (103) belongs to R&D/EU + US, and" in refused
    assert "2 credentials have the name 'Vault': 105 of R&D/EU + US, 106 of R&D/EU + US. Write the" in refused
    assert "No credentials have the name 'Gone'. Write the" in refused

    second = controller.add("organizations", name="Analytics")["id"]
    use: dict[str, Any] = {"mstr_controller_execution_environment": {"name": shared["name"]}}
    theirs = {**use, "mstr_controller_organization": "R&D/EU + US", "mstr_controller_notifications": []}
    for options in (use, theirs):
        output = play(client, **options)
        assert recap(output)["failed"] == 0, output
    hosts, templates = (controller.objects[kind].values() for kind in ("hosts", "job_templates"))
    inventories = controller.objects["inventories"]
    assert [inventories[host["inventory"]]["organization"] for host in hosts] == [second, first]
    for each in templates:
        assert inventories[each["inventory"]]["organization"] == each["organization"]
        used = controller.associated.get(("job_templates", each["id"], "credentials"), [])
        assert {controller.objects["credentials"][id_]["organization"] for id_ in used} <= {each["organization"]}

    description = "One host for each environment of stage test"  # of the prefix "Library EU"
    controller.add("inventories", name="Library EU test", organization=second, description=description)
    output = play(client, **use, mstr_controller_stages=[{**STAGE, "name": "EU test"}])
    assert f"is that of a different prefix and stage: {description}. Choose a different" in failure(output)


def test_wrong_repository_fails_each_run(client: Play, controller: Controller) -> None:
    """With the real awx.awx, whose module is green in the second run unless it is told to download."""
    controller.add("organizations", name="Analytics")
    url = "https://git.example.com/typo.git"
    controller.unreachable.append(url)
    for _ in range(2):
        output = play(client, mstr_controller_project={"scm_url": url})
        assert REASON in failure(output)
        assert controller.names("job_templates") == []


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return documented(tools_in(tmp_path_factory.mktemp("documented")))


@pytest.fixture
def stub(tools: Play, tmp_path: Path, options: dict[str, dict[str, Any]]) -> Stub:
    """The stub, which `tools` finds instead of awx.awx."""
    stub = Stub(tmp_path / "stub", options)
    paths = [tools.env["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep)[0], str(stub.collections)]
    tools.env |= {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(paths),
        **dict.fromkeys(("CONTROLLER_HOST", "TOWER_HOST"), "https://controller.example.com"),
    }
    return stub


PLATFORM = {"mstr_controller_collection": "ansible.controller"}
FULL: dict[str, Any] = {
    "mstr_controller_notifications": "Mail",
    "mstr_controller_variables": {"mstr_runtimes_policy": {"networks_never": ["10.66.0.0/16"]}, "mstr_timeout": 1},
    "mstr_controller_stages": [
        {
            **STAGE,
            "credentials": "Vault",
            "variables": {"mstr_runtimes_purge": True, "mstr_timeout": 60},
            "access": {"launch": {"teams": "Analysts"}, "approve": {"users": ["jane"]}, "read": {"teams": ["Audit"]}},
        },
        {**STAGE, "name": "production", "environments": [{"name": "prod-eu"}], "drift_rrule": ""},
    ],
}


@ON_CORES
def test_platform_collection(tools: Play, stub: Stub) -> None:
    """Today's ansible.controller has neither a module `token` nor the option controller_oauthtoken."""
    first = play(tools, **PLATFORM, **FULL)
    assert recap(first)["failed"] == 0, first
    assert "duplicate mapping key" not in first
    assert len(stub.objects("job_template")) == 2 * len(TEMPLATES)
    schedules = [f"Library {name} every night" for name in ("test: drift check", "test: audit", "production: audit")]
    assert list(stub.objects("schedule")) == schedules
    host = stub.objects("host")["test-eu"]["variables"]
    own = {**HOST_VARIABLES, **PLATFORM, **FULL["mstr_controller_variables"], "mstr_runtimes_purge": True}
    assert host == {**own, "mstr_timeout": 60, **STAGE["environments"][0]["variables"]}
    assert "variables" not in stub.objects("inventory")["Library test"]
    drift = stub.objects("job_template")["Library test: drift check"]
    credentials = ["Library test++MicroStrategy Library+cloud++Analytics", "Vault"]
    assert (drift["credentials"], drift["notification_templates_error"]) == (credentials, ["Mail"])
    # To launch the apply directly needs no approval, so it is a right of its own.
    execute = [each for each in stub.objects("role").values() if each["role"] == "execute"]
    assert [each["teams"] for each in execute] == [["Analysts"]]
    assert not {"Library test: apply", "Library test: restore"} & {*execute[0]["job_templates"]}

    # A second run changes nothing, and a stage that is gone is left alone.
    second = play(tools, **PLATFORM, **{**FULL, "mstr_controller_stages": FULL["mstr_controller_stages"][:1]})
    assert recap(second)["failed"] == recap(second)["changed"] == 0, second
    assert len(stub.objects("inventory")) == 2

    # Check mode names what differs.
    checked = play(tools, None, "--check", **PLATFORM, **FULL, mstr_controller_forks=7)
    changed = re.findall(r"^changed: \[localhost\] => \(item=(.*)\)", checked, re.MULTILINE)
    assert changed == list(stub.objects("job_template"))
    assert int(stub.objects("job_template")["Library test: audit"]["forks"]) == 5
    # A project is downloaded in each run, except in check mode.
    assert stub.objects("project")["Library definitions"]["update_project"] is True


def test_audit_only(tools: Play, stub: Stub) -> None:
    """For a first hour: no template that could change a server, no workflow, no schedule."""
    output = play(tools, **PLATFORM, **FULL, mstr_controller_audit_only=True)

    assert recap(output)["failed"] == 0, output
    assert set(stub.objects("job_template")) == {"Library test: audit", "Library production: audit"}
    assert stub.objects("workflow_job_template") == {}
    assert all(": audit every night" in name for name in stub.objects("schedule"))
    assert "mstr_runtimes_src" not in stub.objects("host")["test-eu"]["variables"]
    rights = [(each["role"], each["job_templates"], each["workflows"]) for each in stub.objects("role").values()]
    assert rights == [("execute", ["Library test: audit"], []), ("read", ["Library test: audit"], [])]


# The variables of infra.aap_configuration, as its README lists them, and the module that takes the options.
FILE_VARIABLES = {
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


@ON_CORES
def test_file_for_aap_configuration(tools: Play, options: dict[str, dict[str, Any]]) -> None:
    """It has the options of the modules, no secret, and the braces of the controller's templates apart."""
    path = tools.folder / "written.yml"
    output = play(tools, **FULL, mstr_controller_dest=str(path))
    assert recap(output)["failed"] == 0, output
    assert SECRET not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    written = yaml.safe_load(path.read_text())

    assert set(written) == set(FILE_VARIABLES)
    unknown = []
    for variable, module in FILE_VARIABLES.items():
        for thing in written[variable]:
            nodes = thing.pop("simplified_workflow_nodes", [])
            unknown += [(variable, option) for option in thing if option not in options[module]]
            unknown += [option for each in nodes for option in each if option not in options[f"{module}_node"]]
    assert unknown == []
    assert len(written["controller_templates"]) == 2 * len(TEMPLATES)
    interpreter = written["controller_hosts"][0]["variables"]["ansible_python_interpreter"]
    assert interpreter == "{  { ansible_playbook_python }}"
    password = written["controller_credentials"][0]["inputs"]["mstr_password"]
    assert password == '{{ mstr_controller_secrets["test"].mstr_password }}'


REFUSED = {
    "blank secret": (
        {"mstr_controller_stages": [{**STAGE, "credential": {"mstr_password": " ", "mstr_api_token": None}}]},
        "The credential of stage test has blank inputs: mstr_api_token, mstr_password. Give them a value, or remove "
        "them from mstr_controller_stages.",
    ),
    "no stages": (
        {"mstr_controller_stages": []},
        "mstr_controller_stages is empty. List at least one stage.",
    ),
    "no environments": (
        {"mstr_controller_stages": [{**STAGE, "environments": []}]},
        "Stage test has no environments. List at least one.",
    ),
    "same stage": (
        {"mstr_controller_stages": [STAGE, STAGE]},
        "Two stages of mstr_controller_stages have the same name: test, test.",
    ),
    "missing": ({"mstr_controller_project": None}, "missing required arguments: mstr_controller_project"),
    "unknown": ({"mstr_controller_state": "absent"}, "mstr_controller_state is not a variable of mstr.library"),
}


def test_refused_variables(tools: Play) -> None:
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
    output = tools(play_of(*tasks, host="localhost")).output

    for name, (_, message) in REFUSED.items():
        shown, task, output = output.partition(f"TASK [Refused: {name}]")
        assert task, name
        assert message in shown, name
