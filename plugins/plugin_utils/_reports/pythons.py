# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The branches of Python in environments: until when each is supported, and which runtimes and scripts use it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from ...module_utils._errors import counted, listed
from ...module_utils._model.usage import name_of, schedules
from .evaluation import Json, grouped

# The console names a branch that has at most so many days left.
_SOON = 90
_UNKNOWN: Json = dict.fromkeys(("branch", "end_of_life", "days_left"))
_NOT_LOOKED_UP = "not looked up"
# The columns of the table, beside the environment.
COLUMNS = ("Runtimes", "Scripts", "On a schedule")


def branches_of(runtimes: Iterable[Json], today: date) -> list[dict[str, Any]]:
    """A row for each branch in an inventory, those that end first in front; one for runtimes without a version."""
    present = (({**_UNKNOWN, **(runtime["python"] or {})}, runtime) for runtime in runtimes if runtime["present"])
    groups = grouped((tuple(python.items()), runtime) for python, runtime in present)
    return sorted(({**dict(python), **_users(same, today)} for python, same in groups.items()), key=_order)


def _users(runtimes: Sequence[Json], today: date) -> dict[str, Any]:
    """The number of these runtimes and of their scripts. `scripts` and `scheduled` are None if not all are known."""
    scripts = [script for runtime in runtimes for script in runtime["scripts"] or ()]
    is_known = all(runtime["scripts"] is not None for runtime in runtimes)
    planned = sorted(name_of(script) for script in scripts if schedules(script, today))
    has_tasks = is_known and all(script.get("tasks") is not None for script in scripts)
    return {
        "runtimes": len(runtimes),
        "scripts": len(scripts) if is_known else None,
        "scheduled": len(planned) if has_tasks else None,
        "scheduled_scripts": planned,
    }


def _order(row: Json) -> tuple[bool, bool, int, list[int]]:
    branch, left = row["branch"], row["days_left"]
    return branch is None, left is None, left or 0, list(map(int, (branch or "0").split(".")))


def has_ended(python: Json | None) -> bool:
    """Whether the support of a branch has ended."""
    return python is not None and python["days_left"] is not None and python["days_left"] < 0


def ends_soon(row: Json) -> bool:
    """Whether the support of a branch has ended, or ends within 90 days."""
    return row["days_left"] is not None and row["days_left"] <= _SOON


def branch_text(row: Json) -> str:
    """Such as `Python 3.10`."""
    return f"Python {row['branch']}" if row["branch"] else "No Python version"


def support_text(row: Json) -> str:
    """Such as `ended 30 days ago`; empty without a version."""
    left = row["days_left"]
    if left is None:
        return "has an unknown end" if row["branch"] else ""
    if left < 0:
        return f"ended {'' if row['end_of_life'] else 'at least '}{counted(-left, 'day')} ago"
    return f"ends in {counted(left, 'day')}" if left else "ends today"


def cells(row: Json, report: Json) -> list[str]:
    """What the table shows of a row under COLUMNS. `report`: of its environment."""
    # A failed look-up of anything but installed packages
    is_partial = any(not entry.get("runtime") for entry in report.get("unread") or ())
    least, planned = "at least " if is_partial else "", len(row["scheduled_scripts"])
    scheduled = f"{least}{planned}" if row["scheduled"] is not None else f"at least {planned}"
    return [
        str(row["runtimes"]),
        _NOT_LOOKED_UP if row["scripts"] is None else f"{least}{row['scripts']}",
        _NOT_LOOKED_UP if row["scheduled"] is None and not planned else scheduled,
    ]


def branch_line(row: Json, report: Json) -> str:
    """Such as `Python 3.10 ended 30 days ago: 4 runtimes, 14 scripts, 3 of them on a schedule ('Load sales', …)`."""
    _runtimes, scripts, scheduled = cells(row, report)
    used = f"scripts {scripts}"
    if row["scripts"] is not None:
        used = f"{scripts} script{'' if row['scripts'] == 1 else 's'}"
    if row["scripts"] and scheduled == _NOT_LOOKED_UP:
        used += f", schedules {scheduled}"
    elif row["scripts"]:
        names = listed([repr(name) for name in row["scheduled_scripts"]], 5)
        of_them = "" if row["scripts"] == 1 else f"{scheduled if names else 'none'} of them "
        used += f", {of_them}on a schedule" if of_them or names else ", not on a schedule"
        used += f" ({names})" if names else ""
    label = f"{branch_text(row)} {support_text(row)}".strip()
    return f"{label}: {counted(row['runtimes'], 'runtime')}, {used}"


def branch_lines(report: Json) -> Iterator[str]:
    """A line for each branch of an environment that has ended, or ends soon."""
    return (branch_line(row, report) for row in report.get("python") or () if ends_soon(row))


def by_branch(environments: Iterable[Json]) -> list[tuple[Json, list[tuple[str, list[str]]]]]:
    """The table of several reports: of each branch, a row, and the cells of each environment after its name."""
    rows = [(row, report) for report in environments for row in report.get("python") or ()]
    groups = grouped((row["branch"], (row, report)) for row, report in sorted(rows, key=lambda pair: _order(pair[0])))
    return [
        (same[0][0], [(str(report["environment"]), cells(row, report)) for row, report in same])
        for same in groups.values()
    ]
