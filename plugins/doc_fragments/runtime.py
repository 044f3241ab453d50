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
      - V(present) creates the runtime if it does not exist, and otherwise changes only what differs.
      - V(absent) deletes the runtime if it exists. The task reads it again just before, and fails if it has changed
        since the first time.
      - The built-in default runtime of the server cannot be deleted. The task fails if you try.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name of the runtime. Set O(name), O(id) or both. Names are case-sensitive.
      - If O(id) is set, too, it selects the runtime. With O(state=present), the runtime is renamed to O(name). With
        O(state=absent), O(name) has no effect.
      - If several runtimes have this name, the task fails and lists their ids. Set O(id) then.
      - The name must not start or end with whitespace, or contain a control character.
      - If a different runtime exists whose name differs only in case, in whitespace or in the form of a character, the
        task warns.
    type: str
  id:
    description:
      - The id of an existing runtime, 32 hexadecimal digits in upper or lower case.
      - If no runtime has this id, O(state=present) fails and creates nothing. To create a runtime, set O(name) alone.
    type: str
  description:
    description: A description of the runtime.
    type: str
  whitelist:
    description:
      - The networks that scripts may reach, in CIDR notation, such as V(10.10.10.0/24). An address without a prefix
        length, such as V(192.168.1.1), means this one address. Spaces around an entry are ignored.
      - If omitted, the whitelist stays as it is. An empty list clears it.
      - It is not publicly documented whether an empty whitelist allows no network or all networks. Test this on your
        server before you clear a whitelist.
      - An entry with host bits set, such as V(10.10.10.7/24), is refused, because it is unclear whether it means the
        network or the address. Write V(10.10.10.0/24) for the network, or V(10.10.10.7) for the address.
    type: list
    elements: str
  purge_whitelist:
    description: Whether to remove blocks that O(whitelist) does not list. V(false) only adds the missing ones.
    type: bool
    default: true
  packages:
    description:
      - The Python packages of the runtime. The server installs them after it has responded. Set C(wait=true) to wait
        for that.
      - If omitted, the packages stay as they are. An empty list removes all of them.
      - Names are compared in their normalized form. For example, C(mstrio_py) and C(mstrio-py) are the same package.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the package.
        type: str
        required: true
      version:
        description:
          - The version, such as V("2.10"). Write it in quotes, because YAML reads an unquoted 2.10 as the number 2.1. A
            number is refused.
          - If omitted or empty, an installed package keeps its version, and a new package gets the newest version.
        type: str
      description:
        description: A description of the package. If omitted, the description stays as it is.
        type: str
  purge_packages:
    description:
      - Whether to remove packages that O(packages) does not list. V(false) only adds and updates the listed ones.
    type: bool
    default: true
  resource:
    description: What a script may use. Keys that are omitted stay as they are.
    type: dict
    suboptions:
      cpu:
        description: CPU cores. V(0.2) is a fifth of a core.
        type: float
      mem:
        description: Memory in MB.
        type: int
      disk:
        description: Disk space. The unit is not publicly documented. Only newer servers have this setting.
        type: int
      proc_count:
        description: Number of processes. Only newer servers have this setting.
        type: int
  exec_timeout:
    description:
      - Maximum number of seconds that a script may run.
      - Set it when you create a runtime, because some servers may require it. The vendor's own client always sends
        V(600).
    type: int
  min_cached_instances:
    description:
      - Minimum number of instances that the server keeps ready. It must not exceed O(max_cached_instances).
      - If the server does not return this number, the task treats it as 0.
    type: int
  max_cached_instances:
    description:
      - Maximum number of instances that the server keeps ready.
      - If the server does not return this number, the task treats it as 0.
    type: int
  runtime_version:
    description:
      - The Python version, such as V("3.12.4"). Write it in quotes, because YAML reads an unquoted 3.10 as the number
        3.1. A number and an empty version are refused.
      - If the server returns a list of its Python versions and this version is not in it, the task fails before it
        writes anything.
    type: str
  others:
    description: A setting that is reserved by the vendor.
    type: str
  execution_target:
    description: Where scripts run. Only newer servers have this setting.
    type: str
  journal_comment:
    description:
      - A comment for the change journal of the server. The task sends it with each change, but never compares it.
      - Servers older than release 11.5.0300 may reject it.
    type: str
  previous_names:
    description:
      - Names that the runtime had before. If no runtime has O(name) and exactly one has such a name, that one is
        renamed, so that a rename can be written once for many servers, whose ids differ. The previous name must match
        exactly.
      - If a runtime has O(name) and a different one has a previous name, nothing is renamed. The task warns, and a
        purge spares the old one.
      - Cannot be combined with O(id), nor with O(state=absent).
    type: list
    elements: str
  replace_on_change:
    description:
      - A list of options, such as V([runtime_version, packages]), or V(true) for all but O(name). If one of them
        differs, the runtime is not changed in place. Instead, the task creates a second runtime beside it, as a copy
        with what is new, whose name says what it replaces, such as V(Forecasts (replaces 3B9A…\)). It waits until that
        is ready, runs O(smoke_test) on it, assigns all scripts of the old runtime to it, deletes the old one, and gives
        its name to the new one.
      - A runtime that is found under a name in O(previous_names) is replaced in the same way. V(name) itself is refused
        in the list, because a different name never needs a second runtime.
      - The task needs to read every script in every project. If it cannot, it changes nothing. If a step fails before
        the old runtime is deleted, the task undoes the replacement, and the old runtime stays in use. After a signal or
        an outage nothing is undone; see O(recover).
      - A script with a variable that holds a secret is not moved, because what is read of a secret may be a mask, and
        the replacement is refused. List such a script under C(scripts) of M(mstr.library.mstr_runtimes) to move it
        without its variables.
      - The owner and the permissions (ACL) of the old runtime are not carried over, nor settings that this collection
        does not know. The task names them in a warning. With a policy, all of the copy must comply with it.
      - The built-in default runtime cannot be replaced. Cannot be combined with O(id), nor with O(state=absent).
    type: raw
  smoke_test:
    description:
      - Python code that tests the runtime once it is ready. It runs after a create or an update, and on the new runtime
        of a replacement. If the code fails, the entry fails, no script is assigned to the runtime, and nothing is
        purged.
      - The code is visible in logs, so it must not contain secrets.
    type: str
notes:
  - An option that is omitted or null is not managed. Only the options that are set are compared, sent and shown in a
    diff.
requirements:
  - netaddr
"""
