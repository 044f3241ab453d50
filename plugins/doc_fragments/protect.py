# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The guard against deleting a runtime that scripts use."""

    DOCUMENTATION = r"""
options:
  protect_used:
    description:
      - Whether to refuse to delete a runtime that a saved script uses, by C(state=absent) or by a purge.
      - If a script uses a runtime that would be deleted, the task fails before it changes anything, and lists the
        scripts with their projects. It does so in check mode, too.
      - The task also fails if it cannot read a project or a script, because the runtime may then still be in use. By
        default, the ACL of a script gives access to its owner alone, so use an account that may read all scripts.
        The task cannot know of a script or a project that the server hides from the account entirely.
      - If nothing is to be deleted, nothing is looked up. Otherwise the task reads every script in every project, one
        request for each.
    type: bool
    default: false
"""
