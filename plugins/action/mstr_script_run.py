# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mstr.library.plugins.plugin_utils._run import action


class ActionModule(action.ActionModule):
    """Runs the module of the same name inside ansible-playbook if that changes nothing but the run time."""

    main = staticmethod(action.main_of("mstr_script_run"))
