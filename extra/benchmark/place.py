# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of the benchmark: interpreters, the installed collection, servers and their runtimes."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from measure import Way  # noqa: E402
from simulator.harness import Simulator  # noqa: E402
from support import ansible  # noqa: E402

# The environment for the vendor's client.
MSTRIO = os.environ.get("MSTR_TEST_CONTRACT_PYTHON", "")
ANSIBLE = ansible.programs()
# The programs of the oldest ansible-core.
OLDEST = Path(os.environ["MSTR_TEST_CORES"].split(os.pathsep)[0])
COLLECTIONS = ansible.COLLECTIONS


def settings(simulator: Simulator) -> dict[str, str]:
    """The variables of a run, with the connection to a server."""
    return ansible.environment(Path(os.environ["TMPDIR"], "bench-home"), **simulator.environment())


def definitions(count: int) -> list[dict[str, Any]]:
    """So many definitions, each with the usual fields."""
    return [
        {
            "name": f"Runtime {index:04}",
            "description": f"Number {index}",
            "whitelist": [f"10.{index // 256}.{index % 256}.0/24", "192.168.1.1/32"],
            "packages": [{"name": "pandas", "version": "2.2.3"}, {"name": "requests", "version": "2.32.3"}],
            "resource": {"cpu": 0.5, "mem": 512},
            "exec_timeout": 600,
            "min_cached_instances": 0,
            "max_cached_instances": 3,
        }
        for index in range(count)
    ]


def as_api(definition: dict[str, Any]) -> dict[str, Any]:
    """The API object for a definition."""
    return {
        "name": definition["name"],
        "description": definition["description"],
        "whitelist": definition["whitelist"],
        "packages": [{**package, "description": ""} for package in definition["packages"]],
        "resource": {"cpu": str(definition["resource"]["cpu"]), "mem": definition["resource"]["mem"]},
        "execTimeout": definition["exec_timeout"],
        "minCachedInstances": definition["min_cached_instances"],
        "maxCachedInstances": definition["max_cached_instances"],
    }


class Place:
    """One simulator, and a number of runtimes that exist on it or are to be created."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator, self.folder = simulator, folder

    def holding(self, count: int, **switches: Any) -> None:
        """Prepare a fresh server that already has the runtimes of the first `count` definitions."""
        self.simulator.reset("newest", **switches)
        wanted = definitions(count)
        for start in range(0, count, 200):
            self.simulator.seed(*(as_api(entry) for entry in wanted[start : start + 200]))

    def holding_scripts(self, count: int, projects: int, scripts: int, scheduled: bool = False, **more: Any) -> None:
        """Do the same, and add projects with saved scripts, distributed over the runtimes. `scheduled`: with a task."""
        self.holding(count, **more)
        names = [definition["name"] for definition in definitions(count)]
        saved = [{"name": f"Script {index:04}", "runtime": names[index % count]} for index in range(scripts)]
        tasks = [{"name": entry["name"], "script": entry["name"], "schedule": "nightly"} for entry in saved * scheduled]
        seeds = [{"name": f"Project {index}", "scripts": saved, "tasks": tasks} for index in range(projects)]
        self.simulator.seed(projects=seeds)

    def file(self, count: int) -> Path:
        """Write a file with so many definitions."""
        path = self.folder / f"definitions-{count}.json"
        if not path.exists():
            path.write_text(json.dumps(definitions(count)), encoding="utf-8")
        return path

    def seen(self) -> int:
        """The number of requests that the server received."""
        return len(self.simulator.requests())

    def ad_hoc(self, name: str, module: str, args: dict[str, Any], before: Any = None) -> Way:
        """One task, run by the command `ansible`."""
        command = [str(ANSIBLE / "ansible"), "localhost", "-m", module, *(["-a", json.dumps(args)] if args else [])]
        return self._way(name, command, before)

    @staticmethod
    def as_module(way: Way) -> Way:
        """The same way, with a separate Python process for each task."""
        return replace(way, command=[*way.command, "-e", json.dumps({"mstr_in_process": False})])

    def play(self, name: str, playbook: str, before: Any = None, *, programs: Path = ANSIBLE, **variables: Any) -> Way:
        """A playbook in the folder plays, run by the ansible-core with its programs in `programs`."""
        command = [str(programs / "ansible-playbook"), str(HERE / "plays" / playbook), "-e", json.dumps(variables)]
        return self._way(name, command, before)

    def client(self, name: str, script: str, *arguments: object, before: Any = None, python: str = MSTRIO) -> Way:
        """A script in the folder clients."""
        return self._way(name, [python, str(HERE / "clients" / script), *map(str, arguments)], before)

    def _way(self, name: str, command: list[str], before: Any) -> Way:
        env = settings(self.simulator)
        # The request for the number of requests is not counted.
        return Way(name, command, env, before or self.simulator.clear_requests, self.seen)
