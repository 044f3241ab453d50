# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every runtime of one environment with the facts that a report shows.

Pure: takes the results of `mstr.library.mstr_runtimes` and `mstr.library.mstr_runtime_info`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from . import changes
from .evaluation import ACCEPTED, ALLOWED, BROKEN, EXPIRES_SOON, Acceptance, worst

Json = Mapping[str, Any]

_SIZES = {
    "cpu": "CPU {}",
    "mem": "{} MB memory",
    "disk": "disk {}",
    "proc_count": "{} processes",
}
_POOL = ("min_cached_instances", "max_cached_instances")
# The rules that judge every value of an option, if the option has one. `whitelist_required` judges no single network.
_JUDGES = {
    "whitelist": ("networks_within", "networks_never"),
    "packages": ("packages_within", "packages_never", "package_versions_required"),
    "runtime_version": ("runtime_versions_within",),
    "exec_timeout": ("exec_timeout_max",),
    **dict.fromkeys(_POOL, ("cached_instances_max",)),
}


class Sources(NamedTuple):
    """The results from one environment."""

    environment: str
    applied: Json | None  # the result of mstr_runtimes, or of the task that failed before it
    check_mode: bool = False
    read: Json | None = None  # the result of mstr_runtime_info, in an audit
    incomplete: str | None = None  # why there may be more runtimes than those, None if there are not
    policy: Json | None = None  # only the rules that judge anything, see `evaluation.rules_of`
    accepted: Sequence[Acceptance] = ()
    today: date = date.min
    approved: str = ""  # the plan_id that somebody approved


def inventory(sources: Sources, violations: Iterable[Json] = ()) -> list[dict[str, Any]]:
    """The runtimes, those with findings first, then by name. Runtimes that are missing on the server are included.

    `violations`: with their verdicts, as `evaluation.judged` returns them.
    """
    read, applied = sources.read, sources.applied or {}
    entries = list(applied.get("runtimes") or ())
    by_id = {one["id"]: one for one in entries if one.get("id")}
    broken: dict[Any, list[Json]] = {}
    for one in violations:
        broken.setdefault(one["id"], []).append(one)
    if read is None:
        runtimes = [_runtime(_now(one, sources.check_mode), one, (), sources, None) for one in entries]
    else:
        listed = list(read.get("runtimes") or ())
        otherwise = _without_violation(sources.policy or {})
        runtimes = [
            _runtime(one, by_id.get(one["id"]), broken.get(one["id"], ()), sources, otherwise) for one in listed
        ]
        read_ids = {one["id"] for one in listed}
        # An entry with `state: absent` that is absent has no runtime, as it should.
        gone = [one for one in entries if one.get("id") not in read_ids and one.get("action") != "none"]
        runtimes += [_runtime({}, one, (), sources, otherwise) for one in gone]
    return sorted(runtimes, key=lambda one: (not one["findings"], one["name"].casefold(), one["id"] or ""))


def _now(entry: Json, check_mode: bool) -> Json:
    """The runtime of an entry as it is: in check mode, the result has it as it would become."""
    runtime: Json = entry.get("runtime") or {}
    if not check_mode or entry.get("action") not in ("created", "updated"):
        return runtime
    if entry["action"] == "created":
        return {}
    before = {one["field"]: one["before"] for one in entry.get("changes") or ()}
    if "packages" in before:
        # The changes do not have what the server says of a package.
        known = {(one.get("name"), one.get("version") or ""): one for one in runtime.get("packages") or ()}
        before["packages"] = [
            {**one, **known.get((one["name"], one.get("version") or ""), {})} for one in before["packages"] or ()
        ]
    return {**runtime, **before}


def unread_texts(unread: Json) -> tuple[str, str, str]:
    """The project, the script and the reason of a failed look-up; empty texts if unknown."""

    def text(key: str, *names: str) -> str:
        value = unread.get(key) or {}
        if not isinstance(value, Mapping):
            return str(value)
        return next((str(value[name]) for name in names if value.get(name)), "")

    return text("project", "name", "id"), text("script", "name", "id"), text("error", "msg")


def findings_of(
    runtimes: Iterable[Json], violations: Iterable[Json], unused: Sequence[str], sources: Sources
) -> dict[str, int]:
    """The number of findings of each kind."""
    whole, verdicts = list(runtimes), list(violations)
    accepted = [one for one in verdicts if one["verdict"] == ACCEPTED]
    soon = (sources.today + EXPIRES_SOON).isoformat() if accepted else ""
    return {
        "runtimes": sum(1 for one in whole if one["present"]),
        "violations": sum(1 for one in verdicts if one["verdict"] in BROKEN),
        "not_judged": sum(1 for one in verdicts if one["verdict"] == "not judged"),
        "accepted": len(accepted),
        "expiring": sum(1 for one in accepted if one["until"] and one["until"] <= soon),
        "differing": sum(1 for one in whole if one["action"] not in (None, "none")),
        "undefined": sum(1 for one in whole if one["defined"] is False),
        "problems": sum(1 for one in whole if one["problems"]),
        "unread": len((sources.read or {}).get("unread") or ()),
        "unused": len(unused),
    }


def _runtime(
    runtime: Json, entry: Json | None, violations: Sequence[Json], sources: Sources, otherwise: Mapping[str, str] | None
) -> dict[str, Any]:
    """One runtime. `runtime`: as it is, empty if it does not exist; `entry`: of the comparison, None without one."""
    identity = runtime.get("id") or (entry or {}).get("id")
    action = (entry or {}).get("action")
    unknown = sources.applied is None or bool(sources.applied.get("failed") or runtime.get("is_default"))
    judge = None if otherwise is None else _Judge(violations, otherwise)
    found: dict[str, Any] = {
        "name": str(runtime.get("name") or (entry or {}).get("name") or ""),
        "id": identity,
        "present": bool(runtime),
        "is_default": bool(runtime.get("is_default")),
        "description": _text(runtime.get("description")),
        "status": _text(runtime.get("status")) or "unknown" if runtime else _status_without(entry),
        "packages": [_package(one, judge) for one in runtime.get("packages") or ()],
        "networks": [_network(str(one), judge) for one in runtime.get("whitelist") or ()],
        "whitelist_known": runtime.get("whitelist") is not None or sources.read is not None,
        "whitelist_verdict": judge.of_empty_whitelist() if judge else "",
        "violations": [{key: one.get(key) for key in _SHOWN} for one in violations],
        "size": _size(runtime, judge),
        "resource": runtime.get("resource"),
        "exec_timeout": runtime.get("exec_timeout"),
        "runtime_version": runtime.get("runtime_version"),
        "python_verdict": judge.verdict("runtime_version") if judge and runtime.get("runtime_version") else "",
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
    found["findings"] = bool(
        any(one["verdict"] in BROKEN for one in violations)
        or found["problems"]
        or found["error"]
        or action not in (None, "none")
    )
    return found


_SHOWN = ("option", "value", "rule", "detail", "verdict", "reason", "until")


def _status_without(entry: Json | None) -> str:
    """What to show as the status of an entry without a runtime."""
    return "missing" if (entry or {}).get("action") in ("created", "updated") else "not compared"


class _Judge:
    """What the policy says of the values of one runtime."""

    def __init__(self, violations: Sequence[Json], otherwise: Mapping[str, str]) -> None:
        self._violations, self._otherwise = violations, otherwise

    def broken(self, *options: str, value: Any = None) -> list[Json]:
        """The violations of some options, or of one value of an option."""
        return [
            one
            for one in self._violations
            if one["option"] in options and (value is None or str(one["value"]) == str(value))
        ]

    def verdict(self, *options: str, value: Any = None) -> str:
        """The verdict on some options with a common rule, or on one value of an option."""
        if not self._violations:
            return self._otherwise[options[0]]
        return worst((one["verdict"] for one in self.broken(*options, value=value)), self._otherwise[options[0]])

    def of_empty_whitelist(self) -> str:
        """The verdict on an empty whitelist: nobody knows whether it reaches nothing or everything."""
        broken = (one["verdict"] for one in self._violations if one["rule"] == "whitelist_required")
        otherwise = self._otherwise["whitelist"]
        return worst(broken, "unknown" if otherwise == ALLOWED else otherwise)


def _without_violation(rules: Json) -> dict[str, str]:
    """The verdict on a value that breaks no rule, by option."""
    none = "no rule" if rules else "not judged"
    limits = rules.get("resource_max") or {}
    return {
        **{option: ALLOWED if any(one in rules for one in judges) else none for option, judges in _JUDGES.items()},
        **{f"resource.{key}": none if limits.get(key) is None else ALLOWED for key in _SIZES},
    }


def _network(network: str, judge: _Judge | None) -> dict[str, Any]:
    rules = [one["rule"] for one in judge.broken("whitelist", value=network)] if judge else []
    return {"network": network, "verdict": judge.verdict("whitelist", value=network) if judge else "", "rules": rules}


def _package(package: Json, judge: _Judge | None) -> dict[str, Any]:
    name, version = str(package.get("name") or ""), _text(package.get("version"))
    status = _text(package.get("status")) or "unknown"
    shown = f"{name}=={version}" if version else name
    return {
        "name": name,
        "version": version,
        "status": status,
        "message": _text(package.get("message")),
        "failed": status == "not_installed",
        "verdict": judge.verdict("packages", value=shown) if judge else "",
        "rules": [one["rule"] for one in judge.broken("packages", value=shown)] if judge else [],
    }


def _field(change: Json) -> dict[str, Any]:
    before, after = change["before"], change["after"]
    return {
        "field": change["field"],
        "wanted": after,
        "found": before,
        "marks": [mark._asdict() for mark in changes.marks(before, after)],
    }


def _size(runtime: Json, judge: _Judge | None) -> list[dict[str, str]]:
    """The sizes as texts, each with the verdict on it."""
    resource = runtime.get("resource") if isinstance(runtime.get("resource"), Mapping) else {}
    size: list[tuple[str, tuple[str, ...]]] = [
        (text.format(resource[key]), (f"resource.{key}",))
        for key, text in _SIZES.items()
        if resource and resource.get(key) is not None
    ]
    if runtime.get("exec_timeout") is not None:
        size.append((f"scripts run up to {runtime['exec_timeout']} s", ("exec_timeout",)))
    least, most = (runtime.get(one) for one in _POOL)
    if least or most:
        size.append((f"{least or 0} to {most or 0} cached instances", _POOL))
    return [{"text": text, "verdict": judge.verdict(*options) if judge else ""} for text, options in size]


def _text(value: Any) -> str:
    """A value that should be a text, because a server may hold anything."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)


def _problems(found: Json) -> list[str]:
    """The problems that prevent scripts from running, each as the rest of a sentence about the runtime."""
    problems = ["has the status error"] if found["status"] == "error" else []
    for package in found["packages"]:
        if package["failed"]:
            why = f' (server: "{package["message"]}")' if package["message"] else ""
            problems.append(f"package {package['name']} is not installed{why}")
    return problems
