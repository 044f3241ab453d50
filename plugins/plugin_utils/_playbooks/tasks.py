# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks of a playbook: check the run, work on each environment, report on all of them, and fail some of them.

A function takes the action that runs the task, whose option `task` names it, and returns the result of the task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

from ansible import constants as C  # noqa: N812
from ansible import context
from ansible.errors import AnsibleError

from ...module_utils._errors import ErrorList, ValidationError, ended
from ...module_utils._model.file import read_text
from .._reports import plan_file
from .._reports.environment import environment_report
from .._reports.events import approval_texts
from .._reports.inventory import Sources
from .._reports.since import Earlier, earlier_from
from .._reports.texts import content_of, packed, plain
from .._run.action import kept_warnings, why_failed
from . import backups, destination, export, final_report, playbooks, variables
from .action import Action, Result, failed, refused
from .check import run_errors, values_needed
from .new_run import NewRun, reference_of
from .survey import QUESTIONS, values


def check_run(action: Action) -> Result:
    """Check the whole run before the first request: the variables of every host, the files and the inventory.

    The option `playbook` is the name of the playbook, or `job` or `controller` for those of a controller. The result
    has `id`, which is different for each run, and `began`, its time. Raises ValidationError with all that is wrong.
    """
    playbook = str(action.args["playbook"])
    with ErrorList() as errors:
        if playbook == "controller":
            # It needs no inventory, and has its own checks.
            errors.add(*variables.name_errors(action.task_vars))
        else:
            _check_inventory(action)
            hosts = [str(host) for host in action.task_vars["ansible_play_hosts"]]
            by_host = action.of_hosts(hosts, () if playbook == "job" else values_needed(playbook))
            if playbook == "job":
                errors.add(*variables.name_errors(name for values in by_host.values() for name in values))
            else:
                environs = action.environment(True), action.environment(False)
                run = NewRun(playbook, by_host, action.extra_vars(), action.check_mode, *environs, action.started_in)
                errors.add(*run_errors(run._replace(options=action.command_line())))
    return {"changed": False, "id": uuid4().hex, "began": backups.now()}


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

    The option `task` is one of `_WORK`. `result` is the variable with the results of the other hosts. With it, the task
    never fails: it returns `error` and a report, and the playbook fails after the report on all environments. Without
    it, as in the role, it returns the result of the module, whether or not it failed.
    """
    task, variable = str(action.args["task"]), action.args.get("result")
    if variable is None:
        return _WORK[task](action)
    run = {"run": action.run_id(), "batch": action.task_vars["ansible_play_batch"][0]}
    if stopped := _why_stopped(action, str(variable), run["run"]):
        return {"changed": False, "stopped": stopped, **run}
    approved = None
    try:
        approved = _approved(action) if task in _WRITES else None
        result = _approved_result(action, task, approved) if approved else _WORK[task](action)
    except (AnsibleError, ValidationError) as exc:
        approved, result = None, failed(why_failed(exc, action.host, action.transport))
    return {**(result if result.get("left_alone") else _reported(action, task, result, approved)), **run}


def _why_stopped(action: Action, variable: str, run: str) -> str | None:
    """Why this batch does not begin. Ansible itself would stop the report, too."""
    batch, hosts = ([str(host) for host in action.task_vars[f"ansible_play_{name}"]] for name in ("batch", "hosts_all"))
    if len(batch) == len(hosts):
        return None
    results = {host: action.result_of(host, variable) for host in hosts if host not in batch}
    earlier = {host: result for host, result in results.items() if result and result.get("run") == run}
    return final_report.why_stopped(earlier, bool(C.config.get_config_value("ANY_ERRORS_FATAL")))


def _approved(action: Action) -> Mapping[str, Any] | None:
    """The approved plan of a file, or in a job of a controller, in the report of the drift check; None without one."""
    if (src := action.non_empty("mstr_plan_src")) is not None:
        path = action.path_of(src)
        try:
            return plan_file.plan_of(read_text(path), action.host, action.server())
        except ValueError as exc:
            raise refused(ended(f"mstr_plan_src {path} {exc}")) from None
    report = plain(action.non_empty("mstr_report"))
    is_checked = isinstance(report, Mapping) and bool(report.get("check_mode"))
    # The report may be a later one, of an apply that failed. The plan is still the only one that was approved.
    if not action.in_job or action.check_mode or not (is_checked or action.non_empty("mstr_plan") is not None):
        return None
    try:
        return plan_file.approved_entry(_checked(action), action.host, action.server())
    except ValueError as exc:
        raise refused(f"The drift check {exc}. Start the workflow again.") from None


def _checked(action: Action) -> list[Any]:
    """The reports of the environments in the drift check before this job."""
    try:
        return list(content_of(str(plain(action.non_empty("mstr_plan"))))["environments"])
    except (KeyError, ValueError):
        raise refused("The artifact mstr_plan was not written by a drift check, so nothing was changed.") from None


def _approved_result(action: Action, task: str, approved: Mapping[str, Any]) -> Result:
    """The result of an approved plan: what the file shows is compared with what would be done now."""
    checked = _WORK[task](action, check_mode=True)
    if not (checked.get("failed") or checked.get("left_alone")):
        now = environment_report(Sources(environment=action.host, applied=checked, check_mode=True))
        in_file = action.non_empty("mstr_plan_src") is not None
        repeat = plan_file.REPEAT if in_file else "Start the workflow again to approve the new plan."
        why = plan_file.refusal(approved, now, repeat)
        if why is None:
            if action.check_mode:
                return checked
            # With the plan of now: the server may change once more before the apply.
            return _WORK[task](action, {"plan_id": str(now["plan_id"])})
        checked = {**checked, **failed(why)}
    if action.check_mode:
        return checked
    # This apply only looked: what it would have done must not be reported as done.
    kept = ("failed", "msg", "error", "plan_id", "warnings", "left_alone")
    return {"changed": False, **{key: checked[key] for key in kept if key in checked}}


def _reported(action: Action, task: str, result: Result, approved: Mapping[str, Any] | None) -> Result:
    """The result of the task for the report. It does not fail."""
    error = str(result.get("msg")) if result.get("failed") else None
    shown = {key: result[key] for key in ("warnings", "deprecations", "diff") if result.get(key)}
    shown |= {"changed": bool(result.get("changed")), "msg": result.get("msg"), "error": error}
    if task in ("export", "probe"):
        return {**shown, "dest": result.get("dest")}
    if task == "audit":
        texts: Result = {key: result[key] for key in ("report", "details") if key in result}
        texts = texts or final_report.reports_of(action.host, {}, action.check_mode, applied=None, read=result)
        gated = action.is_on("mstr_fail_on_difference")
        return {**shown, "error": error or _found_by_gates(action, result), "fail_on_difference": gated, **texts}
    return {**shown, **_written(action, result, approved)}


def _written(action: Action, result: Result, approved: Mapping[str, Any] | None) -> Result:
    sources = Sources(action.host, result, action.check_mode, warnings=kept_warnings(), approved=approved)
    report = environment_report(sources, detail=True)
    backup = {key: result.get(key) for key in ("backup", "backup_artifact", "restored")}
    report.update(server=None if result.get("failed") else action.server(), backup=backup["backup"])
    texts = packed(report)
    if not playbooks.wants_details(action):
        del texts["details"]
    fails_on_drift = action.check_mode and action.is_on("mstr_fail_on_drift")
    return {"msg": report["lines"][0], "error": final_report.apply_error(report, fails_on_drift), **texts, **backup}


def _found_by_gates(action: Action, audited: Result) -> str | None:
    """Why an environment has to fail because of what the audit found; None if it has not."""
    gates = {"violations": "mstr_fail_on_violation", **dict.fromkeys(("differing", "moved"), "mstr_fail_on_drift")}
    on = {count for count, name in gates.items() if action.is_on(name)}
    if any(audited["counts"][count] for count in on):
        return str(audited["msg"])
    # Nobody knows whether the runtimes that are missing from the list violate the policy.
    return audited["incomplete"] if "violations" in on else None


def report_run(action: Action) -> Result:
    """Report on a whole run: write the files, and return the `texts` to show and the `errors` by host.

    Options: `playbook`, its name, and `result`, the variable with the results of the hosts.
    """
    playbook, variable = (str(action.args[name]) for name in ("playbook", "result"))
    run_id, used = action.run_id(), variables.types(playbook)
    hosts = [str(host) for host in action.task_vars["ansible_play_hosts_all"]]
    reports = playbooks.report_paths(action) if "mstr_report_dest" in used else []
    plan = action.non_empty("mstr_plan_dest") if "mstr_plan_dest" in used else None
    run = final_report.FinishedRun(
        playbook=playbook,
        results={
            host: final_report.result_of(host, action.result_of(host, variable), run_id, action.check_mode)
            for host in hosts
        },
        generated=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        check_mode=action.check_mode,
        options=action.command_line(),
        reports=reports,
        plan="" if plan is None else action.path_of(plan),
        left_out=bool(context.CLIARGS.get("skip_tags")) or "all" not in context.CLIARGS.get("tags", ["all"]),
        page=action.in_job,
        job=str(action.non_empty("awx_job_id") or ""),
        earlier=_earlier(action, reports) if "mstr_audit_since" in used else None,
        reference=reference_of(action.non_empty("mstr_audit_compare"), hosts) if playbook == "audit" else None,
    )
    final = final_report.run_report(run, destination.write)
    statistics = {"data": dict(final.statistics), "per_host": False, "aggregate": False}
    return {
        "changed": False,
        # A controller cuts the output of an event, so a job shows the report as several.
        "texts": [text for text in ("\n".join(final.lines), *final.events) if text],
        "errors": final.errors,
        **({"ansible_stats": statistics} if final.statistics else {}),
    }


def _earlier(action: Action, reports: Sequence[str]) -> Earlier | None:
    """The earlier audit in a file that this run writes again; None without one."""
    since = action.non_empty("mstr_audit_since")
    path = "" if since is None else action.path_of(since)
    if path in reports and Path(path).exists():
        with suppress(ValueError):  # the audit of an environment has reported it
            return earlier_from(read_text(path))
    return None


def end(action: Action) -> Result:
    """Fail the host if the report says that it has to fail."""
    # Not as a template: Ansible would walk through the whole report for each host.
    error = action.task_vars["mstr_reported"]["errors"].get(action.host)
    return failed(str(error)) if error else {"changed": False}


def write(action: Action) -> Result:
    """Write a file of the control node for its owner.

    Options: `variable`, which names the file, and its `text`, or the artifact of a backup, `packed`.
    """
    variable, packed = action.args["variable"], action.args.get("packed")
    try:
        text = str(plain(action.args["text"] if packed is None else content_of(packed)["text"]))
    except (KeyError, ValueError):
        raise refused("The artifact mstr_backups of the earlier job was not written by a job.") from None
    path = action.path_of(action.value(variable))
    with ErrorList() as errors:
        errors.add(*destination.dest_errors(variable, path))
    changed = destination.Stat.local(path).checksum != destination.checksum(text.encode())
    if changed and not action.check_mode:
        try:
            destination.write(path, [text], private=True)
        except OSError as exc:
            raise refused(f"{variable} {path} could not be written: {exc.strerror}.") from None
    return {"changed": changed, "dest": path}


def survey(action: Action) -> Result:
    """Return the `answers` to the survey of a job template, each with the `variable` that it sets and its `value`."""
    with ErrorList() as errors:
        errors.add(*variables.name_errors(action.task_vars))
    answers = {key: plain(action.task_vars.get(f"mstr_survey_{key}")) for key in QUESTIONS}
    inventory = {name: plain(action.value(name)) for name in ("mstr_runtimes_purge_limit", "mstr_runtimes_policy")}
    found = values(answers, inventory, action.extra_vars())
    return {"changed": False, "answers": [{"variable": name, "value": value} for name, value in found.items()]}


def approval(action: Action) -> Result:
    """Return what somebody has to see who approves the report of a drift check, in `texts`."""
    page = "The artifact mstr_report_page of the drift check"
    return {"changed": False, "texts": approval_texts(_checked(action), True, page)}


_WRITES = ("apply", "restore")
_WORK: dict[str, Callable[..., Result]] = {
    "apply": playbooks.apply,
    "audit": playbooks.audit,
    "export": export.export,
    "export_text": export.export_text,
    "probe": playbooks.probe,
    "restore": playbooks.restore,
    "smoke_test": playbooks.smoke_test,
}
TASKS: dict[str, Callable[[Action], Result]] = {
    "approval": approval,
    "check": check_run,
    "end": end,
    "report": report_run,
    "survey": survey,
    "write": write,
    **dict.fromkeys(_WORK, work),
}
