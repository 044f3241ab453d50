# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates virtual environments under `.venv/`, and the environment variables for what runs in them.

Each virtual environment is made from one pinned file in `dev/requirements/`. The last step writes a stamp with a digest
of the input. An environment without the right stamp is created again. So an interrupted installation repairs itself,
and an unchanged one takes no time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev import paths, proc, pythons
from dev.paths import REQUIREMENTS, VENVS

# Tests must not use a developer's server, Ansible settings, virtual environment or proxy: they connect only to servers
# on this machine.
_FOREIGN = ("ANSIBLE_", "MSTR_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
_OUTWARD = {"ALL_PROXY", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NETRC", "NO_PROXY", "REQUESTS_CA_BUNDLE"}
_OUTWARD |= {"SSL_CERT_DIR", "SSL_CERT_FILE"}


def variables(*bins: Path, home: Path | None = None, **extra: str | Path) -> dict[str, str]:
    """Return the variables for our own programs. The folders `bins` come first on PATH."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name.upper() not in _OUTWARD
    }
    home = home or paths.CACHE / "home"
    env |= {
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(paths.CACHE / "hypothesis"),
        "PATH": os.pathsep.join(map(str, (*bins, *pythons.search_path()))),
        "PYENV_ROOT": str(pythons.pyenv_root()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
    }
    return env | {name: str(value) for name, value in extra.items()}


def for_pip() -> dict[str, str]:
    """Return the variables for pip: the caller's environment, because it may name the package index."""
    cache = os.environ.get("PIP_CACHE_DIR") or str(paths.CACHE / "pip")
    return {**os.environ, "PIP_CACHE_DIR": cache, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


# The default order: the newest Python that works with all tools comes first.
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
    """Return the environment of the requirements file `name`, on the first of `versions` that this machine has."""
    version, python = next(((version, python) for version in versions if (python := pythons.find(version))), ("", None))
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
    shutil.rmtree(env.path, ignore_errors=True)
    log, env_vars = proc.new_log(f"venv-{env.path.name}"), for_pip()
    if (
        proc.run(python, "-m", "venv", env.path, log=log, env=env_vars) != 0
        or proc.run(env.python, "-m", "pip", "install", "-r", requirements, log=log, env=env_vars) != 0
    ):
        raise Failed(f"the environment {env.path.name} could not be created", log)
    stamp.write_text(digest)


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
