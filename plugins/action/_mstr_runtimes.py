# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the playbooks and the role, and may change at any time. Without its underscore, its name is that of a
# module, because ansible-test wants a documented module for each action.

from __future__ import annotations

# Ansible loads this file once, before it starts the workers, and with it the actions that the steps run.
from ansible_collections.mstr.library.plugins.action import (  # noqa: F401 # pylint: disable=unused-import
    mstr_audit,
    mstr_probe,
    mstr_runtime_info,
    mstr_runtimes,
    mstr_script_run,
)
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.action import Action
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.tasks import TASKS


class ActionModule(Action):
    """Runs one task of a playbook or role; `plugin_utils/_playbooks/tasks.py` has them."""

    tasks = TASKS
