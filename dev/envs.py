# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments under `.venv/`, each made of one pinned file in `dev/requirements/`.

A stamp is written last, with a digest of what went in: an environment without the right stamp is made anew, so an
interrupted installation repairs itself and an unchanged one costs nothing.
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

# Where nothing else is asked for: the newest that all tools are known to like comes first.
PREFERRED = ("3.13", "3.12", "3.14", "3.11", "3.10")


class NoPython(Exception):
    """None of the wanted interpreters is on this machine."""


class Failed(Exception):
    """An environment could not be made; the log says why."""

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
    """The environment `name` (its requirements file) on the first of `versions` that this machine has."""
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
        raise Failed(f"the environment {env.path.name} could not be made", log)
    stamp.write_text(digest)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One at a time, across threads and processes; does not stand in the way of an interrupt."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                proc.check_interrupted()
                time.sleep(0.1)
        yield
