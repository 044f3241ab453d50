"""The supported ansible-cores, this machine's interpreters, and the virtual environments that are made from them.

Each virtual environment under `.venv/` is made from one pinned file in `dev/requirements/`. The last step writes a
stamp with a digest of the input. An environment without the right stamp is created again. So an interrupted
installation repairs itself, and an unchanged one takes no time.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev import proc
from dev.paths import CACHE, REQUIREMENTS, VENVS

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

# From the oldest Python that modules run on to the newest that a supported ansible-core supports.
KNOWN = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

# A virtual environment needs both; Debian has a separate package for ensurepip.
_PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"


@functools.cache
def find(version: str) -> Path | None:
    """A usable interpreter of a version ("3.12"). The first on PATH wins; pyenv's and the system's come last."""
    return next((python for folder in search_path() if _is(python := folder / f"python{version}", version)), None)


def found() -> list[str]:
    """The versions that this machine has."""
    return [version for version in KNOWN if find(version)]


@functools.cache
def search_path() -> tuple[Path, ...]:
    """The folders that may contain interpreters.

    Pyenv's shims are not included: the shim of a version that is not active exists but fails when called, which
    ansible-test treats as a broken Python. Pyenv's real folders replace them. Virtual environments are not included
    either: the interpreters that they were created from are used directly.
    """
    own = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    folders = [folder for folder in own if folder.name != "shims" and not (folder.parent / "pyvenv.cfg").exists()]
    versions = pyenv_root().glob("versions/*/bin")
    folders += sorted(versions, key=lambda folder: [*map(int, re.findall(r"\d+", folder.parent.name))], reverse=True)
    folders += [Path("/opt/homebrew/bin"), Path("/usr/local/bin"), Path("/usr/bin"), Path("/bin")]
    folders += [Path(sys.base_prefix, "bin")]
    return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def pyenv_root() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _is(python: Path, version: str) -> bool:
    if not os.access(python, os.X_OK):
        return False
    try:
        probe = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0 and probe.stdout.strip() == version


def release(core: str) -> str:
    """Its pinned version, as in "2.16.19"."""
    pins = (REQUIREMENTS / f"ansible-{core}.in").read_text()
    return pins.partition("ansible-core==")[2].split()[0]


def pythons_of(core: str) -> list[str]:
    """The Pythons that this machine has, or all if it has none: the stage then reports what is missing."""
    return [version for version in CORES[core] if version in found()] or list(CORES[core])


# Tests must not use a developer's server, Ansible settings, virtual environment or proxy: they connect only to servers
# on this machine.
_FOREIGN = ("ANSIBLE_", "MSTR_", "PYTEST_", "PYTHON", "VIRTUAL_ENV", "XDG_")
_OUTWARD = {"ALL_PROXY", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NETRC", "NO_PROXY", "REQUESTS_CA_BUNDLE"}
_OUTWARD |= {"SSL_CERT_DIR", "SSL_CERT_FILE"}


def variables(*bins: Path, home: Path | None = None, **extra: str | Path) -> dict[str, str]:
    """The variables for our own programs. The folders `bins` come first on PATH."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name.upper() not in _OUTWARD
    }
    home = home or CACHE / "home"
    env |= {
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(CACHE / "hypothesis"),
        "PATH": os.pathsep.join(map(str, (*bins, *search_path()))),
        "PYENV_ROOT": str(pyenv_root()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
    }
    return env | {name: str(value) for name, value in extra.items()}


def for_pip() -> dict[str, str]:
    """The variables for pip: the caller's environment, because it may name the package index."""
    cache = os.environ.get("PIP_CACHE_DIR") or str(CACHE / "pip")
    return {**os.environ, "PIP_CACHE_DIR": cache, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


# The settings of pip that uv does not read, each with the variable in which uv expects it.
_UV_VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "trusted-host": "UV_INSECURE_HOST",
}
_SEVERAL = {"UV_FIND_LINKS": ","}  # how uv separates several values; else by a blank


def for_uv() -> dict[str, str]:
    """The variables for uv: the caller's environment, and pip's settings for the index."""
    known = {
        variable: _SEVERAL.get(variable, " ").join(pip_settings()[name].split())
        for name, variable in _UV_VARIABLES.items()
        if name in pip_settings()
    }
    fixed = {"UV_NO_CONFIG": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}
    return {"UV_CACHE_DIR": str(CACHE / "uv"), **fixed, **known, **os.environ}


@functools.cache
def pip_settings() -> dict[str, str]:
    """What pip's files and variables say about the index, such as `index-url`."""
    command: list[str | Path] = [ensure(BASE).python, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, env=for_pip(), capture_output=True, text=True, check=True).stdout
    pairs = (line.partition("=") for line in listing.splitlines())
    return {name.rpartition(".")[2]: ast.literal_eval(value) for name, _, value in pairs if value}


# The environment that has nox, pip and uv. Pip makes it, and uv makes all others.
BASE = "base"
# The newest Python that works with all tools comes first.
PREFERRED = ("3.13", "3.12", "3.14", "3.11", "3.10")


class NotHere(Exception):
    """This machine lacks a program that a stage needs."""


class Failed(Exception):
    """An environment could not be created; the log shows why."""

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True)
class Env:
    path: Path
    version: str

    @property
    def bin(self) -> Path:
        return self.path / "bin"

    @property
    def python(self) -> Path:
        return self.bin / "python"


def ensure(name: str, versions: Sequence[str] = PREFERRED) -> Env:
    """The environment of the requirements file `name`, on the first of `versions` that this machine has."""
    version, python = next(((version, python) for version in versions if (python := find(version))), ("", None))
    if python is None:
        raise NotHere(f"no Python {' or '.join(versions)} with venv and ensurepip on this machine")
    env = Env(VENVS / f"{name}-{version}", version)
    VENVS.mkdir(exist_ok=True)
    with locked(VENVS / f".{name}-{version}.lock"):
        _make(env, python, REQUIREMENTS / f"{name}.txt")
    return env


def _make(env: Env, python: Path, requirements: Path) -> None:
    stamp = env.path / ".made-of"
    digest = hashlib.sha256(f"{env.path} {python} ".encode() + requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    began, log = time.monotonic(), proc.new_log(f"venv-{env.path.name}")
    steps: list[tuple[str | Path, ...]]
    if requirements.stem == BASE:
        steps = [(python, "-m", "venv", env.path), (env.python, "-m", "pip", "install", "-r", requirements)]
        env_vars = for_pip()
    else:
        uv, env_vars = ensure(BASE).bin / "uv", for_uv()
        # Programs that run here write no bytecode, so it is compiled now.
        install = (uv, "pip", "install", "--compile-bytecode", "--python", env.python, "-r", requirements)
        steps = [(uv, "venv", "--python", python, env.path), install]
    shutil.rmtree(env.path, ignore_errors=True)
    if any(proc.run(*step, log=log, env=env_vars) for step in steps):
        raise Failed(f"the environment {env.path.name} could not be created", log)
    stamp.write_text(digest)
    # Not on standard output, which a shell may evaluate.
    print(f"environment {env.path.name} is ready ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)


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
