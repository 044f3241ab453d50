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
      - An IPv4-mapped IPv6 block is judged as the IPv4 block that it opens, too.
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
"""
