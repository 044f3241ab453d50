"""ansible-test on every supported ansible-core, with a home folder inside the clone, and pip from the package index."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.harness import Simulator
from simulator.profiles import FROM_FILE

from dev import collection, envs, proc
from dev.envs import CORES, NEWEST, OLDEST, RELEASES, pythons_of
from dev.paths import CACHE, LIBRARY
from dev.runner import Job, Result, Stage

# ansible-test downloads get-pip under these names from its own host. This script replaces it and installs pip from the
# package index, where everything else comes from.
_GET_PIP = ("get_pip_23_1_2.py", "get_pip_24_2.py", "get_pip_25_2.py")
_PIP = "pip==25.2"
_STAND_IN = '''\
"""Replaces get-pip: installs pip from the wheel in the folder of this file."""
import pathlib, runpy, sys

sys.path.insert(0, str(next(pathlib.Path(__file__).parent.glob("pip-*.whl"))))
sys.argv[1:] = ["install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


class AnsibleTest:
    """ansible-test of one ansible-core, on one Python, in its own tree: of the working tree, or of a tarball."""

    def __init__(self, job: Job, core: str, version: str, tarball: Path | None = None) -> None:
        self._job = job
        self.env = envs.ensure(f"ansible-{core}", version)
        self._home = _home(core, job.log)
        self.tree = job.scratch / LIBRARY
        if tarball:
            collection.unpack(tarball, job.scratch)
        else:
            # Without the fixtures of tests that ansible-test does not run.
            collection.copy(self.tree, ":!tests/conftest.py")
        # The tree needs its own repository: otherwise git treats it as an ignored folder of the surrounding repository.
        job.run("git", "init", "--quiet", self.tree, env=envs.variables())

    def run(self, verb: str, *arguments: str) -> int:
        command = (self.env / "ansible-test", verb, "--color", "no", *arguments)
        return self._job.run(*command, cwd=self.tree, env=envs.variables(self.env, HOME=self._home))

    def result(self, status: int) -> Result:
        """What the JUnit files say that ansible-test wrote."""
        files = sorted((self.tree / "tests" / "output" / "junit").glob("*.xml"))
        return Result.of_junit(files, status, self._job.log)


def _home(core: str, log: Path) -> Path:
    """Create the home folder of a core, in which ansible-test keeps its environments."""
    home = CACHE / "home" / core
    cache = home / ".ansible" / "test" / "cache"
    with envs.locked(CACHE / f"home-{core}.lock"):
        cache.mkdir(parents=True, exist_ok=True)
        if not list(cache.glob("pip-*.whl")):
            envs.download(_PIP, cache, log)
        for name in _GET_PIP:
            (cache / name).write_text(_STAND_IN)
        # ansible-test makes this key even where it needs none. Two that make it at the same time would fail.
        key = cache.parent / "id_rsa"
        if not key.exists() and shutil.which("ssh-keygen"):
            proc.run("ssh-keygen", "-m", "PEM", "-q", "-t", "rsa", "-N", "", "-f", key, log=log)
        _write_pip_settings(home / ".config" / "pip" / "pip.conf")
    return home


def _write_pip_settings(path: Path) -> None:
    """Write a file for pip, to which ansible-test passes neither the caller's variables nor home."""
    variables = envs.for_pip()
    settings = {"cache-dir": variables["PIP_CACHE_DIR"]}
    for name, key in (("HTTPS_PROXY", "proxy"), ("https_proxy", "proxy"), ("REQUESTS_CA_BUNDLE", "cert")):
        settings |= {key: variables[name]} if variables.get(name) else {}
    settings |= {key: "\n    ".join(words) for key, words in envs.pip_settings().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    # The URL of an index can contain a password.
    path.touch(mode=0o600)
    path.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))


def _sanity(core: str) -> Stage:
    """The stage of the sanity tests on the unpacked tarball, as those who certify a collection run them."""

    def run(job: Job) -> Result:
        ansible_test = AnsibleTest(job, core, pythons_of(core)[-1], collection.tarball(envs.ensure("dev")))
        # The packages that pylint needs there are not in the index yet.
        candidate = "rc" in RELEASES[core]
        status = ansible_test.run("sanity", "--junit", *["--skip-test", "pylint"] * candidate)
        not_run = ("pylint: it does not support a release candidate yet",) * candidate
        return replace(ansible_test.result(status), not_run=not_run)

    return Stage(f"sanity {core}", run, core)


def _units(core: str, version: str) -> Stage:
    def run(job: Job) -> Result:
        ansible_test = AnsibleTest(job, core, version)
        return ansible_test.result(ansible_test.run("units", "--local", "--num-workers", "1", "--python", version))

    return Stage(f"units {core}, Python {version}", run, core)


def _integration(
    core: str, version: str, *, in_process: bool, modules_on: str = "", targets: Sequence[str] = (), every: bool = False
) -> Stage:
    """The stage of some or all targets. Tasks run in process or as modules (on `modules_on`).

    `every`: some targets run in every profile of the server, not in one. How it behaves is independent of the core.
    """

    def run(job: Job) -> Result:
        ansible_test, file = AnsibleTest(job, core, version), job.args.profile_file
        with Simulator(python=str(envs.ensure("dev") / "python"), profile_file=file) as simulator:
            names = ("base_url", "control_url", "username", "password", "api_token", "identity_token")
            settings: dict[str, Any] = {f"mstr_{name}": getattr(simulator, name) for name in names}
            settings["mstr_in_process"] = in_process
            if file or not (every and job.args.complete):
                settings["mstr_profiles"] = [FROM_FILE if file else "samples"]
            if modules_on:
                settings["ansible_python_interpreter"] = str(envs.ensure("modules", modules_on) / "python")
            # ansible-test passes this file to ansible-playbook as extra variables; JSON is valid YAML.
            config = ansible_test.tree / "tests" / "integration" / "integration_config.yml"
            config.write_text(json.dumps(settings))
            options = ("--local", "--continue-on-error", "--python", version, *(job.args.target or targets))
            return count_targets(job.log, ansible_test.run("integration", *options))

    on = ", in process" if in_process else f", modules on {modules_on}" if modules_on else ", as modules"
    name, quick = f"integration {core}, Python {version}{on}", core == NEWEST and in_process
    return Stage(name, run, core, quick)


def count_targets(log: Path, status: int) -> Result:
    """Count each target as one test. ansible-test prints how many there were, and the names of those that failed."""
    output = log.read_text(errors="replace")
    summary = re.search(r"integration test\(s\) listed below \(out of (\d+)\) failed.*\n((?:.+\n?)+)", output)
    if summary:
        failures = tuple(summary[2].split())
        return Result(int(summary[1]) - len(failures), failures)
    ran = len(re.findall(r"^Running \S+ integration test (?:role|script)", output, re.MULTILINE))
    return replace(Result.of(status, log), passed=ran)


SANITY = tuple(_sanity(core) for core in CORES)
# Every second core on its oldest Python: together on every Python. What differs between cores is tested in process, on
# each of them. pytest itself runs the units on the newest core.
UNITS = tuple(_units(core, pythons_of(core)[0]) for core in [*CORES][::2])
INTEGRATION = (
    # All targets on the oldest and the newest core, both ways, with the default Python of common distributions. Modules
    # also run on the oldest Python that they support. Each way once in every profile of the server.
    _integration(NEWEST, pythons_of(NEWEST)[-1], in_process=True, every=True),
    _integration(NEWEST, pythons_of(NEWEST)[-1], in_process=False, modules_on="3.9"),
    _integration(OLDEST, pythons_of(OLDEST)[-1], in_process=False, every=True),
    _integration(OLDEST, pythons_of(OLDEST)[0], in_process=True),
    # One target on every other core, both ways, and on the newest Python that modules support.
    *(
        _integration(core, pythons_of(core)[-1], in_process=in_process, targets=("mstr_runtimes",))
        for core in CORES
        if core not in (OLDEST, NEWEST)
        for in_process in (True, False)
    ),
    _integration(NEWEST, pythons_of(NEWEST)[-1], in_process=False, modules_on="3.14", targets=("mstr_runtimes",)),
)
