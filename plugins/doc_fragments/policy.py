# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import yaml
from ansible_collections.mstr.library.plugins.doc_fragments.runtime import in_short


class ModuleDocFragment:
    """Rules on what a runtime may have, and the same in short for each page but that of mstr_runtime."""

    DOCUMENTATION = r"""
options:
  policy:
    description:
      - Rules on what a runtime may have.
      - A task that writes fails before the login if a definition violates a rule without an exemption, and before the
        first write if what stays on the server does, such as networks with C(purge_whitelist=false). It evaluates only
        what a definition manages. What a rule cannot read violates it, such as a host name in a whitelist.
    type: dict
    suboptions:
      networks_within:
        description: Networks that contain all allowed ones. An empty list allows none at all.
        type: list
        elements: str
      networks_never:
        description:
          - Networks that none may overlap. An IPv6 network also stands for the IPv4 networks that
            it contains, mapped (V(::ffff:0:0/96)) or as NAT64 (V(64:ff9b::/96)). In a rule, V(::/0) means only IPv6.
        type: list
        elements: str
      whitelist_required:
        description:
          - Whether a whitelist must have entries, because it is not documented whether an empty one allows nothing or
            everything. A new runtime needs one, too. By default V(true) with C(networks_within) or C(networks_never).
        type: bool
      networks_required:
        description: Networks that all must include. Put the address of the Library server here.
        type: list
        elements: str
      packages_within:
        description:
          - The allowed packages. Each must match one of these requirements, such as V(requests>=2.32,<3) or
            V(company-*), which are names or patterns, optionally with specifiers of PEP 440. A package without a
            version matches no specifier. An empty list allows no package at all.
        type: list
        elements: str
      packages_never:
        description:
          - The forbidden packages. A package without a version cannot be compared with
            specifiers; it is no violation, but not evaluated. A version that PEP 440 cannot read violates the rule.
        type: list
        elements: str
      packages_required:
        description: The packages that all must have.
        type: list
        elements: str
      package_versions_required:
        description: Whether each package needs a version. V(latest) is not a version.
        type: bool
        default: false
      runtime_versions_within:
        description:
          - The allowed Python versions. Write a list of specifiers, such as V(==3.11.*), of which one must match. In
            both rules on Pythons, the installed one counts where it was read, and a new runtime must have a
            C(runtime_version).
        type: list
        elements: str
      python_days_left:
        description:
          - Minimum days of upstream support left. V(0) requires a Python that has not ended. A version that this
            collection does not know is not evaluated.
        type: int
      resource_max:
        description: The largest allowed values. Only what a runtime has is evaluated.
        type: dict
        suboptions:
          cpu:
            description: CPU cores.
            type: float
          mem:
            description: Memory in MB.
            type: int
          disk:
            description: Disk space.
            type: int
          proc_count:
            description: Number of processes.
            type: int
          exec_timeout:
            description: Seconds that a script may run.
            type: int
          max_cached_instances:
            description: Number of cached instances.
            type: int
      exemptions:
        description:
          - Violations that do not count. They are returned as C(exempted), and every
            report shows them. After the last day, the violation counts again.
        type: list
        elements: dict
        suboptions:
          runtime:
            description:
              - Name, pattern of names, or id of a runtime. Case and whitespace do not matter. A renamed runtime counts
                under its new name. An id also stands for the replacement of its runtime, until that has the name.
            type: str
            required: true
          rule:
            description: The rule. By default, every rule.
            type: str
          value:
            description: The value. By default, any. V(requests) means all of its versions.
            type: str
          reason:
            description: Why this is not a violation.
            type: str
            required: true
          until:
            description: The last day, in UTC. Put it in quotes.
            type: str
            required: true
requirements:
  - packaging, only if a rule of O(policy) has specifiers
"""


_SHORT = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)
_SHORT["options"] = in_short(_SHORT["options"])
_SHORT["options"]["policy"]["description"] += (
    " O(mstr.library.mstr_runtime#module:policy) describes each of them in full."
)
ModuleDocFragment.SHORT = json.dumps(_SHORT)  # type: ignore[attr-defined]
