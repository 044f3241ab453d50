# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Rules on networks."""

    DOCUMENTATION = r"""
options:
  policy:
    description:
      - Rules for the networks that a whitelist may contain. By default, there are no rules.
      - A task that writes checks the definitions before the login, and fails if one breaks a rule. With
        C(purge_whitelist=false), it also checks the blocks that stay on the server, before it writes.
      - An IPv6 block is also checked as the IPv4 networks that it contains, mapped (V(::ffff:0:0/96)) or as NAT64
        (V(64:ff9b::/96)). Therefore V(::/0) in a whitelist overlaps every IPv4 network. In a rule, V(::/0) means only
        IPv6.
      - If O(policy.networks_within) is set and a write leaves a whitelist empty, the task warns, because some servers
        may treat an empty whitelist as "all networks". Set O(policy.whitelist_required) to make the task fail instead.
    type: dict
    suboptions:
      networks_within:
        description:
          - Networks in CIDR notation. Every block of a whitelist must lie inside them, taken together.
          - An empty list allows no block at all. If omitted, there is no such rule.
        type: list
        elements: str
      networks_never:
        description: Networks in CIDR notation. No block of a whitelist may overlap any of them.
        type: list
        elements: str
      whitelist_required:
        description:
          - Whether an empty whitelist breaks the policy. If V(true), a task fails instead of clearing a whitelist or
            creating a runtime without one.
        type: bool
        default: false
"""
