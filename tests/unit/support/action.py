"""The private action of one environment, without Ansible: what no playbook and no host is needed for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import ClassVar

from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.action import Action


class LocalAction(Action):
    """It runs on the control node, in a run of one host. A subclass has `run_module`."""

    check_mode, transport, _templar = False, "local", SimpleNamespace(template=dict, available_variables={})
    args: ClassVar[dict[str, str]] = {"result": "x"}  # of the playbook

    def of_hosts(self, hosts, wanted):
        return {host: {} for host in hosts}

    def server(self):
        return f"https://{self.task_vars['inventory_hostname']}.example.com/L"

    def command_line(self):
        return ["-i inv"]
