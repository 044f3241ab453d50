# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The guard against carrying out a plan that nobody has approved."""

    DOCUMENTATION = r"""
options:
  plan_id:
    description:
      - The id of the approved plan, which an earlier run returned as C(plan_id), usually in check mode.
      - If the plan of this task has a different id, because the server or the definitions changed, the task fails
        before it writes anything, and says what the plan is now. It does so in check mode, too. A plan that is empty by
        now, such as after the approved one was applied, is never refused.
      - An empty text is refused, because it is often a variable without a value.
    type: str
    version_added: 1.0.0
"""
