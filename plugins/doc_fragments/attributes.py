# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the modules support."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict what it would change.
  diff_mode:
    description: Returns what changes, or would change in C(check_mode), when run with C(--diff).
  idempotent:
    description: Does nothing, and reports no change, when what is wanted is already there.
"""

    GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/mstr.library.mstr) in C(module_defaults) to set defaults for all modules of the collection.
    support: full
    membership:
      - mstr.library.mstr
"""
