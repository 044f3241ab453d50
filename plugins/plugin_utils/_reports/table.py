# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit as CSV, with a line for each runtime and item: network, package, script, other finding.

Pure.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._model.kinds import RESOURCE_KEYS
from ...module_utils._model.rules import NOT_EVALUATED
from ...module_utils._model.usage import name_of
from .compare import differences, summary
from .evaluation import COUNTED, Json, grouped, value_of
from .inventory import package_label, settings
from .lines import PYTHON, WARNINGS, environment_lines, last_run, schedules, script_line
from .pythons import branch_line, branch_text
from .since import changed_runtimes, when
from .texts import without_controls

_COLUMNS = (
    *("environment", "outcome", "runtime", "id", "default_runtime", "status", "owner", "last_change"),
    *("item", "value", "installed", "item_status", "project", "item_owner", "schedule"),
    *("verdict", "rules", "detail", "reason", "until", "drift", "scripts", "message"),
    *("python", "python_end_of_life", "python_days_left"),
)
# Spreadsheets read a cell that starts like this as a formula, and some begin a new cell at a semicolon, a tab or a line
# end. Every user who may create a runtime can choose its name. The last four characters are full-width.
_START_OF_CELL = re.compile("(?:^|[;\\t\\r\\n])[\\s\"']*")
_START_OF_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def parts(report: Json) -> Iterator[str]:
    """The text of a report from `formats.whole`, in parts that begin with a line end."""
    columns = [*_COLUMNS, *RESOURCE_KEYS, *settings()]
    # Spreadsheets recognize UTF-8 by the byte order mark.
    yield f"\ufeff{','.join(columns)}"
    for environment in report["details"]:
        yield _lines(columns, ({"environment": environment["environment"], **row} for row in _rows(environment)))
    if report["compared"]:
        yield _lines(columns, _compared(report["compared"]))
    yield _lines(columns, ({"environment": name, "outcome": "not reached"} for name in report["not_reached"]))


def _lines(columns: Sequence[str], rows: Iterable[Json]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([_safe(row.get(column)) for column in columns] for row in rows)
    return f"\n{file.getvalue()}".removesuffix("\n")


def _compared(comparison: Json) -> Iterator[dict[str, Any]]:
    """Each difference between the environments, and what was not compared."""
    for name, runtime, text in differences(comparison):
        default = "yes" if runtime["is_default"] else "no"
        yield {
            "environment": name,
            "outcome": "difference",
            "runtime": runtime["name"],
            "default_runtime": default,
            "message": text,
        }
    yield from ({"outcome": "comparison", "message": text} for text in summary(comparison))


def _rows(environment: Json) -> Iterator[dict[str, Any]]:
    if environment["message"]:
        yield {"outcome": environment["outcome"], "message": environment["message"]}
    for row in environment.get("python") or ():
        yield {
            "outcome": "python",
            **_support(row),
            "scripts": row["scripts"],
            "message": branch_line(row, environment),
        }
    for kind, text in environment_lines(environment):
        if kind != PYTHON:
            yield {"outcome": "warning" if kind == WARNINGS else "problems", "message": text}
    for script in environment.get("scripts") or ():
        outcome = "failed" if script["action"] == "failed" else "drift"
        yield {"outcome": outcome, "message": script_line(script, check_mode=True)}
    for _action, runtime, text in changed_runtimes(environment["since"]) if environment.get("since") else ():
        yield {"outcome": "since", "runtime": runtime["name"], "id": runtime["id"], "message": text}
    for runtime in environment.get("inventory") or ():
        common = _of_runtime(runtime, bool(environment.get("policy")))
        for item in list(_items(runtime)) or [{}]:
            yield {**common, **item}


def _of_runtime(runtime: Json, has_policy: bool) -> dict[str, Any]:
    resource = runtime["resource"] if isinstance(runtime["resource"], Mapping) else {}
    scripts = runtime["scripts"]
    return {
        "outcome": _outcome(runtime, has_policy),
        "runtime": runtime["name"],
        "id": runtime["id"],
        "default_runtime": "yes" if runtime["is_default"] else "no",
        "status": runtime["status"],
        "owner": runtime["owner"],
        "last_change": when(runtime["date_modified"]),
        **{key: resource.get(key) for key in RESOURCE_KEYS},
        **{name: runtime.get(name) for name in settings()},
        "runtime_version": f"Python {runtime['runtime_version']}" if runtime.get("runtime_version") else None,
        "drift": {None: "", "none": ""}.get(runtime["action"], runtime["action"]),
        "scripts": None if scripts is None else len(scripts),
        **(_support(runtime["python"]) if runtime["python"] else {}),
    }


def _support(python: Json) -> dict[str, Any]:
    """The columns of a branch of Python."""
    days = {f"python_{key}": python[key] for key in ("end_of_life", "days_left")}
    return {"python": branch_text(python), **days}


def _outcome(runtime: Json, has_policy: bool) -> str:
    """The outcome of one runtime, in the words that are used for an environment."""
    verdicts = {row["verdict"] for row in runtime["evaluated"]}
    if runtime["error"]:
        return "failed"
    if verdicts & set(COUNTED):
        return "violations"
    if runtime["action"] not in (None, "none"):
        return "drift"
    if runtime["problems"] or runtime["remarks"]:
        return "problems"
    return "clean" if has_policy and NOT_EVALUATED not in verdicts else "not_evaluated"


def _items(runtime: Json) -> Iterator[dict[str, Any]]:
    """Networks, packages and scripts, then what the policy found in other values."""
    rows_of = grouped((value_of(row), row) for row in runtime["evaluated"])
    # There is no whitelist to evaluate where there is no runtime.
    if runtime["present"] and not runtime["networks"] and (rows := rows_of.pop(("whitelist", "None"), ())):
        yield {"item": "whitelist", **_verdict(runtime["whitelist_verdict"], rows)}
    shown = set()
    for key, item in _contents(runtime):
        shown.add(key)
        yield {**item, **_verdict(item["verdict"], rows_of.get(key, ()))}
    for text in runtime["remarks"][len(runtime["failed_runs"]) :]:
        yield {"item": "finding", "message": text}
    if runtime.get("smoke_test"):
        yield {"item": "smoke test", "value": runtime["smoke_test"]}
    for script in runtime["scripts"] or ():
        yield {
            "item": "script",
            "value": name_of(script),
            "item_status": last_run(script),
            "project": name_of(script.get("project")),
            "item_owner": name_of(script.get("owner")),
            "schedule": ", ".join(schedules(script)),
        }
    for key, rows in rows_of.items():
        if key not in shown:
            # Also a value that the server describes differently elsewhere.
            yield from ({"item": key[0], "value": row["value"], **_verdict(row["verdict"], [row])} for row in rows)


def _contents(runtime: Json) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Networks and packages, each with its option and value in the policy."""
    for network in runtime["networks"]:
        value = network["network"]
        yield ("whitelist", value), {"item": "network", "value": value, "verdict": network["verdict"]}
    for package in runtime["packages"]:
        label = package_label(package)
        yield (
            ("packages", label),
            {
                "item": "package",
                # In one cell: a spreadsheet would make 2.1 of the version 2.10, and a date of 1.2.3.
                "value": package_label({**package, "installed": None}),
                "installed": label if package["installed"] else None,
                "item_status": package["status"],
                "message": package["message"],
                "verdict": package["verdict"],
            },
        )
    for package in runtime["pulled_in"]:
        label = package_label(package)
        item = {"item": "installed", "value": label, "installed": label, "verdict": package["verdict"]}
        yield ("installed", label), item


def _verdict(verdict: str, rows: Sequence[Json]) -> dict[str, Any]:
    def joined(key: str) -> str:
        return "; ".join(dict.fromkeys(str(row[key]) for row in rows if row[key]))

    return {
        "verdict": verdict,
        "rules": " ".join(row["rule"] for row in rows),
        "detail": joined("detail"),
        "reason": joined("reason"),
        "until": joined("until"),
    }


def _safe(value: Any) -> Any:
    """The value of a cell, in which no control character and no start of a formula is left."""
    if not isinstance(value, str):
        return value
    if value.isprintable() and ";" not in value and not value.lstrip(" \"'").startswith(_START_OF_FORMULA):
        return value  # the usual case, in which nothing below would find anything
    # Before Python 3.11, the module csv refuses a NUL.
    return _START_OF_CELL.sub(_quoted, without_controls(value))


def _quoted(start: re.Match[str]) -> str:
    return start.group() + ("'" if start.string.startswith(_START_OF_FORMULA, start.end()) else "")
