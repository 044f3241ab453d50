"""The supported ansible-cores, this machine's interpreters, and the virtual environments that are made from them.

Each virtual environment has the packages that PACKAGES lists, in the versions of `dev/requirements.txt`. The last step
writes a stamp with all of its input, and one without the right stamp is created again, as after an interrupt.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dev import proc
from dev.paths import CACHE, HASHED, REQUIREMENTS, VENVS

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

# The environment that has nox, pip and uv. Pip makes it, and uv makes all others.
BASE = "base"
_MODULES = "netaddr pyyaml requests"  # what the modules import on the host where they run
_DEMO = f"ansible-core {_MODULES} aiohttp trustme"  # what a user has, and the simulator
_DEV = (
    f"{_DEMO} check-jsonschema cyclonedx-python-lib[json-validation] hypothesis markdown-it-py mypy pytest pytest-xdist"
    " ruff types-PyYAML types-requests"
)
# The packages of each environment. `make lock` pins all of them, and what they need, in one file. An exact version here
# takes the place of the one in that file.
PACKAGES = {
    BASE: "nox uv",
    "modules": _MODULES,
    "demo": _DEMO,
    "dev": _DEV,
    # What drives the machine's own Chromium, and judges whether a page can be used by everybody.
    "browser": f"{_DEV} axe-playwright-python playwright",
    # What builds execution environments and starts jobs in AWX and Automation Platform, and what a job needs.
    "controller": f"ansible-core {_MODULES} ansible-builder ansible-runner pytest pytest-xdist",
    # The vendor's client and an independent one, which have to get along with the simulator.
    "contract": "mstr-rest-requests mstrio-py pytest",
    # Other releases of urllib3 that the modules support: the oldest one, and those of current Linux distributions.
    **{
        f"urllib3-{release.rpartition('.')[0]}": f"ansible-core {_MODULES} pytest pytest-xdist urllib3=={release}"
        for release in ("1.26.20", "2.0.7", "2.3.0")
    },
    # What looks at the collection as a whole, builds its site, and runs the checks of the Ansible community.
    "lint": "ansible-core ansible-lint antsibull-changelog antsibull-docs antsibull-docutils antsibull-nox nox"
    " reuse[charset-normalizer] sphinx sphinx-ansible-theme yamllint",
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
# What `make release` needs.
RELEASED = (BASE, "certification", "demo", "dev", "galaxy")
# The Pythons for each environment, the best first. The tools work on all from 3.10.
_TOOLS = ("3.13", "3.12", "3.14", "3.11", "3.10")
PYTHONS = dict.fromkeys(PACKAGES, _TOOLS) | {
    "modules": KNOWN,
    "contract": ("3.13", "3.12", "3.11"),
    "lint": ("3.13", "3.12", "3.14"),
    "galaxy": ("3.13", "3.12"),
    "certification": ("3.12",),
    **{f"ansible-{core}": pythons[::-1] for core, pythons in CORES.items()},
}


@functools.cache
def find(version: str) -> Path | None:
    """An interpreter of a version ("3.12"). The first on PATH wins; pyenv's and the system's come last."""
    found = shutil.which(f"python{version}", path=os.pathsep.join(map(str, search_path())))
    return Path(found) if found else None


@functools.cache
def search_path() -> tuple[Path, ...]:
    """The folders that may contain interpreters: no virtual environment, and the real ones in place of pyenv's shims.

    The shim of a version that is not active exists, but fails, which ansible-test treats as a broken Python.
    """
    own = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    folders = [folder for folder in own if folder.name != "shims" and not (folder.parent / "pyvenv.cfg").exists()]
    versions = pyenv_root().glob("versions/*/bin")
    folders += sorted(versions, key=lambda folder: [*map(int, re.findall(r"\d+", folder.parent.name))], reverse=True)
    system = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", f"{sys.base_prefix}/bin")
    folders += map(Path, system)
    return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def pyenv_root() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def pythons_of(core: str) -> list[str]:
    """The Pythons that this machine has, or all if it has none: the stage then reports what is missing."""
    return [version for version in CORES[core] if find(version)] or list(CORES[core])


# Tests must not use a developer's server, controller, Ansible settings, virtual environment or proxy: they connect only
# to servers on this machine.
_FOREIGN: tuple[str, ...] = ("ANSIBLE_", "CONTROLLER_", "MSTR_", "PYTEST_", "PYTHON", "TOWER_", "VIRTUAL_ENV", "XDG_")
_FOREIGN += ("ALL_PROXY", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NETRC", "NO_PROXY", "REQUESTS_CA_BUNDLE")
_FOREIGN += ("SSL_CERT_DIR", "SSL_CERT_FILE")


def variables(*bins: Path, **extra: object) -> dict[str, str]:
    """The variables for our own programs. The folders `bins` come first on PATH."""
    home = str(extra.get("HOME", CACHE / "home"))
    return {
        **{name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN)},
        "ANSIBLE_HOME": f"{home}/.ansible",
        "HOME": home,
        "HYPOTHESIS_STORAGE_DIRECTORY": str(CACHE / "hypothesis"),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PATH": os.pathsep.join(map(str, (*bins, *search_path()))),
        "PYENV_ROOT": str(pyenv_root()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **{name: str(value) for name, value in extra.items()},
    }


def for_pip() -> dict[str, str]:
    """The variables for pip: the caller's environment, because it may name the package index."""
    cache = os.environ.get("PIP_CACHE_DIR") or str(CACHE / "pip")
    return {**os.environ, "PIP_CACHE_DIR": cache, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def download(requirement: str, folder: Path, log: Path, *options: str) -> None:
    """Download the wheel of a package."""
    command = (ensure(BASE) / "python", "-m", "pip", "download", "--no-deps", *options, "--dest", folder, requirement)
    proc.need(*command, log=log, failure=f"{requirement} could not be downloaded", env=for_pip())


# The settings of pip for the index, each with the variable in which uv expects it: uv does not read pip's.
_INDEX = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "trusted-host": "UV_INSECURE_HOST",
}


def for_uv() -> dict[str, str]:
    """The variables for uv: the caller's environment, and pip's settings for the index."""
    # How uv separates several values.
    own = {_INDEX[name]: ("," if name == "find-links" else " ").join(words) for name, words in pip_settings().items()}
    fixed = {"UV_NO_CONFIG": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}
    return {"UV_CACHE_DIR": str(CACHE / "uv"), **fixed, **own, **os.environ}


@functools.cache
def pip_settings() -> dict[str, list[str]]:
    """What pip's files and variables say about the index, such as `index-url`."""
    command = [str(ensure(BASE) / "python"), "-m", "pip", "config", "list"]
    listing = subprocess.run(command, env=for_pip(), capture_output=True, text=True, check=True).stdout
    pairs = (line.partition("=") for line in listing.splitlines())
    settings = {name.rpartition(".")[2]: ast.literal_eval(value).split() for name, _, value in pairs if value}
    return {name: words for name, words in settings.items() if name in _INDEX}


class NotHere(Exception):
    """This machine lacks a program that a stage needs."""


def ensure(name: str, version: str = "") -> Path:
    """The folder with the programs of an environment, on this Python, or else on the best that this machine has."""
    versions = [version] if version else PYTHONS[name]
    version, python = next(((version, python) for version in versions if (python := find(version))), ("", None))
    if python is None:
        raise NotHere(f"no Python {' or '.join(versions)} on this machine")
    env = VENVS / f"{name}-py{version}"
    VENVS.mkdir(exist_ok=True)
    with locked(VENVS / f".{env.name}.lock"):
        _make(env, python, name)
    return env / "bin"


def pins_for(name: str) -> list[str]:
    """The pins of dev/requirements.txt, without those of packages of which this environment has a different version."""
    own = [package.partition("==")[0] for package in PACKAGES[name].split() if "==" in package]
    return [line for line in REQUIREMENTS.read_text().splitlines() if line.partition("==")[0] not in own]


def hashed(name: str) -> list[str]:
    """The packages of an environment of a release, with hashes. Raises NotHere for any other environment."""
    if name not in RELEASED:
        raise NotHere(f"no hashes of the packages of the environment {name}")
    _before, _heading, section = HASHED.read_text().partition(f"# {name}\n")
    return section.partition("\n#")[0].splitlines()


def _make(env: Path, python: Path, name: str) -> None:
    stamp, packages = env / ".made-of", PACKAGES[name].split()
    has_hashes = os.environ.get("DEV_HASHES") == "true"
    pins = hashed(name) if has_hashes else pins_for(name)
    made_of = "\n".join([str(env), str(python), *packages, *pins])
    if stamp.exists() and stamp.read_text() == made_of:
        return
    began, log = time.monotonic(), proc.new_log(f"venv-{env.name}")
    listed = log.with_suffix(".txt")
    listed.write_text("\n".join(pins))
    what: tuple[object, ...] = ("--constraint", listed, *packages)
    if has_hashes:
        # Only wheels: what builds a package would have no hash.
        what = ("--require-hashes", "--only-binary", ":all:", "--requirement", listed)
    create: tuple[object, ...] = (python, "-m", "venv")
    install: tuple[object, ...] = (env / "bin" / "python", "-m", "pip", "install")
    env_vars = for_pip()
    if "uv" not in packages:
        uv, env_vars = ensure(BASE) / "uv", for_uv()
        create = (uv, "venv", "--python", python)
        # Programs that run here write no bytecode, so it is compiled now.
        install = (uv, "pip", "install", "--compile-bytecode", "--python", env / "bin" / "python")
    shutil.rmtree(env, ignore_errors=True)
    for step in ((*create, env), (*install, *what)):
        proc.need(*step, log=log, failure=f"the environment {env.name} could not be created", env=env_vars)
    stamp.write_text(made_of)
    # Not on standard output, which a shell may evaluate.
    print(f"environment {env.name} is ready ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that works across threads and processes. Waiting for it can be interrupted."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                proc.check_interrupted()
                time.sleep(0.1)
        yield
