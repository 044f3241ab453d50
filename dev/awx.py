# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetches the collection `awx.awx`, which creates objects on a controller, from the package index.

The wheel of the package `ansible` contains it. Only this collection is unpacked; the other 10,000 files are not needed.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from dev import environment, envs, proc
from dev.envs import Env
from dev.paths import CACHE, LOGS

# The last series of releases that contains it, in version 24.6.1.
_PACKAGE = "ansible==13.8.0"
_PREFIX = "ansible_collections/awx/awx/"


def collections(env: Env) -> Path:
    """Return the folder for ANSIBLE_COLLECTIONS_PATH that contains only `awx.awx`. It is fetched once per clone."""
    folder = CACHE / _PACKAGE.replace("==", "-")
    with envs.locked(CACHE / "awx.lock"):
        if not folder.exists():
            _unpack(_download(env), folder)
    return folder


def _download(env: Env) -> Path:
    log, wheels = LOGS / "awx-collection.log", CACHE / "awx-wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    # This Python may be older than the package requires: it only downloads the package and does not run it.
    options = ("--no-deps", "--only-binary=:all:", "--python-version=3.12", "--dest", wheels)
    command = (env.python, "-m", "pip", "download", *options, _PACKAGE)
    if proc.run(*command, log=log, env=environment.for_pip()) != 0:
        raise envs.Failed(f"{_PACKAGE}, which contains awx.awx, could not be downloaded", log)
    return next(wheels.glob("*.whl"))


def _unpack(wheel: Path, folder: Path) -> None:
    # Unpack under a temporary name, so that an interrupted run never leaves an incomplete folder under the final name.
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(part, [name for name in archive.namelist() if name.startswith(_PREFIX)])
    part.rename(folder)
    shutil.rmtree(wheel.parent)
