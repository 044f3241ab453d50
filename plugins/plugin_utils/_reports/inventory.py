# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every runtime of one environment with the facts that a report shows.

Pure: takes the results of `mstr.library.mstr_runtimes` and `mstr.library.mstr_runtime_info`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME, POOL
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import NOTHING
from ansible_collections.mstr.library.plugins.module_utils._model.policy import number_of
from ansible_collections.mstr.library.plugins.module_utils._model.rules import EXEMPTED, NOT_EVALUATED, UNREADABLE
from ansible_collections.mstr.library.plugins.module_utils._model.usage import name_of
from ansible_collections.mstr.library.plugins.module_utils._work.api import utc_date

from . import changes
from .evaluation import ALLOWED, COUNTED, EXPIRES_SOON, grouped, worst
from .installed import installed_version, mismatches, not_offered, pulled_in
from .lines import failed_runs, schedules
from .since import Earlier

Json = Mapping[str, Any]

_SIZES = {"cpu": "CPU {}", "mem": "{} MB memory", "disk": "disk {}", "proc_count": "{} processes"}
# The rules that evaluate every value of an option. `whitelist_required` evaluates no single network.
_RULES_OF = {
    "whitelist": ("networks_within", "networks_never"),
    "packages": ("packages_within", "packages_never", "package_versions_required"),
    "runtime_version": ("runtime_versions_within",),
    "exec_timeout": ("exec_timeout_max",),
    **dict.fromkeys(POOL, ("cached_instances_max",)),
}
_RULES_OF["installed"] = _RULES_OF["packages"][:2]


class Sources(NamedTuple):
    """The results from one environment."""

    environment: str
    applied: Json | None  # the result of mstr_runtimes, or of the task that failed before it
    check_mode: bool = False
    read: Json | None = None  # the result of mstr_runtime_info, in an audit
    incomplete: str | None = None  # why there may be more runtimes than those, None if there are not
    policy: Json | None = None  # the rules that forbid anything, and the exemptions, see `evaluation.rules_of`
    since: Earlier | None = None
    approved: Json | None = None  # the plan that somebody approved, as in a plan file
    warnings: Sequence[Any] = ()  # of a task that did more than these results show
    previous_names: Mapping[str, Sequence[str]] = NOTHING  # by name, of the definitions
    refusals: Sequence[str] = ()  # why an apply would be refused, in an audit

    @property
    def compares_runtimes(self) -> bool:
        """Whether runtimes were compared with definitions. An environment may define the scripts alone."""
        applied = self.applied
        return applied is not None and bool(applied.get("runtimes") or not applied.get("scripts"))


def changed_scripts(applied: Json) -> list[Json]:
    """The scripts whose runtime is not the wanted one, or was not, in the result of mstr_runtimes."""
    return [script for script in applied.get("scripts") or () if script.get("action") != "none"]


def inventory(sources: Sources, rows: Iterable[Json] = ()) -> list[dict[str, Any]]:
    """The runtimes, those with findings first, then by name. Runtimes that are missing on the server are included.

    `rows`: what the policy found, with verdicts, as `evaluation.evaluated` returns it.
    """
    read, applied = sources.read, sources.applied or {}
    entries = list(entries_of(applied))
    found = grouped((row["id"] or row["name"], row) for row in rows)
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
    runtimes = []
    for runtime, entry in pairs:
        keys = (runtime.get("id"), entry.get("id"), entry.get("name"))
        of_runtime = next((found[key] for key in keys if key in found), [])
        verdicts = _Verdicts(of_runtime if otherwise else (), otherwise)
        runtimes.append(_runtime_report(runtime, entry, of_runtime, sources, verdicts))
    return sorted(
        runtimes, key=lambda runtime: (not runtime["findings"], runtime["name"].casefold(), runtime["id"] or "")
    )


def _id_now(entry: Json, names: Mapping[str, str]) -> str | None:
    """The id of the runtime that an entry is about. `names`: of all runtimes, by id.

    Of a replacement, it is the runtime that has the name now, or else the one that goes.
    """
    identity: str | None = entry.get("id")
    old = [change["before"] for change in entry.get("changes") or () if change["field"] == "id"]
    return old[0] if old and names.get(str(identity)) != entry.get("name") else identity


def _now(entry: Json, check_mode: bool) -> Json:
    """The runtime of an entry as it is: in check mode, the result has it as it would become."""
    runtime: Json = entry.get("runtime") or {}
    if not check_mode or entry.get("action") not in ("created", "updated", "replaced"):
        return runtime
    return {} if entry["action"] == "created" else before(entry)


def entries_of(applied: Json) -> Iterator[Json]:
    """The entries of a result. A replacement has with it the runtime that it deletes, which is an entry of its own."""
    rows = list(applied.get("runtimes") or ())
    gone = {row["id"]: row for row in rows if "replaced_by" in row}
    for entry in rows:
        old = [change["before"] for change in entry.get("changes") or () if change["field"] == "id"]
        first = gone.pop(old[0], None) if old and entry.get("action") == "replaced" else None
        if first is None:
            if "replaced_by" not in entry or entry["id"] in gone:
                yield entry
            continue
        replaced = {**entry, "replaced": first["runtime"], "scripts": first.get("scripts")}
        if [change["field"] for change in entry["changes"]] == ["id"]:
            # Nothing of the runtime with the name changes; only one with a previous name goes.
            yield {**entry, "action": "none", "changes": [], "replaced": None}
            name = {"field": "name", "before": first["name"], "after": entry["name"]}
            replaced |= {"id": first["id"], "changes": [*entry["changes"], name], "runtime": first["runtime"]}
        yield replaced


def before(entry: Json) -> dict[str, Any]:
    """The runtime before the task. Of a replacement, it is the one that goes."""
    if entry.get("replaced"):
        return dict(entry["replaced"])
    runtime: Json = entry.get("runtime") or {}
    changed = {change["field"]: change["before"] for change in entry.get("changes") or ()}
    if "packages" in changed:
        # The changes do not have what the server says of a package.
        known = {(item.get("name"), item.get("version") or ""): item for item in runtime.get("packages") or ()}
        changed["packages"] = [
            {**known.get((item["name"], item.get("version") or ""), {}), **item} for item in changed["packages"] or ()
        ]
    return {**runtime, **changed}


def unread_texts(unread: Json) -> tuple[str, str]:
    """What could not be read, and the reason."""
    error = unread.get("error") or ""
    reason = str(error.get("msg") or "") if isinstance(error, Mapping) else str(error)
    project, script, runtime = (name_of(unread.get(key)) for key in ("project", "script", "runtime"))
    if runtime:
        return f"what is installed in {runtime!r}", reason
    if script:
        return f"the script {script!r} in {project!r}", reason
    return f"the scripts of {project!r}" if project else "the list of projects", reason


def counts_of(
    runtimes: Sequence[Json], rows: Sequence[Json], unused: Sequence[str], sources: Sources
) -> dict[str, int | None]:
    """The number of findings of each kind; of `scripts` and of those `scheduled`, None if they were not looked up."""
    read = sources.read or {}
    exempted = [row for row in rows if row["verdict"] == EXEMPTED]
    soon = (utc_date() + EXPIRES_SOON).isoformat() if exempted else ""
    return {
        "runtimes": sum(1 for runtime in runtimes if runtime["present"]),
        "violations": number_of(row for row in rows if row["verdict"] in COUNTED),
        "unreadable": sum(1 for row in rows if row["verdict"] == UNREADABLE),
        "exempted": len(exempted),
        "expiring": sum(1 for row in exempted if row["until"] and row["until"] <= soon),
        "not_evaluated": sum(1 for row in rows if row["verdict"] == NOT_EVALUATED),
        **_script_counts([*(runtime["scripts"] for runtime in read.get("runtimes") or () if "scripts" in runtime)]),
        "differing": sum(1 for runtime in runtimes if runtime["action"] not in (None, "none")),
        "moved": sum(1 for script in changed_scripts(sources.applied or {}) if script["action"] == "moved"),
        "undefined": sum(1 for runtime in runtimes if runtime["defined"] is False),
        "problems": sum(1 for runtime in runtimes if runtime["problems"]),
        "failed_runs": sum(len(runtime["failed_runs"]) for runtime in runtimes),
        "mismatches": sum(len(runtime["mismatches"]) for runtime in runtimes),
        "not_offered": sum(1 for runtime in runtimes if not runtime["offered"]),
        "dangling": len(read.get("dangling") or ()),
        "unread": len(read.get("unread") or ()),
        "unused": len(unused),
    }


def _script_counts(found: Sequence[Any]) -> dict[str, int | None]:
    scripts = [script for of_runtime in found for script in of_runtime or ()]
    knows_tasks = found and all(script.get("tasks") is not None for script in scripts)
    scheduled = sum(1 for script in scripts if schedules(script)) if knows_tasks and scripts else None
    return {"scripts": len(scripts) if found else None, "scheduled": scheduled}


def _runtime_report(
    runtime: Json, entry: Json, rows: Sequence[Json], sources: Sources, verdicts: _Verdicts
) -> dict[str, Any]:
    """One runtime. `runtime`: as it is, empty if it does not exist; `entry`: of the comparison, empty without one."""
    action = entry.get("action")
    missing = "missing" if action in ("created", "updated") else "not compared"
    unknown = not sources.compares_runtimes or bool((sources.applied or {}).get("failed") or runtime.get("is_default"))
    found: dict[str, Any] = {
        "name": str(runtime.get("name") or entry.get("name") or ""),
        "id": runtime.get("id") or entry.get("id"),
        "present": bool(runtime),
        "is_default": bool(runtime.get("is_default")),
        "description": _as_text(runtime.get("description")),
        "status": _as_text(runtime.get("status")) or "unknown" if runtime else missing,
        "packages": [
            _package(package, verdicts, installed_version(runtime, package))
            for package in runtime.get("packages") or ()
        ],
        "installed": runtime.get("installed"),
        "pulled_in": pulled_in(runtime, verdicts.on),
        "networks": [_network(str(network), verdicts) for network in runtime.get("whitelist") or ()],
        "whitelist_known": runtime.get("whitelist") is not None or sources.read is not None,
        "whitelist_verdict": verdicts.on_empty_whitelist(),
        "evaluated": [{key: row.get(key) for key in _SHOWN} for row in rows],
        "size": _size(runtime, verdicts),
        **{field: runtime.get(field) for field in BY_NAME if field not in _SHAPED},
        "python_verdict": verdicts.on("runtime_version") if runtime.get("runtime_version") else "",
        "version": runtime.get("version"),
        "owner": (runtime.get("owner") or {}).get("name") if isinstance(runtime.get("owner"), Mapping) else None,
        "date_created": runtime.get("date_created"),
        "date_modified": runtime.get("date_modified"),
        # What would be deleted or replaced has them in its entry, as evidence.
        "scripts": runtime["scripts"] if runtime.get("scripts") is not None else entry.get("scripts"),
        "action": action,
        # Whether the environment defines it; None if unknown. The default runtime needs no definition.
        "defined": None if unknown else bool(entry) and action != "deleted",
        "error": (entry.get("error") or {}).get("msg"),
        "smoke_test": entry.get("smoke_test"),
        "fields": [_field(change) for change in entry.get("changes") or ()],
    }
    found["problems"] = _problems(found)
    found["failed_runs"] = failed_runs(found)
    found["mismatches"] = mismatches(runtime, sources.read)
    gone = {row["id"] for row in not_offered(sources.read or {}) or ()}
    found["offered"] = not runtime or runtime.get("id") not in gone
    # What fails nothing, each as the rest of a sentence about the runtime
    found["remarks"] = [
        *found["failed_runs"],
        *found["mismatches"],
        *([] if found["offered"] else [f"has Python {found['runtime_version']}, which the server no longer offers"]),
    ]
    found["findings"] = bool(
        any(row["verdict"] in COUNTED for row in rows)
        or found["problems"]
        or found["remarks"]
        or found["error"]
        or action not in (None, "none")
    )
    return found


# Fields that a report shows in a form of its own; the others are as in a result.
_SHAPED = ("name", "description", "whitelist", "packages")
# Those that have a place of their own on the page.
_PLACED = (*_SHAPED, "resource", "exec_timeout", *POOL, "runtime_version")
_SHOWN = ("option", "value", "rule", "detail", "verdict", "reason", "until")


class _Verdicts:
    """What the policy says of the values of one runtime; nothing without an evaluation."""

    def __init__(self, rows: Sequence[Json], otherwise: Mapping[str, str]) -> None:
        self._rows, self._otherwise = rows, otherwise

    def rows(self, *options: str, value: Any = None) -> list[Json]:
        """What was found in some options, or in one value of an option."""
        return [
            row for row in self._rows if row["option"] in options and (value is None or str(row["value"]) == str(value))
        ]

    def on(self, *options: str, value: Any = None) -> str:
        """The verdict on some options with a common rule, or on one value of an option."""
        otherwise = self._otherwise.get(options[0], "")
        return worst((row["verdict"] for row in self.rows(*options, value=value)), otherwise)

    def on_empty_whitelist(self) -> str:
        """The verdict on an empty whitelist: nobody knows whether it reaches nothing or everything."""
        found = (row["verdict"] for row in self._rows if row["rule"] == "whitelist_required")
        otherwise = self._otherwise.get("whitelist", "")
        return worst(found, "unknown" if otherwise == ALLOWED else otherwise)


def _without_finding(policy: Json) -> dict[str, str]:
    """The verdict on a value in which the policy finds nothing, by option."""
    none = "no rule" if policy else NOT_EVALUATED
    limits = policy.get("resource_max") or {}
    return {
        **{option: ALLOWED if any(rule in policy for rule in rules) else none for option, rules in _RULES_OF.items()},
        **{f"resource.{key}": none if limits.get(key) is None else ALLOWED for key in _SIZES},
    }


def _network(network: str, verdicts: _Verdicts) -> dict[str, Any]:
    rules = [row["rule"] for row in verdicts.rows("whitelist", value=network)]
    return {"network": network, "verdict": verdicts.on("whitelist", value=network), "rules": rules}


def package_label(package: Json) -> str:
    """How the policy names a package with its version, the installed one where it is known."""
    name = str(package.get("name") or "")
    version = package.get("installed") or _as_text(package.get("version"))
    return f"{name}=={version}" if version else name


def _package(package: Json, verdicts: _Verdicts, installed: str | None) -> dict[str, Any]:
    status = _as_text(package.get("status")) or "unknown"
    label = package_label({**package, "installed": installed})
    return {
        "name": str(package.get("name") or ""),
        "version": _as_text(package.get("version")),
        "installed": installed,
        "description": _as_text(package.get("description")),
        "status": status,
        "message": _as_text(package.get("message")),
        "failed": status == "not_installed",
        "verdict": verdicts.on("packages", value=label),
        "rules": [row["rule"] for row in verdicts.rows("packages", value=label)],
    }


def _field(change: Json) -> dict[str, Any]:
    before, after = change["before"], change["after"]
    return {
        "field": change["field"],
        "wanted": after,
        "found": before,
        "changes": [change._asdict() for change in changes.changes(before, after)],
    }


def settings() -> list[str]:
    """The fields that are one value each."""
    return [name for name in BY_NAME if name not in (*_SHAPED, "resource")]


def _size(runtime: Json, verdicts: _Verdicts) -> list[dict[str, str]]:
    """The sizes and the other settings as texts, each with the verdict on it."""
    resource = runtime.get("resource")
    amounts: Json = resource if isinstance(resource, Mapping) else {}
    size: list[tuple[str, tuple[str, ...]]] = [
        (text.format(amounts[key]), (f"resource.{key}",))
        for key, text in _SIZES.items()
        if amounts.get(key) is not None
    ]
    if runtime.get("exec_timeout") is not None:
        size.append((f"scripts run up to {runtime['exec_timeout']} s", ("exec_timeout",)))
    least, most = (runtime.get(key) for key in POOL)
    if least or most:
        size.append((f"{least or 0} to {most or 0} cached instances", POOL))
    size += [(f"{name} {runtime[name]}", (name,)) for name in BY_NAME if name not in _PLACED and runtime.get(name)]
    return [{"text": text, "verdict": verdicts.on(*options)} for text, options in size]


def _as_text(value: Any) -> str:
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
