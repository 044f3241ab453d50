# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection `awx.awx`, which makes objects on a controller, as the package index has it: inside of `ansible`.

Only that collection is taken out of the package's wheel; the rest of it is ten thousand files that nobody needs here.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from dev import environment, envs, proc
from dev.envs import Env
from dev.paths import CACHE, LOGS

# The last line of releases that has it, with awx.awx 24.6.1.
_PACKAGE = "ansible==13.8.0"
_PREFIX = "ansible_collections/awx/awx/"


def collections(env: Env) -> Path:
    """The folder to name in ANSIBLE_COLLECTIONS_PATH, with `awx.awx` and nothing else; fetched once a clone."""
    folder = CACHE / _PACKAGE.replace("==", "-")
    with envs.locked(CACHE / "awx.lock"):
        if not folder.exists():
            _unpack(_download(env), folder)
    return folder


def _download(env: Env) -> Path:
    log, wheels = LOGS / "awx-collection.log", CACHE / "awx-wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    # Nothing of it is run by this Python, which may be older than the package wants.
    options = ("--no-deps", "--only-binary=:all:", "--python-version=3.12", "--dest", wheels)
    command = (env.python, "-m", "pip", "download", *options, _PACKAGE)
    if proc.run(*command, log=log, env=environment.for_pip()) != 0:
        raise envs.Failed(f"{_PACKAGE}, which brings awx.awx, could not be downloaded", log)
    return next(wheels.glob("*.whl"))


def _unpack(wheel: Path, folder: Path) -> None:
    # Under another name first, so that what an interrupt leaves behind is never taken for the whole.
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(part, [name for name in archive.namelist() if name.startswith(_PREFIX)])
    part.rename(folder)
    shutil.rmtree(wheel.parent)
