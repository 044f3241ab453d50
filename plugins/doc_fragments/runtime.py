# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that define one runtime."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(present) makes the runtime as described, V(absent) deletes it.
      - The built-in default runtime of a server is never deleted.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name. One of O(name) and O(id) is required. Names are compared with case.
      - With O(id) and O(state=present) it is the name that the runtime shall have. With O(state=absent), O(id) decides.
      - Several runtimes of that name are an error that lists their ids.
    type: str
  id:
    description:
      - The id, 32 hex digits in any case. An unknown one is an error for O(state=present), nothing is created.
    type: str
  description:
    description: What the runtime is for.
    type: str
  whitelist:
    description:
      - The networks that scripts may reach, as CIDR blocks. A bare address is the block of that one address.
      - An empty list clears it. An omitted one leaves it alone.
      - Whether an empty whitelist reaches nothing or everything is not public; find out on your server before you
        clear one.
      - A block with host bits set, such as V(10.10.10.7/24), is refused, since it opens more or less than was meant.
    type: list
    elements: str
  purge_whitelist:
    description: Whether blocks that are not listed in O(whitelist) go away. V(false) adds what is missing.
    type: bool
    default: true
  packages:
    description:
      - The Python packages that the runtime has. The server installs them after the task has ended.
      - An empty list clears it. An omitted one leaves it alone.
      - Names are compared in their normal form, C(mstrio_py) is C(mstrio-py).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the package.
        type: str
        required: true
      version:
        description: The version. An omitted or empty one is any, and the newest when the package is new.
        type: str
      description:
        description: What the package is for. Compared only when given.
        type: str
  purge_packages:
    description: Whether packages that are not listed in O(packages) go away. V(false) adds what is missing.
    type: bool
    default: true
  resource:
    description: What a script may use. Only the given keys are compared.
    type: dict
    suboptions:
      cpu:
        description: CPU units, V(0.2) is a fifth of a core.
        type: float
      mem:
        description: Memory in MB.
        type: int
      disk:
        description: Disk, in the unit of the server; newer servers only.
        type: int
      proc_count:
        description: Number of processes; newer servers only.
        type: int
  exec_timeout:
    description:
      - The longest run of a script, in seconds.
      - Whether a server wants it for a new runtime is not public. The vendor's own client always sends V(600).
    type: int
  min_cached_instances:
    description: The least number of instances that the server keeps ready. At most O(max_cached_instances).
    type: int
  max_cached_instances:
    description: The largest number of instances that the server keeps ready.
    type: int
  runtime_version:
    description:
      - The version of Python, such as V(3.10.5).
      - Checked before it is written, where the server offers a list of its versions.
    type: str
  others:
    description: Reserved by the vendor.
    type: str
  execution_target:
    description: Where scripts run; newer servers only.
    type: str
  journal_comment:
    description:
      - A comment for the server's change journal. Sent with a change, never compared.
      - Servers older than 11.5.0300 may refuse it.
    type: str
notes:
  - Omitted and null mean not managed. Only what is given is compared, sent and shown in a diff.
requirements:
  - netaddr
"""
