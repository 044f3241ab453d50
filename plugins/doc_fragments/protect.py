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
      - Whether to protect runtimes that a saved script uses from being deleted, by C(state=absent) or by a purge. The
        task then fails before it changes anything, in check mode, too, and lists the scripts with their projects.
      - It also fails if it cannot read a project or a script, so use an account that may read all of them. With
        V(false), check mode warns of the scripts that lose their runtime.
    type: bool
    default: true
"""
