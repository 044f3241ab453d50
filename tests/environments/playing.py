# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs playbooks from a command line, in a separate folder."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.harness import Simulator
from support import ansible

APPLY, AUDIT, EXPORT = "mstr.library.apply", "mstr.library.audit", "mstr.library.export"
_TIME_LIMIT = 300  # seconds


@dataclass(frozen=True)
class Played:
    """A completed run."""

    status: int
    output: str
    report: dict[str, Any]

    @property
    def outcomes(self) -> dict[str, str]:
        """Return the outcome of each environment in the report."""
        return {one["environment"]: one["outcome"] for one in self.report["environments"]}

    def messages(self) -> dict[str, str]:
        """Why environments failed."""
        return {one["environment"]: one["message"] for one in self.report["environments"] if one["message"]}

    def lines(self) -> list[str]:
        """Return the lines of the report, as users see it."""
        return [line for one in self.report["environments"] for line in one["lines"]]


class Play:
    """A folder with an inventory, in which commands run."""

    def __init__(self, folder: Path, servers: Sequence[Simulator]) -> None:
        self.folder, self.servers = folder, servers
        self.variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "mstr_username": servers[0].username,
            "mstr_password": servers[0].password,
        }
        self.hosts: dict[str, dict[str, Any]] = {
            f"env{number}": {"mstr_base_url": server.base_url} for number, server in enumerate(servers)
        }
        self.groups: dict[str, list[str]] = {}

    def inventory(self) -> Path:
        """Write the inventory with the current hosts and variables."""
        children = {name: {"hosts": dict.fromkeys(hosts, None)} for name, hosts in self.groups.items()}
        content = {"all": {"vars": self.variables, "hosts": self.hosts, "children": children}}
        path = self.folder / "inventory.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    def write(self, name: str, content: Any) -> Path:
        """Write a file in the folder. A value that is not text is written as JSON."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def command(self, playbook: str, *options: str, **variables: Any) -> list[str]:
        """The command line."""
        extra = ["--extra-vars", json.dumps(variables)] if variables else []
        program = ansible.programs() / "ansible-playbook"
        return [str(program), "-i", str(self.inventory()), playbook, *options, *extra]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables of the run."""
        return ansible.environment(self.folder / ".ansible", **{"ANSIBLE_FORKS": "10", **(more or {})})

    def __call__(self, playbook: str, *options: str, env: Mapping[str, str] | None = None, **variables: Any) -> Played:
        """Run a playbook to its end. `variables` override those of the inventory."""
        report = {"mstr_report_dest": "report.json"} if playbook in (APPLY, AUDIT) else {}
        return self.run(self.command(playbook, *options, **{**report, **variables}), env)

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> Played:
        """Run a command in the folder to its end."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
        read = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
        return Played(done.returncode, done.stdout, read)
