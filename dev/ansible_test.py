# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test, and what it needs: a tree of the right name, a home inside the clone, pip from the package index."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from dev import collection, environment, envs, proc, pythons
from dev.envs import Env
from dev.paths import CACHE, REQUIREMENTS
from dev.stage import Job

# Pythons on which ansible-test of each supported ansible-core runs.
CORES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.21": ("3.12", "3.13", "3.14"),
}

# What belongs to the collection and its own tests, out of all that is in the repository.
_PARTS = (
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "changelogs",
    "docs",
    "extensions",
    "galaxy.yml",
    "meta",
    "playbooks",
    "plugins",
    "roles",
    "tests/config.yml",
    "tests/integration",
    "tests/sanity",
    "tests/unit",
)

# ansible-test fetches get-pip, by these names, from a host of its own. This stands in for it, with pip from the package
# index like everything else.
_GET_PIP = {"2.16": "get_pip_23_1_2.py", "2.19": "get_pip_24_2.py", "2.21": "get_pip_25_2.py"}
_PIP = "pip==25.2"
_STAND_IN = '''\
"""Stands in for get-pip: pip installs itself, out of the wheel beside this file."""
import pathlib
import runpy
import sys

sys.path.insert(0, str(next(pathlib.Path(__file__).parent.glob("pip-*.whl"))))
sys.argv[1:] = ["install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''

# ansible-test hands pip neither variables nor the caller's home, so what they say about the index goes into a file.
_PIP_SETTINGS = (
    "cert",
    "client-cert",
    "extra-index-url",
    "find-links",
    "index-url",
    "proxy",
    "timeout",
    "trusted-host",
)

# Variables that pip itself heeds.
_PIP_VARIABLES = {"HTTPS_PROXY": "proxy", "https_proxy": "proxy", "REQUESTS_CA_BUNDLE": "cert"}


def release(core: str) -> str:
    """Its pinned version, as in "2.16.19"."""
    pins = (REQUIREMENTS / f"ansible-{core}.in").read_text()
    return pins.partition("ansible-core==")[2].split()[0]


def pythons_of(core: str) -> list[str]:
    """Those that this machine has. Where it has none, all of them: what needs one then reports it as missing."""
    return [version for version in CORES[core] if version in pythons.found()] or list(CORES[core])


class AnsibleTest:
    """ansible-test of one ansible-core, on one Python, in a tree of its own."""

    def __init__(self, job: Job, core: str, version: str) -> None:
        self._job = job
        self._env = envs.ensure(f"ansible-{core}", [version])
        self._home = _home(core, self._env, job.log)
        self.tree = collection.copy(job.scratch / "ansible_collections" / "mstr" / "library", *_PARTS)
        # Without a repository of its own, the tree would be taken for an ignored part of the one around it.
        job.run("git", "init", "--quiet", self.tree)

    def run(self, verb: str, *arguments: str) -> int:
        variables = environment.variables(self._env.bin, home=self._home)
        return self._job.run(
            self._env.bin / "ansible-test", verb, "--color", "no", *arguments, cwd=self.tree, env=variables
        )

    def results(self) -> list[Path]:
        """The JUnit files that it wrote."""
        return sorted((self.tree / "tests" / "output" / "junit").glob("*.xml"))


def _home(core: str, env: Env, log: Path) -> Path:
    """A home directory for this core, since each keeps environments for its tests there."""
    home = CACHE / "home" / core
    cache = home / ".ansible" / "test" / "cache"
    with envs.locked(CACHE / f"home-{core}.lock"):
        cache.mkdir(parents=True, exist_ok=True)
        if not list(cache.glob("pip-*.whl")):
            download = (env.python, "-m", "pip", "download", "--no-deps", "--dest", cache, _PIP)
            if proc.run(*download, log=log, env=environment.for_pip()) != 0:
                raise envs.Failed(f"{_PIP} could not be downloaded", log)
        (cache / _GET_PIP[core]).write_text(_STAND_IN)
        _write_pip_settings(env, home / ".config" / "pip" / "pip.conf")
    return home


def _write_pip_settings(env: Env, path: Path) -> None:
    variables = environment.for_pip()
    listing = subprocess.run(
        [env.python, "-m", "pip", "config", "list"], env=variables, capture_output=True, text=True, check=True
    )
    settings = {"cache-dir": variables["PIP_CACHE_DIR"]}
    settings |= {key: variables[name] for name, key in _PIP_VARIABLES.items() if variables.get(name)}
    for line in listing.stdout.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in _PIP_SETTINGS:
            settings[key] = ast.literal_eval(value).replace("\n", "\n    ")
    path.parent.mkdir(parents=True, exist_ok=True)
    # An index address may carry a password.
    path.touch(mode=0o600)
    path.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
