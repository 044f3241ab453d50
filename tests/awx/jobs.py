# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs jobs in the layout that a controller uses for ansible-runner (AWX 24, awx/main/tasks/jobs.py).

A job's folder contains the project, the inventory as a program, and the project's collections. Its folder `env`
contains the credential's variables and the survey's answers.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from awx.injection import CredentialType
from awx.programs import BIN, environment

HOST_VARIABLES = {
    "ansible_connection": "local",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    "mstr_runtimes_src": "runtimes/{{ inventory_hostname }}.yml",
}
IDENT = "1"
REVISION = "4f0c1d2e3b5a69788796a5b4c3d2e1f001234567"


class Answer(str):
    """An answer to a survey. Ansible never evaluates it as a template."""


class Dumper(yaml.SafeDumper):
    pass


Dumper.add_representer(Answer, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


class Job:
    """One run of a job template."""

    def __init__(
        self,
        folder: Path,
        collection: Path,
        credential: Mapping[str, Any],
        hosts: Mapping[str, Mapping[str, Any]],
        *,
        playbook: str = "apply.yml",
        definitions: Mapping[str, Any] | None = None,
        survey: Mapping[str, Any] | None = None,
        check: bool = False,
        in_image: bool = False,
        revision: str = REVISION,
        variables_of_all: Mapping[str, Any] = HOST_VARIABLES,
        limit: str = "",
    ) -> None:
        """Create the folder. `in_image`: the collection is part of the execution environment, not of the folder.

        `revision` is the revision of the project, empty for a manual project.
        """
        self.folder, self.playbook = folder, playbook
        for name in ("env", "inventory"):
            (folder / name).mkdir(parents=True)
        self._lay_out_project(collection, definitions or {})
        if not in_image:
            installed = folder / "requirements_collections" / "ansible_collections" / "mstr" / "library"
            shutil.copytree(collection, installed)
        self._write_inventory(hosts, variables_of_all)
        type_ = CredentialType(collection / "roles" / "controller" / "files" / "credential_type.yml")
        self.variables, self.shown = type_.inject(credential, folder / "env")
        controllers = {
            **({} if in_image else {"ANSIBLE_COLLECTIONS_PATH": "../requirements_collections"}),
            "ANSIBLE_FORCE_COLOR": "true",
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
            "AWX_PRIVATE_DATA_DIR": str(folder),
            "JOB_ID": IDENT,
        }
        self._write("envvars", {**self.variables, **controllers})
        answers = {name: Answer(text) if isinstance(text, str) else text for name, text in (survey or {}).items()}
        # Each value has both names. The revision is a text even if it has only digits.
        own = {"job_id": int(IDENT), "job_template_name": Answer("A job"), "project_revision": Answer(revision)}
        every = {f"{prefix}_{name}": value for name, value in own.items() for prefix in ("awx", "tower")}
        self._write("extravars", {**answers, **every})
        self._write("settings", {"suppress_ansible_output": True})
        options = ["--check"] * check + ["-u", "root", "--diff", "--forks=5"] + [f"-l {limit}"] * bool(limit)
        (folder / "env" / "cmdline").write_text(" ".join(options))

    def _lay_out_project(self, collection: Path, definitions: Mapping[str, Any]) -> None:
        shutil.copytree(Path(__file__).parents[2] / "extensions" / "awx" / "project", self.folder / "project")
        for name, runtimes in definitions.items():
            (self.folder / "project" / "runtimes" / f"{name}.yml").write_text(yaml.safe_dump(runtimes))

    def _write_inventory(self, hosts: Mapping[str, Mapping[str, Any]], of_all: Mapping[str, Any]) -> None:
        of_hosts = {name: {**own, "remote_tower_enabled": "true"} for name, own in hosts.items()}
        whole = {"all": {"hosts": list(hosts), "vars": dict(of_all)}, "_meta": {"hostvars": of_hosts}}
        path = self.folder / "inventory" / "hosts"
        path.write_text(f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(whole)!r})\n")
        path.chmod(0o700)

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        path = self.folder / "env" / name
        path.write_text(yaml.dump(dict(content), Dumper=Dumper))
        path.chmod(0o600)

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / IDENT

    def run(self, *options: str) -> str:
        """Run it on the machine that has the folder, and return its status."""
        with self.started(*options) as process:
            process.wait(240)
        return (self.artifacts / "status").read_text()

    def started(self, *options: str) -> subprocess.Popen[bytes]:
        command = [BIN / "ansible-runner", "run", self.folder, "-p", self.playbook, "-i", IDENT, *options]
        return subprocess.Popen(command, env=_env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stream(self, elsewhere: Path) -> str:
        """Run it as a node of a mesh does, which receives the folder and returns the results. Return its status."""
        runner, here = BIN / "ansible-runner", self.folder / "back"
        for folder in (elsewhere, here):
            folder.mkdir()
        transmit = [runner, "transmit", self.folder, "-p", self.playbook, "-i", IDENT]
        worker = [runner, "worker", "--private-data-dir", elsewhere]
        process = [runner, "process", here, "-i", IDENT]
        pipeline = _pipe([transmit, worker, process])
        assert pipeline == [0, 0, 0] or "failed" in (here / "artifacts" / IDENT / "status").read_text(), pipeline
        shutil.move(here / "artifacts", self.folder / "artifacts")
        return (self.artifacts / "status").read_text()

    def events(self) -> list[dict[str, Any]]:
        found = [json.loads(path.read_text()) for path in self.artifacts.glob("job_events/*.json")]
        return sorted(found, key=lambda event: event["counter"])

    @property
    def output(self) -> str:
        """Return the output that users see."""
        return "\n".join(event["stdout"] for event in self.events())

    @property
    def stats(self) -> dict[str, Any]:
        """Return the values for the next node of a workflow."""
        (last,) = [event for event in self.events() if event["event"] == "playbook_on_stats"]
        return dict(last["event_data"].get("artifact_data", {}))


def _env() -> dict[str, str]:
    env = environment()
    # The job finds its collections without the caller's variable.
    del env["ANSIBLE_COLLECTIONS_PATH"]
    return env


def _pipe(commands: Sequence[Sequence[str | Path]]) -> list[int]:
    """Run programs as a pipeline, and return their exit statuses."""
    started: list[subprocess.Popen[bytes]] = []
    for number, command in enumerate(commands):
        last = number == len(commands) - 1
        started.append(
            subprocess.Popen(
                command,
                env=_env(),
                stdin=started[-1].stdout if started else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if last else subprocess.PIPE,
            )
        )
    for process in started[:-1]:
        assert process.stdout is not None
        process.stdout.close()
    return [process.wait(240) for process in started]


def kill_container(job: Job) -> int:
    """Kill all processes of a job at once, as the end of its container does, and return their number."""
    marked = f"AWX_PRIVATE_DATA_DIR={job.folder}".encode()
    killed = 0
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marked in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)
                killed += 1
        except (OSError, ProcessLookupError):
            continue
    return killed


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
