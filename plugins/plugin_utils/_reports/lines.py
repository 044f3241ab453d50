# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says of an environment, a runtime, a change, a script or a finding, as lines without the environment.

The formats only lay out these lines. Pure, except that schedules and their ends are those of today.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._errors import LONGEST_NAME, LONGEST_TEXT, counted, cut, listed
from ...module_utils._model import usage as script_usage
from ...module_utils._model.rules import EXEMPTED, NOT_EVALUATED, UNREADABLE
from ...module_utils._model.usage import label_of, name_of
from ...module_utils._work.api import utc_date
from .changes import change_lines
from .evaluation import COUNTED, Json, grouped, value_of
from .pythons import branch_lines

# A line after its kind, such as "warnings", in the plural as it is counted.
Line = tuple[str, str]

VERBS = {"created": "create", "updated": "update", "replaced": "replace", "deleted": "delete", "moved": "move"}
# The actions after which a runtime is gone.
GOES = ("deleted", "replaced")
_FAILED = {"failed": "failed", "error": "failed", "timeout": "timed out", "timed_out": "timed out"}
# What an audit counts: its words for one and for several, and the title of its column.
COUNTS = {
    "violations": ("violation", "violations", "Violations"),
    "exempted": ("exempted violation", "exempted violations", "Exempted"),
    "expiring": ("exemption expires within 30 days", "exemptions expire within 30 days", "Expire within 30 days"),
    "not_evaluated": ("value not evaluated", "values not evaluated", "Not evaluated"),
    "differing": ("differs from its definition", "differ from their definitions", "Differ"),
    "moved": ("script uses a different runtime", "scripts use a different runtime", "Scripts to move"),
    "undefined": ("has no definition", "have no definition", "Undefined"),
    "problems": ("is not ready", "are not ready", "Not ready"),
    "failed_runs": ("last run failed", "last runs failed", "Failed runs"),
    "mismatches": ("installed version differs", "installed versions differ", "Other versions"),
    "unfinished": ("unfinished replacement", "unfinished replacements", "Unfinished"),
    "dangling": ("script has no runtime", "scripts have no runtime", "Scripts without runtime"),
    "unread": ("look-up failed", "look-ups failed", "Not read"),
}
WARNINGS, INCOMPLETE, UNREAD = "warnings", "incomplete lists", "look-ups that failed"
PYTHON = "Python versions that end"
# The kinds that come first.
FIRST = (WARNINGS, INCOMPLETE, PYTHON)
VIOLATIONS = "violations"
_ID = re.compile("[0-9A-F]{32}")
_WHOLE = frozenset(("smoke_test", "error", "warnings"))


def title(key: str, predicted: bool) -> str:
    """An action, outcome or count as a title."""
    return f"To {VERBS[key]}" if predicted and key in VERBS else key.replace("_", " ").capitalize()


def readable(value: Any, key: str = "") -> Any:
    """A report for people, or a part of it under a key: no name and no text is longer than anybody reads.

    Sentences were shortened where they were made. Code that runs and the definition of what goes are evidence.
    """
    if isinstance(value, str):
        return cut(value, LONGEST_NAME if key == "name" else LONGEST_TEXT)
    if isinstance(value, Mapping):
        kept = value.keys() - {"scripts"} if value.get("action") in GOES else _WHOLE
        kept = kept | {"message"} if "environment" in value else kept
        return {
            # Most are empty or short: no call for these.
            inner: entry
            if not entry or (isinstance(entry, str) and len(entry) <= LONGEST_NAME) or inner in kept
            else readable(entry, inner)
            for inner, entry in value.items()
        }
    return [readable(entry, key) for entry in value] if isinstance(value, (list, tuple)) else value


def for_people(report: Json) -> dict[str, Any]:
    """The same of a whole report, of `formats.whole`."""
    rest = {key: value for key, value in report.items() if key != "details"}
    return {**readable(rest), "details": map(readable, report["details"])}


def heading(report: Json) -> str:
    """What a whole report is, of `formats.whole`."""
    return "Runtime audit" if report["kind"] == "audit" else "Plan" if report["check_mode"] else "Runtimes applied"


def numbers_of(report: Json) -> Json:
    """What was counted in an environment; empty if it failed before that."""
    return report.get("counts") or report.get("summary") or {}


def outcome_title(report: Json, outcome: str) -> str:
    """The outcome of an environment, in a whole report. What a plan intends to change is not called drift."""
    return "Changes" if outcome == "drift" and report["kind"] != "audit" else title(outcome, predicted=False)


def same_changes(environments: Iterable[Json], is_plan: bool) -> list[list[Json]]:
    """The environments of a plan in groups that would get the same changes, apart from ids; others are alone."""

    def key(report: Json) -> str:
        if not is_plan or report["message"] or not (report["runtimes"] or report["scripts"]):
            return str(report["environment"])
        rows = [_without_ids(report[part]) for part in ("runtimes", "scripts", "exempted")]
        return json.dumps(rows, sort_keys=True, default=str)

    return list(grouped((key(report), report) for report in environments).values())


def with_details(groups: Sequence[Sequence[Json]], details: Iterable[Json]) -> Iterator[tuple[Sequence[Json], Json]]:
    """Each group of `same_changes`, with the one of `details` that is about its first environment."""
    first = {str(group[0]["environment"]): group for group in groups}
    for report in details:
        if group := first.pop(str(report["environment"]), None):
            yield group, report


def _without_ids(value: Any) -> Any:
    if isinstance(value, Mapping):
        gone = ("id", "found", "wanted") if value.get("field") == "id" else ("id",)
        return {key: _without_ids(inner) for key, inner in value.items() if key not in gone}
    return [_without_ids(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def shared(lines: Sequence[tuple[str, Sequence[Line]]]) -> Iterator[tuple[list[str], Line]]:
    """Each line of a group of environments once, apart from ids, after the names of those that have it."""
    if len(lines) == 1:
        yield from (([name], line) for name, some in lines for line in some)
        return
    pairs = (((kind, _ID.sub("", text)), (name, (kind, text))) for name, some in lines for kind, text in some)
    for same in grouped(pairs).values():
        yield list(dict.fromkeys(name for name, _line in same)), same[0][1]


def lines_of_group(group: Sequence[Json]) -> list[Line]:
    """The `environment_lines` of a group of `same_changes`; with names where not every environment has one."""
    lines = shared([(str(report["environment"]), environment_lines(report)) for report in group])
    return [
        (kind, text if len(names) == len(group) else f"{listed(names, 5)}: {text}") for names, (kind, text) in lines
    ]


def environment_lines(report: Json) -> list[Line]:
    """The lines about an environment as a whole: those of the kinds FIRST, then what is not in order."""
    return [
        *((WARNINGS, warning_line(text)) for text in report.get("warnings") or ()),
        *((WARNINGS, f"an apply would be refused: {text}") for text in report.get("refusals") or ()),
        *((INCOMPLETE, text) for text in [report.get("incomplete")] if text),
        *((PYTHON, text) for text in branch_lines(report)),
        *(("runtimes without a definition", text) for text in _undefined_line(report.get("undefined") or ())),
        *(("unfinished replacements", str(each["msg"])) for each in report.get("unfinished") or ()),
        *(("scripts without a runtime", _dangling_line(script)) for script in report.get("dangling") or ()),
        *((UNREAD, _unread_line(unread)) for unread in report.get("unread") or ()),
    ]


def runtime_lines(runtime: Json) -> Iterator[Line]:
    """What was found in a runtime of the inventory, each as the rest of a sentence about it, the violations first."""
    yield from evaluation_lines(runtime["evaluated"])
    yield from (("problems", text) for text in (*runtime["problems"], *runtime["remarks"]))


def gone_name(runtime: Json) -> str:
    """The name, or else the id, of the runtime that goes: a replacement may have a different name."""
    renamed = [field["found"] for field in runtime["fields"] if field["field"] == "name"]
    return str((renamed[0] if renamed and runtime["action"] in GOES else runtime["name"]) or runtime["id"])


def difference_lines(runtime: Json, check_mode: bool) -> list[str]:
    """The lines about a runtime that differs; each one names the runtime. A plan also has what it would create."""
    name, action = repr(runtime["name"] or runtime["id"]), runtime["action"]
    lines: list[str] = []
    done = f"would be {action}" if check_mode else action
    with_fields = ("created", "updated", "replaced") if check_mode else ("updated", "replaced")
    fields = {field["field"]: field for field in runtime["fields"]} if action in with_fields else {}
    if action == "updated":
        done = "differs" if check_mode else "updated"
    elif action not in (None, "none", "failed", "unknown"):
        renamed, new = fields.pop("name", None), ""
        if renamed and action != "created":
            name, new = repr(renamed["found"]), f" by {name}"
        if fields.get("id", {}).get("wanted", "") is None:
            del fields["id"]  # nobody knows the new id before the runtime exists
        lines = [f"{name} {done}{new}"]
    texts = [
        text for field in fields.values() for text in change_lines(field["field"], field["found"], field["wanted"])
    ]
    lines += [f"{name} {done}: {text}" for text in texts]
    lines += [f"{name} smoke test: {line}" for line in (runtime.get("smoke_test") or "").splitlines() if line.strip()]
    return lines + [f"{name} failed: {line}" for line in (runtime["error"] or "").splitlines()]


def script_line(script: Json, check_mode: bool) -> str:
    """An assignment of a script to a runtime."""
    before, after, error = name_of(script.get("before")), name_of(script.get("after")), script.get("error")
    if script.get("action") == "failed":
        return f"script {label_of(script)} failed: {error.get('msg') if isinstance(error, Mapping) else error}"
    # A replacement may keep the name.
    new, old = ("the new ", "") if before == after else ("", f" instead of {before!r}" if before else "")
    uses = f"{'would use' if check_mode else 'now uses'} {new}{after!r}{old}"
    return f"script {label_of(script)} {uses}"


def evaluation_lines(rows: Sequence[Json]) -> Iterator[Line]:
    """One line for each value in which the policy found something, the violations first."""
    by_value = grouped((value_of(row), row) for row in rows if row["verdict"] in COUNTED)
    for (option, value), same in by_value.items():
        rules = " and ".join(row["rule"] for row in same)
        details = " and it ".join(dict.fromkeys(str(row["detail"]) for row in same))
        text = f"{option} {value} violates {rules}: it {details}"
        if same[0]["value"] is None:
            text = f"{option} {same[0]['detail'] or 'is empty'}, which violates {rules}"
        elif all(row["verdict"] == UNREADABLE for row in same):
            text = f"{option} {value} cannot be evaluated by {rules}: {same[0]['detail'].partition(': ')[2]}"
        elif option == "whitelist" and not any(row["until"] or "expired" in str(row["detail"]) for row in same):
            # What a block overlaps is plain; what a requirement or a limit is, is not.
            text = f"{option} {value} violates {rules}"
        yield VIOLATIONS, text
    for row in rows:
        if row["verdict"] == EXEMPTED:
            yield "exemptions", exemption_text(row)
        elif row["verdict"] == NOT_EVALUATED:
            text = f"{row['option']} {row['value']} is not evaluated by {row['rule']}: it {row['detail']}"
            yield "values not evaluated", text


def exemption_text(row: Json) -> str:
    """An exempted violation as the rest of a sentence, with its reason and its last day."""
    value = "" if row["value"] is None else f" {row['value']}"
    return f"{row['option']}{value} violates {row['rule']}: exempted until {row['until']} ({row['reason']})"


def _undefined_line(undefined: Sequence[Json]) -> list[str]:
    """The runtimes that no definition means; none without any."""
    number, names = len(undefined), listed([repr(runtime["name"] or runtime["id"]) for runtime in undefined])
    return [f"{counted(number, 'runtime')} {'has' if number == 1 else 'have'} no definition: {names}"] if number else []


def _dangling_line(script: Json) -> str:
    """A script whose runtime does not exist any more, with what fixes it."""
    identity = name_of(script.get("runtime")) or str(script.get("runtime_id") or "")
    return (
        f"the runtime {identity} of script {label_of(script)} does not exist; assign a different one with "
        "mstr_script_runtime and from_runtime"
    )


def _unread_line(unread: Json) -> str:
    """What could not be read, and the reason."""
    error = unread.get("error") or ""
    reason = str(error.get("msg") or "") if isinstance(error, Mapping) else str(error)
    project, script, runtime = (name_of(unread.get(key)) for key in ("project", "script", "runtime"))
    what = f"the scripts of {project!r}" if project else "the list of projects"
    if runtime or script:
        what = f"what is installed in {runtime!r}" if runtime else f"the script {script!r} in {project!r}"
    return f"could not read {what}: {reason}"


def code_lines(code: str) -> list[str]:
    """The lines of code with their indentation. Nothing of it may be invisible to those who approve it."""
    return ["".join(char if char.isprintable() else ascii(char)[1:-1] for char in line) for line in code.split("\n")]


def warning_line(text: str) -> str:
    """A warning of the task."""
    return f"warning: {text}"


def schedules(script: Json) -> list[str]:
    """The names of the schedules on which a script may run."""
    return script_usage.schedules(script, utc_date())


def last_run(script: Json) -> str:
    """The latest run of a script or of its tasks, such as `success 2026-11-25`; empty if unknown."""
    time, status = script_usage.last_run(script)
    return f"{status} {time[:10]}".strip()


def failed_runs(runtime: Json) -> list[str]:
    """A rest of a sentence about the runtime for each script whose last run failed or timed out."""
    texts = []
    for script in runtime["scripts"] or ():
        time, status = script_usage.last_run(script)
        how = _FAILED.get(status.lower())
        if how:
            limit, message = runtime.get("exec_timeout"), script_usage.last_message(script)
            allowed = f"; its exec_timeout is {limit} s" if how == "timed out" and limit is not None else ""
            on, said = f" on {time[:10]}" if time else "", f' (server: "{message}")' if message else ""
            texts.append(f"the last run of {label_of(script)} {how}{on}{said}{allowed}")
    return texts
