# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test on every supported ansible-core: sanity, units, integration.

It runs in a correctly named tree, with a home folder inside the clone, and with pip from the package index.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.harness import Simulator
from simulator.profiles import FROM_FILE

from dev import collection, envs, proc
from dev.envs import Env
from dev.paths import CACHE, ROOT
from dev.pytests import python39
from dev.pythons import CORES, NEWEST, OLDEST, pythons_of
from dev.stage import Job, Result, Selection, Stage

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


class AnsibleTest:
    """ansible-test of one ansible-core, on one Python, in its own tree: of the working tree, or of a tarball."""

    def __init__(self, job: Job, core: str, version: str, tarball: Path | None = None) -> None:
        self._job = job
        self._env = envs.ensure(f"ansible-{core}", [version])
        self._home = _home(f"{core}-tarball" if tarball else core, self._env, job.log)
        self.tree = job.scratch / "ansible_collections" / "mstr" / "library"
        if tarball:
            with tarfile.open(tarball) as tar:
                tar.extractall(self.tree)
        else:
            collection.copy(self.tree, *_PARTS)
        # The tree needs its own repository: otherwise git treats it as an ignored folder of the surrounding repository.
        job.run("git", "init", "--quiet", self.tree)

    def run(self, verb: str, *arguments: str) -> int:
        variables = envs.variables(self._env.bin, home=self._home)
        return self._job.run(
            self._env.bin / "ansible-test", verb, "--color", "no", *arguments, cwd=self.tree, env=variables
        )

    def sanity(self) -> Result:
        """Run the sanity tests. They find the machine's Pythons, and skip those that are too old or missing."""
        if self._gets_pylint():
            status = self.run("sanity", "--junit")
            return Result.of_junit(self.results(), status, skips=False)
        status = self.run("sanity", "--junit", "--skip-test", "pylint")
        not_run = ("pylint: it needs a package from github.com, which cannot be reached",)
        return replace(Result.of_junit(self.results(), status, skips=False), not_run=not_run)

    def _gets_pylint(self) -> bool:
        """Return whether pylint can be installed. The packages of a release candidate may not be in the index yet."""
        [wanted] = self._env.path.glob("lib/*/site-packages/ansible_test/_data/requirements/sanity.pylint.txt")
        if "@ https://github.com/" not in wanted.read_text():
            return True
        try:
            with urllib.request.urlopen("https://github.com/robots.txt", timeout=10):
                return True
        except OSError:
            return False

    def results(self) -> list[Path]:
        """Return the JUnit files that ansible-test wrote."""
        return sorted((self.tree / "tests" / "output" / "junit").glob("*.xml"))


def _home(name: str, env: Env, log: Path) -> Path:
    """Create a home folder, in which ansible-test keeps its environments.

    Each core has one for the working tree and one for the tarball: two runs of the sanity tests that make the same
    environment at the same time would break it.
    """
    home = CACHE / "home" / name
    cache = home / ".ansible" / "test" / "cache"
    with envs.locked(CACHE / f"home-{name}.lock"):
        cache.mkdir(parents=True, exist_ok=True)
        if not list(cache.glob("pip-*.whl")):
            download = (env.python, "-m", "pip", "download", "--no-deps", "--dest", cache, _PIP)
            if proc.run(*download, log=log, env=envs.for_pip()) != 0:
                raise envs.Failed(f"{_PIP} could not be downloaded", log)
        for name in _GET_PIP:
            (cache / name).write_text(_STAND_IN)
        # ansible-test makes this key even where it needs none. Two that make it at the same time would fail.
        key = cache.parent / "id_rsa"
        if not key.exists() and shutil.which("ssh-keygen"):
            proc.run("ssh-keygen", "-m", "PEM", "-q", "-t", "rsa", "-N", "", "-f", key, log=log)
        _write_pip_settings(env, home / ".config" / "pip" / "pip.conf")
    return home


def _write_pip_settings(env: Env, path: Path) -> None:
    variables = envs.for_pip()
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


_TARGETS = "tests/integration/targets"


def _sanity(core: str) -> Stage:
    def run(job: Job) -> Result:
        return AnsibleTest(job, core, pythons_of(core)[-1]).sanity()

    return Stage(f"sanity {core}", run, folder="plugins", core=core)


def _units(core: str, version: str) -> Stage:
    def run(job: Job) -> Result:
        ansible_test = AnsibleTest(job, core, version)
        # Its core is the server of many unit tests. Sanity tests are for the collection, and do not get it.
        collection.copy(ansible_test.tree, "tests/simulator")
        status = ansible_test.run("units", "--local", "--num-workers", "1", "--python", version)
        return Result.of_junit(ansible_test.results(), status)

    return Stage(f"units {core}, Python {version}", run, folder="tests/unit", core=core)


def _integration(
    core: str, version: str, *, in_process: bool, modules_on: str = "", targets: Sequence[str] = (), quick: bool = False
) -> Stage:
    """Return the stage of some or all targets. Tasks run in process or as modules (on `modules_on`).

    The targets are divided into two shares, which run in parallel, each with its own simulator and ansible-test.
    """
    on = ", in process" if in_process else f", modules on {modules_on}" if modules_on else ", as modules"
    name = f"integration {core}, Python {version}{on}"

    def run_share(job: Job, targets: Sequence[str]) -> Result:
        ansible_test = AnsibleTest(job, core, version)
        settings: dict[str, Any] = {"python39": python39(), "mstr_in_process": in_process}
        if modules_on:
            settings["ansible_python_interpreter"] = str(envs.ensure("modules", [modules_on]).python)
        file = job.selection.profile_file
        with Simulator(python=str(envs.ensure("dev").python), profile_file=file) as simulator:
            _write_settings(ansible_test.tree, settings | _connection(simulator) | _profiles(job.selection))
            status = ansible_test.run("integration", "--local", "--continue-on-error", "--python", version, *targets)
        return count_targets(job.log.read_text(errors="replace"), status)

    def run(job: Job) -> Result:
        shares = _shares(job.selection.targets or targets or _targets())
        jobs = [Job(f"{name}, share {number}", job.selection) for number in range(1, len(shares) + 1)]
        with ThreadPoolExecutor(len(shares)) as pool:
            results = list(pool.map(run_share, jobs, shares))
        job.log.write_text("".join(share.log.read_text(errors="replace") for share in jobs))
        failures = tuple(failure for result in results for failure in result.failures)
        return Result(sum(result.passed for result in results), failures)

    return Stage(name, run, folder=_TARGETS, core=core, selects="targets", quick=quick)


def _targets() -> list[str]:
    """Return the names of all integration targets."""
    folders = (ROOT / _TARGETS).iterdir()
    hidden = ("simulator",)  # a role that the targets use
    return sorted(folder.name for folder in folders if folder.is_dir() and folder.name not in hidden)


def _shares(targets: Sequence[str]) -> list[list[str]]:
    """Divide targets into at most two shares of similar size, measured by the bytes of their tasks."""
    sizes = {
        target: sum(file.stat().st_size for file in (ROOT / _TARGETS / target / "tasks").glob("*.yml"))
        for target in targets
    }
    shares: list[list[str]] = [[], []]
    for target in sorted(targets, key=lambda target: -sizes[target]):
        min(shares, key=lambda share: sum(sizes[one] for one in share)).append(target)
    return [sorted(share) for share in shares if share]


def _connection(simulator: Simulator) -> dict[str, str]:
    names = ("base_url", "control_url", "username", "password", "api_token", "identity_token")
    return {f"mstr_{name}": getattr(simulator, name) for name in names}


def _profiles(selection: Selection) -> dict[str, Any]:
    """Restrict the targets that run in every profile: to that of the file, or to one if the run is not complete."""
    if selection.profile_file:
        return {"mstr_profiles": [FROM_FILE]}
    return {} if selection.complete else {"mstr_profiles": ["samples"]}


def _write_settings(tree: Path, settings: Mapping[str, Any]) -> None:
    # ansible-test passes this file to ansible-playbook as extra variables; JSON is valid YAML.
    (tree / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(settings))


def count_targets(output: str, status: int) -> Result:
    """Count each target as one test. ansible-test prints how many there were, and the names of those that failed."""
    summary = re.search(r"integration test\(s\) listed below \(out of (\d+)\) failed.*\n((?:.+\n?)+)", output)
    if summary:
        failures = tuple(summary[2].split())
        return Result(int(summary[1]) - len(failures), failures)
    ran = len(re.findall(r"^Running \S+ integration test (?:role|script)", output, re.MULTILINE))
    return replace(Result.of(status), passed=ran)


SANITY = tuple(_sanity(core) for core in CORES)
# Each core on its oldest or its newest Python, in turn: together on every Python. The code under test is the same.
UNITS = tuple(_units(core, pythons_of(core)[-(number % 2)]) for number, core in enumerate(CORES))
# All targets on the oldest and the newest core, both ways, with the default Python of common distributions.
_COMPLETE = (
    _integration(OLDEST, pythons_of(OLDEST)[0], in_process=True),
    _integration(OLDEST, pythons_of(OLDEST)[-1], in_process=False),
    _integration(NEWEST, pythons_of(NEWEST)[-1], in_process=True, quick=True),
    # Run the modules on the oldest Python that they support, too.
    _integration(NEWEST, pythons_of(NEWEST)[-1], in_process=False, modules_on="3.9"),
)
# One target on every other core, both ways, and on the newest Python that modules support.
_SAMPLES = (
    *(
        _integration(core, pythons_of(core)[-1], in_process=in_process, targets=("mstr_runtimes",))
        for core in CORES
        if core not in (OLDEST, NEWEST)
        for in_process in (True, False)
    ),
    _integration(NEWEST, pythons_of(NEWEST)[-1], in_process=False, modules_on="3.14", targets=("mstr_runtimes",)),
)
INTEGRATION = (*_COMPLETE, *_SAMPLES)
