# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a copy of the working tree, as a tarball, and installed from that tarball."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

from dev import envs, proc
from dev.envs import Env, variables
from dev.paths import LOGS, ROOT, RUN
from dev.tarball import publish

_making = threading.RLock()


def copy(destination: Path, *parts: str) -> Path:
    """Copy the working tree, or the given files and folders of it, without the files that git ignores."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *parts]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, destination / name
        # Git still lists a deleted file until the deletion is committed.
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return destination


def tree() -> Path:
    """Return a read-only copy of the working tree in folders of the collection's name. It is made once per run."""
    folder = RUN / "tree" / "ansible_collections" / "mstr" / "library"
    with _making:
        if not folder.exists():
            copy(folder)
    return folder


def tarball(env: Env) -> Path:
    """Return the tarball as it is published. It is built once per run."""
    # Not by the name of a stage, which has a folder of its own there.
    folder = RUN / "published"
    with _making:
        if not folder.exists():
            build(env, tree(), folder)
    return next(folder.glob("*.tar.gz"))


def build(env: Env, source: Path, folder: Path) -> Path:
    """Build the tarball of a tree into a folder. The same tree results in the same bytes."""
    _galaxy(env, "build", source, "--output-path", folder)
    made = next(folder.glob("*.tar.gz"))
    publish(made)
    return made


def installed(env: Env) -> Path:
    """Return the folder for ANSIBLE_COLLECTIONS_PATH with the collection installed from its tarball, once per run.

    Only the folders that Ansible uses are left, because some installations contain no others.
    """
    folder = RUN / "collections"
    with _making:
        if not folder.exists():
            install(env, folder)
            for path in (folder / "ansible_collections" / "mstr" / "library").iterdir():
                if path.is_dir() and path.name not in ("meta", "playbooks", "plugins", "roles"):
                    shutil.rmtree(path)
    return folder


def install(env: Env, folder: Path, source: Path | None = None) -> None:
    """Install the collection as a user does, from the tarball `source` or from that of the working tree."""
    options = ("--force", "--no-deps", "--offline", "--collections-path", folder)
    _galaxy(env, "install", source or tarball(env), *options)


def _galaxy(env: Env, verb: str, *arguments: str | Path) -> None:
    log = LOGS / f"collection-{verb}.log"
    log.unlink(missing_ok=True)
    if proc.run(env.bin / "ansible-galaxy", "collection", verb, *arguments, log=log, env=variables(env.bin)) != 0:
        raise envs.Failed(f"ansible-galaxy could not {verb} the collection", log)
