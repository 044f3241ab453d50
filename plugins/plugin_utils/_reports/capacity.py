# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the runtimes of an environment hold, and on which of them no script was found.

Pure, except that days are counted until today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypeGuard

from ...module_utils._errors import counted, listed
from ...module_utils._model.fields import POOL
from ...module_utils._model.runtime import mark_in
from ...module_utils._work.api import utc_date
from .evaluation import Json

_AMOUNTS = ("cpu", "mem")
_ABSURD = 1e12
NO_SCRIPT = "no script that this user can read"


def capacity(runtimes: Iterable[Json]) -> dict[str, Any]:
    """The sums of cpu and mem with the fewest cached instances (`least`) and with the most (`most`).

    `unknown`: the number of runtimes that are in none of the sums, because an amount or a count is not known.
    """
    held = [_held(runtime) for runtime in runtimes if runtime["present"]]
    known = [each for each in held if each]
    sums = [{key: _sum(each[index][key] for each in known) for key in _AMOUNTS} for index in range(len(POOL))]
    return {**dict(zip(("least", "most"), sums)), "unknown": len(held) - len(known)}


def _sum(amounts: Iterable[Any]) -> Any:
    total = round(sum(amounts), 6)
    return int(total) if total == int(total) else total


def _held(runtime: Json) -> list[dict[str, Any]] | None:
    """What a runtime holds with the fewest and with the most cached instances; None if that is not known."""
    resource = runtime["resource"] if isinstance(runtime["resource"], Mapping) else {}
    amounts, counts = {key: resource.get(key) for key in _AMOUNTS}, [runtime[name] for name in POOL]
    if not all(map(_is_number, [*amounts.values(), *counts])):
        return None
    return [{key: _sum([amount * count]) for key, amount in amounts.items()} for count in counts]


def _is_number(value: Any) -> TypeGuard[float]:
    # A server may hold anything.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _ABSURD


def capacity_line(sums: Json) -> str:
    """Such as `0.2 to 2.4 CPU and 512 to 6144 MB of memory; 1 runtime without amounts or counts is not counted`."""
    least, most, unknown = sums["least"], sums["most"], sums["unknown"]
    cpu, mem = (f"{least[key]}" if least[key] == most[key] else f"{least[key]} to {most[key]}" for key in _AMOUNTS)
    verb = "is" if unknown == 1 else "are"
    more = f"; {counted(unknown, 'runtime')} without amounts or counts {verb} not counted" if unknown else ""
    return f"{cpu} CPU and {mem} MB of memory{more}"


def unused_runtimes(runtimes: Iterable[Json], read: Json) -> list[dict[str, Any]] | None:
    """The runtimes, but the default one, on which no script was found, those that hold most first.

    None unless every script that the user can read was looked up.
    """
    if not read.get("knows_scripts"):
        return None
    rows = []
    for runtime in runtimes:
        is_plain = runtime["present"] and not runtime["is_default"] and not mark_in(runtime["name"])
        if is_plain and runtime["scripts"] == []:
            held = _held(runtime)
            amounts = held[0] if held else dict.fromkeys(_AMOUNTS)
            days = _days_since(runtime["date_modified"] or runtime["date_created"])
            rows.append({"name": runtime["name"], "id": runtime["id"], "days_unchanged": days, **amounts})
    return sorted(rows, key=lambda row: (-(row["mem"] or 0), -(row["days_unchanged"] or 0), row["name"]))


def _days_since(time: Any) -> int | None:
    try:
        return max(0, (utc_date() - date.fromisoformat(str(time)[:10])).days)
    except ValueError:
        return None


def unused_text(row: Json) -> str:
    """Such as `'Trial' (unchanged for 412 days, holds 0.2 CPU and 512 MB)`."""
    days = row["days_unchanged"]
    parts = [] if days is None else [f"unchanged for {counted(days, 'day')}"]
    parts += [] if row["cpu"] is None else [f"holds {row['cpu']} CPU and {row['mem']} MB"]
    shown = ", ".join(parts)
    return f"{row['name']!r} ({shown})" if shown else repr(row["name"])


def unused_lines(report: Json) -> list[str]:
    """Such as `no script that this user can read uses 2 runtimes: 'Trial' (…), 'Old' (…)`; none without any."""
    rows = report.get("unused_runtimes")
    return [f"{NO_SCRIPT} uses {counted(len(rows), 'runtime')}: {listed(list(map(unused_text, rows)))}"] if rows else []
