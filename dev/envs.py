# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates virtual environments under `.venv/`, each from one pinned file in `dev/requirements/`.

The last step writes a stamp with a digest of the input. An environment without the right stamp is created again. So an
interrupted installation repairs itself, and an unchanged one takes no time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev import environment, proc, pythons
from dev.paths import LOGS, REQUIREMENTS, VENVS

# The default order: the newest Python that works with all tools comes first.
PREFERRED = ("3.13", "3.12", "3.14", "3.11", "3.10")


class NoPython(Exception):
    """This machine has none of the requested interpreters."""


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
    version = next((version for version in versions if version in pythons.found()), None)
    if version is None:
        raise NoPython(f"no Python {' or '.join(versions)} with venv and ensurepip on this machine")
    env = Env(VENVS / f"{name}-{version}", version)
    VENVS.mkdir(exist_ok=True)
    with locked(VENVS / f".{name}-{version}.lock"):
        _make(env, pythons.found()[version], REQUIREMENTS / f"{name}.txt")
    return env


def _make(env: Env, python: Path, requirements: Path) -> None:
    stamp = env.path / ".made-of"
    digest = hashlib.sha256(f"{env.path} {python} ".encode() + requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(env.path, ignore_errors=True)
    log = LOGS / f"venv-{env.path.name}.log"
    log.unlink(missing_ok=True)
    variables = environment.for_pip()
    if (
        proc.run(python, "-m", "venv", env.path, log=log, env=variables) != 0
        or proc.run(env.python, "-m", "pip", "install", "-r", requirements, log=log, env=variables) != 0
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
