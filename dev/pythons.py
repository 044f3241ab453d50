# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The supported ansible-cores and Pythons, and the Python interpreters of this machine."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

from dev.paths import REQUIREMENTS

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
    """Return a usable interpreter of a version ("3.12"). The first on PATH wins; pyenv's and the system's come last."""
    return next((python for folder in search_path() if _is(python := folder / f"python{version}", version)), None)


def found() -> list[str]:
    """Return the versions that this machine has."""
    return [version for version in KNOWN if find(version)]


@functools.cache
def search_path() -> tuple[Path, ...]:
    """Return the folders that may contain interpreters.

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
    """Return the Pythons that this machine has, or all if it has none: the stage then reports what is missing."""
    return [version for version in CORES[core] if version in found()] or list(CORES[core])
