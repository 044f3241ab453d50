# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every runtime of one environment with the facts that a report shows.

Pure: takes the results of `mstr.library.mstr_runtimes` and `mstr.library.mstr_runtime_info`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from . import _changes

Json = Mapping[str, Any]

_SIZES = {
    "cpu": "CPU {}",
    "mem": "{} MB memory",
    "disk": "disk {}",
    "proc_count": "{} processes",
}


class Sources(NamedTuple):
    """The results from one environment."""

    environment: str
    applied: Json | None  # the result of mstr_runtimes, or of the task that failed before it
    check_mode: bool = False
    read: Json | None = None  # the result of mstr_runtime_info, in an audit
    policy: Json | None = None
    accepted: Sequence[str] = ()  # names, name patterns or ids of runtimes with accepted violations


def inventory(sources: Sources) -> list[dict[str, Any]]:
    """The runtimes, those with findings first, then by name. Runtimes that are missing on the server are included."""
    read, applied = sources.read, sources.applied or {}
    entries = list(applied.get("runtimes") or ())
    by_id = {one["id"]: one for one in entries if one.get("id")}
    rules = _rules((read or {}).get("violations") or ())
    if read is None:
        runtimes = [_runtime(one.get("runtime") or {}, one, {}, sources) for one in entries]
    else:
        runtimes = [_runtime(one, by_id.get(one["id"]), rules, sources) for one in read.get("runtimes") or ()]
        read_ids = {one["id"] for one in runtimes}
        runtimes += [_runtime({}, one, {}, sources) for one in entries if one.get("id") not in read_ids]
    return sorted(runtimes, key=lambda one: (not one["findings"], one["name"].casefold(), one["id"] or ""))


def unread_texts(unread: Json) -> tuple[str, str, str]:
    """The project, the script and the reason of a failed look-up; empty texts if unknown."""

    def text(key: str, *names: str) -> str:
        value = unread.get(key) or {}
        if not isinstance(value, Mapping):
            return str(value)
        return next((str(value[name]) for name in names if value.get(name)), "")

    return text("project", "name", "id"), text("script", "name", "id"), text("error", "msg")


def findings_of(runtimes: Iterable[Json], sources: Sources) -> dict[str, int]:
    """The number of findings of each kind."""
    whole = list(runtimes)
    broken = [(one, sum(map(len, (net["rules"] for net in one["networks"]))) + one["empty_breaks"]) for one in whole]
    return {
        "runtimes": sum(1 for one in whole if one["status"] != "missing"),
        "violations": sum(count for one, count in broken if not one["accepted"]),
        "accepted": sum(count for one, count in broken if one["accepted"]),
        "differing": sum(1 for one in whole if one["action"] not in (None, "none")),
        "undefined": sum(1 for one in whole if one["defined"] is False),
        "problems": sum(1 for one in whole if one["problems"]),
        "unread": len((sources.read or {}).get("unread") or ()),
    }


def _rules(violations: Iterable[Json]) -> dict[tuple[str, str | None], list[str]]:
    """The broken rules by runtime id and whitelist entry; the entry None stands for an empty whitelist."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for one in violations:
        value = one.get("value")
        found.setdefault((one["id"], None if value is None else str(value)), []).append(str(one["rule"]))
    return found


def _runtime(runtime: Json, entry: Json | None, rules: Mapping[Any, list[str]], sources: Sources) -> dict[str, Any]:
    """One runtime. `runtime`: as read, empty if missing; `entry`: of the comparison, None if there is none."""
    identity = runtime.get("id") or (entry or {}).get("id")
    name = str(runtime.get("name") or (entry or {}).get("name") or "")
    action = (entry or {}).get("action")
    missing = sources.read is not None and not runtime
    packages = [_package(one) for one in runtime.get("packages") or ()]
    unknown = sources.applied is None or bool(sources.applied.get("failed") or runtime.get("is_default"))
    empty_breaks = len(rules.get((identity, None), ()))
    found: dict[str, Any] = {
        "name": name,
        "id": identity,
        "is_default": bool(runtime.get("is_default")),
        "description": runtime.get("description") or "",
        "status": "missing" if missing else runtime.get("status") or "unknown",
        "packages": packages,
        "networks": [
            {"network": str(one), "rules": rules.get((identity, str(one)), [])}
            for one in runtime.get("whitelist") or ()
        ],
        "whitelist_known": runtime.get("whitelist") is not None or sources.read is not None,
        "empty_breaks": empty_breaks,
        "accepted": any(_fits(name, identity, pattern) for pattern in sources.accepted),
        "size": _size(runtime),
        "resource": runtime.get("resource"),
        "exec_timeout": runtime.get("exec_timeout"),
        "runtime_version": runtime.get("runtime_version"),
        "owner": (runtime.get("owner") or {}).get("name") if isinstance(runtime.get("owner"), Mapping) else None,
        "date_created": runtime.get("date_created"),
        "date_modified": runtime.get("date_modified"),
        "scripts": runtime.get("scripts"),
        "action": action,
        # Whether the environment defines it; None if unknown. The default runtime needs no definition.
        "defined": None if unknown else entry is not None and action != "deleted",
        "error": ((entry or {}).get("error") or {}).get("msg"),
        "fields": [_field(one) for one in (entry or {}).get("changes") or ()],
    }
    found["problems"] = _problems(found)
    broken = any(net["rules"] for net in found["networks"]) or bool(empty_breaks)
    found["findings"] = bool(
        (broken and not found["accepted"]) or found["problems"] or found["error"] or action not in (None, "none")
    )
    return found


def _fits(name: str, identity: str | None, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or (identity or "").upper() == str(pattern).upper()


def _package(package: Json) -> dict[str, Any]:
    status = package.get("status") or "unknown"
    message = package.get("message")
    return {
        "name": str(package.get("name") or ""),
        "version": package.get("version") or "",
        "status": status,
        "message": message or "",
        "failed": status == "not_installed",
    }


def _field(change: Json) -> dict[str, Any]:
    before, after = change["before"], change["after"]
    return {
        "field": change["field"],
        "wanted": after,
        "found": before,
        "marks": [mark._asdict() for mark in _changes.marks(before, after)],
    }


def _size(runtime: Json) -> list[str]:
    resource = runtime.get("resource") if isinstance(runtime.get("resource"), Mapping) else {}
    size = [text.format(resource[key]) for key, text in _SIZES.items() if resource and resource.get(key) is not None]
    if runtime.get("exec_timeout") is not None:
        size.append(f"scripts run up to {runtime['exec_timeout']} s")
    least, most = runtime.get("min_cached_instances"), runtime.get("max_cached_instances")
    if least or most:
        size.append(f"{least or 0} to {most or 0} cached instances")
    return size


def _problems(found: Json) -> list[str]:
    """The problems that prevent scripts from running, each as the rest of a sentence about the runtime."""
    problems = ["has the status error"] if found["status"] == "error" else []
    for package in found["packages"]:
        if package["failed"]:
            why = f' (server: "{package["message"]}")' if package["message"] else ""
            problems.append(f"package {package['name']} is not installed{why}")
    return problems
