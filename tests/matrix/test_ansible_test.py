"""ansible-test on every supported ansible-core: sanity, units, and the integration targets."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import programs

from dev import collection
from dev.envs import CALLER, CORES, NEWEST, OLDEST, pythons_here, search_path
from dev.paths import CACHE, LIBRARY, ROOT, once, run

# ansible-test downloads get-pip under these names from its own host. This script replaces it and installs pip from the
# package index, where everything else comes from.
_GET_PIP = ("get_pip_23_1_2.py", "get_pip_24_2.py", "get_pip_25_2.py")
# What pip has to be told there, and the variable with it; the last one counts.
_PIP_SETTINGS = {
    "PIP_INDEX_URL": "index-url",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "REQUESTS_CA_BUNDLE": "cert",
    "PIP_CERT": "cert",
    "https_proxy": "proxy",
    "HTTPS_PROXY": "proxy",
}
_STAND_IN = '''\
"""Replaces get-pip: installs pip with the pip in the folder of this file."""
import pathlib, runpy, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "pip"))
words = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv[1:] = ["install", "--ignore-installed", *words]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''
TARGETS = sorted(
    path.name
    for path in (ROOT / "tests" / "integration" / "targets").iterdir()
    if "hidden" not in (path / "aliases").read_text()
)


def _pythons(core: str) -> list[str]:
    """The Pythons of this machine that its ansible-test supports, the newest first; without any, its tests skip."""
    return pythons_here(f"ansible-{core}") or [CORES[core][-1]]


def _home(core: str) -> Path:
    """The home folder of a core, in which ansible-test keeps its environments."""
    home = CACHE / "home" / core

    def make(mark: Path) -> None:
        cache = home / ".ansible" / "test" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps")
        if not (cache / "pip").exists():
            run(*uv, "--target", cache / "pip", "pip==25.2", env=CALLER)
        for name in _GET_PIP:
            (cache / name).write_text(_STAND_IN)
        # ansible-test makes this key even where it needs none. Two that make it at the same time would fail.
        if not (key := cache.parent / "id_rsa").exists() and shutil.which("ssh-keygen"):
            run("ssh-keygen", "-m", "PEM", "-q", "-t", "rsa", "-N", "", "-f", key)
        # ansible-test passes neither the caller's variables nor home to pip.
        settings: dict[str, object] = {"cache-dir": CALLER.get("PIP_CACHE_DIR") or CACHE / "pip"}
        for name, setting in _PIP_SETTINGS.items():
            settings |= {setting: CALLER[name]} if CALLER.get(name) else {}
        conf = home / ".config" / "pip" / "pip.conf"
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.touch(mode=0o600)  # the URL of an index can contain a password
        conf.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        mark.touch()

    once(f"home-{core}", make)
    return home


class AnsibleTest:
    """ansible-test of one ansible-core, on one Python, in its own copy of the tree or unpacked tarball."""

    def __init__(self, folder: Path, core: str, version: str, *, released: bool = False) -> None:
        self._bin = programs(f"ansible-{core}", version)
        self.tree, self._home = folder / LIBRARY, _home(core)
        if released:
            collection.unpack(collection.tarball(), folder)
        else:
            # Without what only pytest without ansible-test reads.
            collection.copy(self.tree, ":!tests/conftest.py")
        # The tree needs its own repository: otherwise git treats it as an ignored folder of the surrounding repository.
        run("git", "init", "--quiet", self.tree)

    def run(self, verb: str, *options: str) -> str:
        path = os.pathsep.join((str(self._bin), *search_path()))
        env = {**os.environ, "HOME": str(self._home), "ANSIBLE_HOME": str(self._home / ".ansible"), "PATH": path}
        env |= {"LC_ALL": "C.UTF-8"}
        return run(self._bin / "ansible-test", verb, "--color", "no", *options, cwd=self.tree, env=env, lines=400)


@pytest.mark.matrix
@pytest.mark.parametrize("core", CORES)
def test_sanity(core: str, tmp_path: Path) -> None:
    """On the unpacked tarball, as those who certify a collection run it."""
    # The slowest test, which finds the same on each core, and does not support the next one yet.
    options = [] if core in (OLDEST, NEWEST) else ["--skip-test", "pylint"]
    AnsibleTest(tmp_path, core, _pythons(core)[0], released=True).run("sanity", *options)


# The two ends: the oldest core on its oldest Python, and the next core on its newest. What differs between cores is
# tested in process, on each of them. pytest itself runs the units on the newest core.
@pytest.mark.matrix
@pytest.mark.parametrize(("core", "which"), [(OLDEST, -1), ([*CORES][-1], 0)])
def test_units(core: str, which: int, tmp_path: Path) -> None:
    version = _pythons(core)[which]
    AnsibleTest(tmp_path, core, version).run("units", "--local", "--num-workers", "1", "--python", version)


@dataclass(frozen=True)
class Way:
    """How the targets run: ansible-core, its Python, in process or as modules on a Python of their own.

    `every_profile`: targets that behave differently on servers run in every profile of the simulator, else in one.
    """

    core: str
    python: str
    in_process: bool = False
    modules_on: str = ""
    every_profile: bool = False

    def __str__(self) -> str:
        how = "in_process" if self.in_process else f"modules{self.modules_on and f'_on_{self.modules_on}'}"
        return f"{self.core}-py{self.python}-{how}"


def _ways() -> list[Any]:
    """All targets in process on the newest core, and on the oldest one as modules on the oldest Python, each on every
    variant of the server. One target runs in every other way, and on the newest Python. A start of ansible-test takes
    longer than most targets, so it runs several.
    """
    new = _pythons(NEWEST)[0]
    everywhere = (
        Way(NEWEST, new, in_process=True, every_profile=True),
        Way(OLDEST, _pythons(OLDEST)[-1], modules_on="3.9", every_profile=True),
    )
    others = [Way(NEWEST, new, modules_on="3.14")]
    for core in CORES:
        others += [Way(core, _pythons(core)[0], in_process=True)] * (core != NEWEST) + [Way(core, _pythons(core)[0])]
    groups = [TARGETS[start::3] for start in range(3)]
    pairs = [(way, group) for way in everywhere for group in groups] + [(way, ["mstr_runtimes"]) for way in others]
    return [
        pytest.param(
            way, names, marks=[] if way is everywhere[0] else pytest.mark.matrix, id=f"{way}-{'+'.join(names)}"
        )
        for way, names in pairs
    ]


@pytest.mark.parametrize(("way", "targets"), _ways())
def test_integration(pytestconfig: pytest.Config, way: Way, targets: list[str], tmp_path: Path) -> None:
    ansible_test = AnsibleTest(tmp_path, way.core, way.python)
    with Simulator() as simulator:
        names = ("base_url", "control_url", "username", "password", "api_token", "identity_token")
        settings: dict[str, Any] = {f"mstr_{name}": getattr(simulator, name) for name in names}
        settings["mstr_in_process"] = way.in_process
        if not (way.every_profile and pytestconfig.option.all):
            settings["mstr_profiles"] = ["samples"]
        if way.modules_on:
            settings["ansible_python_interpreter"] = str(programs("modules", way.modules_on) / "python")
        # ansible-test passes this file to ansible-playbook as extra variables; JSON is valid YAML.
        (ansible_test.tree / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(settings))
        ansible_test.run("integration", "--local", "--continue-on-error", "--python", way.python, *targets)
