"""Runs the module as a user would: with an ad hoc command and the connection in the environment."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.harness import Simulator
from support import ansible

_TIMEOUT_S = 60


@dataclass(frozen=True)
class Module:
    """A module for one server. A call returns the result, and fails the test on any failure or warning."""

    server: Simulator
    name: str = "mstr_runtime"

    def __call__(self, **options: Any) -> dict[str, Any]:
        done = subprocess.run(
            [
                ansible.programs() / "ansible",
                *("localhost", "--inventory", "localhost,", "--connection", "local"),
                *("--extra-vars", "ansible_python_interpreter={{ ansible_playbook_python }}"),
                *("--module-name", f"mstr.library.{self.name}", "--args", json.dumps(options)),
            ],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        # No task of these tests may cause a warning, for example that the server stored a different value.
        assert "[WARNING]" not in output, output
        result: dict[str, Any] = json.loads(done.stdout.partition(" => ")[2])
        return result

    def _environment(self) -> dict[str, str]:
        more = {**self.server.environment(), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_PIPELINING": "true"}
        return ansible.environment(Path(os.environ.get("ANSIBLE_HOME", Path.home() / ".ansible")), **more)
