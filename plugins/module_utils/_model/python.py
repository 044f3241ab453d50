# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Until when each branch of Python is supported.

Source: the release cycle in Python's developer's guide, https://devguide.python.org/versions/. For a branch that has
not ended, the guide states the month; its last day counts. MAINTAINERS says when to extend the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

# The last day of support of each branch, in UTC; the day itself is supported.
LAST_DAYS = {
    "3.8": date(2024, 10, 7),
    "3.9": date(2025, 10, 31),
    "3.10": date(2026, 10, 31),
    "3.11": date(2027, 10, 31),
    "3.12": date(2028, 10, 31),
    "3.13": date(2029, 10, 31),
    "3.14": date(2030, 10, 31),
}
_BRANCH = re.compile(r"\s*(\d{1,9})\.(\d{1,9})(?![0-9])", re.ASCII)


def branch_of(version: Any) -> str | None:
    """The branch of a version, such as "3.10" of "3.10.5"; None for what is not a version."""
    found = _BRANCH.match(str(version or ""))
    return f"{int(found[1])}.{int(found[2])}" if found else None


def _order(branch: str) -> list[int]:
    return list(map(int, branch.split(".")))


def support_of(version: Any) -> dict[str, Any] | None:
    """The branch of a version, and the last day of its support, None for a branch that is not in the table.

    None without a version.
    """
    branch = branch_of(version)
    if branch is None:
        return None
    last = LAST_DAYS.get(branch)
    return {"branch": branch, "end_of_life": last.isoformat() if last else None}


def days_left(version: Any, today: date) -> int | None:
    """The days until the last day of support: 0 on that day, then negative. None if the end is unknown.

    A branch that is older than the table has ended on an unknown day, but not later than the oldest one of the table.
    `today`: in UTC.
    """
    branch, oldest = branch_of(version), min(LAST_DAYS, key=_order)
    if branch is None:
        return None
    if _order(branch) < _order(oldest):
        branch = oldest
    last = LAST_DAYS.get(branch)
    return (last - today).days if last else None


def python_of(runtime: Mapping[str, Any]) -> dict[str, Any] | None:
    """The support of the Python of a runtime in a result: the installed one where it is known, or else the wanted."""
    installed: Mapping[str, Any] = (runtime.get("installed") or {}).get("python") or {}
    return support_of(installed.get("version") or runtime.get("runtime_version"))
