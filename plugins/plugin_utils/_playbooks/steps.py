# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a playbook: check the run, work on each environment, report on all of them, and fail some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

from ansible import constants as C  # noqa: N812
from ansible import context
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.utils.vars import load_extra_vars
from ansible_collections.mstr.library.plugins.module_utils._errors import ErrorList, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.file import read_text
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment as reports
from ansible_collections.mstr.library.plugins.plugin_utils._reports import plan_file
from ansible_collections.mstr.library.plugins.plugin_utils._reports.events import approval_texts
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from ansible_collections.mstr.library.plugins.plugin_utils._reports.serialize import content_of
from ansible_collections.mstr.library.plugins.plugin_utils._reports.since import Earlier, earlier_from
from ansible_collections.mstr.library.plugins.plugin_utils._run.action import kept_warnings, not_connected

from . import check, destination, final_report, new_run, playbooks, task, variables


class Check(task.Action):
    """Checks the whole run before the first request: the variables of every host, the files and the inventory.

    The option `playbook` is the name of the playbook, or `job` or `controller` for those of a controller. It returns
    `id`, which is different for each run.
    """

    def result(self) -> task.Result:
        """The id of the run. Raises ValidationError with everything that is wrong."""
        playbook = str(self._task.args["playbook"])
        if playbook == "controller":
            # It needs no inventory, and has its own checks.
            with ErrorList() as errors:
                errors.add(*variables.name_errors(self.task_vars))
            return {"changed": False}
        self._check_inventory()
        hosts = [str(host) for host in self.task_vars["ansible_play_hosts"]]
        with ErrorList() as errors:
            if playbook == "job":
                names = {name for values in self.of_hosts(hosts, ()).values() for name in values}
                errors.add(*variables.name_errors(names))
            else:
                this_run = new_run.NewRun(
                    playbook,
                    self.of_hosts(hosts, check.values_needed(playbook)),
                    {str(name): task.plain(value) for name, value in load_extra_vars(self._loader).items()},
                    self.check_mode,
                    self.environment(True),
                    self.environment(False),
                    self.started_in,
                    self.command_line(),
                )
                errors.add(*check.run_errors(this_run))
        return {"changed": False, "id": uuid4().hex}

    def _check_inventory(self) -> None:
        if self.task_vars["groups"]["all"]:
            return
        # A play without hosts would end with the exit status 0. If Ansible cannot parse an inventory, it only warns.
        sources = [path for path in self.task_vars.get("ansible_inventory_sources") or () if Path(path).exists()]
        why = "there is no inventory."
        if sources:
            named = " and ".join(sources)
            why = f"the inventory {named} has no hosts, or Ansible cannot parse it. Its warnings above say why."
        raise ValidationError(
            [
                f"There are no environments: {why} Start this playbook with -i INVENTORY, where each host is one "
                "environment."
            ]
        )


class Environment(task.Action):
    """Does the work of a playbook or role on one environment, with the options from its variables.

    The option `step` is audit, or one of `_WRITE` or `_OTHERS`. `result` is the variable with the results of the
    other hosts.
    With `result`, the task never fails: it returns `error` and a report, and the playbook fails after the report on
    all environments. Without it, as in the role, it returns the result of the module, whether or not it failed.
    """

    def result(self) -> task.Result:
        """The result of the task."""
        work = str(self._task.args["step"])
        variable = self._task.args.get("result")
        if variable is None:
            return self._done(work)
        this_run = {"run": self.run_id(), "batch": self.task_vars["ansible_play_batch"][0]}
        stopped = self._stopped(str(variable), this_run["run"])
        if stopped:
            return {"changed": False, "stopped": stopped, **this_run}
        try:
            approved = self._approved() if work in _WRITE else None
            result = self._approved_result(work, approved) if approved else self._done(work)
        except ValidationError as exc:
            approved, result = None, task.failed(exc.sentence)
        except AnsibleConnectionFailure as exc:
            approved, result = None, task.failed(not_connected(self.host, self._connection.transport, exc))
        except AnsibleError as exc:
            approved, result = None, task.failed(str(exc))
        if result.get("left_alone"):
            return {**result, **this_run}
        return {**self._reported(work, result, approved), **this_run}

    def _approved_result(self, work: str, approved: Mapping[str, Any]) -> task.Result:
        """The result of an approved plan: what the file shows is compared with what would be done now."""
        checked = _WRITE[work](self, check_mode=True)
        if checked.get("failed") or checked.get("left_alone"):
            return self._without_rows(checked)
        now = reports.environment_report(Sources(environment=self.host, applied=checked, check_mode=True))
        repeat = (
            plan_file.REPEAT if self.given("mstr_plan_src") else "Start the workflow again to approve the new plan."
        )
        why = plan_file.refusal(approved, now, repeat)
        if why:
            return self._without_rows({**checked, **task.failed(why)})
        # With the plan of now: the server may change once more before the apply.
        return checked if self.check_mode else _WRITE[work](self, str(now["plan_id"]))

    def _without_rows(self, checked: task.Result) -> task.Result:
        """The refusal of an apply that only looked: what it would have done must not be reported as done."""
        kept = ("failed", "msg", "error", "plan_id", "warnings", "left_alone")
        return (
            checked if self.check_mode else {"changed": False, **{key: checked[key] for key in kept if key in checked}}
        )

    def _done(self, work: str) -> task.Result:
        if work == "audit":
            return playbooks.audit(self, self._wants_details)
        return {**_WRITE, **_OTHERS}[work](self)

    @property
    def _wants_details(self) -> bool:
        """Whether the report of the run has every runtime."""
        return self.given("mstr_report_dest") is not None or self.in_job

    def _stopped(self, variable: str, run: str) -> str | None:
        """Why this batch does not begin. Ansible itself would stop the report, too."""
        batch, hosts = (
            [str(host) for host in self.task_vars[f"ansible_play_{name}"]] for name in ("batch", "hosts_all")
        )
        if len(batch) == len(hosts):
            return None
        hostvars = self.task_vars["hostvars"]
        found = {host: hostvars.raw_get(host).get(variable) for host in hosts if host not in batch}
        earlier = {host: result for host, result in found.items() if result and result.get("run") == run}
        return final_report.why_stopped(batch, earlier, bool(C.config.get_config_value("ANY_ERRORS_FATAL")))

    def _approved(self) -> Mapping[str, Any] | None:
        """The approved plan; None if none is required."""
        path = self.given("mstr_plan_src")
        if path is None:
            return self._approved_in_workflow()
        path = new_run.path_of(path, self.started_in)
        try:
            return plan_file.plan_of(read_text(path), self.host, self.server())
        except ValueError as exc:
            raise ValidationError([f"mstr_plan_src {path} {str(exc).rstrip('.')}."]) from None

    def _approved_in_workflow(self) -> Mapping[str, Any] | None:
        """In a job of a controller, the plan in the report of the drift check before it."""
        checked = task.plain(self.given("mstr_report")) if self.in_job else None
        if self.check_mode or not isinstance(checked, Mapping) or not checked.get("check_mode"):
            return None
        try:
            return plan_file.approved_entry(checked.get("environments") or (), self.host, self.server())
        except ValueError as exc:
            raise ValidationError([f"The drift check {exc}. Start the workflow again."]) from None

    def _reported(self, work: str, result: task.Result, approved: Mapping[str, Any] | None) -> task.Result:
        """The result of the task for the report. It does not fail."""
        error = str(result.get("msg")) if result.get("failed") else None
        shown = {key: result[key] for key in ("warnings", "deprecations", "diff") if result.get(key)}
        shown["changed"] = bool(result.get("changed"))
        if work in ("export", "probe"):
            lines = _probe_lines(result, self.check_mode) if work == "probe" and not error else []
            options = self._emptied("mstr_runtimes", "mstr_runtimes_scripts") if work == "export" else []
            found = {"error": error, "msg": result["msg"], "dest": result.get("dest")}
            return {**shown, **found, "lines": lines, "options": options}
        if work == "audit":
            texts = {key: result[key] for key in ("report", "details")} if "report" in result else {}
            texts = texts or final_report.reports_of(self.host, {}, self.check_mode, applied=None, read=result)
            return {**shown, "msg": result["msg"], "error": error or self._found_by_gates(result), **texts}
        warnings = kept_warnings()
        sources = Sources(environment=self.host, applied=result, check_mode=self.check_mode, warnings=warnings)
        if approved:
            number = plan_file.number_of_changes(approved)
            sources = sources._replace(approved=str(approved["plan_id"]), approved_changes=number)
        found = reports.environment_report(sources, detail=True)
        for entry in found["runtimes"] if approved else ():
            if entry.get("scripts", ()) is None:
                # Only a check looks up who uses what goes.
                entry["scripts"] = _scripts_of(approved, str(entry["id"]))
        found["server"] = self.server() if not error else None
        found["backup"] = result.get("backup")
        texts = final_report.packed(found)
        fails_on_drift = self.check_mode and self.is_on("mstr_fail_on_drift")
        return {
            **shown,
            "msg": found["lines"][0],
            "error": final_report.apply_error(found, fails_on_drift),
            "report": texts["report"],
            "details": texts["details"] if self._wants_details else None,
            "backup": result.get("backup"),
            "backup_artifact": result.get("backup_artifact"),
        }

    def _found_by_gates(self, audited: task.Result) -> str | None:
        """Why an environment has to fail because of what the audit found; None if it has not."""
        gates = {"violations": "mstr_fail_on_violation", **dict.fromkeys(("differing", "moved"), "mstr_fail_on_drift")}
        on = {count for count, name in gates.items() if self.is_on(name)}
        if any(audited["counts"][count] for count in on):
            return str(audited["msg"])
        # Nobody knows whether the runtimes that are missing from the list violate the policy.
        return audited["incomplete"] if "violations" in on else None

    def _emptied(self, *names: str) -> list[str]:
        """The options of a command that let none of these variables count. They may be invalid."""
        return [f"-e {name}=" for name in names if variables.is_given(self.task_vars.get(name))]


def _scripts_of(approved: Mapping[str, Any] | None, runtime: str) -> Any:
    """The scripts that the approved plan shows of the runtime with this id; None if it shows none."""
    rows = (approved or {}).get("runtimes") or ()
    return next((row.get("scripts") for row in rows if row.get("id") == runtime), None)


def _probe_lines(result: task.Result, check_mode: bool) -> list[str]:
    """What a person has to know of the answers. Their file has them all, each with its evidence."""
    answers = result["answers"]
    never = [answer["switch"] for answer in answers if str(answer["evidence"]).startswith("Never tried: ")]
    lines = [
        f"the modules do not handle {answer['switch']}: {answer['evidence']}"
        for answer in answers
        if answer.get("handled") is False
    ]
    lines += [f"Never tried: {', '.join(never)}."] if never else []
    return [*lines, f"the answers {'would be' if check_mode else 'are'} in {result['dest']}"]


class Report(task.Action):
    """Reports on a whole run: writes the files, and returns the texts to show and which hosts have to fail.

    Options: `playbook`, its name, and `result`, the variable with the results of the hosts. It does not fail: a file
    that cannot be written is an error of every environment.
    """

    def result(self) -> task.Result:
        """The result of the task: `texts`, and `errors` by host."""
        playbook, variable = (str(self._task.args[name]) for name in ("playbook", "result"))
        run_id = self.run_id()
        hostvars = self.task_vars["hostvars"]
        hosts = [str(host) for host in self.task_vars["ansible_play_hosts_all"]]
        results = {
            host: final_report.result_of(host, hostvars.raw_get(host).get(variable), run_id, self.check_mode)
            for host in hosts
        }
        used = variables.types(playbook)
        reports = playbooks.report_paths(self) if "mstr_report_dest" in used else []
        plan = self.given("mstr_plan_dest") if "mstr_plan_dest" in used else None
        given = final_report.FinishedRun(
            playbook=playbook,
            results=results,
            generated=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            check_mode=self.check_mode,
            options=self.command_line(),
            reports=reports,
            plan="" if plan is None else new_run.path_of(plan, self.started_in),
            left_out=bool(context.CLIARGS.get("skip_tags")) or "all" not in context.CLIARGS.get("tags", ["all"]),
            page=self.in_job,
            job=str(self.given("awx_job_id") or ""),
            earlier=self._earlier(reports) if "mstr_audit_since" in used else None,
        )
        found = final_report.run_report(given)
        unwritten = dict(found.unmade)
        for path, text in found.files.items():
            try:
                destination.write(path, text, private=path == given.plan)
            except OSError as exc:
                unwritten[path] = f"{path} could not be written: {exc.strerror}. A file that was there is unchanged."
        if unwritten:
            written = [path for path in given.reports if path not in unwritten]
            plan = "" if given.plan in unwritten else given.plan
            found = final_report.run_report(given._replace(reports=written, plan=plan))
        lines, errors = [*found.lines, *unwritten.values()], dict(found.errors)
        for sentence in unwritten.values():
            errors = {host: errors.get(host) or sentence for host in hosts}
        statistics = {"data": found.statistics, "per_host": False, "aggregate": False}
        return {
            "changed": False,
            # A controller cuts the output of an event, so a job shows the report as several.
            "texts": [text for text in ("\n".join(lines), *found.events) if text],
            "errors": errors,
            **({"ansible_stats": statistics} if found.statistics else {}),
        }

    def _earlier(self, reports: Sequence[str]) -> Earlier | None:
        """The earlier audit in a file that this run writes again; None without one."""
        since = self.given("mstr_audit_since")
        path = "" if since is None else new_run.path_of(since, self.started_in)
        if path not in reports or not Path(path).exists():
            return None
        with suppress(ValueError):  # the audit of an environment has reported it
            return earlier_from(read_text(path))
        return None


class End(task.Action):
    """Fails the host if the report says that it has to fail."""

    def result(self) -> task.Result:
        """The result of the task."""
        # Not as a template: Ansible would walk through the whole report for each host.
        error = self.task_vars["mstr_reported"]["errors"].get(self.host)
        return task.failed(str(error)) if error else {"changed": False}


class Write(task.Action):
    """Writes a file of the control node for its owner.

    Options: `variable`, which names the file, and its `text`, or the artifact of a backup, `packed`.
    """

    def result(self) -> task.Result:
        """The result of the task. Raises ValidationError."""
        variable, packed = self._task.args["variable"], self._task.args.get("packed")
        try:
            text = str(task.plain(self._task.args["text"] if packed is None else content_of(packed)["text"]))
        except (KeyError, ValueError):
            raise ValidationError(["The artifact mstr_backups of the earlier job was not written by a job."]) from None
        path = new_run.path_of(self.value(variable), self.started_in)
        if error := destination.dest_error(variable, path):
            raise ValidationError([error])
        changed = destination.Stat.local(path).checksum != destination.checksum(text.encode())
        if changed and not self.check_mode:
            try:
                destination.write(path, text, private=True)
            except OSError as exc:
                raise ValidationError([f"{variable} {path} could not be written: {exc.strerror}."]) from None
        return {"changed": changed, "dest": path}


class Approval(task.Action):
    """Returns what somebody has to see who approves the report of a drift check, in `texts`."""

    def result(self) -> task.Result:
        """The result of the task."""
        found = (self.value("mstr_report") or {}).get("environments") or ()
        page = "The artifact mstr_report_page of the drift check"
        return {"changed": False, "texts": approval_texts(task.plain(found), True, page)}


_WRITE: dict[str, Callable[..., task.Result]] = {"apply": playbooks.apply, "restore": playbooks.restore}
_OTHERS: dict[str, Callable[[task.Action], task.Result]] = {
    "export": playbooks.export,
    "export_text": playbooks.export_text,
    "probe": playbooks.probe,
    "smoke_test": playbooks.smoke_test,
}
STEPS: dict[str, type[task.Action]] = {
    "approval": Approval,
    "check": Check,
    "end": End,
    "report": Report,
    "write": Write,
    **dict.fromkeys(("audit", *_WRITE, *_OTHERS), Environment),
}
