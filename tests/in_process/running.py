# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a playbook as modules and in process, against a simulator, and keeps the results of each way."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.harness import Simulator
from support.ansible import environment
from support.waiting import PATIENCE_S

HERE = Path(__file__).parent
WAYS = ("as a module", "in process")
_INVENTORY = """
[all:vars]
ansible_connection=local
ansible_python_interpreter={{ ansible_playbook_python }}
[all]
a
b
c
"""
VAULT_PASSWORD = "vault-pass"


@dataclass(frozen=True)
class Ran:
    """A completed playbook. `notes`: what a callback received for each of our tasks, in order."""

    status: int
    stdout: str
    stderr: str
    notes: list[dict[str, Any]]
    requests: list[str]
    sessions: list[dict[str, Any]]

    def ways(self) -> list[str]:
        """Return what each task reported at -vvv about the way that it ran."""
        return re.findall(r"mstr\.library\.\w+ runs (.*)", self.stdout)

    def result(self, task: str) -> dict[str, Any]:
        """Return the result of the task with that name."""
        [result] = [note["result"] for note in self.notes if note["task"] == task and note["event"] in ("ok", "failed")]
        return dict(result)


def run(
    sim: Simulator,
    core: Path,
    folder: Path,
    play: str | Path,
    *options: str,
    way: str = "in process",
    inventory: str = _INVENTORY,
    extra: Mapping[str, Any] | None = None,
    stderr: int = subprocess.PIPE,
    **env: str,
) -> Ran:
    """Run a playbook, either a file in plays/ or a text, on one ansible-core. `extra`: variables."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (HERE / "plays" / play).read_text() if isinstance(play, Path) else play
    (folder / "play.yml").write_text(text)
    (folder / "hosts").write_text(inventory)
    (folder / "vault").write_text(VAULT_PASSWORD)
    (folder / "many.json").write_text('[{"name": "From a file", "whitelist": ["10.0.0.0/8"]}]')
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files" / "found.json").write_text('[{"name": "From a file", "whitelist": ["10.1.0.0/16"]}]')
    record = folder / "record"
    record.unlink(missing_ok=True)
    variables = {"simulator_url": sim.control_url, **({} if way == "in process" else {"mstr_in_process": False})}
    command = [
        core / "ansible-playbook",
        "--inventory", "hosts",
        "--vault-password-file", "vault",
        "--extra-vars", json.dumps({**variables, **(extra or {})}),
        *options,
        "play.yml",
    ]  # fmt: skip
    more = {
        **sim.environment(),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "MSTR_TEST_RECORD": str(record),
        "ANSIBLE_ASYNC_DIR": str(folder / "async"),
        **env,
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder / "home", programs=core, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=20 * PATIENCE_S,  # some dozen tasks, each with its own Python process
    )
    notes = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    requests = [_request(entry) for entry in sim.requests()]
    return Ran(done.returncode, done.stdout, done.stderr or "", notes, requests, sim.open_sessions())


_JOB = """
import sys, ansible_runner
print(ansible_runner.run(private_data_dir=sys.argv[1], playbook="play.yml", quiet=True).status)
"""


def run_job(sim: Simulator, core: Path, folder: Path, play: str, python: Path) -> str:
    """Run a playbook under ansible-runner, as AWX does, and return the output of its events. `python`: the runner's."""
    for name in ("project", "inventory"):
        (folder / name).mkdir()
    (folder / "project" / "play.yml").write_text(play)
    (folder / "inventory" / "hosts").write_text(_INVENTORY)
    env = environment(folder / "home", programs=core, **sim.environment())
    env["PATH"] += f"{os.pathsep}{python.parent}"
    done = subprocess.run(
        [python, "-c", _JOB, folder],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20 * PATIENCE_S,
    )
    assert done.stdout.strip() == "successful", done.stdout + done.stderr
    events = [json.loads(path.read_text()) for path in folder.glob("artifacts/*/job_events/*.json")]
    text = "\n".join(event["stdout"] for event in sorted(events, key=lambda event: event["counter"]))
    return text.replace("\r", "")


def _request(entry: Mapping[str, Any]) -> str:
    seen = {
        name: entry[name] for name in ("method", "path", "query", "status", "project", "user_agent", "content_type")
    }
    return plain(json.dumps({**seen, "body": entry.get("body")}, sort_keys=True))


def plain(text: str) -> str:
    """Remove what differs between runs: ids, times, sessions, ids of plans, process ids, and the folder of a test."""
    text = re.sub(r"\b[0-9A-Fa-f]{32}\b", "ID", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b", "UUID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(\+0000)?", "TIME", text)
    text = re.sub(r'("session": ?")[^"]+', r"\1SESSION", text)
    # It is made from the ids of the runtimes.
    text = re.sub(r"(plan_id\W+)[0-9a-f]{24}\b", r"\1PLAN", text)
    # With ansible-core 2.22, a registered loop keeps this mark of a module's output in its items.
    text = text.replace('"ansible_parsed": true, ', "")
    return text.replace("Action failed", "Module failed")


def folder_of(path: Path, core: Path, way: str) -> Path:
    """Return a folder for one run. Its name has the same length for both ways, because results contain paths."""
    return path / f"{core.parent.name}-{WAYS.index(way)}"


def same(path: Path, text: str) -> str:
    """Return a text in which the folders of both ways have the same name."""
    return re.sub(re.escape(str(path)) + r"/[\w.-]+-[01]\b", "FOLDER", plain(text))
