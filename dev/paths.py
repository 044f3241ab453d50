"""The folders of this tool. All are inside the clone, so that the tool leaves no files elsewhere."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Several worktrees of one repository can share the environments.
VENVS = Path(os.environ.get("DEV_VENVS") or ROOT / ".venv")
CACHE = ROOT / ".cache"
LOGS = CACHE / "logs"
DIST = ROOT / "dist"
REQUIREMENTS = ROOT / "dev" / "requirements.txt"
# The same packages with hashes, for each environment of RELEASED: what the workflow of a release installs.
HASHED = ROOT / "dev" / "requirements-release.txt"
LIBRARY = Path("ansible_collections", "mstr", "library")  # in a folder for ANSIBLE_COLLECTIONS_PATH

_RUNS = CACHE / "run"
# Each run creates this folder and removes it at its end. Parallel runs in one clone have different folders.
RUN = _RUNS / str(os.getpid())


def open_run() -> None:
    """Create the folders of this run, and remove those of killed runs."""
    for old in _RUNS.glob("*"):
        if not _alive(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    os.environ["TMPDIR"] = str(RUN / "tmp")
    for folder in (RUN / "tmp", LOGS, CACHE / "home"):
        folder.mkdir(parents=True, exist_ok=True)


def close_run() -> None:
    shutil.rmtree(RUN, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as why:
        return isinstance(why, PermissionError)
    return True
