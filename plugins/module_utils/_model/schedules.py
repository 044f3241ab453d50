# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses a runtime, in words: its scripts, on which schedules they run, and how the last runs ended.

Takes scripts as `mstr.library.mstr_runtime_info` returns them, with or without their tasks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from .._text import counted, listed

Json = Mapping[str, Any]


def name_of(thing: Any) -> str:
    """The name of a script, a project, an owner or a schedule, its id without a name."""
    if isinstance(thing, Mapping):
        return str(thing.get("name") or thing.get("id") or "")
    return str(thing or "")


def label_of(script: Json) -> str:
    """The script with its project, for a sentence."""
    project = name_of(script.get("project"))
    return f"{name_of(script)!r}{f' in {project!r}' if project else ''}"


def schedule_names(script: Json, today: date | None = None) -> list[str]:
    """The names of the schedules on which a script may run. A task whose state is not known may run.

    Without `today`, those of every task, also of one that is known to be off: what a server says of it may be wrong.
    """
    tasks = [task for task in script.get("tasks") or () if today is None or not _is_off(task, today)]
    return [name_of(task.get("schedule")) or name_of(task) for task in tasks]


def _is_off(task: Json, today: date) -> bool:
    last_day = str(task.get("expiration"))[:10]
    is_day = re.fullmatch(r"\d{4}-\d\d-\d\d", last_day) is not None
    return task.get("active") is False or (is_day and last_day < today.isoformat())


class LastRun(NamedTuple):
    """A run of a script or of one of its tasks. What is not known is an empty text."""

    time: str = ""
    status: str = ""
    message: str = ""


def last_run(script: Json) -> tuple[str, str]:
    """The time and the status of the latest known run of the script or of its tasks; empty texts without one."""
    runs = [_run(script.get("last_run"), "time"), *_runs_of_tasks(script)]
    latest = max((run for run in runs if run.status), default=LastRun())
    return latest.time, latest.status


def last_message(script: Json) -> str:
    """The message of the latest run of the tasks of a script. Its own history has none."""
    return max(_runs_of_tasks(script), default=LastRun()).message


def _runs_of_tasks(script: Json) -> list[LastRun]:
    return [_run(task.get("last_run"), "time_triggered") for task in script.get("tasks") or ()]


def _run(last: Json | None, time_key: str) -> LastRun:
    texts = {key: str(value) for key, value in (last or {}).items() if value is not None}
    return LastRun(texts.get(time_key, ""), texts.get("status", ""), texts.get("message", ""))


def used_by(scripts: Sequence[Json], today: date | None = None) -> str:
    """Such as "used by 3 scripts, 2 of them on a schedule: 'Load' in 'Sales' (nightly, last run success 2026-11-25)".

    `scripts`: at least one. Those on a schedule come first. `today`: see `schedules`.
    """
    planned = [script for script in scripts if schedule_names(script, today)]
    others = [script for script in scripts if script not in planned]
    texts = [_text(script, today) for script in (*planned, *others)]
    return f"used by {counted(len(scripts), 'script')}{_on_schedule(scripts, len(planned))}: {listed(texts)}"


def _on_schedule(scripts: Sequence[Json], planned: int) -> str:
    is_partly_unknown = any(script.get("tasks", ()) is None for script in scripts)
    if not planned:
        return ", with unknown schedules" if is_partly_unknown else ""
    least = "at least " if is_partly_unknown else ""
    number = f"{planned} of them " if len(scripts) > 1 else ""
    return f", {least}{number}on a schedule"


def _text(script: Json, today: date | None) -> str:
    time, status = last_run(script)
    details = schedule_names(script, today)
    if status:
        details.append(f"last run {status} {time[:10]}".rstrip())
    return f"{label_of(script)} ({', '.join(details)})" if details else label_of(script)
