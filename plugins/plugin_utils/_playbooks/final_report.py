# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report at the end of a run: its lines, its files, and which hosts have to fail.

Pure: takes the results of the hosts, which `result_of` makes of the result of a task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

from ...module_utils._errors import as_mstr_error, clean, listed
from .._reports import environment, formats, plan_file
from .._reports.console import console_lines
from .._reports.environment import Environment
from .._reports.finding import Json
from .new_run import commands, extra_option

_MOST_LINES = 20


class RunReport(NamedTuple):
    """What the run has to show. `errors`: by host."""

    lines: list[str]
    errors: dict[str, str]
    plan_ids: Mapping[str, str] = MappingProxyType({})  # of a check, by host


class FinishedRun(NamedTuple):
    """One run of a playbook. `results`: of each host, in the order of the inventory; None without one."""

    playbook: str
    results: Mapping[str, Json | None]
    generated: str  # time in ISO 8601
    check_mode: bool = False
    options: Sequence[str] = ()  # of the command line, those that a later command needs
    reports: Sequence[str] = ()  # the paths of its files
    plan: str = ""
    left_out: bool = False  # whether --tags or --skip-tags may have left the work out


def run_report(run: FinishedRun, write: Callable[..., None]) -> RunReport:
    """The report of a run of one of the playbooks. `write`: see `destination.write`.

    It does not fail: a file that cannot be made or written is an error of every environment.
    """
    left_out = run.left_out and not any(run.results.values())
    stopped = {host: why for host, result in run.results.items() if (why := _why_not_reached(result, left_out))}
    reached = {host: result for host, result in run.results.items() if result and host not in stopped}
    not_reached = [clean(f"{host}: not reached: {why}") for host, why in stopped.items()]
    errors = {host: _shortened(str(result["error"])) for host, result in reached.items() if result.get("error")}
    if run.playbook in ("export", "probe"):
        return RunReport([*_file_lines(run, reached), *not_reached], errors)
    predicted = run.check_mode or run.playbook == "audit"
    lines: list[str] = []
    environments = []
    for found in _environments(reached):
        lines += console_lines(found, predicted)
        environments.append(found._replace(runtimes=()))
    lines += [*not_reached, *_backup_lines(run, reached)]
    kind = formats.AUDIT if run.playbook == "audit" else formats.APPLY
    whole = partial(_environments, reached)
    report = formats.Run(kind, run.generated, run.check_mode, environments, whole, list(stopped))
    files = {path: partial(formats.parts, report, formats.format_of(path, kind)) for path in run.reports}
    files |= {run.plan: partial(_plan_parts, run, environments, stopped)} if run.plan else {}
    failed = {path: why for path in files if (why := _write_error(write, path, files[path], path == run.plan))}
    lines += [f"Report: {path}" for path in run.reports if path not in failed]
    lines += [f"Plan: {run.plan}", _how_to_apply(run)] if run.plan and run.plan not in failed else []
    lines += failed.values()
    if failed:
        errors = {host: errors.get(host) or next(iter(failed.values())) for host in run.results}
    plan_ids = {each.environment: each.plan_id for each in environments if each.plan_id and each.outcome != "failed"}
    return RunReport(lines, errors, plan_ids)


def _environments(reached: Mapping[str, Json]) -> Iterator[Environment]:
    """What is known of each environment. It is unpacked when it is asked for, to save memory."""
    return (environment.unpacked(result["report"]) for result in reached.values())


def _write_error(
    write: Callable[..., None], path: str, parts_of: Callable[[], Iterable[str]], private: bool
) -> str | None:
    """Why a file was not written; None if it was."""
    try:
        write(path, chain(parts_of(), ["\n"]), private=private)
    except OSError as exc:
        return f"{path} could not be written: {exc.strerror}. A file that was there is unchanged."
    except Exception as exc:  # whatever happens to a file, people see what was written to the servers
        return f"{path} was not written. {as_mstr_error(exc).sentence}"
    return None


def _plan_parts(run: FinishedRun, environments: Sequence[Environment], stopped: Mapping[str, str]) -> Iterator[str]:
    entries = [
        {"environment": host, "outcome": "not reached", "message": f"it was not reached: {why}"}
        for host, why in stopped.items()
    ]
    yield plan_file.plan_text([*(each.to_result() for each in environments), *entries], run.generated)


def _how_to_apply(run: FinishedRun) -> str:
    return (
        "To apply exactly this plan: the same command without --check, with "
        f"{extra_option('mstr_plan_src', run.plan)} in place of mstr_plan_dest"
    )


def result_of(host: str, result: Json | None, run_id: str, check_mode: bool = False) -> dict[str, Any] | None:
    """The result of a host's task in this run; None if the host was not reached.

    The variable may have the result of an earlier run. A task that failed before its action ran has no `run`.
    """
    if not result or result.get("run") not in (None, run_id):
        return None
    if result.get("run") is None:
        if not (result.get("failed") or result.get("unreachable")):
            return None
        report = environment.applied(host, {**result, "failed": True}, check_mode)
        return {"error": report.message, "report": report.packed()}
    return dict(result)


def _why_not_reached(result: Json | None, left_out: bool) -> str | None:
    """Why nothing was done on an environment; None if its task ran."""
    if result:
        return None
    if left_out:
        return "nothing was applied, because --tags or --skip-tags left the work out"
    return "no task of it ran; the output above says why"


def _shortened(error: str) -> str:
    lines = error.splitlines()
    more = [f"and {len(lines) - _MOST_LINES} more errors; the results have them all"]
    return "\n".join(lines[:_MOST_LINES] + more * (len(lines) > _MOST_LINES))


def _backup_lines(run: FinishedRun, reached: Mapping[str, Json]) -> Iterator[str]:
    """The command for the way back of all environments that changed, and which of them have none."""
    changed = {host: result for host, result in reached.items() if result.get("changed")}
    if run.check_mode or not changed:
        return
    backups = {host: str(result["backup"]) for host, result in changed.items() if result.get("backup")}
    without = [host for host in changed if host not in backups]
    if without:
        whose = f" of {listed(without, 5)}" if backups else ""
        yield f"There is no backup{whose}, because mstr_runtimes_backup_dest is not set."
    for command in commands(run.options, "apply", "mstr_runtimes_src", backups):
        yield f"To go back: {command}"
    if backups:
        yield "The next apply of the definitions undoes that. What this run created stays."


def _file_lines(run: FinishedRun, reached: Mapping[str, Json]) -> Iterator[str]:
    """The lines of an export or a probe, whose results have a file."""
    for host, result in reached.items():
        lines = str(result.get("error") or result["msg"]).splitlines() or [""]
        prefix = "failed: " if result.get("error") else ""
        if run.playbook == "probe" and not result.get("error"):
            lines.append(f"the record {'would be' if run.check_mode else 'is'} in {result['dest']}")
        yield from (clean(f"{host}: {prefix}{line}") for line in lines)
