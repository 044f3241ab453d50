# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as others get it: a copy of the working tree, the tarball, and that tarball installed."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

from dev import envs, proc
from dev.environment import variables
from dev.envs import Env
from dev.paths import LOGS, ROOT, RUN
from dev.tarball import make_reproducible

_making = threading.RLock()


def copy(destination: Path, *parts: str) -> Path:
    """Copy the working tree, or the given files and folders of it, as far as git does not ignore them."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *parts]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, destination / name
        # A file deleted and not yet committed is still in git's list.
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return destination


def tree() -> Path:
    """A copy of the working tree in folders of the collection's name, once a run; nobody writes into it."""
    folder = RUN / "tree" / "ansible_collections" / "mstr" / "library"
    with _making:
        if not folder.exists():
            copy(folder)
    return folder


def tarball(env: Env) -> Path:
    """The collection as it is published, built once a run."""
    folder = RUN / "tarball"
    with _making:
        if not folder.exists():
            build(env, tree(), folder)
    return next(folder.glob("*.tar.gz"))


def build(env: Env, source: Path, folder: Path) -> Path:
    """Build the tarball of a tree into a folder; the same tree gives the same bytes."""
    _galaxy(env, "build", source, "--output-path", folder)
    made = next(folder.glob("*.tar.gz"))
    make_reproducible(made)
    return made


def installed(env: Env) -> Path:
    """The folder to name in ANSIBLE_COLLECTIONS_PATH, with the collection installed from its tarball, once a run."""
    folder = RUN / "collections"
    with _making:
        if not folder.exists():
            install(env, folder)
    return folder


def install(env: Env, folder: Path, source: Path | None = None) -> None:
    """Install the collection from its tarball (`source`, or that of the working tree), as a user would."""
    options = ("--force", "--no-deps", "--offline", "--collections-path", folder)
    _galaxy(env, "install", source or tarball(env), *options)


def _galaxy(env: Env, verb: str, *arguments: str | Path) -> None:
    log = LOGS / f"collection-{verb}.log"
    log.unlink(missing_ok=True)
    if proc.run(env.bin / "ansible-galaxy", "collection", verb, *arguments, log=log, env=variables(env.bin)) != 0:
        raise envs.Failed(f"ansible-galaxy could not {verb} the collection", log)
