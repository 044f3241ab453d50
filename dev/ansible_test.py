# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-test with a correctly named tree, a home folder inside the clone, and pip from the package index."""

from __future__ import annotations

import ast
import subprocess
import tarfile
from pathlib import Path

from dev import collection, environment, envs, proc, pythons
from dev.envs import Env
from dev.paths import CACHE, REQUIREMENTS
from dev.stage import Job

# The supported ansible-cores, and the Pythons on which ansible-test of each runs. The only list: what
# `requires_ansible`, the README, the guides and the workflow say is compared with it by tests/tool.
CORES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
    "2.22": ("3.13", "3.14"),
}
# The newest that is not a release candidate: `make test` runs on it.
NEWEST = "2.21"
OLDEST = next(iter(CORES))

# The files of the repository that the collection and its tests consist of.
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

# ansible-test downloads get-pip under these names from its own host. This script replaces it and installs pip from the
# package index, where everything else comes from.
_GET_PIP = ("get_pip_23_1_2.py", "get_pip_24_2.py", "get_pip_25_2.py")
_PIP = "pip==25.2"
_STAND_IN = '''\
"""Replaces get-pip: installs pip from the wheel in the folder of this file."""
import pathlib
import runpy
import sys

sys.path.insert(0, str(next(pathlib.Path(__file__).parent.glob("pip-*.whl"))))
sys.argv[1:] = ["install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''

# ansible-test passes neither the caller's variables nor home to pip, so a file holds their settings for the index.
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

# Variables that pip reads.
_PIP_VARIABLES = {"HTTPS_PROXY": "proxy", "https_proxy": "proxy", "REQUESTS_CA_BUNDLE": "cert"}


def release(core: str) -> str:
    """Its pinned version, as in "2.16.19"."""
    pins = (REQUIREMENTS / f"ansible-{core}.in").read_text()
    return pins.partition("ansible-core==")[2].split()[0]


def pythons_of(core: str) -> list[str]:
    """Return the Pythons that this machine has, or all if it has none: the stage then reports what is missing."""
    return [version for version in CORES[core] if version in pythons.found()] or list(CORES[core])


class AnsibleTest:
    """ansible-test of one ansible-core, on one Python, in its own tree: of the working tree, or of a tarball."""

    def __init__(self, job: Job, core: str, version: str, tarball: Path | None = None) -> None:
        self._job = job
        self._env = envs.ensure(f"ansible-{core}", [version])
        self._home = _home(core, self._env, job.log)
        self.tree = job.scratch / "ansible_collections" / "mstr" / "library"
        if tarball:
            with tarfile.open(tarball) as tar:
                tar.extractall(self.tree)
        else:
            collection.copy(self.tree, *_PARTS)
        # The tree needs its own repository: otherwise git treats it as an ignored folder of the surrounding repository.
        job.run("git", "init", "--quiet", self.tree)

    def run(self, verb: str, *arguments: str) -> int:
        variables = environment.variables(self._env.bin, home=self._home)
        return self._job.run(
            self._env.bin / "ansible-test", verb, "--color", "no", *arguments, cwd=self.tree, env=variables
        )

    def results(self) -> list[Path]:
        """Return the JUnit files that ansible-test wrote."""
        return sorted((self.tree / "tests" / "output" / "junit").glob("*.xml"))


def _home(core: str, env: Env, log: Path) -> Path:
    """Create a home folder for this core: each core keeps its test environments there."""
    home = CACHE / "home" / core
    cache = home / ".ansible" / "test" / "cache"
    with envs.locked(CACHE / f"home-{core}.lock"):
        cache.mkdir(parents=True, exist_ok=True)
        if not list(cache.glob("pip-*.whl")):
            download = (env.python, "-m", "pip", "download", "--no-deps", "--dest", cache, _PIP)
            if proc.run(*download, log=log, env=environment.for_pip()) != 0:
                raise envs.Failed(f"{_PIP} could not be downloaded", log)
        for name in _GET_PIP:
            (cache / name).write_text(_STAND_IN)
        # ansible-test makes this key even where it needs none. Two that make it at the same time would fail.
        key = cache.parent / "id_rsa"
        if not key.exists():
            proc.run("ssh-keygen", "-m", "PEM", "-q", "-t", "rsa", "-N", "", "-f", key, log=log)
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
    # The URL of an index can contain a password.
    path.touch(mode=0o600)
    path.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
