# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment variables with which tests and tools run: nothing of the caller's that could change a result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dev import paths, pythons

# A developer's own server, Ansible settings and virtual environment stay out of the tests.
_OURS_ALONE = ("ANSIBLE_", "MSTR_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")


def variables(*bins: Path, home: Path | None = None, **extra: str | Path) -> dict[str, str]:
    """For programs of ours; `bins` come first on PATH."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS_ALONE)}
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
        # The simulator is on this machine, whatever proxy leads out of it.
        "NO_PROXY": _no_proxy(os.environ),
        "no_proxy": _no_proxy(os.environ),
    }
    return env | {name: str(value) for name, value in extra.items()}


def for_pip() -> dict[str, str]:
    """For pip: the caller's own environment, since it may say where packages come from."""
    cache = os.environ.get("PIP_CACHE_DIR") or str(paths.CACHE / "pip")
    ours = {"PIP_CACHE_DIR": cache, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**os.environ, **ours}


def _no_proxy(environ: Mapping[str, str]) -> str:
    given = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    return ",".join(filter(None, (given, "127.0.0.1", "localhost", "::1")))
