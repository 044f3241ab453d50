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
      - V(present) creates the runtime or changes what differs, V(absent) deletes it.
      - The server's built-in default runtime is never deleted.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name. One of O(name) and O(id) is required. Names are compared with case.
      - With O(id) and O(state=present), this is the new name of the runtime. With O(id) and O(state=absent), O(id)
        decides.
      - If several runtimes have the name, the task fails and lists their ids.
      - A name that starts or ends with whitespace, or contains a control character, is refused. If a runtime exists
        whose name differs only in case or in surrounding whitespace, the task warns.
    type: str
  id:
    description:
      - The id, 32 hexadecimal digits in any case. With O(state=present), an unknown id is an error and creates
        nothing.
    type: str
  description:
    description: What the runtime is for.
    type: str
  whitelist:
    description:
      - The networks that scripts may reach, as CIDR blocks. A bare address is the block of that one address. Blanks
        around a block are ignored.
      - An empty list clears the whitelist. If omitted, the whitelist is left as it is.
      - It is not public whether an empty whitelist allows nothing or everything. Test it on your server before you
        clear one.
      - A block with host bits set, such as V(10.10.10.7/24), is refused, because it may allow more or less than you
        mean.
    type: list
    elements: str
  purge_whitelist:
    description: Whether to remove blocks that O(whitelist) does not list. V(false) only adds what is missing.
    type: bool
    default: true
  packages:
    description:
      - The Python packages of the runtime. The server installs them after it has answered; see O(wait).
      - An empty list removes all packages. If omitted, the packages are left as they are.
      - Names are compared in their normalized form, so that C(mstrio_py) equals C(mstrio-py).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the package.
        type: str
        required: true
      version:
        description:
          - The version, in quotes, because YAML reads an unquoted V(2.10) as the number 2.1. A number is refused.
          - If omitted or empty, any version will do, and a new package gets the newest.
        type: str
      description:
        description: What the package is for. Compared only if given.
        type: str
  purge_packages:
    description: Whether to remove packages that O(packages) does not list. V(false) only adds what is missing.
    type: bool
    default: true
  resource:
    description: What a script may use. Only the given keys are compared.
    type: dict
    suboptions:
      cpu:
        description: CPU units. V(0.2) is a fifth of a core.
        type: float
      mem:
        description: Memory in MB.
        type: int
      disk:
        description: Disk, in the server's unit. Newer servers only.
        type: int
      proc_count:
        description: Number of processes. Newer servers only.
        type: int
  exec_timeout:
    description:
      - The longest time that a script may run, in seconds.
      - It is not public whether every server requires it for a new runtime. The vendor's own client always sends
        V(600).
    type: int
  min_cached_instances:
    description:
      - The smallest number of instances that the server keeps ready. At most O(max_cached_instances).
      - If the server does not return the number, it counts as 0.
    type: int
  max_cached_instances:
    description:
      - The largest number of instances that the server keeps ready.
      - If the server does not return the number, it counts as 0.
    type: int
  runtime_version:
    description:
      - The version of Python, such as V(3.10.5), in quotes, because YAML reads an unquoted V(3.10) as the number
        3.1. A number is refused, and so is an empty version.
      - If the server offers a list of its versions, the version must be in it. This is checked before anything is
        written.
    type: str
  others:
    description: Reserved by the vendor.
    type: str
  execution_target:
    description: Where scripts run. Newer servers only.
    type: str
  journal_comment:
    description:
      - A comment for the server's change journal. Sent with a change, never compared.
      - Servers older than 11.5.0300 may refuse it.
    type: str
notes:
  - An option that is omitted or null is not managed. Only the given options are compared, sent and shown in a diff.
requirements:
  - netaddr
"""
