# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def first_sentence(description: str | list[str]) -> str:
    """The first sentence of a description."""
    first = description if isinstance(description, str) else description[0]
    return re.split(r"(?<=\.) (?=[A-Z])", " ".join(first.split()))[0]


def in_short(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same options, each with one sentence, for a page that refers to the one with all of them."""
    return {
        name: {
            key: first_sentence(value) if key == "description" else in_short(value) if key == "suboptions" else value
            for key, value in option.items()
        }
        for name, option in options.items()
    }


class ModuleDocFragment:
    """The options that define one runtime."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - Whether the runtime is to exist. The built-in default runtime cannot be deleted.
      - With V(absent), only O(name) and O(id) count; the other options of the runtime are checked and ignored.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name of the runtime. Set O(name), O(id) or both; with both, O(id) selects the runtime, and O(state=present)
        renames it to O(name). Case counts.
      - If several runtimes have this name, the task fails and lists their ids. If the name of a different runtime
        differs only in case, in whitespace or in the form of a character, the task warns.
    type: str
  id:
    description: The id of an existing runtime. It has 32 hexadecimal digits. With an unknown id, V(present) fails.
    type: str
  description:
    description: A description of the runtime.
    type: str
  whitelist:
    description:
      - The networks that scripts may reach. Write CIDR notation, such as V(10.10.10.0/24). A network with host bits
        set, such as V(10.10.10.7/24), is refused; write V(10.10.10.7) for the one address.
      - An empty list clears the whitelist. It is not documented whether scripts then reach nothing or everything.
    type: list
    elements: str
  purge_whitelist:
    description: Whether to remove unlisted networks.
    type: bool
    default: true
  packages:
    description:
      - The Python packages of the runtime. The server installs them after it has responded. An empty list removes all.
        Names are compared in their normalized form, so C(mstrio_py) and C(mstrio-py) are the same.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the package.
        type: str
        required: true
      version:
        description:
          - The version, in quotes. Without one, an installed package keeps its version, and a new one
            gets the newest.
        type: str
      description:
        description: A description of the package.
        type: str
  purge_packages:
    description: Whether to remove unlisted packages.
    type: bool
    default: true
  resource:
    description: What a script may use.
    type: dict
    suboptions:
      cpu:
        description: CPU cores. V(0.2) is a fifth of a core.
        type: float
      mem:
        description: Memory in MB.
        type: int
      disk:
        description: Disk space, in the unit of the server. Only newer servers have it.
        type: int
      proc_count:
        description: Number of processes, on newer servers.
        type: int
  exec_timeout:
    description: Seconds that a script may run. Some servers require it for a create.
    type: int
  min_cached_instances:
    description: How many instances the server keeps ready.
    type: int
  max_cached_instances:
    description: How many instances it may keep ready.
    type: int
  runtime_version:
    description:
      - The Python version, in quotes. If the server returns a list of versions without it, the task
        fails before it writes anything.
    type: str
  others:
    description: Reserved by the vendor.
    type: str
  execution_target:
    description: Where scripts run. Only newer servers have it.
    type: str
  previous_names:
    description:
      - Names that the runtime had before. If no runtime has O(name) and exactly one has such a name, that one is
        renamed. If both exist, the task warns, and a purge spares the old one. Cannot be combined with O(id).
    type: list
    elements: str
  smoke_test:
    description:
      - Python code that tests the runtime. It runs once the runtime is ready, after a create or an update, and before
        the same task assigns a script to the runtime. If it fails, the entry fails, no script is assigned to the
        runtime, and nothing is deleted. Logs show the code.
      - V(true) tests that each package of the runtime is installed, and that its modules can be imported.
    type: raw
notes:
  - An option that is omitted or null is not managed. Only the options that are set are compared, sent and shown in a
    diff.
requirements:
  - netaddr
"""
