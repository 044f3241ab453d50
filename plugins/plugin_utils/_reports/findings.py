# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings of an audit, from what was read and from what an apply would do. Pure, except for the date of today."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import chain
from typing import Any

from ...module_utils._model import schedules
from ...module_utils._model.change import compare
from ...module_utils._model.definition import Definition, definition_of, valid_values
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


def of_audit(read: Json, runtimes: Sequence[Json], plan: Json, refusals: Iterable[str], today: date) -> list[Finding]:
    """All findings of an audit, by kind. `plan`: what an apply would do, empty without definitions."""
    changes = changes_of(entries(plan, "runtimes"))
    exempt = {(row["id"], str(row["value"])) for row in entries(read, "exempted")}
    found: list[Finding] = []
    for runtime in runtimes:
        found += [*_open_networks(runtime, exempt), *_not_ready(runtime), *_failed_runs(runtime)]
    found += _pythons(runtimes, entries(read, "unread"), today)
    found += [*_of_policy(read), *_of_look_ups(read)]
    found += _of_changes(changes, scripts_of(plan), refusals, runtimes)
    found += undefined(entries(plan, "undefined"), runtimes, changes)
    return in_order(found)


def _open_networks(runtime: Json, exempt: Container[tuple[Any, str]]) -> Iterator[Finding]:
    """One finding for all open networks, but for those that are exempted: the exemption says it of these.

    `exempt`: the ids of runtimes with the values that are exempted.
    """
    networks = [
        network
        for network in entries(runtime, "whitelist")
        if network in _OPEN and (runtime["id"], network) not in exempt
    ]
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


def is_ending(version: Any, today: date) -> bool:
    """Whether the support of a version of Python has ended, or ends soon."""
    left = days_left(version, today)
    return left is not None and left <= PYTHON_DAYS


def _pythons(runtimes: Iterable[Json], unread: Sequence[Json], today: date) -> Iterator[Finding]:
    """One finding for each branch of Python that has ended or ends soon, those that end first in front."""
    least = "at least " if scripts_unread(unread) else ""
    users = grouped((python["branch"], runtime) for runtime in runtimes if (python := python_of(runtime)))
    ending = sorted((days_left(branch, today), branch) for branch in users if is_ending(branch, today))
    for left, branch in ending:
        yield _python(support_of(branch) or {}, left or 0, users[branch], least, today)


def _python(support: Json, left: int, users: Sequence[Json], least: str, today: date) -> Finding:
    """Such as `Python 3.10 ended 30 days ago: 'A', 'B'; 14 scripts, on a schedule: 'Load sales'`.

    `least`: a word in front of the number of scripts, if there may be more.
    """
    names = [str(runtime.get("name")) for runtime in users]
    text = f"Python {support['branch']} {_end_text(left, support['end_of_life'])}: {listed([*map(repr, names)], 3)}"
    facts: dict[str, Any] = {"scripts": None, "scheduled": []}
    lists: list[Any] = [runtime.get("scripts") for runtime in users]
    if None not in lists:
        scripts = [*chain.from_iterable(lists)]
        planned = sorted(name_of(script) for script in scripts if schedules.schedule_names(script, today))
        facts = {"scripts": len(scripts), "scheduled": planned}
        text += f"; {least}{counted(len(scripts), 'script')}"
        if planned:
            text += f", on a schedule: {listed([*map(repr, planned)], 5)}"
    return finding("python_ended", None, text, runtimes=names, **support, **facts)


def _end_text(left: int, last_day: str | None) -> str:
    if left < 0:
        return f"ended {'' if last_day else 'at least '}{counted(-left, 'day')} ago"
    return f"ends in {counted(left, 'day')}" if left else "ends today"


def scripts_unread(unread: Iterable[Json]) -> bool:
    """Whether a project or a script could not be read, so that more scripts may use a runtime than were found."""
    return any(not entry.get("runtime") for entry in unread)


def _of_policy(read: Json) -> Iterator[Finding]:
    """What the policy found in the result of mstr_runtime_info: one finding for each value of a runtime."""
    violations = entries(read, "violations")
    for rows in grouped(((row["id"], row["option"], str(row["value"])), row) for row in violations).values():
        rules = [row["rule"] for row in rows]
        details = dict.fromkeys(str(row["detail"]) for row in rows)
        text = f" violates {' and '.join(rules)}: it {' and it '.join(details)}"
        yield _of_value("violations", rows[0], text, rules)
    yield from exempted(entries(read, "exempted"))
    for row in entries(read, "not_evaluated"):
        text = f" is not evaluated by {row['rule']}: it {row['detail']}"
        yield _of_value("not_evaluated", row, text, [row["rule"]])


def exempted(rows: Iterable[Json]) -> Iterator[Finding]:
    """The violations that the exemptions of the policy let pass, each with its reason and its last day."""
    for row in rows:
        reason, until = row["reason"], row["until"]
        text, said = f" violates {row['rule']}: exempted until {until} ({reason})", reason
        if row["value"] in _OPEN:
            text, said = f", which is open to everything,{text}", f"{reason}; open to everything"
        yield _of_value("exempted", row, text, [row["rule"]], reason=said, until=until)


def _of_value(kind: str, row: Json, text: str, rules: Sequence[str], **more: Any) -> Finding:
    """A finding about a value of a runtime. `text`: what follows the value."""
    option, value = row["option"], row["value"]
    what = option if value is None else f"{option} {value}"
    facts = {"option": option, "value": value, "rules": rules, "detail": row["detail"]}
    return finding(kind, row, f"{what}{text}", **facts, **more)


def _of_changes(
    changes: Iterable[Json], scripts: Iterable[Json], refusals: Iterable[str], runtimes: Iterable[Json]
) -> Iterator[Finding]:
    """The drift: what an apply would do, with the scripts that a deletion hits, and what it would refuse."""
    scripts_of_id = {runtime["id"]: entries(runtime, "scripts") for runtime in runtimes}
    for change in changes:
        text = "\n".join(change_texts(change, predicted=True))
        hit = scripts_of_id.get(change["id"], ()) if change["action"] == "deleted" else ()
        if hit:
            used = f"would be deleted, and is used by {listed([*map(label_of, hit)], 5)}"
            text = text.replace("would be deleted", used, 1)
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
    wanted = dict(_created(changes))
    for row in unnamed:
        held = valid_values(definition_of(by_id.get(row["id"], {}))) if wanted else {}
        alike = [name for name, values in wanted.items() if _has_values(held, values)]
        text = "has no definition"
        if len(alike) == 1:
            text += (
                f", but all that the definition of {alike[0]!r} has: it looks renamed; add its name to the "
                "previous_names of that definition"
            )
        yield finding("undefined", row, text)


def _created(changes: Iterable[Json]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The name and the other values, at least one, of each runtime that would be created."""
    for change in changes:
        values = {field["field"]: field["after"] for field in change["fields"] if field["after"] not in (None, "", [])}
        values.pop("name", None)
        if change["action"] == "created" and values:
            yield change["name"], valid_values(values)


def _has_values(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether these are the values that a definition gives to a runtime, so that an apply would change nothing."""
    definitions = (Definition("present", {name: value}) for name, value in wanted.items())
    # One by one, because most runtimes differ in the first value already.
    return not any(different for _merged, different in map(partial(compare, held), definitions))


def _of_look_ups(read: Json) -> Iterator[Finding]:
    """What the look-ups found, and those that failed or may lack something."""
    if not any(runtime.get("is_default") for runtime in read["runtimes"]):
        yield finding("incomplete", None, f"{INCOMPLETE}, like this report")
    for script in entries(read, "dangling"):
        identity = name_of(script.get("runtime_id"))
        text = (
            f"the runtime {identity} of script {label_of(script)} does not exist; assign a different one with "
            "mstr_script_runtime and from_runtime"
        )
        yield finding("dangling", None, text, script=name_of(script), runtime_id=identity)
    for row in entries(read, "mismatches"):
        held = f"{row['package']} {row['installed']}" if row["installed"] else f"no package {row['package']}"
        text = f"has {held}, but its definition has {row['version']}"
        yield finding("mismatches", row, text, **{key: row[key] for key in ("package", "version", "installed")})
    yield from map(_unread, entries(read, "unread"))


def _unread(entry: Json) -> Finding:
    """What could not be read, and why."""
    project, script, runtime = (name_of(entry.get(key)) for key in ("project", "script", "runtime"))
    gate = ""
    what = f"the scripts of {project!r}" if project else "the list of projects"
    if runtime:
        what = f"what is installed in {runtime!r}"
        # Package rules need it. What an apply would need of scripts is drift already.
        gate = VIOLATION_GATE
    elif script:
        what = f"the script {script!r} in {project!r}"
    return finding("unread", None, f"could not read {what}: {entry['error']['msg']}", gate=gate)
