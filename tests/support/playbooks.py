# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a playbook on this host, for tests of what Ansible does with the modules."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.ansible import environment
from support.waiting import PATIENCE_S


@dataclass(frozen=True)
class Playbook:
    """A playbook, and the ansible-core that runs it on this host."""

    bin: Path
    folder: Path
    text: str
    env: Mapping[str, str]
    options: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def start(self, **popen: Any) -> subprocess.Popen[str]:
        """Start it in its own process session, as a shell with job control does."""
        return subprocess.Popen(
            self.command(),
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **popen,
        )

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run it to its end. All of its output is in stdout."""
        process = self.start()
        stdout, _ = process.communicate(timeout=2 * PATIENCE_S)
        return subprocess.CompletedProcess(self.command(), process.returncode, stdout, "")

    def command(self) -> list[str]:
        """Write the playbook into the folder, and return the command."""
        path = self.folder / "play.yml"
        path.write_text(self.text, encoding="utf-8")
        extra = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **self.extra}
        place = ("--inventory", "localhost,", "--connection", "local", "--extra-vars", json.dumps(extra))
        return [str(self.bin / "ansible-playbook"), *place, *self.options, str(path)]

    def environment(self) -> dict[str, str]:
        """Return its variables. PYTHONPATH is empty: Ansible itself sends the collection's code with the module."""
        return environment(self.folder / "home", programs=self.bin, **self.env)
