# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts of a runtime in reports, as of today: who uses it, on which schedule, and which last runs failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._model import usage as words
from ansible_collections.mstr.library.plugins.module_utils._work.api import utc_date

Json = Mapping[str, Any]

_FAILED = {"failed": "failed", "error": "failed", "timeout": "timed out", "timed_out": "timed out"}


def schedules(script: Json) -> list[str]:
    """The names of the schedules on which a script may run."""
    return words.schedules(script, utc_date())


def last_run(script: Json) -> str:
    """The latest run of a script or of its tasks, such as `success 2026-11-25`; empty if unknown."""
    time, status = words.last_run(script)
    return f"{status} {time[:10]}".strip()


def failed_runs(runtime: Json) -> list[str]:
    """A rest of a sentence about the runtime for each script whose last run failed or timed out."""
    found = []
    for script in runtime["scripts"] or ():
        time, status = words.last_run(script)
        how = _FAILED.get(status.lower())
        if how is None:
            continue
        limit = runtime.get("exec_timeout")
        allowed = f"; its exec_timeout is {limit} s" if how == "timed out" and limit is not None else ""
        on = f" on {time[:10]}" if time else ""
        message = words.last_message(script)
        said = f' (server: "{message}")' if message else ""
        found.append(f"the last run of {words.label_of(script)} {how}{on}{said}{allowed}")
    return found


def usage(scripts: Any) -> str:
    """Who uses a runtime that goes: `used by 3 scripts, 2 of them on a schedule: 'Load' in 'Sales' (nightly, …)`."""
    return words.used_by(scripts, utc_date())
