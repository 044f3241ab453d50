# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report at the end of a run: its lines, its files, and which hosts have to fail.

Pure: takes the results of the hosts, which `result_of` makes of the result of a task.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from ...module_utils._errors import as_mstr_error
from ...module_utils._text import clean, first_lines, listed
from .._reports import environment, formats, plan_file
from .._reports.console import console_lines, deletion_lines
from .._reports.environment import EnvironmentReport
from .._reports.finding import Json
from .._reports.texts import grouped

_MOST_LINES = 20
_HOST = "{{ inventory_hostname }}"


class Reported(NamedTuple):
    """What the last task of a run shows. `errors`: by host."""

    lines: list[str]
    errors: dict[str, str]
    plan_ids: Mapping[str, str]  # of a check, by host


class FinishedRun(NamedTuple):
    """One run of a playbook. `results`: of each host, in the order of the inventory; None without one."""

    playbook: str
    results: Mapping[str, Json | None]
    generated: str  # time in ISO 8601
    check_mode: bool = False
    report_paths: Sequence[str] = ()
    plan_path: str = ""
    left_out: bool = False  # whether --tags or --skip-tags may have left the work out

    @property
    def reached(self) -> dict[str, Json]:
        """The results of the hosts that have one."""
        return {host: result for host, result in self.results.items() if result}

    @property
    def not_reached(self) -> dict[str, str]:
        """Why the other hosts have none."""
        why = "no task of it ran; the output above says why"
        if self.left_out and not self.reached:
            why = "nothing was applied, because --tags or --skip-tags left the work out"
        return {host: why for host, result in self.results.items() if not result}


def report_on(run: FinishedRun, write: Callable[..., None]) -> Reported:
    """Write the files of a run, and return what else there is to show. `write`: see `destination.write`.

    It does not fail: a file that cannot be made or written is an error of every environment.
    """
    not_reached = [clean(f"{host}: not reached: {why}") for host, why in run.not_reached.items()]
    rest = "and {} more errors; the results have them all"
    errors = {
        host: "\n".join(first_lines(str(result["error"]).splitlines(), _MOST_LINES, rest))
        for host, result in run.reached.items()
        if result.get("error")
    }
    if run.playbook in ("export", "probe"):
        return Reported([*_file_lines(run), *not_reached], errors, {})
    lines, environments = _environment_lines(run)
    failed = _write_files(run, write, environments)
    if failed:
        first = next(iter(failed.values()))
        errors = {**dict.fromkeys(run.results, first), **errors}
    lines = [*not_reached, *lines, *_backup_lines(run), *_written_lines(run, failed), *failed.values()]
    return Reported(lines, errors, _plan_ids(environments))


def _environment_lines(run: FinishedRun) -> tuple[list[str], list[EnvironmentReport]]:
    """The lines about all environments, and what is known of each, without its runtimes to save memory.

    Failures come first, then the deletions of all environments, then what else there is.
    """
    predicted = run.check_mode or run.playbook == "audit"
    failures: list[str] = []
    deletions: list[str] = []
    with_deletions: list[str] = []
    others: list[str] = []
    environments = []
    for found in _environments(run):
        group = with_deletions if found.deletions else others
        if found.outcome == "failed":
            group = failures
        group += console_lines(found, predicted)
        deletions += deletion_lines(found, predicted)
        environments.append(found._replace(runtimes=()))
    return [*failures, *deletions, *with_deletions, *others], environments


def _plan_ids(environments: Iterable[EnvironmentReport]) -> dict[str, str]:
    """The ids of the plans that somebody can approve, each with its server, by environment."""
    return {
        each.environment: f"{each.plan_id}{plan_file.ON_SERVER}{each.server}" if each.server else each.plan_id
        for each in environments
        if each.plan_id and each.outcome != "failed"
    }


def _write_files(
    run: FinishedRun,
    write: Callable[..., None],
    environments: Sequence[EnvironmentReport],
) -> dict[str, str]:
    """Write the files of the report and of the plan. Returns why one was not written, by its path."""
    kind = formats.AUDIT if run.playbook == "audit" else formats.APPLY
    whole = partial(_environments, run)
    report = formats.Report(kind, run.generated, run.check_mode, environments, whole, list(run.not_reached))
    files: dict[str, Callable[[], Iterable[str]]] = {
        path: partial(formats.parts, report, formats.format_of(path, kind)) for path in run.report_paths
    }
    if run.plan_path:
        files[run.plan_path] = lambda: [plan_file.plan_text(environments, run.not_reached, run.generated)]
    failed = {}
    for path, parts_of in files.items():
        try:
            write(path, chain(parts_of(), ["\n"]), private=path == run.plan_path)
        except OSError as exc:
            failed[path] = f"{path} could not be written: {exc.strerror}. A file that was there is unchanged."
        except Exception as exc:  # whatever happens to a file, people see what was written to the servers
            failed[path] = f"{path} was not written. {as_mstr_error(exc).sentence}"
    return failed


def _written_lines(run: FinishedRun, failed: Collection[str]) -> Iterator[str]:
    """Where the files are, and what to do with a plan."""
    yield from (f"Report: {path}" for path in run.report_paths if path not in failed)
    if run.plan_path and run.plan_path not in failed:
        yield f"Plan: {run.plan_path}"
        yield (
            "To apply exactly this plan: the same command without --check, with "
            f"{extra_option('mstr_plan_src', run.plan_path)} in place of mstr_plan_dest"
        )


def _environments(run: FinishedRun) -> Iterator[EnvironmentReport]:
    """What is known of each environment. It is unpacked when it is asked for, to save memory."""
    return (environment.unpacked(result["report"]) for result in run.reached.values())


def result_of(host: str, result: Json | None, run_id: str, check_mode: bool = False) -> Json | None:
    """The result of a host's task in this run; None if the host was not reached.

    The variable may have the result of an earlier run. A task that failed before its action ran has no `run`.
    """
    if not result or result.get("run") == run_id:
        return result
    if result.get("run") is not None or not environment.failed(result):
        return None
    report = environment.applied(host, {**result, "failed": True}, check_mode)
    return {"error": report.message, "report": report.packed()}


def _backup_lines(run: FinishedRun) -> Iterator[str]:
    """The backups of all environments that changed, the way back, and which of them have none."""
    if run.check_mode:
        return
    backups: dict[str, str] = {}
    without = []
    for host, result in run.reached.items():
        # A run that may have written, but cannot say so, has its backup, too.
        if result.get("backup"):
            backups[host] = str(result["backup"])
        elif result.get("changed"):
            without.append(host)
    if without:
        yield f"There is no backup of {listed(without, 5)}, because mstr_runtimes_backup_dest is not set."
    for host, path in backups.items():
        if not run.reached[host].get("changed"):
            yield f"{host} may have been written, because its task did not say what it did."
        yield f"Backup of {host}: {path}"
    yield from _way_back(backups)


def _way_back(backups: Mapping[str, str]) -> Iterator[str]:
    """How to go back. `backups`: the path of each, by host."""
    hosts_by_pattern = grouped((_pattern(host, path), host) for host, path in backups.items())
    for pattern, hosts in hosts_by_pattern.items():
        source = extra_option("mstr_runtimes_src", pattern if len(hosts) > 1 else backups[hosts[0]])
        yield f"To go back: mstr.library.apply with --limit {shlex.quote(','.join(hosts))} {source}"
    if len(backups) > 1:
        yield "In a launch of AWX, name one backup, with its host as the limit: {{ }} is not rendered there."
    if backups:
        yield "The next apply of the definitions undoes that. What this run created stays."


def _file_lines(run: FinishedRun) -> Iterator[str]:
    """The lines of an export or a probe, whose results have a file."""
    for host, result in run.reached.items():
        error = result.get("error")
        lines = str(error or result["msg"]).splitlines()
        prefix = "failed: " if error else ""
        yield from (clean(f"{host}: {prefix}{line}") for line in lines)


def _pattern(host: str, path: str) -> str:
    """The path with a variable in place of the last mention of the host's name."""
    before, name, after = path.rpartition(host)
    return f"{before}{_HOST}{after}" if name else path


def extra_option(name: str, text: str) -> str:
    """The option `-e` for one variable. A text that Ansible would split or convert is written as JSON."""
    option = f"{name}={text}"
    if re.search(r"[\s'\"\\=]", text.replace(_HOST, "")):
        option = json.dumps({name: text}, ensure_ascii=False)
    return f"-e {shlex.quote(option)}"
