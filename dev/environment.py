# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment variables for tests and tools, without the caller's variables that could change a result."""

from __future__ import annotations

import os
from pathlib import Path

from dev import paths, pythons

# Tests must not use a developer's server, Ansible settings, virtual environment or proxy: they connect only to servers
# on this machine.
_FOREIGN = ("ANSIBLE_", "MSTR_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
_OUTWARD = {
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NETRC",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
}


def variables(*bins: Path, home: Path | None = None, **extra: str | Path) -> dict[str, str]:
    """Return the variables for our own programs. The folders `bins` come first on PATH."""
    env = {name: value for name, value in os.environ.items() if _stays(name)}
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
    }
    return env | {name: str(value) for name, value in extra.items()}


def for_pip() -> dict[str, str]:
    """Return the variables for pip: the caller's environment, because it may name the package index."""
    cache = os.environ.get("PIP_CACHE_DIR") or str(paths.CACHE / "pip")
    ours = {"PIP_CACHE_DIR": cache, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**os.environ, **ours}


def _stays(name: str) -> bool:
    return not name.startswith(_FOREIGN) and name.upper() not in _OUTWARD
