# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepares runs of ansible-core for all folders of tests, and selects the caller's variables for such a run.

dev/pytests.py sets the variables that show where everything is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

COLLECTIONS = os.environ.get("MSTR_TEST_COLLECTIONS", "")
# A developer's own server, controller and Ansible settings.
_FOREIGN = ("ANSIBLE_", "CONTROLLER_", "MSTR_", "TOWER_")
# With MSTR_TEST_WAY=module all tasks run as modules, as if ansible-playbook could not run them in its own process.
_AS_MODULES = {
    "ANSIBLE_VARS_ENABLED": "host_group_vars,as_module",
    "ANSIBLE_VARS_PLUGINS": str(Path(__file__).parent / "vars"),
}
# Tests read standard output, so Ansible prints no recurring notices and no colours.
_QUIET = {
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_NOCOWS": "true",
    "ANSIBLE_RETRY_FILES_ENABLED": "false",
}


def own_variables(**more: str) -> dict[str, str]:
    """Return the caller's variables without those that name a real server or change how Ansible works."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)} | more


def programs() -> Path:
    """Return the folder of the newest ansible-core's programs. Its Python has requests and netaddr."""
    return Path(os.environ["MSTR_TEST_ANSIBLE_BIN"])


def environment(
    home: Path, *, programs: Path | None = None, collections: Sequence[str | Path] | None = None, **more: str
) -> dict[str, str]:
    """Return the variables for a program of ansible-core that writes its files below `home`.

    `programs`: a folder that comes first on PATH. `collections`: the folder of the collections, by default only ours.
    """
    path = {} if programs is None else {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    ansible = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, collections or (COLLECTIONS,))),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
    }
    way = _AS_MODULES if os.environ.get("MSTR_TEST_WAY") == "module" else {}
    return own_variables(**path, **_QUIET, **ansible, **way) | more
