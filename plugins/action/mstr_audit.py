# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.mstr.library.plugins.action import mstr_runtime_info, mstr_runtimes
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import INCOMPLETE
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment, evaluation, serialize
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from ansible_collections.mstr.library.plugins.plugin_utils._reports.since import Earlier, earlier_from
from ansible_collections.mstr.library.plugins.plugin_utils._run import action, role_names

DEFINITIONS = ("runtimes", "src")
# What an apply refuses for the sake of what exists. For an audit it is a finding, and must not hide the others.
_GUARDS = ("purge_limit", "protect_used", "protect_projects")
# The options of both modules, of mstr_runtime_info alone and of mstr_runtimes alone.
_COMMON = (*auth.argument_spec(), "policy", "concurrency")
_READ = (*_COMMON, "include_scripts", "include_tasks", "projects")
_COMPARED = (
    *_COMMON,
    *DEFINITIONS,
    "scripts",
    "purge",
    "purge_exclude",
    *_GUARDS,
)
OPTIONS = tuple(dict.fromkeys((*_READ, *_COMPARED, "since", "detail")))

Result = dict[str, Any]


class ActionModule(action.ActionModule):
    """Audits one environment. Ansible starts a process for each task of each host; an audit is one task."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read all runtimes, compare them with the definitions, and return counts, findings and the report."""
        known = task_vars or {}
        options = {name: value for name, value in self._task.args.items() if value is not None}
        unknown = [name for name in options if name not in OPTIONS]
        if unknown:
            supported = ", ".join(sorted(OPTIONS))
            return _failed(f"mstr_audit has no option {' and no option '.join(unknown)}. Its options are {supported}.")
        if self._task.async_val:
            return _failed("mstr_audit runs other modules and waits for them. Remove async and poll from the task.")
        try:
            detail = bool(boolean(options.get("detail", False)))
        except TypeError:
            return _failed(f"detail must be true or false, not {str(options['detail'])!r}")
        sources, refusals = self._sources(options, known)
        report = environment.environment_report(sources, detail=True)
        report["lines"] += [f"{sources.environment}: an apply would be refused: {refusal}" for refusal in refusals]
        return _result(report, sources, detail)

    def _sources(self, options: Mapping[str, Any], task_vars: Result) -> tuple[Sources, list[str]]:
        """What was found, and why an apply of the same definitions would be refused."""
        rules: Result = {}
        since = None
        try:
            rules = evaluation.rules_of(options.get("policy"))
            since = _earlier(str(options["since"])) if options.get("since") else None
            if all(name in options for name in DEFINITIONS):
                by_role = task_vars.get(role_names.SWITCH) is True
                names = [f"mstr_{'' if name == 'runtimes' else 'runtimes_'}{name}" for name in DEFINITIONS]
                raise ValidationError(
                    [f"Set only one of {' and '.join(names if by_role else DEFINITIONS)}; both are set."]
                )
            found = self._run_module(mstr_runtime_info.ActionModule, _of(_READ, options), task_vars)
        except ValidationError as exc:
            found = _failed(str(exc))
        failed = bool(found.get("failed"))
        applied = None
        refusals: list[str] = []
        if not failed and any(name in options for name in (*DEFINITIONS, "scripts")):
            compared = _of(_COMPARED, options)
            applied = self._run_module(mstr_runtimes.ActionModule, dict(compared), task_vars)
            # A task that was refused says what it would do otherwise. Any other failure would only come again.
            if applied.get("failed") and "plan_id" in applied and any(name in compared for name in _GUARDS):
                guarded = str(applied["msg"]).splitlines()
                unguarded = {name: value for name, value in compared.items() if name not in _GUARDS}
                applied = self._run_module(mstr_runtimes.ActionModule, unguarded, task_vars)
                others = str(applied["msg"]).splitlines() if applied.get("failed") else ()
                refusals = [line for line in guarded if line not in others]
        sources = Sources(
            environment=str(task_vars["inventory_hostname"]),
            applied=applied,
            check_mode=True,
            read=found,
            incomplete=_incomplete(found),
            policy={} if failed else rules,
            today=datetime.now(timezone.utc).date(),
            since=since,
        )
        return sources, refusals

    def _run_module(self, plugin: type[action.ActionModule], options: Result, task_vars: Result) -> Result:
        """The result of another module of this collection with these options, in check mode.

        If Ansible cannot run it, it is a failed one, for the report.
        """
        task = self._task.copy(exclude_parent=True)
        task.action = plugin.__module__.replace(".plugins.action.", ".").partition(".")[2]
        task.args, task.check_mode, task.diff = options, True, False
        other = plugin(task, self._connection, self._play_context, self._loader, self._templar, self._shared_loader_obj)
        try:
            return other.run(None, task_vars)
        except AnsibleConnectionFailure as exc:
            return _failed(
                f"Ansible cannot reach {task_vars['inventory_hostname']} with {self._connection.transport} ({exc}). "
                "Each host is one environment, and the modules usually run on the control node. Set "
                "ansible_connection: local and "
                'ansible_python_interpreter: "{{ ansible_playbook_python }}" for all hosts of the inventory.'
            )
        except AnsibleError as exc:
            return _failed(str(exc))


def _of(names: tuple[str, ...], options: Mapping[str, Any]) -> Result:
    return {name: options[name] for name in names if name in options}


def _earlier(path: str) -> Earlier:
    """The earlier report in a file of the control node. Raises ValidationError."""
    file = Path(path).expanduser().absolute()
    try:
        return earlier_from(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ValidationError([f"since '{file}' cannot be read: {exc.strerror}"]) from None
    except UnicodeDecodeError:
        raise ValidationError([f"since '{file}' is not UTF-8 text"]) from None
    except ValueError as exc:
        raise ValidationError([f"since '{file}' {exc}"]) from None


def _failed(message: str) -> Result:
    return {"failed": True, "changed": False, "msg": message}


def _incomplete(read: Mapping[str, Any]) -> str | None:
    """Why the list of all runtimes may be incomplete; None if it is complete, or could not be read."""
    known = read.get("failed") or any(runtime["is_default"] for runtime in read.get("runtimes") or ())
    return None if known else f"{INCOMPLETE}, like this report"


def _result(report: Result, sources: Sources, detail: bool) -> Result:
    warnings = [text for result in (sources.read, sources.applied) for text in (result or {}).get("warnings") or ()]
    # Ansible walks through every value of a result several times. A text is one value.
    short = {key: value for key, value in report.items() if key != "inventory"}
    message = report["message"]
    return {
        "changed": False,
        "failed": message is not None,
        "msg": report["lines"][0] if message is None else message,
        "outcome": report["outcome"],
        "counts": report["counts"],
        "findings": report["lines"][1:],
        "incomplete": report["incomplete"],
        "report": serialize.text_of(short),
        "details": serialize.text_of(report) if detail else None,
        **({"warnings": warnings} if warnings else {}),
    }
