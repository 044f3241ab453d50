# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What a person decides: which plan is carried out, and with which comment."""

    DOCUMENTATION = r"""
options:
  journal_comment:
    description: A comment for the change journal. Servers older than release 11.5.0300 may reject it.
    type: str
  plan_id:
    description:
      - The id of the approved plan, which an earlier run returned as C(plan_id), usually in check mode. If the plan of
        this task has a different id, the task fails before it writes anything, in check mode, too. The id belongs to
        one server. A plan that is empty by now is never refused. An empty text is.
    type: str
"""
