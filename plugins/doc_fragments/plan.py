# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What a person decides: which plan is carried out, with which comment, and whether replacements are recovered."""

    DOCUMENTATION = r"""
options:
  journal_comment:
    description: A comment for the change journal. Servers older than release 11.5.0300 may reject it.
    type: str
  plan_id:
    description:
      - The id of the approved plan, which an earlier run returned as C(plan_id), usually in check mode. If the plan of
        this task has a different id, the task fails before it writes anything, in check mode, too. A plan that is empty
        by now is never refused. An empty text is.
    type: str
  recover:
    description:
      - Whether to first undo or finish a replacement that an earlier run left, such as V(Forecasts (replaces 3B9A…\)).
        Without this option, a definition that means it is refused, because another run may be at work.
      - While the old runtime exists, its scripts go back to it, and the second one is deleted. If it is gone, its
        scripts are assigned to the second one, which takes its name. It is refused if not every script can be read, if
        a script with a secret would be moved, or if another runtime has the name.
    type: bool
    default: false
"""
