"""The supported ansible-cores, the environments with their packages, and the interpreters of this machine.

`noxfile.py` declares a session for each environment; the versions of all packages are in `dev/requirements.txt`.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.paths import CACHE, ROOT, once, run

PINS = ROOT / "dev" / "requirements.txt"

# The supported ansible-cores, each in the release that is tested, and the Pythons on which its ansible-test runs. The
# only list: what `requires_ansible`, the README, the guides and the workflow say is compared with it by tests/tool.
_SUPPORTED = {
    "2.16.19": ("3.10", "3.11", "3.12"),
    "2.17.14": ("3.10", "3.11", "3.12"),
    "2.18.19": ("3.11", "3.12", "3.13"),
    "2.19.14": ("3.11", "3.12", "3.13"),
    "2.20.10": ("3.12", "3.13", "3.14"),
    "2.21.5": ("3.12", "3.13", "3.14"),
    "2.22.0rc1": ("3.13", "3.14"),
}
RELEASES = {release.rpartition(".")[0]: release for release in _SUPPORTED}
CORES = {core: _SUPPORTED[release] for core, release in RELEASES.items()}
# The newest that is not a release candidate: `make test` runs on it.
NEWEST = "2.21"
OLDEST = next(iter(CORES))

# From the oldest Python that modules run on to the newest that a supported ansible-core supports.
KNOWN = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

_BASE = "antsibull-nox nox uv"  # what the Makefile installs with pip; with uv, nox makes all other environments
_MODULES = "netaddr pyyaml requests"  # what the modules import on the host where they run
_DEMO = f"ansible-core {_MODULES} aiohttp trustme"  # what a user has, and the simulator
_DEV = (
    f"{_BASE} {_DEMO} check-jsonschema cyclonedx-python-lib[json-validation] hypothesis markdown-it-py mypy pytest"
    " pytest-xdist ruff types-PyYAML types-requests"
)
# The packages of each environment. An exact version here takes the place of the one in dev/requirements.txt.
PACKAGES = {
    "base": _BASE,
    "modules": _MODULES,
    "demo": _DEMO,
    # What `make check` and a release need.
    "dev": _DEV,
    # What the tests import besides: two other clients of the API, what drives a browser, and what starts jobs in AWX.
    "test": f"{_DEV} ansible-builder ansible-runner axe-playwright-python mstr-rest-requests mstrio-py playwright",
    # Other releases of urllib3 that the modules support: the oldest one, and those of current Linux distributions.
    **{
        f"urllib3-{release.rpartition('.')[0]}": f"ansible-core {_MODULES} pytest urllib3=={release}"
        for release in ("1.26.20", "2.0.7", "2.3.0")
    },
    # The site, and the changelog.
    "docs": "ansible-core antsibull-changelog antsibull-docs sphinx sphinx-ansible-theme",
    # Galaxy's own import checks, and the release of attrs that they need.
    "galaxy": "galaxy-importer attrs==23.2.0",
    # What Red Hat's certification checker for partners pins.
    "certification": "ansible-core==2.16.0 ansible-lint==24.12.2 galaxy-importer==0.4.31 ansible-compat==26.6.0"
    " attrs==22.2.0 importlib-metadata==10.2.0 lazy-importer==0.1.0 packaging==24.2 zipp==4.1.2",
    # What ansible-test's unit tests ask for.
    **{
        f"ansible-{core}": f"ansible-core=={release} {_MODULES} hypothesis mock pytest pytest-mock pytest-xdist"
        for core, release in RELEASES.items()
    },
}
# What antsibull-nox installs by itself, in the same versions.
OTHERS = "ansible-lint antsibull-docutils reuse[charset-normalizer] yamllint"
# The Pythons for each environment, the best first.
PYTHONS: dict[str, tuple[str, ...]] = dict.fromkeys(PACKAGES, ("3.13", "3.12", "3.14", "3.11", "3.10")) | {
    "modules": KNOWN,
    "test": ("3.13", "3.12", "3.11"),
    "docs": ("3.13", "3.12", "3.14"),
    "galaxy": ("3.13", "3.12"),
    "certification": ("3.12",),
    **{f"ansible-{core}": pythons[::-1] for core, pythons in CORES.items()},
}


@functools.cache
def search_path() -> tuple[str, ...]:
    """The folders of PATH, and those of pyenv's interpreters, without virtual environments and pyenv's shims.

    The shim of a version that is not active exists, but fails, which ansible-test treats as a broken Python.
    """
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob("versions/*/bin")
    folders += sorted(pyenv, key=lambda folder: [*map(int, re.findall(r"\d+", folder.parent.name))], reverse=True)
    folders.append(Path(sys.base_prefix, "bin"))
    folders = [each for each in folders if each.name != "shims" and not (each.parent / "pyvenv.cfg").exists()]
    return tuple(dict.fromkeys(map(str, folders)))


def pythons_here(name: str) -> list[str]:
    """The Pythons for an environment that this machine has, the best first."""
    path = os.pathsep.join(search_path())
    return [version for version in PYTHONS[name] if shutil.which(f"python{version}", path=path)]


class NotHere(Exception):
    """This machine lacks a program that a test needs."""


# Tests remove proxies and certificates from their own variables.
CALLER = {"UV_CACHE_DIR": str(CACHE / "uv"), **os.environ}


def ensure(name: str, version: str = "") -> Path:
    """The folder with the programs of an environment, on this Python or the best one. Nox makes it, once in a run."""
    wanted = [version] if version else PYTHONS[name]
    if not (found := [each for each in pythons_here(name) if each in wanted]):
        raise NotHere(f"no Python {' or '.join(wanted)} on this machine")
    session = f"env-{name}-{found[0]}"
    command = (sys.executable, "-m", "nox", "--noxfile", ROOT / "noxfile.py", "--session", session, "--")
    return Path(once(session, lambda written: run(*command, written, env=CALLER)).read_text())


# By the option of pip, the variables of uv with the same meaning.
_OF_UV = {
    "index-url": ("UV_DEFAULT_INDEX",),
    "extra-index-url": ("UV_INDEX",),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "proxy": ("HTTP_PROXY", "HTTPS_PROXY"),
}


def for_uv(env: Mapping[str, str] = CALLER) -> dict[str, str]:
    """What pip is configured with, as variables of uv, which does not read pip's files; and the system's certificates.

    Behind the proxy of a company, pip has its own index, proxy and certificate.
    """
    listed = run(ROOT / ".venv" / "nox" / "bin" / "python", "-m", "pip", "config", "list", env=env)
    settings = {"UV_SYSTEM_CERTS": "true"}
    for section in ("global", "install", ":env:"):  # a later one wins
        for option, value in re.findall(rf"(?m)^{section}\.([a-z-]+)='(.*)'$", listed):
            settings |= dict.fromkeys(_OF_UV.get(option, ()), value.replace("\\n", " ").strip())
    return settings


def pins(name: str) -> list[str]:
    """The pins for an environment: without those of packages of which it has a different version."""
    own = [package.partition("==")[0] for package in PACKAGES[name].split() if "==" in package]
    return [line for line in PINS.read_text().splitlines() if line.partition("==")[0] not in own]
