# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The projects in which scripts are looked up."""

    DOCUMENTATION = r"""
options:
  projects:
    description:
      - A list of names or ids of the projects to search for scripts. By default, all that the user may use. A warning
        says that scripts outside these projects were not looked at.
    type: list
    elements: str
"""
