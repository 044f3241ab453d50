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

from .evaluation import BROKEN
from .html import page, when
from .sbom import software

Json = Mapping[str, Any]

FORMATS = {"audit": ("html", "json", "csv", "cdx.json"), "apply": ("html", "json")}
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
    "option",
    "value",
    "detail",
    "reason",
    "until",
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
    """The format for the suffix of a path, the longest that fits. Raises ValueError with a sentence."""
    name = path.rpartition("/")[2].lower()
    fitting = [one for one in FORMATS[kind] if name.endswith(f".{one}")]
    if not fitting:
        known = ", ".join(f".{one}" for one in FORMATS[kind][:-1]) + f" or .{FORMATS[kind][-1]}"
        raise ValueError(f"mstr_report_dest {path!r} must end in {known}; the suffix decides the format of the report")
    return max(fitting, key=len)


def whole(
    environments: Iterable[Json], kind: str, generated: str, check_mode: bool = False, not_reached: Sequence[str] = ()
) -> dict[str, Any]:
    """The report on all environments. `generated`: time in ISO 8601. `not_reached`: those that may have no report."""
    reports = list(environments)
    reached = {one["environment"] for one in reports}
    return {
        "kind": kind,
        "generated": generated,
        "check_mode": check_mode,
        "environments": reports,
        "not_reached": [name for name in not_reached if name not in reached],
    }


def rendered(report: Json, form: str) -> str:
    """The text of the report file, without a final newline."""
    if form == "html":
        return page(report).rstrip("\n")
    if form == "csv":
        return _rows(report).rstrip("\n")
    if form == "cdx.json":
        report = software(report)
    return json.dumps(report, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _rows(report: Json) -> str:
    """CSV: a row for each network of each runtime, or one for none; one for each other violation and environment."""
    file = io.StringIO()
    writer = csv.DictWriter(file, _CSV, restval="", lineterminator="\n")
    writer.writeheader()
    for environment in report["environments"]:
        common = {"environment": environment["environment"]}
        if environment["message"]:
            writer.writerow(_safe({**common, "outcome": environment["outcome"], "message": environment["message"]}))
        incomplete = [environment["incomplete"]] if environment.get("incomplete") else []
        for text in (*incomplete, *(environment.get("unused_acceptances") or ())):
            writer.writerow(_safe({**common, "outcome": "problems", "message": text}))
        for runtime in environment.get("inventory") or ():
            row = {**common, **_columns(runtime, bool(environment.get("policy")))}
            for part in (*_networks(runtime), *_others(runtime)):
                writer.writerow(_safe({**row, **part}))
    for name in report["not_reached"]:
        writer.writerow(_safe({"environment": name, "outcome": "not reached"}))
    return file.getvalue().encode("utf-8", "replace").decode("utf-8")


def _columns(runtime: Json, judged: bool) -> dict[str, Any]:
    resource = runtime["resource"] if isinstance(runtime["resource"], Mapping) else {}
    scripts = runtime["scripts"]
    return {
        "outcome": _outcome(runtime, judged),
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


def _outcome(runtime: Json, judged: bool) -> str:
    """The outcome of one runtime, in the words that are used for an environment."""
    if runtime["error"]:
        return "failed"
    if any(one["verdict"] in BROKEN for one in runtime["violations"]):
        return "violations"
    if runtime["action"] not in (None, "none"):
        return "drift"
    return "problems" if runtime["problems"] else "clean" if judged else "not_judged"


def _networks(runtime: Json) -> Iterator[dict[str, Any]]:
    for one in runtime["networks"]:
        broken = [each for each in _of(runtime, "whitelist") if str(each["value"]) == one["network"]]
        yield {"network": one["network"], "value": one["network"], **_judgement("whitelist", one["verdict"], broken)}
    if not runtime["networks"]:
        broken = _of(runtime, "whitelist")
        # There is no whitelist to judge where there is no runtime.
        verdict = runtime["whitelist_verdict"] if runtime["present"] else ""
        yield _judgement("whitelist", verdict, broken) if verdict else {}


def _others(runtime: Json) -> Iterator[dict[str, Any]]:
    for one in runtime["violations"]:
        if one["option"] != "whitelist":
            yield {"value": one["value"], **_judgement(one["option"], one["verdict"], [one])}


def _of(runtime: Json, option: str) -> list[Json]:
    return [one for one in runtime["violations"] if one["option"] == option]


def _judgement(option: str, verdict: str, violations: Sequence[Json]) -> dict[str, Any]:
    def joined(key: str) -> str:
        return "; ".join(dict.fromkeys(str(one[key]) for one in violations if one[key]))

    return {
        "verdict": verdict,
        "rules": " ".join(one["rule"] for one in violations),
        "option": option,
        "detail": joined("detail"),
        "reason": joined("reason"),
        "until": joined("until"),
    }


def _safe(row: Json) -> dict[str, Any]:
    return {
        key: f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
        for key, value in row.items()
    }
