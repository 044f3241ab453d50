"""Makes every task run as a module, without changes to the tested playbooks and inventories."""

from __future__ import annotations

from ansible.plugins.vars import BaseVarsPlugin

DOCUMENTATION = """
name: as_module
short_description: Set mstr_in_process to false
description: Sets mstr_in_process to false for all hosts.
"""


class VarsModule(BaseVarsPlugin):
    REQUIRES_ENABLED = True

    def get_vars(self, loader, path, entities):
        return {"mstr_in_process": False}
