# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What a person decides: which plan is carried out, and whether unfinished replacements are recovered."""

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
  recover:
    description:
      - Whether to undo or finish a replacement that an earlier run did not finish, before everything else.
      - If the list of runtimes shows one, such as C(Forecasts (replaces 3B9A…\)), that a definition means by its name,
        its previous name or the old runtime, the definition is refused without this option, because another run may be
        at work. The message says since when it exists, and how to end it by hand. Other definitions are carried out.
      - While the old runtime exists, its scripts go back to it, and the second runtime is deleted. If the old one is
        gone, scripts that still name it are assigned to the second one, which then takes its name.
      - Set it only when no other run is at work. A definition is refused if not every script can be read, if a script
        with a secret would be moved, or if another runtime has the name by now.
    type: bool
    default: false
    version_added: 1.0.0
"""
