# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the modules support."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: In check mode, the task reports what it would change and changes nothing on the server.
  diff_mode:
    description: With C(--diff), the task shows what it changes, or would change in check mode.
  idempotent:
    description: If the server already matches the options, the task changes nothing and reports C(changed=false).
"""

    GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/mstr.library.mstr) in C(module_defaults) to set options for all modules of the collection.
    support: full
    membership:
      - mstr.library.mstr
"""
