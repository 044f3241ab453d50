"""Runs jobs in the layout that AWX uses for ansible-runner (AWX 24, awx/main/tasks/jobs.py).

A job's folder contains the project, the inventory as a program, and in `env` the variables of the credential and the
extra variables, to which a workflow adds what the earlier jobs have set.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2.sandbox
import yaml
from support.ansible import COLLECTIONS, environment

from plays.examples.blocks import EXAMPLES, pages, tasks_in

BIN = Path(sys.executable).parent
GUIDE = "docs/docsite/rst/guide_awx.rst"
LONGEST_EVENT = 1024  # bytes that AWX shows of the output of an event
_IDENT = "1"


class _Loader(yaml.SafeLoader):
    """Reads texts with the tag !unsafe as they are."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
EXAMPLE = yaml.load((EXAMPLES / "awx.yml").read_text(encoding="utf-8"), _Loader)


def example_task(name: str) -> dict[str, Any]:
    """The options of a task of the example."""
    [task] = [task for task in tasks_in(EXAMPLE) if task["name"] == name]
    [options] = [value for key, value in task.items() if key.startswith("awx.awx.")]
    return dict(options)


def block(caption: str) -> str:
    """The block of the guide with this caption."""
    [text] = [block.text for block in pages()[GUIDE] if block.file == caption]
    return text


class _Dumper(yaml.SafeDumper):
    """For extra variables: Ansible evaluates no text in them as a template (AWX 24, awx/main/utils/safe_yaml.py)."""

    def represent_data(self, data: Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def injected(inputs: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables of a job from a credential (AWX 24, awx/main/models/credential.py). Files are in `folder`."""
    injectors = example_task("Create the credential type")["injectors"]
    filled_in = {name: value for name, value in inputs.items() if value}
    sandbox, paths = jinja2.sandbox.ImmutableSandboxedEnvironment(), SimpleNamespace()
    for label, template in injectors["file"].items():
        path = folder / label
        path.write_text(sandbox.from_string(template).render(**filled_in))
        setattr(paths, label.removeprefix("template."), str(path))
    tower = SimpleNamespace(filename=paths)
    return {name: sandbox.from_string(text).render(tower=tower, **filled_in) for name, text in injectors["env"].items()}


class Job:
    """One run of a job template of the example, by its name."""

    def __init__(
        self,
        template: str,
        folder: Path,
        credential: Mapping[str, str],
        servers: Mapping[str, str],
        definitions: Mapping[str, Any],
        variables: Mapping[str, Any],
        limit: str = "",
        of_inventory: Mapping[str, Any] | None = None,
    ) -> None:
        """Create the folder. `servers`: the addresses by host. `definitions`: the files of the project by host.

        `of_inventory`: more variables of the inventory.
        """
        [options] = [each for each in self._templates() if each["name"] == template]
        self.folder, self.playbook = folder, options.get("playbook", "apply.yml")
        for name in ("env", "inventory", "project/runtimes"):
            (folder / name).mkdir(parents=True)
        apply = block("apply.yml")
        (folder / "project/apply.yml").write_text(apply)
        (folder / "project/audit.yml").write_text(apply.replace("library.apply", "library.audit"))
        for host, content in definitions.items():
            (folder / "project/runtimes" / f"{host}.yml").write_text(yaml.safe_dump(content))
        self._write_inventory(servers, of_inventory or {})
        self.variables = injected(credential, folder / "env")
        awx = {
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
            "ANSIBLE_FORCE_COLOR": "true",
            "AWX_PRIVATE_DATA_DIR": str(folder),
            "JOB_ID": _IDENT,
        }
        self._write("envvars", yaml.safe_dump({**self.variables, **awx}))
        self._write("extravars", yaml.dump({**variables, "awx_job_id": int(_IDENT)}, Dumper=_Dumper))
        self._write("settings", yaml.safe_dump({"suppress_ansible_output": True}))
        is_check = options.get("job_type") == "check"
        self._write("cmdline", f"{'--check ' if is_check else ''}{f'-l {limit} ' if limit else ''}-u root --forks=5")

    @staticmethod
    def _templates() -> list[dict[str, str]]:
        [task] = [task for task in tasks_in(EXAMPLE) if task["name"] == "Create the job templates"]
        return list(task["loop"])

    def _write_inventory(self, servers: Mapping[str, str], more: Mapping[str, Any]) -> None:
        variables = {host: {"mstr_base_url": address} for host, address in servers.items()}
        of_guide = yaml.safe_load(block("inventory.yml"))["all"]["vars"]
        all_hosts = {"hosts": list(servers), "vars": {**of_guide, **more}}
        content = {"all": all_hosts, "_meta": {"hostvars": variables}}
        path = self.folder / "inventory/hosts"
        path.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(content)!r})\n")
        path.chmod(0o700)

    def _write(self, name: str, text: str) -> None:
        (self.folder / "env" / name).write_text(text)

    def run(self, programs: Path = BIN) -> str:
        """Run it with the ansible-playbook in this folder, and return its status."""
        command = [BIN / "ansible-runner", "run", self.folder, "-p", self.playbook, "-i", _IDENT]
        env = environment(Path.home() / ".ansible", programs=programs)
        # The job finds its collections without the caller's variable.
        del env["ANSIBLE_COLLECTIONS_PATH"]
        subprocess.run(command, env=env, capture_output=True, check=False, timeout=240)
        return (self.artifacts / "status").read_text()

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / _IDENT

    def events(self) -> list[dict[str, Any]]:
        found = [json.loads(path.read_text()) for path in self.artifacts.glob("job_events/*.json")]
        return sorted(found, key=lambda event: event["counter"])

    @property
    def output(self) -> str:
        """The output that users see, without what AWX cuts off."""
        texts = [event["stdout"].encode()[:LONGEST_EVENT].decode(errors="replace") for event in self.events()]
        return "\n".join(texts).replace("\r", "")

    @property
    def handed_on(self) -> dict[str, Any]:
        """The variables that the next jobs of a workflow get."""
        [last] = [event for event in self.events() if event["event"] == "playbook_on_stats"]
        return dict(last["event_data"].get("artifact_data", {}))
