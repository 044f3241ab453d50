"""The collection as a copy of the working tree, as a tarball for users, and as installed from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from dev.paths import CACHE, DIST, LIBRARY, ROOT, once, run, run_folder


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


def tarball() -> Path:
    """The tarball as it is published. It is built once in a run."""
    [built] = once("published", lambda folder: build(copy(folder / "library"), folder)).glob("*.tar.gz")
    return built


def build(source: Path, folder: Path) -> Path:
    """Build the tarball of a tree into a folder."""
    _galaxy("build", source, "--output-path", folder)
    return next(folder.glob("*.tar.gz"))


def installed() -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH with the collection installed from its tarball, once in a run."""

    def make(folder: Path) -> None:
        install(folder)
        # Only the folders that Ansible uses are left, because some installations contain no others.
        for path in (folder / LIBRARY).iterdir():
            if path.is_dir() and path.name not in ("meta", "playbooks", "plugins", "roles"):
                shutil.rmtree(path)

    return once("collections", make)


def install(folder: Path) -> None:
    """Install the collection from its tarball, as a user does."""
    _galaxy("install", tarball(), "--force", "--no-deps", "--offline", "--collections-path", folder)


def _galaxy(*words: str | Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    env |= {"HOME": str(CACHE / "home"), "LC_ALL": "C.UTF-8"}
    run(Path(sys.executable).parent / "ansible-galaxy", "collection", *words, env=env)


def unpack(tarball: Path, folder: Path) -> Path:
    """Unpack a tarball in folders of the collection's name, and return the innermost."""
    with tarfile.open(tarball) as tar:
        tar.extractall(folder / LIBRARY)
    return folder / LIBRARY


def uncommitted() -> str:
    """Why nothing can be released: the tarball has what is in the working tree. Empty if all of it is committed."""
    changes = run("git", "status", "--porcelain").rstrip()
    return changes and f"A release holds only what is committed. Commit, ignore or remove:\n{changes}"


if __name__ == "__main__":
    if why := uncommitted():
        sys.exit(why)
    with run_folder():
        DIST.mkdir(exist_ok=True)
        print(shutil.copy2(tarball(), DIST))
