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
      - Which networks no definition may open. A definition that breaks a rule is refused before the login.
        Blocks that stay on the server (C(purge_whitelist=false)) are judged before the write.
      - An IPv6 block is also judged by the IPv4 networks that it contains as mapped addresses (V(::ffff:0:0/96)) and as
        NAT64 (V(64:ff9b::/96)). So V(::/0) in a whitelist overlaps every IPv4 network. V(::/0) in a rule means IPv6.
      - A write that leaves the whitelist empty while O(policy.networks_within) is given warns, because some servers may
        read an empty whitelist as "everything". O(policy.whitelist_required) refuses it.
    type: dict
    suboptions:
      networks_within:
        description: CIDR blocks. Every block of a whitelist must lie inside the union of these. Empty allows none.
        type: list
        elements: str
      networks_never:
        description: CIDR blocks. No block of a whitelist may overlap one of these.
        type: list
        elements: str
      whitelist_required:
        description:
          - Whether an empty whitelist breaks the policy. If V(true), the task refuses to clear a whitelist, and to
            create a runtime without one.
        type: bool
        default: false
"""
