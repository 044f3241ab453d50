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
      - Rules on what a runtime may have. By default, there are no rules.
      - A task that writes checks the definitions before the login, and fails if one violates a rule that
        O(policy.exemptions) does not exempt it from. It evaluates only what a definition manages. Where an exemption by
        id may apply, it checks after it has read the list of runtimes, but before the first write.
      - Before it writes, the task also checks what stays on the server, such as the blocks that stay with
        C(purge_whitelist=false), the packages that stay with C(purge_packages=false), and the version of a package that
        is listed without one.
      - An entry that a rule cannot read violates the rule, such as a host name in a whitelist, or a URL in place of the
        name of a package.
      - If O(policy.networks_within) is set and a write leaves a whitelist empty, the task warns, because some servers
        may treat an empty whitelist as "all networks". Set O(policy.whitelist_required) to make the task fail instead.
    type: dict
    suboptions:
      networks_within:
        description:
          - Networks in CIDR notation inside which, taken together, every block of a whitelist must lie.
          - An empty list allows no block at all. If omitted, there is no such rule.
        type: list
        elements: str
      networks_never:
        description:
          - Networks in CIDR notation that no block of a whitelist may overlap.
          - An IPv6 block is also evaluated as the IPv4 networks that it contains, mapped (V(::ffff:0:0/96)) or as NAT64
            (V(64:ff9b::/96)). Therefore V(::/0) in a whitelist overlaps every IPv4 network. In a rule, V(::/0) means
            only IPv6.
        type: list
        elements: str
      whitelist_required:
        description:
          - Whether an empty whitelist violates the policy. If V(true), a task fails instead of clearing a whitelist or
            creating a runtime without one.
        type: bool
        default: false
      networks_required:
        description:
          - Networks in CIDR notation that every whitelist must include, such as the address of the Library server.
            Each of them must lie inside the blocks of the whitelist, taken together.
          - An empty whitelist includes nothing, and a runtime that is created without a whitelist has an empty one.
        type: list
        elements: str
      packages_within:
        description:
          - The allowed packages. Each package of a runtime must match one of these requirements.
          - A requirement is a package name, or a pattern of names with C(*) and C(?), such as V(company-*). Names are
            compared in their normalized form and without extras, so V(Company_Tools[x]) is V(company-tools).
          - It may end with version specifiers as in PEP 440, such as V(requests>=2.32,<3). A package without a version
            does not match such a requirement. Specifiers need the Python library packaging where the module runs.
          - An empty list allows no package at all. If omitted, there is no such rule.
        type: list
        elements: str
      packages_never:
        description:
          - The forbidden packages. No package of a runtime may match one of these requirements, such as
            V(requests<2.32). They have the same form as in O(policy.packages_within).
          - A package without a version cannot be compared with specifiers. This is not a violation;
            M(mstr.library.mstr_runtime_info) and audits list such packages as not evaluated. Set
            O(policy.package_versions_required) to refuse them.
          - A version that PEP 440 cannot read violates the rule if a requirement with specifiers names the package.
        type: list
        elements: str
      packages_required:
        description:
          - The packages that every runtime must have. A package must match each of these requirements, such as
            V(mstrio-py>=11.5). They have the same form as in O(policy.packages_within), so a package without a version
            matches no requirement with specifiers.
          - A runtime that is created without packages has none, even if the server adds a package by itself.
        type: list
        elements: str
      package_versions_required:
        description: Whether a package without a version violates the policy.
        type: bool
        default: false
      runtime_versions_within:
        description:
          - The allowed Python versions, as specifiers of PEP 440 such as V(==3.11.*) or V(>=3.10,<3.13). The version of
            a runtime must match one of them. A version that is not set is not evaluated.
          - Write a list, even for a single entry. A text is refused, because Ansible would split it at its commas.
          - They need the Python library packaging where the module runs.
        type: list
        elements: str
      python_days_left:
        description:
          - The number of days for which the Python of a runtime must still be supported, counted in UTC up to the last
            day of its support. V(0) requires a Python that has not ended.
          - The installed Python is evaluated where C(include_installed=true) has read it, and otherwise the version
            that is set. A version that is not set is not evaluated. A version that is newer than this
            collection knows is not a violation; M(mstr.library.mstr_runtime_info) and audits list it as not evaluated.
          - A definition violates this rule from a certain day on, although nobody changed it. An exemption in
            O(policy.exemptions) gives you time until its last day.
        type: int
      resource_max:
        description:
          - The largest allowed resources, timeout and number of cached instances. Only the given keys are evaluated,
            and only where the runtime has a value.
        type: dict
        suboptions:
          cpu:
            description: CPU cores.
            type: float
          mem:
            description: Memory in MB.
            type: int
          disk:
            description: Disk space, in the unit of the server.
            type: int
          proc_count:
            description: Number of processes.
            type: int
          exec_timeout:
            description: Number of seconds that a script may run.
            type: int
          max_cached_instances:
            description: Number of cached instances.
            type: int
      exemptions:
        description:
          - Violations that do not count, each with a reason and a last day. They are returned as C(exempted), and every
            report shows them.
          - After the last day, the violation counts again, and its message says that the exemption expired.
          - An exemption that exempts nothing is a finding of an audit.
        type: list
        elements: dict
        suboptions:
          runtime:
            description:
              - The name or the id of a runtime, or a pattern of names with C(*) and C(?). Case and whitespace do not
                matter.
              - A runtime that the task renames counts under its new name, and one that it creates has no id yet.
              - An exemption of the id of a runtime also holds for its replacement, until that has its name. Write the
                new id afterwards; an audit names it.
            type: str
            required: true
          rule:
            description: The rule, such as V(networks_within). If omitted, the exemption is from every rule.
            type: str
          value:
            description:
              - The value, such as V(0.0.0.0/0), V(requests==2.31.0), V(requests) for all of its versions, or V(8192).
                If omitted, every value is exempted.
            type: str
          reason:
            description: Why this is not a violation.
            type: str
            required: true
          until:
            description:
              - The last day of the exemption as a date in UTC, such as V(2026-12-31).
              - Put it in quotes. Before ansible-core 2.19, a template cannot contain a date without quotes.
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
