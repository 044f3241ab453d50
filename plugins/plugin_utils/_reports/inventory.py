# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every runtime of one environment with the facts that a report shows.

Takes the results of `mstr.library.mstr_runtimes` and `mstr.library.mstr_runtime_info`. Pure, except for the date of
today.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._model.fields import BY_NAME, POOL
from ...module_utils._model.kinds import normalized_name
from ...module_utils._model.python import days_left, python_of
from ...module_utils._model.requirements import project
from ...module_utils._model.rules import EXEMPTED, NOT_EVALUATED, UNREADABLE, VIOLATION
from ...module_utils._work.api import utc_date
from .evaluation import COUNTED, Json, grouped, value_of
from .lines import GOES, failed_runs

_ALLOWED = "allowed"
# The verdicts on a value, the worst first.
_VERDICTS = (VIOLATION, UNREADABLE, EXEMPTED, NOT_EVALUATED)
_SIZES = {"cpu": "CPU {}", "mem": "{} MB memory", "disk": "disk {}", "proc_count": "{} processes"}
# The rules that evaluate every value of an option. `whitelist_required` evaluates no single network.
_RULES_OF = {
    "whitelist": ("networks_within", "networks_never"),
    "packages": ("packages_within", "packages_never", "package_versions_required"),
    "installed": ("packages_within", "packages_never"),
}
# Fields that a report shows in a form of its own; the others are as in a result.
_SHAPED = ("name", "description", "whitelist", "packages")
# Those that have a place of their own on the page.
_PLACED = (*_SHAPED, "resource", "exec_timeout", *POOL, "runtime_version")
_SHOWN = ("option", "value", "rule", "detail", "verdict", "reason", "until")


class Sources(NamedTuple):
    """The results from one environment."""

    environment: str
    applied: Json | None  # the result of mstr_runtimes, or of the task that failed before it
    check_mode: bool = False
    read: Json | None = None  # the result of mstr_runtime_info, in an audit
    incomplete: str | None = None  # why there may be more runtimes than those, None if there are not
    policy: Json | None = None  # the rules that forbid anything, and the exemptions, see `evaluation.rules_of`
    approved: Json | None = None  # the plan that somebody approved, as in a plan file
    warnings: Sequence[Any] = ()  # of a task that did more than these results show
    refusals: Sequence[str] = ()  # why an apply would be refused, in an audit

    @property
    def compares_runtimes(self) -> bool:
        """Whether runtimes were compared with definitions. An environment may define the scripts alone."""
        applied = self.applied
        return applied is not None and bool(applied.get("runtimes") or not applied.get("scripts"))


def inventory(sources: Sources, rows: Iterable[Json] = ()) -> list[dict[str, Any]]:
    """The runtimes, those with findings first, then by name. Runtimes that are missing on the server are included.

    `rows`: what the policy found, with verdicts, as `evaluation.evaluated` returns it.
    """
    read, entries = sources.read, list(entries_of(sources.applied or {}))
    by_key = grouped((row["id"] or row["name"], row) for row in rows)
    if read is None:
        pairs = [(_now(entry, sources.check_mode), entry) for entry in entries]
    else:
        held = read.get("runtimes") or ()
        names = {runtime["id"]: runtime["name"] for runtime in held}
        by_id = {_id_now(entry, names): entry for entry in entries}
        pairs = [(runtime, by_id.get(runtime["id"], {})) for runtime in held]
        # An entry with `state: absent` that is absent has no runtime, as it should.
        pairs += [({}, entry) for entry in entries if _id_now(entry, names) not in names and entry["action"] != "none"]
    otherwise = {} if read is None else _without_finding(sources.policy or {})
    mismatches = grouped((row["id"], _mismatch_text(row)) for row in (read or {}).get("mismatches") or ())
    runtimes = []
    for runtime, entry in pairs:
        keys = (runtime.get("id"), entry.get("id"), entry.get("name"))
        of_runtime = next((by_key[key] for key in keys if key in by_key), [])
        report = _facts(runtime, entry, sources)
        report |= _contents(runtime, _Verdicts(of_runtime if otherwise else (), otherwise))
        report["evaluated"] = [{key: row.get(key) for key in _SHOWN} for row in of_runtime]
        report["mismatches"] = mismatches.get(runtime.get("id"), [])
        runtimes.append(report | _findings(report))
    return sorted(
        runtimes, key=lambda runtime: (not runtime["findings"], runtime["name"].casefold(), runtime["id"] or "")
    )


def _id_now(entry: Json, names: Mapping[str, str]) -> str | None:
    """The id of the runtime that an entry is about. `names`: of all runtimes, by id.

    Of a replacement, it is the runtime that has the name now, or else the one that goes.
    """
    identity: str | None = entry.get("id")
    old = _old_id(entry)
    return old if old is not None and names.get(str(identity)) != entry.get("name") else identity


def _old_id(entry: Json) -> str | None:
    """The id before a replacement; None if the id does not change."""
    return next((change["before"] for change in entry.get("changes") or () if change["field"] == "id"), None)


def _now(entry: Json, check_mode: bool) -> Json:
    """The runtime of an entry as it is: in check mode, the result has it as it would become."""
    runtime: Json = entry.get("runtime") or {}
    if not check_mode or entry.get("action") not in ("created", "updated", "replaced"):
        return runtime
    return {} if entry["action"] == "created" else _before(entry)


def entries_of(applied: Json) -> Iterator[Json]:
    """The entries of a result. A replacement has with it the runtime that it deletes, which is an entry of its own."""
    rows = list(applied.get("runtimes") or ())
    gone = {row["id"]: row for row in rows if "replaced_by" in row}
    for entry in rows:
        first = gone.pop(_old_id(entry), None) if entry.get("action") == "replaced" else None
        if first is None:
            if "replaced_by" not in entry or entry["id"] in gone:
                yield entry
            continue
        replaced = {**entry, "replaced": first["runtime"]}
        if [change["field"] for change in entry["changes"]] == ["id"]:
            # Nothing of the runtime with the name changes; only one with a previous name goes.
            yield {**entry, "action": "none", "changes": [], "replaced": None}
            name = {"field": "name", "before": first["name"], "after": entry["name"]}
            replaced |= {"id": first["id"], "changes": [*entry["changes"], name], "runtime": first["runtime"]}
        yield replaced


def summary_of(applied: Json) -> dict[str, int] | None:
    """The counts of a result by its entries here: what a replacement has with it does not count as deleted."""
    summary: dict[str, int] | None = applied.get("summary")
    entries = [entry["id"] for entry in entries_of(applied) if "replaced_by" in entry]
    deleted = [row for row in applied.get("runtimes") or () if "replaced_by" in row and row["action"] == "deleted"]
    hidden = sum(row["id"] not in entries for row in deleted)
    return {**summary, "deleted": summary["deleted"] - hidden} if summary and hidden else summary


def _before(entry: Json) -> dict[str, Any]:
    """The runtime before the task. Of a replacement, it is the one that goes."""
    if entry.get("replaced"):
        return dict(entry["replaced"])
    runtime: Json = entry.get("runtime") or {}
    changed = {change["field"]: change["before"] for change in entry.get("changes") or ()}
    if "packages" in changed:
        # The changes do not have what the server says of a package.
        by_key = {(item.get("name"), item.get("version") or ""): item for item in runtime.get("packages") or ()}
        changed["packages"] = [
            {**by_key.get((item["name"], item.get("version") or ""), {}), **item} for item in changed["packages"] or ()
        ]
    return {**runtime, **changed}


def difference(entry: Json) -> dict[str, Any]:
    """What an entry would change, or has changed."""
    report = {
        "name": entry.get("name"),
        "id": entry.get("id"),
        "action": entry["action"],
        "error": (entry.get("error") or {}).get("msg"),
        "fields": _fields(entry),
    }
    if entry.get("smoke_test"):
        report["smoke_test"] = entry["smoke_test"]
    if entry["action"] in GOES:
        # What nobody can look up afterwards.
        runtime = _before(entry)
        report["definition"] = {key: runtime[key] for key in BY_NAME if key != "name" and runtime.get(key)}
    return report


def _fields(entry: Json) -> list[dict[str, Any]]:
    return [
        {"field": change["field"], "wanted": change["after"], "found": change["before"]}
        for change in entry.get("changes") or ()
    ]


def _facts(runtime: Json, entry: Json, sources: Sources) -> dict[str, Any]:
    """What a runtime is, and what becomes of it.

    `runtime`: as it is, empty if it does not exist; `entry`: of the comparison, empty without one.
    """
    action, owner = entry.get("action"), runtime.get("owner")
    missing = "missing" if action in ("created", "updated") else "not compared"
    unfinished = {each["id"] for each in (sources.read or {}).get("unfinished") or ()}
    unknown = not sources.compares_runtimes or bool((sources.applied or {}).get("failed") or runtime.get("is_default"))
    unknown = unknown or runtime.get("id") in unfinished
    python = python_of(runtime)
    return {
        "name": str(runtime.get("name") or entry.get("name") or ""),
        "id": runtime.get("id") or entry.get("id"),
        "present": bool(runtime),
        "is_default": bool(runtime.get("is_default")),
        "description": _as_text(runtime.get("description")),
        "status": _as_text(runtime.get("status")) or "unknown" if runtime else missing,
        "whitelist_known": runtime.get("whitelist") is not None or sources.read is not None,
        **{field: runtime.get(field) for field in BY_NAME if field not in _SHAPED},
        **{key: runtime.get(key) for key in ("installed", "version", "date_created", "date_modified")},
        "python": python and {**python, "days_left": days_left(python["branch"], utc_date())},
        "owner": owner.get("name") if isinstance(owner, Mapping) else None,
        "scripts": runtime.get("scripts"),
        "action": action,
        # Whether the environment defines it; None if unknown. The default runtime needs no definition.
        "defined": None if unknown else bool(entry) and action != "deleted",
        "error": (entry.get("error") or {}).get("msg"),
        "smoke_test": entry.get("smoke_test"),
        "fields": _fields(entry),
    }


class _Verdicts(NamedTuple):
    """What the policy says of the values of one runtime; nothing without an evaluation."""

    rows: Sequence[Json]
    otherwise: Mapping[str, str]  # the verdict on a value without a row, by option

    def on(self, option: str, value: str) -> dict[str, Any]:
        """The verdict on one value of an option, and the rules for it."""
        rows = [row for row in self.rows if value_of(row) == (option, value)]
        return {"verdict": _worst(rows, self.otherwise.get(option, "")), "rules": [row["rule"] for row in rows]}

    def on_empty_whitelist(self) -> str:
        """The verdict on an empty whitelist: nobody knows whether it reaches nothing or everything."""
        otherwise = self.otherwise.get("whitelist", "")
        rows = [row for row in self.rows if row["rule"] == "whitelist_required"]
        return _worst(rows, "unknown" if otherwise == _ALLOWED else otherwise)


def _worst(rows: Iterable[Json], otherwise: str) -> str:
    verdicts = {row["verdict"] for row in rows}
    return next((verdict for verdict in _VERDICTS if verdict in verdicts), otherwise)


def _without_finding(policy: Json) -> dict[str, str]:
    """The verdict on a value in which the policy finds nothing, by option."""
    none = "no rule" if policy else NOT_EVALUATED
    return {option: _ALLOWED if any(rule in policy for rule in rules) else none for option, rules in _RULES_OF.items()}


def _contents(runtime: Json, verdicts: _Verdicts) -> dict[str, Any]:
    """The values of a runtime with what the policy says of each."""
    distributions = {normalized_name(row["name"]): row for row in (runtime.get("installed") or {}).get("packages", ())}
    packages = [(project(str(package.get("name") or "")), package) for package in runtime.get("packages") or ()]
    listed = {key for key, _entry in packages}
    whitelist = map(str, runtime.get("whitelist") or ())
    return {
        "packages": [_package(package, verdicts, distributions.get(key or "")) for key, package in packages],
        # What is installed, and not in the definition.
        "pulled_in": [
            {
                "name": row["name"],
                "version": row["version"],
                **verdicts.on("installed", f"{row['name']}=={row['version']}"),
            }
            for key, row in distributions.items()
            if key not in listed
        ],
        "networks": [{"network": network, **verdicts.on("whitelist", network)} for network in whitelist],
        "whitelist_verdict": verdicts.on_empty_whitelist(),
        "size": list(_sizes(runtime)),
    }


def package_label(package: Json) -> str:
    """How the policy names a package with its version, the installed one where it is known."""
    name = str(package.get("name") or "")
    version = package.get("installed") or _as_text(package.get("version"))
    return f"{name}=={version}" if version else name


def _package(package: Json, verdicts: _Verdicts, distribution: Json | None) -> dict[str, Any]:
    texts = {key: _as_text(package.get(key)) for key in ("version", "description", "status", "message")}
    report = {
        "name": str(package.get("name") or ""),
        **texts,
        "status": texts["status"] or "unknown",
        "failed": texts["status"] == "not_installed",
        # None if it is not known, or not installed
        "installed": distribution["version"] if distribution else None,
    }
    return {**report, **verdicts.on("packages", package_label(report))}


def settings() -> list[str]:
    """The fields that are one value each."""
    return [name for name in BY_NAME if name not in (*_SHAPED, "resource")]


def _sizes(runtime: Json) -> Iterator[str]:
    amounts = runtime["resource"] if isinstance(runtime.get("resource"), Mapping) else {}
    yield from (text.format(amounts[key]) for key, text in _SIZES.items() if amounts.get(key) is not None)
    if runtime.get("exec_timeout") is not None:
        yield f"scripts run up to {runtime['exec_timeout']} s"
    least, most = (runtime.get(key) or 0 for key in POOL)
    if least or most:
        yield f"{least} to {most} cached instances"
    yield from (f"{name} {runtime[name]}" for name in BY_NAME if name not in _PLACED and runtime.get(name))


def _as_text(value: Any) -> str:
    """A value that should be a text, because a server may hold anything."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)


def _findings(report: Json) -> dict[str, Any]:
    """What somebody has to look at: what prevents scripts from running, and what fails nothing.

    Each is the rest of a sentence about the runtime.
    """
    problems = ["has the status error"] if report["status"] == "error" else []
    for package in report["packages"]:
        if package["failed"]:
            why = f' (server: "{package["message"]}")' if package["message"] else ""
            problems.append(f"package {package['name']} is not installed{why}")
    failures = failed_runs(report)
    remarks = [*failures, *report["mismatches"]]
    counted = any(row["verdict"] in COUNTED for row in report["evaluated"])
    return {
        "problems": problems,
        "failed_runs": failures,
        "remarks": remarks,
        "findings": bool(counted or problems or remarks or report["error"] or report["action"] not in (None, "none")),
    }


def _mismatch_text(row: Json) -> str:
    """The rest of a sentence about a runtime: a package whose pinned version is not installed."""
    installed = f"{row['package']} {row['installed']}" if row["installed"] else f"no package {row['package']}"
    return f"has {installed}, but its definition has {row['version']}"
