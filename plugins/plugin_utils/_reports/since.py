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
from typing import Any, NamedTuple

from ansible_collections.mstr.library.plugins.module_utils._errors import counted
from ansible_collections.mstr.library.plugins.module_utils._model.alike import is_named
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME, differing
from ansible_collections.mstr.library.plugins.module_utils._model.file import parsed
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import NOTHING, RESOURCE_KEYS
from ansible_collections.mstr.library.plugins.module_utils._model.plan import diff_values
from ansible_collections.mstr.library.plugins.module_utils._model.rules import UNREADABLE, VIOLATION
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import DEFAULT_RUNTIME_ID

from . import changes

Json = Mapping[str, Any]

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(?:\+0000|\+00:00|Z)")
_VIOLATION_KEYS = ("name", "id", "option", "value", "rule")
_MISMATCH_KEYS = ("name", "id", "package", "version", "installed")


# What a later audit compares with.
_STATE = ("inventory", "policy", "violations", "mismatches", "incomplete")


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
        found = {key: entry.get(key) for key in _STATE}
        return {"generated": self.generated, **found} if entry else None

    def carried(self, environments: Iterable[str]) -> list[dict[str, Any]]:
        """The entries for a new file of the environments that are not among these, with their last states."""
        others = [name for name in self.environments if name not in set(environments)]
        why = "this audit did not read it"
        rest = {**dict.fromkeys(("runtimes", "scripts", "violations", "lines"), ()), "message": why, "inventory": []}
        states = [{"environment": name, "last_read": self.state(name)} for name in others]
        return [{**entry, "outcome": "not audited", **rest} for entry in states if entry["last_read"]]


def earlier_from(text: str) -> Earlier:
    """The content of the file. Raises ValueError with the rest of a sentence that starts with its path."""
    content = parsed(text)
    if isinstance(content, Mapping) and isinstance(content.get("environments"), list):
        return _audit(content)
    runtimes = content.get("runtimes") if isinstance(content, Mapping) else content
    if not isinstance(runtimes, list) or not all(
        isinstance(runtime, Mapping) and isinstance(runtime.get("name"), str) for runtime in runtimes
    ):
        raise ValueError("is neither the .json file of an audit nor an exported file")
    # What a backup or a file lists as absent is nothing that existed.
    runtimes = [runtime for runtime in runtimes if runtime.get("state") != "absent"]
    left_out = (content.get("left_out") or []) if isinstance(content, Mapping) else []
    if not isinstance(left_out, list) or not all(isinstance(entry, str) for entry in left_out):
        raise ValueError("is not an exported file: left_out must be a list of names and ids")
    # A backup also has what a restore deletes, and the default runtime, which no export has.
    kept = [
        runtime
        for runtime in runtimes
        if runtime.get("state") != "absent" and str(runtime.get("id")).upper() != DEFAULT_RUNTIME_ID
    ]
    return Earlier("", {}, kept, left_out)


def _audit(content: Json) -> Earlier:
    environments = [entry for entry in content["environments"] if isinstance(entry, Mapping)]
    if content.get("kind") != "audit" or len(environments) != len(content["environments"]):
        raise ValueError("is not the .json file of an audit")
    for environment in environments:
        _check(environment)
    by_name = {str(environment.get("environment")): environment for environment in environments}
    return Earlier(str(content.get("generated") or ""), by_name)


def _check(environment: Json) -> None:
    """Raise ValueError if an environment of an audit has a value of a different type than an audit writes."""
    state = environment.get("last_read")
    if state is not None:
        if not isinstance(state, Mapping):
            raise ValueError("was edited: last_read must be a mapping")
        _check({key: state.get(key) for key in _STATE})
    listed = environment.get("inventory")
    if listed is None or not _are_mappings(listed):
        raise ValueError("has no inventory of runtimes; it is not the .json file of an audit")
    lists = {key: environment.get(key) for key in ("violations", "mismatches")}
    for index, runtime in enumerate(listed):
        where = f"inventory[{index}]"
        if not isinstance(runtime.get("name"), str) or not isinstance(runtime.get("id"), (str, type(None))):
            raise ValueError(f"was edited: {where} has no name, or its id is not a text")
        lists.update({f"{where}.{key}": runtime.get(key) for key in ("networks", "packages")})
    for where, value in lists.items():
        if value is not None and not _are_mappings(value):
            raise ValueError(f"was edited: {where} must be a list of mappings, not {value!r}")


def _are_mappings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def when(text: Any) -> str:
    """A server's timestamp in short form, such as `2026-11-25 07:29 UTC`; other text unchanged."""
    found = _TIMESTAMP.fullmatch(str(text or ""))
    return f"{found.group(1)} {found.group(2)} UTC" if found else str(text or "")


def changed_since(
    earlier: Earlier,
    environment: str,
    runtimes: Sequence[Json],
    violations: Iterable[Json] | None,
    incomplete: bool = False,
    mismatches: Iterable[Json] | None = None,
    previous_names: Mapping[str, Sequence[str]] = NOTHING,
) -> Json:
    """What changed. `runtimes`: the inventory as it is now; `violations`: of now, with ids, None without a policy;
    `mismatches`: packages whose pinned version is not installed, None if it is not known what is installed.

    `previous_names`: by name, as far as there are definitions. `incomplete`: whether the list may lack runtimes. What
    one of two lists may lack was neither created nor deleted. In the result, `error` says why nothing could be
    compared, and is None otherwise; `incomplete` says whether the earlier list may lack runtimes; `violations` is None
    unless both times had a policy, and so are `mismatches` unless both times knew what is installed.
    """
    old = earlier.state(environment) or {}
    generated = old.get("generated", earlier.generated)
    found: dict[str, Any] = {"generated": generated, "error": None, "incomplete": False}
    found.update(created=[], deleted=[], renamed=[], replaced=[], changed=[], violations=None, mismatches=None)
    if not earlier.has(environment):
        return {**found, "error": f"the earlier report has no environment {environment!r}"}
    if earlier.runtimes is None and not old:
        return {**found, "error": "no earlier audit could read the environment"}
    now = [runtime for runtime in runtimes if runtime["present"]]
    found["incomplete"] = was_incomplete = bool(old.get("incomplete"))
    if earlier.runtimes is None:
        before, key, facts_of = [entry for entry in old["inventory"] if entry.get("present", True)], "id", _of_inventory
    else:
        before, facts_of = [entry for entry in earlier.runtimes if not _is_default(entry)], _of_definition
        # An export has no ids. Neither it nor a backup restores the default runtime.
        key = "id" if before and all(entry.get("id") for entry in before) else "name"
        now = [runtime for runtime in now if not runtime["is_default"]]
        now = [runtime for runtime in now if not is_named(runtime["name"], earlier.left_out, runtime["id"])]
    known = {runtime.get(key): runtime for runtime in before}
    successors = _successors(now, known, previous_names) if key == "id" and not incomplete else {}
    for runtime in sorted(now, key=lambda entry: (entry["name"], str(entry["id"]))):
        was = known.pop(successors.get(runtime[key], runtime[key]), None)
        if was is None:
            found["created"] += [] if was_incomplete else [_named(runtime)]
            continue
        fields = _changed_fields(facts_of(was), _of_inventory(runtime))
        if runtime[key] in successors:
            old_one = {"name": was.get("name"), "id": was.get("id")}
            found["replaced"].append({**_named(runtime), "before": old_one, "fields": fields})
            continue
        if was.get("name") != runtime["name"]:
            found["renamed"].append({"before": was.get("name"), "after": runtime["name"], "id": runtime["id"]})
        found["changed"] += [{**_named(runtime), "fields": fields}] if fields else []
    if earlier.runtimes is None:
        held = {"new": before if was_incomplete else None, "gone": now if incomplete else None}
        if old.get("policy") and violations is not None:
            rows = old.get("violations") or ()
            found["violations"] = _new_and_gone(_VIOLATION_KEYS, rows, violations, held, successors)
        if old.get("mismatches") is not None and mismatches is not None:
            found["mismatches"] = _new_and_gone(_MISMATCH_KEYS, old["mismatches"], mismatches, held, successors)
    gone = [] if incomplete else sorted(known.values(), key=lambda runtime: str(runtime.get("name")))
    return {**found, "deleted": [{key: runtime.get(key) for key in ("name", "id")} for runtime in gone]}


def _is_default(entry: Json) -> bool:
    return str(entry.get("id") or "").upper() == DEFAULT_RUNTIME_ID


def _successors(
    now: Sequence[Json], before: Mapping[Any, Json], previous_names: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """By the id of each runtime that took the place of another one, the id of that one.

    It has the name, or its definition has a previous name, of a runtime that is gone.
    """
    ids = {runtime["id"] for runtime in now}
    gone = {entry.get("name"): identity for identity, entry in before.items() if identity not in ids}
    found = {}
    for runtime in now:
        names = (runtime["name"], *previous_names.get(runtime["name"], ()))
        known = [name for name in names if name in gone] if runtime["id"] not in before else []
        if known:
            found[runtime["id"]] = str(gone.pop(known[0]))
    return found


def _named(runtime: Json) -> dict[str, Any]:
    return {
        "name": runtime["name"],
        "id": runtime["id"],
        "date": runtime["date_modified"] or runtime["date_created"],
        "owner": runtime["owner"],
    }


def _of_inventory(runtime: Json) -> dict[str, Any]:
    """The definition fields of a runtime in a report."""
    networks = [entry.get("network") for entry in runtime.get("networks") or () if isinstance(entry, Mapping)]
    return _of_definition({**runtime, "whitelist": networks})


def _of_definition(runtime: Json) -> dict[str, Any]:
    """The fields of a definition as if a server held them. What the definition leaves out is not compared."""
    resource = runtime.get("resource")
    given = {RESOURCE_KEYS.get(key, key): resource[key] for key in resource} if isinstance(resource, Mapping) else None
    values = {**runtime, "resource": given}
    return {field: BY_NAME[field].kind.from_api(values[field]) for field in _fields() if field in runtime}


def _fields() -> list[str]:
    """The fields that are compared."""
    return [name for name in BY_NAME if name != "name"]


def _changed_fields(before: Json, after: Json) -> list[dict[str, Any]]:
    names = differing(before, after, (field for field in _fields() if field in before and field in after))
    was, now = diff_values(before, names), diff_values(after, names)
    return [{"field": name, "before": was[name], "after": now[name]} for name in names]


def _new_and_gone(
    keys: Sequence[str],
    before: Iterable[Json],
    after: Iterable[Json],
    held: Mapping[str, Iterable[Json] | None],
    successors: Mapping[str, str],
) -> dict[str, list[dict[str, Any]]]:
    """The rows that are new and gone, by these keys. `held`: the runtimes of which this is known, None for all.

    A replacement keeps those of the runtime before it, by `successors`.
    """

    def by_key(rows: Iterable[Json]) -> dict[tuple[str, ...], dict[str, Any]]:
        return {
            (successors.get(str(row.get("id")), str(row.get("id"))), *(str(row.get(key)) for key in keys[2:])): {
                key: row.get(key) for key in keys
            }
            for row in rows
            if isinstance(row, Mapping) and row.get("verdict", VIOLATION) in (VIOLATION, UNREADABLE, "expired")
        }

    was, now = by_key(before), by_key(after)
    rows = {
        "new": [row for key, row in now.items() if key not in was],
        "gone": [row for key, row in was.items() if key not in now],
    }
    return {kind: _of_runtimes(rows[kind], held[kind]) for kind in rows}


def _of_runtimes(rows: list[dict[str, Any]], runtimes: Iterable[Json] | None) -> list[dict[str, Any]]:
    """The rows about these runtimes; all of them for None."""
    ids = None if runtimes is None else {str(runtime.get("id")) for runtime in runtimes}
    return [row for row in rows if ids is None or str(row["id"]) in ids]


def changed_runtimes(since: Json) -> Iterator[tuple[Json, str]]:
    """Each runtime that changed, with what happened to it."""
    for action in ("created", "deleted"):
        for runtime in since[action]:
            yield runtime, action
    for runtime in since["renamed"]:
        yield {"name": runtime["after"], "id": runtime["id"]}, f"renamed from {runtime['before']!r}"
    for runtime in since["replaced"]:
        changed = [changes.line(field["field"], field["before"], field["after"]) for field in runtime["fields"]]
        old = runtime["before"]
        named = f"{old['name']!r} " if old["name"] != runtime["name"] else ""
        yield runtime, f"replaced {named}({old['id']}): {'; '.join(changed) or 'the same definition'}"
    for runtime in since["changed"]:
        changed = [changes.line(field["field"], field["before"], field["after"]) for field in runtime["fields"]]
        yield runtime, f"changed: {'; '.join(changed)}"
    for kind, rows in (since.get("mismatches") or {}).items():
        for row in rows:
            installed = row["installed"] or "no version"
            yield row, f"{kind}: {row['package']} {row['version']} is in its definition, {installed} is installed"


def line(since: Json) -> str:
    """One line, such as `1 created, 1 changed since 2026-11-25 07:29 UTC`."""
    if since["error"]:
        return f"not compared with an earlier report: {since['error']}"
    kinds = ("created", "deleted", "renamed", "replaced", "changed")
    parts = [f"{len(since[key])} {key}" for key in kinds if since[key]]
    for rows, noun in ((since["violations"], "violation"), (since.get("mismatches"), "mismatched version")):
        if rows and rows["new"]:
            parts.append(counted(len(rows["new"]), f"new {noun}"))
        if rows and rows["gone"]:
            parts.append(f"{counted(len(rows['gone']), noun)} gone")
    lacking = "; the earlier list may lack runtimes, so created ones are not shown" if since["incomplete"] else ""
    return f"{', '.join(parts) or 'nothing changed'} since {when(since['generated']) or 'the export'}{lacking}"
