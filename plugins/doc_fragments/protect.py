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
      - Whether to protect runtimes that a saved script uses from being deleted, by C(state=absent) or by a purge.
      - If a script uses a runtime that would be deleted, the task fails before it changes anything, in check mode, too,
        and lists the scripts with their projects. If it has written or waited in the meantime, it searches again just
        before it deletes.
      - The task also fails if it cannot read a project or a script. It cannot find what the server hides from the
        account. By default, only its owner has access to a script, so use an account that may read all scripts.
      - Only if a runtime would be deleted, the task reads every script in every project, one request for each script.
    type: bool
    default: false
  protect_projects:
    description:
      - The names or ids of the projects that O(protect_used) searches for scripts. If not set, it searches every
        project that the account can use, and refuses the deletion if one of them is not loaded or cannot be read.
      - A script in any other project does not protect its runtime, and then fails or runs on a different one.
      - Write a list, even for a single project. A text is refused, because names may contain commas.
      - Requires O(protect_used=true). A project that the server does not list for the account is refused.
    type: list
    elements: str
"""
