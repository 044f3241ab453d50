# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment, evaluation
from ansible_collections.mstr.library.plugins.plugin_utils._reports.overview import head_lines
from ansible_collections.mstr.library.plugins.plugin_utils._run import action

Result = dict[str, Any]


class ActionModule(action.ActionModule):
    """Audits one environment, and makes findings of what its module has read."""

    main = staticmethod(action.main_of("mstr_audit"))

    def run(self, tmp: Any = None, task_vars: Result | None = None) -> Result:
        """The data of the report. A failed audit has it, too."""
        host = str((task_vars or {})["inventory_hostname"])
        policy: Result = {}
        try:
            if self._task.async_val:
                raise ValidationError(["The report is made on the control node. Remove async and poll from the task."])
            audited = super().run(tmp, task_vars)
            if not environment.failed(audited):
                policy = evaluation.rules_of(self._task.args.get("policy"))
        except (AnsibleError, ValidationError) as exc:
            audited = {"failed": True, "msg": action.why_failed(exc, host, self._connection.transport)}
        report = environment.audited(host, audited, policy, action.kept_warnings())
        rest = {key: value for key, value in audited.items() if key not in ("read", "applied", "refusals")}
        message = report.message or next(head_lines(report, predicted=True))
        return {**rest, **report.to_result(), "changed": False, "failed": report.outcome == "failed", "msg": message}
