# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import INCOMPLETE
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment, evaluation
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from ansible_collections.mstr.library.plugins.plugin_utils._reports.texts import packed
from ansible_collections.mstr.library.plugins.plugin_utils._run import action

Result = dict[str, Any]


class ActionModule(action.ActionModule):
    """Audits one environment, and makes a report of what its module has read."""

    main = staticmethod(action.main_of("mstr_audit"))

    def run(self, tmp: Any = None, task_vars: Result | None = None) -> Result:
        """Counts, findings and the report. A failed audit has a report, too."""
        options, host = self._task.args, str((task_vars or {})["inventory_hostname"])
        try:
            if self._task.async_val:
                raise ValidationError(["The report is made on the control node. Remove async and poll from the task."])
            audited = super().run(tmp, task_vars)
            policy = {} if audited.get("failed") else evaluation.rules_of(options.get("policy"))
        except (AnsibleError, ValidationError) as exc:
            why = action.why_failed(exc, host, self._connection.transport)
            audited, policy = {"failed": True, "msg": why}, {}
        read = audited if audited.get("failed") else audited.pop("read")
        sources = Sources(
            environment=host,
            applied=audited.pop("applied", None),
            check_mode=True,
            read=read,
            incomplete=_incomplete(read),
            policy=policy,
            warnings=[*(audited.get("warnings") or ()), *action.kept_warnings()],
            refusals=audited.pop("refusals", ()),
        )
        report = environment.environment_report(sources, detail=True)
        return {**audited, **_result(report, bool(boolean(options.get("detail") or False, strict=False)))}


def _incomplete(read: Result) -> str | None:
    """Why the list of all runtimes may be incomplete; None if it is complete, or could not be read."""
    shows_all = any(runtime["is_default"] for runtime in read.get("runtimes") or ())
    return None if shows_all or read.get("failed") else f"{INCOMPLETE}, like this report"


def _result(report: Result, detail: bool) -> Result:
    message = report["message"]
    facts = {key: report[key] for key in ("outcome", "counts", "incomplete", "mismatches", "python")}
    facts |= {"changed": False, "failed": message is not None, "findings": report["lines"][1:]}
    # Ansible walks through every value of a result several times. A text is one value.
    texts = packed(report)
    return {
        **facts,
        "msg": report["lines"][0] if message is None else message,
        "report": texts["report"],
        "details": texts["details"] if detail else None,
    }
