"""Runs jobs in the layout that a controller uses for ansible-runner (AWX 24, awx/main/tasks/jobs.py).

A job's folder contains the project and the inventory as a program. Its folder `env` contains the credential's variables
and the survey's answers.

A launcher starts job templates and nodes of workflows on the model of a controller, as AWX 24.6.1 does. The relevant
facts (awx/main/models/mixins.py, awx/main/models/workflow.py):

* The default of each question in a survey becomes an extra variable, even without an answer.
* A blank answer to a question for an integer is replaced by the default.
* A project that is updated on launch runs its newest revision, even in a workflow that waited for an approval.
* A node gets the values that the earlier nodes set, whether or not they succeeded.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2.sandbox
import yaml
from support.ansible import COLLECTIONS, LOCAL, Play, environment

from dev.envs import CALLER
from dev.paths import CACHE, ROOT, once, run
from plays.awx.controller import Controller

BIN = Path(sys.executable).parent

HOST_VARIABLES = {**LOCAL, "mstr_runtimes_src": "runtimes/{{ inventory_hostname }}.yml"}
HIDDEN = "**********"
IDENT = "1"


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


def tools_in(folder: Path, programs: Path = BIN) -> Play:
    """A runner for the programs of an environment, which also find awx.awx."""
    collections = os.pathsep.join((COLLECTIONS, str(awx_collections())))
    # Fewer processes per task save time, because there are many tasks.
    env = {"ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_PIPELINING": "true"}
    return Play(folder, programs, env, hosts={})


class Dumper(yaml.SafeDumper):
    """For extra variables: Ansible evaluates no text in them as a template (AWX 24, awx/main/utils/safe_yaml.py)."""

    def represent_data(self, data: Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


class CredentialType:
    """Makes variables and files of a job from a credential (AWX 24, awx/main/models/credential.py)."""

    def __init__(self) -> None:
        whole = yaml.safe_load((ROOT / "roles" / "controller" / "files" / "credential_type.yml").read_text())
        self.fields: list[dict[str, Any]] = whole["inputs"]["fields"]
        self.injectors: dict[str, dict[str, str]] = whole["injectors"]
        self.secret = {field["id"] for field in self.fields if field.get("secret")}

    def blank(self) -> dict[str, Any]:
        """The form with all fields blank. For a blank choice, the controller stores the first choice."""
        return {
            field["id"]: False if field["type"] == "boolean" else field.get("choices", [""])[0] for field in self.fields
        }

    def inject(self, inputs: Mapping[str, Any], folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        """The variables of a job, and how the controller shows them. Files are written to `folder`."""
        unticked = {field["id"]: False for field in self.fields if field["type"] == "boolean"}
        namespace = {**unticked, **{name: value for name, value in inputs.items() if value != ""}}
        sandbox, paths = jinja2.sandbox.ImmutableSandboxedEnvironment(), SimpleNamespace()
        for label, template in self.injectors["file"].items():
            path = folder / label
            path.write_text(sandbox.from_string(template).render(**namespace))
            path.chmod(0o600)
            setattr(paths, label.removeprefix("template."), str(path))

        def rendered(names: Mapping[str, Any]) -> dict[str, str]:
            tower = SimpleNamespace(filename=paths)
            of_all = self.injectors["env"].items()
            return {name: sandbox.from_string(text).render(tower=tower, **names) for name, text in of_all}

        return rendered(namespace), rendered(namespace | dict.fromkeys(self.secret & set(inputs), HIDDEN))


class Job:
    """One run of a job template."""

    def __init__(
        self,
        folder: Path,
        credential: Mapping[str, Any],
        hosts: Mapping[str, Mapping[str, Any]],
        *,
        playbook: str = "apply.yml",
        definitions: Mapping[str, Any] | None = None,
        survey: Mapping[str, Any] | None = None,
        check: bool = False,
        in_image: bool = False,
        variables_of_all: Mapping[str, Any] = HOST_VARIABLES,
        limit: str = "",
        controller: Controller | None = None,
    ) -> None:
        """Create the folder. `in_image`: the execution environment is an image that has the collection.

        With `controller`, the job has a credential of the controller and its collection.
        """
        self.folder, self.playbook = folder, playbook
        for name in ("env", "inventory"):
            (folder / name).mkdir(parents=True)
        shutil.copytree(ROOT / "extensions" / "awx" / "project", folder / "project")
        for name, runtimes in (definitions or {}).items():
            (folder / "project" / "runtimes" / f"{name}.yml").write_text(yaml.safe_dump(runtimes))
        self._write_inventory(hosts, variables_of_all)
        self.variables, self.shown = CredentialType().inject(credential, folder / "env")
        collections = [] if in_image else [COLLECTIONS]
        collections += [str(awx_collections())] if controller else []
        login = controller.environment() if controller else {}
        controllers = {
            **login,
            # A credential of the controller sets each variable under its old name, too, also a blank one.
            **{name.replace("CONTROLLER_", "TOWER_"): value for name, value in login.items()},
            **({"ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collections)} if collections else {}),
            "ANSIBLE_FORCE_COLOR": "true",
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
            "AWX_PRIVATE_DATA_DIR": str(folder),
            "JOB_ID": IDENT,
        }
        self._write("envvars", {**self.variables, **controllers})
        own = {"awx_job_id": int(IDENT), "awx_job_template_id": 9}
        self._write("extravars", {**(survey or {}), **own}, Dumper)
        self._write("settings", {"suppress_ansible_output": True})
        options = ["--check"] * check + ["-u", "root", "--diff", "--forks=5"] + [f"-l {limit}"] * bool(limit)
        (folder / "env" / "cmdline").write_text(" ".join(options))

    def _write_inventory(self, hosts: Mapping[str, Mapping[str, Any]], of_all: Mapping[str, Any]) -> None:
        of_hosts = {name: {**own, "remote_tower_enabled": "true"} for name, own in hosts.items()}
        whole = {"all": {"hosts": list(hosts), "vars": dict(of_all)}, "_meta": {"hostvars": of_hosts}}
        path = self.folder / "inventory" / "hosts"
        path.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(whole)!r})\n")
        path.chmod(0o700)

    def _write(self, name: str, content: Mapping[str, Any], dumper: type[yaml.SafeDumper] = yaml.SafeDumper) -> None:
        path = self.folder / "env" / name
        path.write_text(yaml.dump(dict(content), Dumper=dumper))
        path.chmod(0o600)

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / IDENT

    def run(self, *options: str) -> str:
        """Run it on the machine that has the folder, and return its status."""
        command = [BIN / "ansible-runner", "run", self.folder, "-p", self.playbook, "-i", IDENT, *options]
        env = environment(Path.home() / ".ansible", programs=BIN, ANSIBLE_PIPELINING="true")
        # The job finds its collections without the caller's variable.
        del env["ANSIBLE_COLLECTIONS_PATH"]
        subprocess.run(command, env=env, capture_output=True, check=False, timeout=240)
        return (self.artifacts / "status").read_text()

    def events(self) -> list[dict[str, Any]]:
        found = [json.loads(path.read_text()) for path in self.artifacts.glob("job_events/*.json")]
        return sorted(found, key=lambda event: event["counter"])

    @property
    def output(self) -> str:
        """The output that users see."""
        return "\n".join(event["stdout"] for event in self.events())

    @property
    def stats(self) -> dict[str, Any]:
        """The values for the next node of a workflow."""
        (last,) = [event for event in self.events() if event["event"] == "playbook_on_stats"]
        return dict(last["event_data"].get("artifact_data", {}))


def extra_variables(
    survey: Mapping[str, Any], answers: Mapping[str, Any], handed_on: Mapping[str, Any]
) -> dict[str, Any]:
    """The extra variables of a job: defaults, overridden by values of other nodes, overridden by answers."""
    questions = {question["variable"]: question for question in survey.get("spec", [])}
    asked = set(answers) - set(questions)
    assert not asked, f"a controller ignores variables that it does not ask for: {asked}"
    blank = {name for name, answer in answers.items() if answer == "" and questions[name]["type"] == "integer"}
    defaults = {
        name: question["default"] for name, question in questions.items() if question.get("default") is not None
    }
    return {**defaults, **handed_on, **{name: answer for name, answer in answers.items() if name not in blank}}


class Launcher:
    """Launches the templates on `controller`. The folders of jobs are below `folder`."""

    def __init__(self, controller: Controller, folder: Path) -> None:
        self.controller, self.folder = controller, folder
        self.jobs: list[Job] = []

    def job(
        self,
        name: str,
        answers: Mapping[str, Any] | None = None,
        handed_on: Mapping[str, Any] | None = None,
    ) -> tuple[str, Job]:
        """Launch a job template, and return its status and the job."""
        things, template = self.controller.objects, self.controller.named("job_templates", name)
        inventory = things["inventories"][template["inventory"]]
        survey = self.controller.surveys.get(template["id"], {}) if template["survey_enabled"] else {}
        ids = self.controller.associated.get(("job_templates", template["id"], "credentials"), [])
        hosts = [host for host in things["hosts"].values() if host["inventory"] == inventory["id"]]
        job = Job(
            self.folder / f"job{len(self.jobs)}",
            things["credentials"][ids[0]]["inputs"] if ids else {},
            {host["name"]: json.loads(host["variables"]) for host in hosts},
            playbook=template["playbook"],
            definitions=self.controller.definitions,
            survey=extra_variables(survey, answers or {}, handed_on or {}),
            check=template["job_type"] == "check",
            variables_of_all=json.loads(inventory.get("variables") or "{}"),
        )
        self.jobs.append(job)
        return job.run(), job

    def node(self, name: str, handed_on: dict[str, Any]) -> tuple[str, Job]:
        """Launch the job of a workflow's node, which gets what the earlier nodes handed on, and adds to it."""
        node = self.controller.named("workflow_job_template_nodes", name)
        template = self.controller.objects["job_templates"][node["unified_job_template"]]
        status, job = self.job(template["name"], node.get("extra_data"), handed_on)
        handed_on |= job.stats
        return status, job
