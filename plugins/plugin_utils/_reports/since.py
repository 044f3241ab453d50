# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed on a server since an earlier audit or export.

Pure: takes the text of the JSON file of an audit, or of an exported file. Only fields of a definition count, because
dates, versions and states change by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from ...module_utils._errors import counted
from ...module_utils._model.alike import is_named
from ...module_utils._model.fields import BY_NAME, differing
from ...module_utils._model.file import parsed
from ...module_utils._model.kinds import RESOURCE_KEYS
from ...module_utils._model.plan import diff_values
from ...module_utils._model.runtime import DEFAULT_RUNTIME_ID, mark_in
from .changes import change_line
from .evaluation import Json

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(?:\+0000|\+00:00|Z)")
# What makes a finding the same one at both times.
_KEYS = {
    "violations": ("name", "id", "option", "value", "rule"),
    "mismatches": ("name", "id", "package", "version", "installed"),
}
_CHANGES = ("created", "deleted", "renamed", "replaced", "changed")
# What a later audit compares with.
_STATE = ("inventory", "policy", *_KEYS, "incomplete")


class Earlier(NamedTuple):
    """The content of the file. `environments`: of an audit, by name. `runtimes`: of an export or a backup.

    `left_out`: the names and ids of what the export leaves out.
    """

    generated: str
    environments: Mapping[str, Json]
    runtimes: Sequence[Json] | None = None
    left_out: Sequence[str] = ()

    def has(self, environment: str) -> bool:
        """Whether there is something to compare the environment with. An export names no environment."""
        return self.runtimes is not None or environment in self.environments

    def state(self, environment: str) -> Json | None:
        """The last state of an environment that an audit could read, with its `generated`; None without one."""
        entry = self.environments.get(environment, {})
        if entry.get("message") and not entry.get("counts"):
            return entry.get("last_read")
        state = {key: entry.get(key) for key in _STATE}
        return {"generated": self.generated, **state} if entry else None

    def carried(self, environments: Iterable[str]) -> list[dict[str, Any]]:
        """The entries for a new file of the environments that are not among these, with their last states."""
        others = set(self.environments).difference(environments)
        why = "this audit did not read it"
        rest = {**dict.fromkeys(("runtimes", "scripts", "violations", "lines"), ()), "message": why, "inventory": []}
        states = [{"environment": name, "last_read": self.state(name)} for name in sorted(others)]
        return [{**entry, "outcome": "not audited", **rest} for entry in states if entry["last_read"]]


def earlier_from(text: str) -> Earlier:
    """The content of the file. Raises ValueError with the rest of a sentence that starts with its path."""
    content = parsed(text)
    if isinstance(content, Mapping) and isinstance(content.get("environments"), list):
        return _audit(content)
    export = content if isinstance(content, Mapping) else {"runtimes": content}
    runtimes, left_out = export.get("runtimes"), export.get("left_out") or []
    if not _are_mappings(runtimes) or not all(isinstance(runtime.get("name"), str) for runtime in runtimes):
        raise ValueError("is neither the .json file of an audit nor an exported file")
    if not isinstance(left_out, list) or not all(isinstance(entry, str) for entry in left_out):
        raise ValueError("is not an exported file: left_out must be a list of names and ids")
    # What a backup lists as absent did not exist. It also has the default runtime, which no export has.
    kept = [
        runtime
        for runtime in runtimes
        if runtime.get("state") != "absent" and str(runtime.get("id")).upper() != DEFAULT_RUNTIME_ID
    ]
    return Earlier("", {}, kept, left_out)


def _audit(content: Json) -> Earlier:
    if content.get("kind") != "audit" or not _are_mappings(content["environments"]):
        raise ValueError("is not the .json file of an audit")
    for environment in content["environments"]:
        _check(environment)
    by_name = {str(environment.get("environment")): environment for environment in content["environments"]}
    return Earlier(str(content.get("generated") or ""), by_name)


def _check(environment: Json) -> None:
    """Raise ValueError if an environment of an audit has a value of a different type than an audit writes."""
    state = environment.get("last_read")
    if state is not None:
        if not isinstance(state, Mapping):
            raise ValueError("was edited: last_read must be a mapping")
        _check({key: state.get(key) for key in _STATE})
    listed = environment.get("inventory")
    if not _are_mappings(listed):
        raise ValueError("has no inventory of runtimes; it is not the .json file of an audit")
    lists = {key: environment.get(key) for key in _KEYS}
    for index, runtime in enumerate(listed):
        where = f"inventory[{index}]"
        if not isinstance(runtime.get("name"), str) or not isinstance(runtime.get("id"), (str, type(None))):
            raise ValueError(f"was edited: {where} has no name, or its id is not a text")
        lists.update({f"{where}.{key}": runtime.get(key) for key in ("networks", "packages")})
    for where, value in lists.items():
        if value is not None and not _are_mappings(value):
            raise ValueError(f"was edited: {where} must be a list of mappings, not {value!r}")


def _are_mappings(value: Any) -> TypeGuard[list[Json]]:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def when(text: Any) -> str:
    """A server's timestamp in short form, such as `2026-11-25 07:29 UTC`; other text unchanged."""
    timestamp = _TIMESTAMP.fullmatch(str(text or ""))
    return f"{timestamp.group(1)} {timestamp.group(2)} UTC" if timestamp else str(text or "")


def compared_with_earlier(
    earlier: Earlier, report: Json, runtimes: Sequence[Json], previous_names: Mapping[str, Sequence[str]]
) -> Json:
    """What changed. `report`: of the environment now; `runtimes`: its inventory.

    `previous_names`: by name, as far as there are definitions. What one of two lists may lack was neither created nor
    deleted. In the result, `error` says why nothing could be compared, and is None otherwise; `incomplete` says whether
    the earlier list may lack runtimes; `violations` is None unless both times had a policy, and `mismatches` unless
    both times knew what is installed.
    """
    environment, incomplete = report["environment"], report["incomplete"] is not None
    old = earlier.state(environment) or {}
    was_incomplete, lists = bool(old.get("incomplete")), {key: list[Any]() for key in _CHANGES}
    since = {"generated": old.get("generated", earlier.generated), "error": None, "incomplete": was_incomplete, **lists}
    since.update(dict.fromkeys(_KEYS))
    if not earlier.has(environment):
        return {**since, "error": f"the earlier report has no environment {environment!r}"}
    if earlier.runtimes is None and not old:
        return {**since, "error": "no earlier audit could read the environment"}
    before, now, key = _both_lists(earlier, old, runtimes)
    by_key = {runtime.get(key): runtime for runtime in before}
    successors = _successors(now, by_key, previous_names) if key == "id" and not incomplete else {}
    for runtime in sorted(now, key=lambda entry: (entry["name"], str(entry["id"]))):
        was = by_key.pop(successors.get(runtime[key], runtime[key]), None)
        if was is None:
            lists["created"] += [] if was_incomplete else [_named(runtime)]
            continue
        changed = {**_named(runtime), "fields": changed_fields(definition_of(was), definition_of(runtime))}
        if runtime[key] in successors:
            lists["replaced"].append({**changed, "before": {"name": was.get("name"), "id": was.get("id")}})
            continue
        if was.get("name") != runtime["name"]:
            lists["renamed"].append({"before": was.get("name"), "after": runtime["name"], "id": runtime["id"]})
        lists["changed"] += [changed] if changed["fields"] else []
    held = {"new": before if was_incomplete else None, "gone": now if incomplete else None}
    if old.get("policy") and report["policy"]:
        since["violations"] = _new_and_gone("violations", old, report, held, successors)
    if old.get("mismatches") is not None and report["mismatches"] is not None:
        since["mismatches"] = _new_and_gone("mismatches", old, report, held, successors)
    gone = [] if incomplete else sorted(by_key.values(), key=lambda runtime: str(runtime.get("name")))
    return {**since, "deleted": [{key: runtime.get(key) for key in ("name", "id")} for runtime in gone]}


def _both_lists(earlier: Earlier, old: Json, runtimes: Sequence[Json]) -> tuple[Sequence[Json], Sequence[Json], str]:
    """The runtimes before and now, and the key by which they are the same."""
    # An unfinished replacement counts once it has its name.
    now = [runtime for runtime in runtimes if runtime["present"] and not mark_in(runtime["name"])]
    if earlier.runtimes is None:
        before = [entry for entry in old["inventory"] if entry.get("present", True)]
        return [entry for entry in before if not mark_in(str(entry.get("name") or ""))], now, "id"
    # Neither an export nor a backup restores the default runtime.
    left_out = earlier.left_out
    now = [entry for entry in now if not entry["is_default"] and not is_named(entry["name"], left_out, entry["id"])]
    # An export has no ids.
    has_ids = bool(earlier.runtimes) and all(entry.get("id") for entry in earlier.runtimes)
    return earlier.runtimes, now, "id" if has_ids else "name"


def _successors(
    now: Sequence[Json], before: Mapping[Any, Json], previous_names: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """By the id of each runtime that took the place of another one, the id of that one.

    It has the name, or its definition has a previous name, of a runtime that is gone.
    """
    ids = {runtime["id"] for runtime in now}
    gone = {entry.get("name"): identity for identity, entry in before.items() if identity not in ids}
    successors = {}
    for runtime in now:
        names = (runtime["name"], *previous_names.get(runtime["name"], ()))
        gone_names = [name for name in names if name in gone] if runtime["id"] not in before else []
        if gone_names:
            successors[runtime["id"]] = str(gone.pop(gone_names[0]))
    return successors


def _named(runtime: Json) -> dict[str, Any]:
    return {
        "name": runtime["name"],
        "id": runtime["id"],
        "date": runtime["date_modified"] or runtime["date_created"],
        "owner": runtime["owner"],
    }


def definition_of(runtime: Json) -> dict[str, Any]:
    """The fields of a definition, or of a runtime in a report, as if a server held them. What it lacks is left out."""
    values = dict(runtime)
    if _are_mappings(runtime.get("networks")):
        values["whitelist"] = [entry.get("network") for entry in runtime["networks"]]
    if isinstance(runtime.get("resource"), Mapping):
        values["resource"] = {RESOURCE_KEYS.get(key, key): amount for key, amount in runtime["resource"].items()}
    elif "resource" in runtime:
        values["resource"] = None
    names = BY_NAME.keys() & values.keys() - {"name", *(runtime.get("unread_fields") or ())}
    return {name: BY_NAME[name].kind.from_api(values[name]) for name in BY_NAME if name in names}


def changed_fields(before: Json, after: Json) -> list[dict[str, Any]]:
    """The fields that both definitions have, and that differ, each with its values."""
    names = differing(before, after, (field for field in before if field in after))
    was, now = diff_values(before, names), diff_values(after, names)
    return [{"field": name, "before": was[name], "after": now[name]} for name in names]


def _new_and_gone(
    kind: str, old: Json, report: Json, held: Mapping[str, Iterable[Json] | None], successors: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """The findings of a kind that are new and gone. `held`: the runtimes of which this is known, None for all.

    A replacement keeps those of the runtime before it, by `successors`.
    """

    _name, _id, *keys = _KEYS[kind]

    def by_key(rows: Iterable[Json]) -> dict[Any, Any]:
        shown = [{key: row.get(key) for key in _KEYS[kind]} for row in rows]
        return {
            (successors.get(str(row["id"]), str(row["id"])), *(str(row[key]) for key in keys)): row for row in shown
        }

    def missing(rows: Json, others: Json, runtimes: Iterable[Json] | None) -> list[dict[str, Any]]:
        ids = None if runtimes is None else {str(runtime.get("id")) for runtime in runtimes}
        return [row for key, row in rows.items() if key not in others and (ids is None or str(row["id"]) in ids)]

    was, now = by_key(old.get(kind) or ()), by_key(report[kind])
    return {"new": missing(now, was, held["new"]), "gone": missing(was, now, held["gone"])}


def changed_runtimes(since: Json) -> Iterator[tuple[str, Json, str]]:
    """Each runtime that changed: the list that it is in, the runtime, and what happened to it, when and by whom."""
    for action in _CHANGES:
        for runtime in since[action]:
            if action == "renamed":
                yield action, {"name": runtime["after"], "id": runtime["id"]}, f"renamed from {runtime['before']!r}"
                continue
            who = ", ".join(text for text in (when(runtime.get("date")), runtime.get("owner")) if text)
            old = runtime.get("before")
            named = f"{old['name']!r} " if old and old["name"] != runtime["name"] else ""
            replaced = f" {named}({old['id']})" if old else ""
            rows = runtime.get("fields") or ()
            fields = [change_line(row["field"], row["before"], row["after"]) for row in rows]
            what = f": {'; '.join(fields) or 'the same definition'}" if action in ("replaced", "changed") else ""
            yield action, runtime, f"{action}{replaced}{f' ({who})' if who else ''}{what}"
    for action, rows in (since["mismatches"] or {}).items():
        for row in rows:
            held = row["installed"] or "no version"
            yield action, row, f"{action}: {row['package']} {row['version']} is in its definition, {held} is installed"


def since_line(since: Json) -> str:
    """One line, such as `1 created, 1 changed since 2026-11-25 07:29 UTC`."""
    if since["error"]:
        return f"not compared with an earlier report: {since['error']}"
    parts = [f"{len(since[key])} {key}" for key in _CHANGES if since[key]]
    for key, noun in (("violations", "violation"), ("mismatches", "mismatched version")):
        rows = since[key] or {"new": (), "gone": ()}
        parts += [counted(len(rows["new"]), f"new {noun}")] if rows["new"] else []
        parts += [f"{counted(len(rows['gone']), noun)} gone"] if rows["gone"] else []
    lacking = "; the earlier list may lack runtimes, so created ones are not shown" if since["incomplete"] else ""
    return f"{', '.join(parts) or 'nothing changed'} since {when(since['generated']) or 'the export'}{lacking}"
