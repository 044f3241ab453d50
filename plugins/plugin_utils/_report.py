# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as a file: JSON for machines, CSV for auditors, HTML for people.

Pure.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ._page import page, when

Json = Mapping[str, Any]

FORMATS = {"audit": ("html", "json", "csv"), "apply": ("html", "json")}
_CSV = (
    "environment",
    "outcome",
    "runtime",
    "id",
    "default_runtime",
    "status",
    "network",
    "verdict",
    "rules",
    "owner",
    "last_change",
    "packages",
    "packages_failed",
    "cpu",
    "mem",
    "exec_timeout",
    "drift",
    "scripts",
    "message",
)
# Spreadsheets read a cell that starts like this as a formula. Every user who may create a runtime can choose its name.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are full-width


def format_of(path: str, kind: str) -> str:
    """The format for the suffix of a path. Raises ValueError with a sentence."""
    suffix = path.rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
    if suffix not in FORMATS[kind]:
        known = ", ".join(f".{one}" for one in FORMATS[kind][:-1]) + f" or .{FORMATS[kind][-1]}"
        raise ValueError(f"mstr_report_dest {path!r} must end in {known}; the suffix decides the format of the report")
    return suffix


def whole(
    environments: Iterable[Json], kind: str, generated: str, check_mode: bool = False, not_reached: Sequence[str] = ()
) -> dict[str, Any]:
    """The report on all environments. `generated`: time in ISO 8601. `not_reached`: hosts without a report."""
    return {
        "kind": kind,
        "generated": generated,
        "check_mode": check_mode,
        "environments": list(environments),
        "not_reached": list(not_reached),
    }


def rendered(report: Json, form: str) -> str:
    """The text of the report file, without a final newline."""
    if form == "html":
        return page(report).rstrip("\n")
    if form == "csv":
        return _rows(report).rstrip("\n")
    return json.dumps(report, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _rows(report: Json) -> str:
    """CSV: a row for each network of each runtime, for a runtime without networks, and for a failed environment."""
    file = io.StringIO()
    writer = csv.DictWriter(file, _CSV, restval="", lineterminator="\n")
    writer.writeheader()
    for environment in report["environments"]:
        common = {"environment": environment["environment"], "outcome": environment["outcome"]}
        if environment["message"]:
            writer.writerow(_safe({**common, "message": environment["message"]}))
        for runtime in environment.get("inventory") or ():
            row = {**common, **_columns(runtime)}
            for network in _networks(runtime, environment):
                writer.writerow(_safe({**row, **network}))
    for name in report["not_reached"]:
        writer.writerow(_safe({"environment": name, "outcome": "not reached"}))
    return file.getvalue().encode("utf-8", "replace").decode("utf-8")


def _columns(runtime: Json) -> dict[str, Any]:
    resource = runtime["resource"] if isinstance(runtime["resource"], Mapping) else {}
    scripts = runtime["scripts"]
    return {
        "runtime": runtime["name"],
        "id": runtime["id"],
        "default_runtime": "yes" if runtime["is_default"] else "no",
        "status": runtime["status"],
        "owner": runtime["owner"],
        "last_change": when(runtime["date_modified"]),
        "packages": " ".join(f"{one['name']}=={one['version'] or '*'}" for one in runtime["packages"]),
        "packages_failed": " ".join(one["name"] for one in runtime["packages"] if one["failed"]),
        "cpu": resource.get("cpu"),
        "mem": resource.get("mem"),
        "exec_timeout": runtime["exec_timeout"],
        "drift": {None: "", "none": ""}.get(runtime["action"], runtime["action"]),
        "scripts": None if scripts is None else len(scripts),
    }


def _networks(runtime: Json, environment: Json) -> Iterator[dict[str, str]]:
    broken = "accepted" if runtime["accepted"] else "violation"
    for one in runtime["networks"]:
        right = "allowed" if environment.get("policy") else "not judged"
        yield {
            "network": one["network"],
            "verdict": broken if one["rules"] else right,
            "rules": " ".join(one["rules"]),
        }
    if not runtime["networks"]:
        rules = "whitelist_required" if runtime["empty_breaks"] else ""
        yield {"network": "", "verdict": broken if rules else "", "rules": rules}


def _safe(row: Json) -> dict[str, Any]:
    return {
        key: f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
        for key, value in row.items()
    }
