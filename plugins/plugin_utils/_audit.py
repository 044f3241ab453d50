# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit of one environment, as one task of the playbook mstr.library.audit.

The task checks the variables, reads all runtimes, compares them with the definitions, and returns its report as text.
Ansible starts a process for each task of each host, and walks through every value of a result several times. Both
together would take most of the time of an audit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.mstr.library.plugins.action import mstr_runtime_info, mstr_runtimes
from ansible_collections.mstr.library.plugins.filter.variable_faults import variable_faults
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._errors import ErrorList, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import INCOMPLETE

from ._reports import environment, evaluation, serialize
from ._reports.inventory import Sources
from ._run import role_names
from ._run.action import AUDIT_SWITCH, ActionModule

# The options of the modules, each with its variable.
CONNECTION = {option: f"mstr_{option}" for option in auth.argument_spec()}
DEFINITIONS = {"runtimes": "mstr_runtimes", "src": "mstr_runtimes_src"}
COMPARED = {option: f"mstr_runtimes_{option}" for option in ("purge", "wait", *role_names.OPTIONS)}
_PATHS = ("ca_path", "client_cert", "client_key", "src")
# An empty password is a password, and an empty approval is an error.
_MAY_BE_EMPTY = ("password", "plan_id")
# Variables that must be true or false. Ansible's filter `bool` would read a misspelled `true` as false.
_SWITCHES = ("mstr_audit_scripts", "mstr_fail_on_drift", "mstr_fail_on_violation", "mstr_replace_delete")

Result = dict[str, Any]


def check(
    policy: Any, accepted: Any, fail_on_violation: Any, fail_on_drift: Any, compares: bool
) -> tuple[dict[str, Any], Sequence[evaluation.Acceptance]]:
    """The rules of the policy, and the accepted violations. Raises ValidationError with all errors of an audit."""
    with ErrorList() as errors:
        rules = errors.check(evaluation.rules_of, policy, place="mstr_runtimes_policy")
        readable = not errors.found
        acceptances = errors.check(evaluation.acceptances_from, accepted)
        if errors.check(_is_on, "mstr_fail_on_violation", fail_on_violation) and readable and not rules:
            errors.add(
                "mstr_fail_on_violation is set, but mstr_runtimes_policy has no rule, so nothing would be judged. Set "
                "mstr_runtimes_policy, or remove mstr_fail_on_violation."
            )
        if errors.check(_is_on, "mstr_fail_on_drift", fail_on_drift) and not compares:
            errors.add(
                "mstr_fail_on_drift is set, but neither mstr_runtimes nor mstr_runtimes_src has definitions, so "
                "nothing would be compared. Set one of them, or remove mstr_fail_on_drift."
            )
    return rules, acceptances


def _is_on(name: str, value: Any) -> bool:
    if value is None or value == "":
        return False
    try:
        return bool(boolean(value))
    except TypeError:
        raise ValidationError([f"{name} must be true or false, not {str(value)!r}"]) from None


def result_of(action: ActionModule, task_vars: Result) -> Result:
    """The result of the task: `report` and `details` for the filter `report_file`, and `error`.

    `error` is the message with which the environment is to fail after the report; None if it is not to fail. The task
    itself fails if there is nothing to report, because the name of a variable is wrong, or because Ansible cannot
    reach the host.
    """
    try:
        return _Audit(action, task_vars).result()
    except ValidationError as exc:
        return _failed(exc.sentence)
    except AnsibleConnectionFailure as exc:
        return _failed(
            f"Ansible cannot reach {task_vars['inventory_hostname']} with {action.transport} ({exc}). Each host is one "
            "environment, and the modules usually run on the controller. Set ansible_connection: local and "
            'ansible_python_interpreter: "{{ ansible_playbook_python }}" for all hosts of the inventory.'
        )


def _failed(message: str) -> Result:
    return {"failed": True, "changed": False, "msg": message}


def _incomplete(read: Mapping[str, Any]) -> str | None:
    """Why the list of all runtimes may be incomplete; None if it is complete, or could not be read."""
    known = read.get("failed") or any(one["is_default"] for one in read.get("runtimes") or ())
    return None if known else f"{INCOMPLETE}, like this report"


class _Audit:
    """The audit of one host, with its variables."""

    def __init__(self, action: ActionModule, task_vars: Result) -> None:
        self._action, self._task_vars = action, task_vars
        self._definitions: Result = {}
        self._policy: Result = {}
        self._accepted: Sequence[evaluation.Acceptance] = ()

    def result(self) -> Result:
        """See `result_of`."""
        names = [name for name in self._task_vars if name.startswith("mstr_") and name != AUDIT_SWITCH]
        errors = variable_faults(names, {name: self._value(name) for name in _SWITCHES})
        if errors:
            raise ValidationError(errors)
        read = self._unless_invalid(self._read)
        ends = bool(read.get("failed"))
        applied = self._unless_invalid(self._compared) if self._definitions and not ends else None
        sources = Sources(
            environment=str(self._task_vars["inventory_hostname"]),
            applied=applied,
            check_mode=True,
            read=read,
            incomplete=_incomplete(read),
            policy={} if ends else self._policy,
            accepted=self._accepted,
            today=datetime.now(timezone.utc).date(),
        )
        report = environment.environment_report(sources, detail=True)
        # The report that a workflow passes on must stay small. The details are only for a file.
        short = {key: value for key, value in report.items() if key != "inventory"}
        wanted = self._value("mstr_report_dest") or self._value("mstr_report_artifact")
        warnings = [one for result in (read, applied or {}) for one in result.get("warnings") or ()]
        return {
            "changed": False,
            "msg": report["lines"][0],
            "error": self._error(report),
            "report": serialize.text_of(short),
            "details": serialize.text_of(report) if wanted else None,
            **({"warnings": warnings} if warnings else {}),
        }

    @staticmethod
    def _unless_invalid(work: Callable[[], Result]) -> Result:
        """The result of `work`, also if it fails because of a variable."""
        try:
            return work()
        except AnsibleConnectionFailure:
            raise
        except (ValidationError, AnsibleError) as exc:
            return _failed(str(exc))

    def _read(self) -> Result:
        policy, accepted = self._value("mstr_runtimes_policy"), self._value("mstr_audit_accept")
        self._definitions = self._options(DEFINITIONS)
        gates = (self._value("mstr_fail_on_violation"), self._value("mstr_fail_on_drift"))
        self._policy, self._accepted = check(policy, accepted, *gates, compares=any(self._definitions.values()))
        options = {"policy": policy or None, "include_scripts": _is_on("", self._value("mstr_audit_scripts"))}
        return self._run(mstr_runtime_info.ActionModule, {**self._options(CONNECTION), **options})

    def _compared(self) -> Result:
        if len(self._definitions) > 1:
            raise ValidationError(["Set only one of mstr_runtimes and mstr_runtimes_src; both are set."])
        options = {**self._options(CONNECTION), **self._definitions, **self._options(COMPARED)}
        return self._run(mstr_runtimes.ActionModule, options, **{role_names.SWITCH: True})

    def _run(self, plugin: type[ActionModule], options: Result, **switches: bool) -> Result:
        return self._action.run_other(plugin, options, {**self._task_vars, AUDIT_SWITCH: False, **switches})

    def _error(self, report: Mapping[str, Any]) -> str | None:
        if report["message"]:
            return str(report["message"])
        gates = {"violations": "mstr_fail_on_violation", "differing": "mstr_fail_on_drift"}
        on = {key for key, name in gates.items() if _is_on(name, self._value(name))}
        if any(report["counts"][key] for key in on):
            return str(report["lines"][0])
        # Nobody knows whether the runtimes that are missing from the list break the policy.
        return report["incomplete"] if "violations" in on else None

    def _value(self, name: str) -> Any:
        """The value of a variable, None if it is not set. Raises AnsibleError if its template is invalid."""
        value = self._task_vars.get(name)
        return None if value is None else self._action.templated(value)

    def _options(self, names: Mapping[str, str]) -> Result:
        """The options of a module, each from its variable. Null and empty ones are left to the module."""
        given = {option: self._value(name) for option, name in names.items()}
        # Modules run in the directory of the playbook. People mean the directory in which they started it.
        started_in = os.path.realpath(".")
        return {
            option: os.path.join(started_in, os.path.expanduser(str(value))) if option in _PATHS else value
            for option, value in given.items()
            if value is not None and (value != "" or option in _MAY_BE_EMPTY)
        }
