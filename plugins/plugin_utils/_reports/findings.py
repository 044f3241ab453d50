# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings of an audit, from what was read and from what an apply would do. Pure, except for the date of today."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ...module_utils._model import schedules
from ...module_utils._model.kinds import normalized_name, number
from ...module_utils._model.python import days_left, python_of, support_of
from ...module_utils._model.runtime import INCOMPLETE
from ...module_utils._model.schedules import label_of, name_of
from ...module_utils._text import counted, listed
from .changes import change_texts, changes_of, script_text, scripts_of
from .finding import VIOLATION_GATE, Finding, Json, entries, finding, in_order
from .texts import grouped

_OPEN = ("0.0.0.0/0", "::/0")
# The words of the vendor's client for the last run of a task, and of the schema for that of a script.
_FAILED = {
    "failed": "failed",
    "error": "failed",
    "cancelled": "was cancelled",
    "timeout": "timed out",
    "timed_out": "timed out",
}
# A Python that ends within these days is named.
PYTHON_DAYS = 90


def of_audit(
    read: Json, runtimes: Sequence[Json], plan: Json | None, refusals: Iterable[str], today: date
) -> list[Finding]:
    """All findings of an audit, by kind. `plan`: what an apply would do, None without definitions."""
    exempt = {(row["id"], str(row["value"])) for row in entries(read, "exempted")}
    found = [*of_runtimes(runtimes, entries(read, "unread"), today, exempt), *of_policy(read), *of_look_ups(read)]
    if plan is not None:
        changes = changes_of(entries(plan, "runtimes"))
        found += of_changes(changes, scripts_of(plan), refusals, runtimes)
        found += undefined(entries(plan, "undefined"), runtimes, changes)
    return in_order(found)


def of_runtimes(
    runtimes: Sequence[Json], unread: Sequence[Json], today: date, exempt: Container[tuple[Any, str]] = ()
) -> Iterator[Finding]:
    """What is to be seen of the runtimes alone. `exempt`: the ids of runtimes with the values that are exempted."""
    for runtime in runtimes:
        yield from _open_networks(runtime, exempt)
        yield from _not_ready(runtime)
        yield from _failed_runs(runtime)
    yield from _pythons(runtimes, unread, today)


def _open_networks(runtime: Json, exempt: Container[tuple[Any, str]]) -> Iterator[Finding]:
    """One finding for all open networks, but for those that are exempted: the exemption says it of these."""
    open_networks = [network for network in entries(runtime, "whitelist") if network in _OPEN]
    networks = [network for network in open_networks if (runtime.get("id"), network) not in exempt]
    if networks:
        yield finding("open_networks", runtime, f"is open to everything: {', '.join(networks)}", networks=networks)


def _not_ready(runtime: Json) -> Iterator[Finding]:
    """One finding for all that prevents scripts from running on the runtime."""
    lines = ["has the status error"] if runtime.get("status") == "error" else []
    failed = []
    for package in entries(runtime, "packages"):
        if package.get("status") == "not_installed":
            failed.append(package.get("name"))
            lines.append(f"package {package.get('name')} is not installed{_quoted(package.get('message'))}")
    if lines:
        yield finding("not_ready", runtime, "\n".join(lines), packages=failed)


def _quoted(message: Any) -> str:
    """What the server said, behind a sentence."""
    return f' (server: "{message}")' if message else ""


def _failed_runs(runtime: Json) -> Iterator[Finding]:
    for script in entries(runtime, "scripts"):
        time, status = schedules.last_run(script)
        how = _FAILED.get(status.lower())
        if how:
            day = f" on {time[:10]}" if time else ""
            limit = runtime.get("exec_timeout") if how == "timed out" else None
            allowed = f"; its exec_timeout is {limit} s" if limit is not None else ""
            said = _quoted(schedules.last_message(script))
            text = f"the last run of {label_of(script)} {how}{day}{said}{allowed}"
            yield finding("failed_runs", runtime, text, script=name_of(script), status=status, time=time)


def _pythons(runtimes: Iterable[Json], unread: Sequence[Json], today: date) -> Iterator[Finding]:
    """One finding for each branch of Python that has ended or ends soon, those that end first in front."""
    users = grouped((python["branch"], runtime) for runtime in runtimes if (python := python_of(runtime)))
    ending = []
    for branch in users:
        left = days_left(branch, today)
        if left is not None and left <= PYTHON_DAYS:
            ending.append((left, branch))
    for left, branch in sorted(ending):
        yield _python(branch, left, users[branch], unread, today)


def _python(branch: str, left: int, users: Sequence[Json], unread: Sequence[Json], today: date) -> Finding:
    """Such as `Python 3.10 ended 30 days ago: 'A', 'B'; 14 scripts, on a schedule: 'Load sales'`."""
    last = (support_of(branch) or {}).get("end_of_life")
    names = [str(runtime.get("name")) for runtime in users]
    text = f"Python {branch} {_end_text(left, last is not None)}: {listed(list(map(repr, names)), 3)}"
    scripts = all_scripts(users)
    planned = sorted(name_of(script) for script in scripts or () if schedules.schedule_names(script, today))
    if scripts is not None:
        text += f"; {'at least ' if scripts_unread(unread) else ''}{counted(len(scripts), 'script')}"
    if planned:
        text += f", on a schedule: {listed(list(map(repr, planned)), 5)}"
    number = None if scripts is None else len(scripts)
    facts = {"branch": branch, "end_of_life": last, "scripts": number, "scheduled": planned}
    return finding("python_ended", None, text, runtimes=names, **facts)


def _end_text(left: int, is_known: bool) -> str:
    if left < 0:
        return f"ended {'' if is_known else 'at least '}{counted(-left, 'day')} ago"
    return f"ends in {counted(left, 'day')}" if left else "ends today"


def all_scripts(runtimes: Iterable[Json]) -> list[Json] | None:
    """The scripts of these runtimes; None if those of one of them are not known."""
    scripts: list[Json] = []
    for runtime in runtimes:
        if runtime.get("scripts") is None:
            return None
        scripts += runtime["scripts"]
    return scripts


def scripts_unread(unread: Iterable[Json]) -> bool:
    """Whether a project or a script could not be read, so that more scripts may use a runtime than were found."""
    return any(not entry.get("runtime") for entry in unread)


def of_policy(read: Json) -> Iterator[Finding]:
    """What the policy found in the result of mstr_runtime_info: one finding for each value of a runtime."""
    rows_by_value = grouped((_identity(row), row) for row in entries(read, "violations"))
    yield from map(_violation, rows_by_value.values())
    yield from exempted(entries(read, "exempted"))
    for row in entries(read, "not_evaluated"):
        text = f"{_value(row)} is not evaluated by {row['rule']}: it {row['detail']}"
        yield finding("not_evaluated", row, text, **_found(row, [row["rule"]]))


def _identity(row: Json) -> tuple[str, str, str]:
    """The value that a row is about, and its runtime."""
    return row["id"], row["option"], str(row["value"])


def _violation(rows: Sequence[Json]) -> Finding:
    """The rules that one value violates."""
    rules = [row["rule"] for row in rows]
    details = dict.fromkeys(str(row["detail"]) for row in rows)
    text = f"{_value(rows[0])} violates {' and '.join(rules)}: it {' and it '.join(details)}"
    return finding("violations", rows[0], text, **_found(rows[0], rules))


def exempted(rows: Iterable[Json]) -> Iterator[Finding]:
    """The violations that the exemptions of the policy let pass, each with its reason and its last day."""
    for row in rows:
        is_open = ", which is open to everything," if row["value"] in _OPEN else ""
        text = f"{_value(row)}{is_open} violates {row['rule']}: exempted until {row['until']} ({row['reason']})"
        reason = f"{row['reason']}; open to everything" if is_open else row["reason"]
        more = {"reason": reason, "until": row["until"]}
        yield finding("exempted", row, text, **_found(row, [row["rule"]]), **more)


def _value(row: Json) -> str:
    return str(row["option"]) if row["value"] is None else f"{row['option']} {row['value']}"


def _found(row: Json, rules: Sequence[str]) -> dict[str, Any]:
    return {"option": row["option"], "value": row["value"], "rules": list(rules), "detail": row["detail"]}


def of_changes(
    changes: Iterable[Json], scripts: Iterable[Json], refusals: Iterable[str], runtimes: Iterable[Json] = ()
) -> Iterator[Finding]:
    """The drift: what an apply would do, with the scripts that a deletion hits, and what it would refuse."""
    users = {runtime["id"]: [*map(label_of, entries(runtime, "scripts"))] for runtime in runtimes}
    for change in changes:
        text = "\n".join(change_texts(change, predicted=True))
        hit = users.get(change["id"]) if change["action"] == "deleted" else None
        if hit:
            text = text.replace("would be deleted", f"would be deleted, and is used by {listed(hit, 5)}", 1)
        yield finding("drift", change, text, action=change["action"], fields=change["fields"])
    for script in scripts:
        yield finding("drift", None, script_text(script, predicted=True), script=name_of(script))
    for text in refusals:
        yield finding("drift", None, f"an apply would be refused: {text}")


def undefined(
    unnamed: Iterable[Json], runtimes: Iterable[Json] = (), changes: Iterable[Json] = ()
) -> Iterator[Finding]:
    """The runtimes that no definition names. One may be that of a definition whose own runtime is missing."""
    by_id = {runtime["id"]: runtime for runtime in runtimes}
    created = [change for change in changes if change["action"] == "created"]
    for row in unnamed:
        alike = [change["name"] for change in created if _is_alike(change, by_id.get(row["id"]))]
        text = "has no definition"
        if len(alike) == 1:
            text += (
                f", but all that the definition of {alike[0]!r} has: it looks renamed; add its name to the "
                "previous_names of that definition"
            )
        yield finding("undefined", row, text)


def _is_alike(change: Json, runtime: Json | None) -> bool:
    """Whether a runtime has every value of what would be created, at least one besides the name."""
    fields = [field for field in change["fields"] if field["field"] != "name" and field["after"] not in (None, "", [])]
    return bool(runtime and fields) and all(_has(runtime or {}, field) for field in fields)


def _has(runtime: Json, field: Json) -> bool:
    """Whether a runtime has the value that a definition gives to a field."""
    name, wanted = field["field"], field["after"]
    if name == "packages":
        return _has_packages(entries(runtime, name), wanted)
    if isinstance(wanted, Mapping):
        return _has_amounts(runtime.get(name) or {}, wanted)
    if isinstance(wanted, list):
        return {*map(str, entries(runtime, name))} == {*map(str, wanted)}
    return bool(runtime.get(name) == wanted)


def _has_amounts(held: Json, wanted: Json) -> bool:
    """Whether a resource has each amount that is wanted."""
    amounts = {key: value for key, value in wanted.items() if value is not None}
    return all(number(held.get(key)) == number(value) for key, value in amounts.items())


def _has_packages(held: Iterable[Json], wanted: Iterable[Json]) -> bool:
    """Whether these are the packages, each in the version that is wanted, if one is."""
    has = {normalized_name(str(package.get("name"))): package.get("version") for package in held}
    needs = {normalized_name(str(package.get("name"))): package.get("version") for package in wanted}
    return has.keys() == needs.keys() and all(has[name] == needs[name] for name in needs if needs[name])


def of_look_ups(read: Json) -> Iterator[Finding]:
    """What the look-ups found, and those that failed or may lack something."""
    if not any(runtime.get("is_default") for runtime in read["runtimes"]):
        yield finding("incomplete", None, f"{INCOMPLETE}, like this report")
    yield from map(_dangling, entries(read, "dangling"))
    yield from map(_mismatch, entries(read, "mismatches"))
    yield from map(_unread, entries(read, "unread"))


def _dangling(script: Json) -> Finding:
    identity = name_of(script.get("runtime")) or str(script.get("runtime_id") or "")
    text = (
        f"the runtime {identity} of script {label_of(script)} does not exist; assign a different one with "
        "mstr_script_runtime and from_runtime"
    )
    return finding("dangling", None, text, script=name_of(script), runtime_id=identity)


def _mismatch(row: Json) -> Finding:
    held = f"{row['package']} {row['installed']}" if row["installed"] else f"no package {row['package']}"
    text = f"has {held}, but its definition has {row['version']}"
    return finding("mismatches", row, text, **{key: row[key] for key in ("package", "version", "installed")})


def _unread(entry: Json) -> Finding:
    error = entry.get("error") or ""
    reason = str(error.get("msg") or "") if isinstance(error, Mapping) else str(error)
    # What an apply would need of scripts is drift already. Package rules need what is installed.
    gate = VIOLATION_GATE if entry.get("runtime") else ""
    return finding("unread", None, f"could not read {_what_is_unread(entry)}: {reason}", gate=gate)


def _what_is_unread(entry: Json) -> str:
    project, script, runtime = (name_of(entry.get(key)) for key in ("project", "script", "runtime"))
    if runtime:
        return f"what is installed in {runtime!r}"
    if script:
        return f"the script {script!r} in {project!r}"
    return f"the scripts of {project!r}" if project else "the list of projects"
