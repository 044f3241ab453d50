# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks of a playbook: check the run, work on each environment, report on all of them, and fail some of them.

A function takes the action that runs the task, whose option `task` names it, and returns the result of the task.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

from ansible import context

from ...module_utils._errors import ErrorList
from ...module_utils._model.file import read_text
from ...module_utils._text import with_full_stop
from .._reports import environment, plan_file
from .._reports.finding import DRIFT_GATE, VIOLATION_GATE
from .._reports.overview import head_lines
from .._reports.pieces import pieces
from .._reports.texts import json_text, plain
from .._run.action import kept_warnings
from . import destination, final_report
from .action import Action, Result, failed, now, refused
from .apply import apply, definitions_of, policy_of
from .check import NewRun, dests, run_errors, switch_in
from .export import export, write_dest
from .variables import AUDITED, types

# A relaunch has the variables of the first launch.
_AGAIN = (
    "Check again, and have the new plan approved. In AWX, launch the workflow again, not the failed job: a relaunch "
    "keeps the plan ids, and is refused again."
)


def check_run(action: Action) -> Result:
    """Check the whole run before the first request: the variables of every host, the files and the inventory.

    The option `playbook` is the name of the playbook. The result has `id`, which is different for each run, and
    `began`, its time. Raises ValidationError with all that is wrong.
    """
    playbook = str(action.args["playbook"])
    _check_inventory(action)
    hosts = [str(host) for host in action.task_vars["ansible_play_hosts"]]
    # Of all other variables, such as passwords, the check needs only the names.
    needed = {*types(playbook), "ansible_connection", "mstr_base_url", "mstr_session"}
    by_host = {
        host: {**values, **action.default_variables()} for host, values in action.of_hosts(hosts, needed).items()
    }
    run = NewRun(
        playbook=playbook,
        hosts=by_host,
        extra=action.extra_vars(),
        check_mode=action.check_mode,
        environ=action.environment(on_control_node=True),
        remote_environ=action.environment(on_control_node=False),
        started_in=action.started_in,
    )
    with ErrorList() as errors:
        errors.add(*run_errors(run))
    return {"changed": False, "id": uuid4().hex, "began": now()}


def _check_inventory(action: Action) -> None:
    if action.task_vars["groups"]["all"]:
        return
    # A play without hosts would end with the exit status 0. If Ansible cannot parse an inventory, it only warns.
    sources = [path for path in action.task_vars.get("ansible_inventory_sources") or () if Path(path).exists()]
    why = "there is no inventory."
    if sources:
        named = " and ".join(sources)
        why = f"the inventory {named} has no hosts, or Ansible cannot parse it. Its warnings above say why."
    remedy = "Start this playbook with -i INVENTORY, where each host is one environment."
    raise refused(f"There are no environments: {why} {remedy}")


def work(action: Action) -> Result:
    """Do the work of a playbook or role on one environment, with the options from its variables.

    The option `task` names it. `result` is the variable with the results of the other hosts. With it, the task never
    fails: it returns `error` and a report, and the playbook fails after the report on all environments. Without it, as
    in the role, it returns the result of the module, whether or not it failed.
    """
    task = str(action.args["task"])
    if not action.in_playbook:
        return _WORK_OF_ROLE[task](action)
    run_id = action.run_id()
    try:
        result = _WORK[task](action)
    except Exception as exc:  # one environment that fails does not stop the others
        result = action.failure(exc)
    return {**_reported(action, task, result), "run": run_id}


def _apply_approved(action: Action) -> Result:
    """The result of an apply; of an approved plan, if there is one, which is compared by its id."""
    of_file = _plan_of_file(action)
    approved = of_file or _handed_on_plan(action)
    if approved is None:
        return apply(action)
    result = apply(action, approved.plan_id)
    if not result.get("failed") or result.get("plan_id") in (None, approved.plan_id):
        return result
    if of_file is None:
        return {**result, "msg": f"{result['msg']} {_AGAIN}"}
    rechecked = result if action.check_mode else apply(action, check_mode=True)
    differences = plan_file.differences_of(environment.applied(action.host, rechecked, check_mode=True))
    return {**result, "msg": plan_file.refusal(approved, differences)}


def _plan_of_file(action: Action) -> plan_file.ApprovedPlan | None:
    """The approved plan of a file; None without one."""
    src = action.non_empty("mstr_plan_src")
    if src is None:
        return None
    path = action.path_of(src)
    try:
        return plan_file.plan_of(read_text(path), action.host, action.server())
    except ValueError as exc:
        raise refused(with_full_stop(f"mstr_plan_src {path} {exc}")) from None


def _handed_on_plan(action: Action) -> plan_file.ApprovedPlan | None:
    """The approved plan of the host, of which a check has handed on the id; None if nothing was handed on.

    Raises ValidationError if there is no plan for the host, or one for a different server.
    """
    plan_ids = action.value("mstr_runtimes_plan_ids")
    if plan_ids is None:
        return None
    # Between two jobs of AWX, a text of digits may become a number.
    by_host = {str(host): str(approved) for host, approved in plan_ids.items()}
    plan_id, _separator, server = by_host.get(action.host, "").partition(plan_file.ON_SERVER)
    if not plan_id:
        raise refused(
            f"mstr_runtimes_plan_ids has no plan for {action.host}, so nothing was changed there: its check failed, "
            f"had a limit without it, or was sliced (job_slice_count), and only one slice hands on its plans. {_AGAIN}"
        )
    server_now = action.server()
    if server and server_now and server != server_now:
        raise refused(
            f"The plan is different: approved for {server}, now {action.host} is {server_now}. Nothing was written. "
            f"{_AGAIN}"
        )
    return plan_file.ApprovedPlan(plan_id)


def audit(action: Action) -> Result:
    """The result of mstr_audit, with the definitions and the policy of the host."""
    options = {**definitions_of(action), **action.options(AUDITED), **policy_of(action)}
    return action.run_module("mstr_audit", options)


def probe(action: Action) -> Result:
    """The result of mstr_probe, and the file with its record."""
    dest = action.own_path("mstr_probe_dest")
    result = action.run_module("mstr_probe", {})
    if result.get("failed"):
        return result
    # Also in check mode, which makes a record without writes.
    write_dest("mstr_probe_dest", dest, json_text(plain(result["record"])) + "\n")
    return {**result, "dest": dest, "msg": f"{result['msg']}\nthe record is in {dest}"}


def _reported(action: Action, task: str, result: Result) -> Result:
    """The result of the task for the report. It does not fail."""
    error = str(result.get("msg")) if result.get("failed") else None
    shown = {key: result[key] for key in ("warnings", "deprecations", "diff", "dest") if result.get(key)}
    shown |= {"changed": bool(result.get("changed")), "msg": result.get("msg"), "error": error}
    if task in _REPORTED:
        shown |= _REPORTED[task](action, result)
    return shown


def _audited(action: Action, result: Result) -> Result:
    """The report on an audit, and the `error` of an environment that has to fail because of what was found."""
    if "outcome" not in result:  # it failed before its task began, so that only this is known
        report = environment.audited(action.host, {**result, "failed": True}, {})
        return {"report": report.packed()}
    report = environment.from_result(result)._replace(server=action.server())
    reported: Result = {"report": report.packed()}
    if not result.get("failed"):
        gates = [name for name in (VIOLATION_GATE, DRIFT_GATE) if switch_in(action.value(name))]
        if report.fails(gates):
            reported["error"] = next(head_lines(report, predicted=True))
    return reported


def _applied(action: Action, result: Result) -> Result:
    report = environment.applied(action.host, result, action.check_mode, kept_warnings())
    report = report._replace(server=None if result.get("failed") else action.server())
    line = next(head_lines(report, action.check_mode), "")
    return {"msg": line, "error": report.message, "report": report.packed(), "backup": result.get("backup")}


_REPORTED: dict[str, Callable[[Action, Result], Result]] = {"apply": _applied, "audit": _audited}


def report_run(action: Action) -> Result:
    """Report on a whole run: write the files, and return the `texts` to show and the `errors` by host.

    Options: `playbook`, its name, and `result`, the variable with the results of the hosts.
    """
    playbook, variable = (str(action.args[name]) for name in ("playbook", "result"))
    run_id = action.run_id()
    hosts = [str(host) for host in action.task_vars["ansible_play_hosts_all"]]
    hostvars = action.task_vars["hostvars"]
    plan = action.non_empty("mstr_plan_dest") if playbook == "apply" else None
    run = final_report.FinishedRun(
        playbook=playbook,
        results={
            host: final_report.result_of(host, hostvars.raw_get(host).get(variable), run_id, action.check_mode)
            for host in hosts
        },
        generated=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        check_mode=action.check_mode,
        report_paths=[action.path_of(dest) for dest in dests(action.non_empty("mstr_report_dest") or ())],
        plan_path="" if plan is None else action.path_of(plan),
        left_out=bool(context.CLIARGS.get("skip_tags")) or "all" not in context.CLIARGS.get("tags", ["all"]),
    )
    reported = final_report.report_on(run, destination.write)
    statistics = {"data": {"mstr_runtimes_plan_ids": reported.plan_ids}, "per_host": False, "aggregate": False}
    return {
        "changed": False,
        "texts": [*pieces(reported.lines, hosts[0])],
        "errors": reported.errors,
        **({"ansible_stats": statistics} if playbook == "apply" and action.check_mode else {}),
    }


def end(action: Action) -> Result:
    """Fail the host if the report says that it has to fail."""
    # Not as a template: Ansible would walk through the whole report for each host.
    error = action.task_vars["mstr_reported"]["errors"].get(action.host)
    return failed(str(error)) if error else {"changed": False}


_Task = Callable[[Action], Result]
_WORK: dict[str, _Task] = {"apply": _apply_approved, "audit": audit, "export": export, "probe": probe}
_WORK_OF_ROLE: dict[str, _Task] = {"apply": apply, "export": export}
TASKS: dict[str, _Task] = {"check": check_run, "end": end, "report": report_run, **dict.fromkeys(_WORK, work)}
