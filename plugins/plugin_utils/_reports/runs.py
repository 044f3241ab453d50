# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts of a runtime in reports: who uses it, on which schedule, and how the last runs ended.

Takes `scripts` as `mstr.library.mstr_runtime_info` returns them, with or without their tasks. A server may hold
anything, so nothing here relies on the form of a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

Json = Mapping[str, Any]

_NAMES = 10
_FAILED = {"failed": "failed", "error": "failed", "timeout": "timed out", "timed_out": "timed out"}


def name_of(thing: Any) -> str:
    """The name of a script, a project, an owner or a schedule, its id without a name."""
    if isinstance(thing, Mapping):
        return str(thing.get("name") or thing.get("id") or "")
    return str(thing or "")


def _tasks(script: Json) -> list[Json]:
    """The planned tasks of a script; none if they were not looked up."""
    tasks = script.get("tasks")
    return [task for task in tasks if isinstance(task, Mapping)] if isinstance(tasks, Sequence) else []


def schedules(script: Json) -> list[str]:
    """The names of the schedules on which a script runs. An expired task does not run either."""
    today = datetime.now(timezone.utc).date().isoformat()
    running = [
        task
        for task in _tasks(script)
        if task.get("active") and not (task.get("expiration") and str(task["expiration"])[:10] < today)
    ]
    return [name_of(task.get("schedule")) or name_of(task) for task in running]


def last_runs(script: Json) -> Iterator[tuple[str, str]]:
    """The time and the status of the last runs that are known: of the script itself and of its tasks."""
    runs = [(script.get("last_run"), "time"), *((task.get("last_run"), "time_triggered") for task in _tasks(script))]
    for run, key in runs:
        if isinstance(run, Mapping) and run.get("status"):
            yield str(run.get(key) or ""), str(run["status"])


def last_run(script: Json) -> str:
    """The latest of these runs, such as `success 2026-11-25`; empty if unknown."""
    time, status = max(last_runs(script), default=("", ""))
    return f"{status} {time[:10]}".strip()


def failed_runs(runtime: Json) -> list[str]:
    """A rest of a sentence about the runtime for each script whose last run failed or timed out."""
    found = []
    for script in runtime["scripts"] or ():
        time, status = max(last_runs(script), default=("", ""))
        how = _FAILED.get(status.lower())
        if how is None:
            continue
        limit = runtime.get("exec_timeout")
        allowed = f"; its exec_timeout is {limit} s" if how == "timed out" and limit is not None else ""
        on = f" on {time[:10]}" if time else ""
        found.append(f"the last run of {_label(script)} {how}{on}{allowed}")
    return found


def _label(script: Json) -> str:
    project = name_of(script.get("project"))
    return f"{name_of(script)!r}{f' in {project!r}' if project else ''}"


def usage(scripts: Any) -> str:
    """Who uses a runtime that goes: `used by 3 scripts, 2 of them on a schedule: 'Load' in 'Sales' (nightly, …)`."""
    if scripts is None:
        return "which scripts use it is unknown"
    if not scripts:
        return "no script uses it"
    scheduled = sum(1 for script in scripts if schedules(script))
    number = len(scripts)
    names = [_script(script) for script in scripts[:_NAMES]]
    more = f" and {number - _NAMES} more" if number > _NAMES else ""
    planned = f", {scheduled} of them on a schedule" if scheduled else ""
    return f"used by {number} script{'' if number == 1 else 's'}{planned}: {', '.join(names)}{more}"


def _script(script: Json) -> str:
    run = last_run(script)
    details = [*schedules(script), *([f"last run {run}"] if run else [])]
    known = ", ".join(details)
    return f"{_label(script)} ({known})" if known else _label(script)
