# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says of a runtime, a script or a finding, as lines without the name of the environment.

Pure, except that schedules and their ends are those of today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._model import usage as script_usage
from ansible_collections.mstr.library.plugins.module_utils._model.rules import EXEMPTED, NOT_EVALUATED, UNREADABLE
from ansible_collections.mstr.library.plugins.module_utils._model.usage import label_of, name_of
from ansible_collections.mstr.library.plugins.module_utils._work.api import utc_date

from . import changes
from .evaluation import COUNTED, grouped, value_of

Json = Mapping[str, Any]

VERBS = {"created": "create", "updated": "update", "replaced": "replace", "deleted": "delete", "moved": "move"}
# The actions after which a runtime is gone.
GOES = ("deleted", "replaced")
_FAILED = {"failed": "failed", "error": "failed", "timeout": "timed out", "timed_out": "timed out"}


def gone_name(runtime: Json) -> str:
    """The name, or else the id, of the runtime that goes: a replacement may have a different name."""
    found = [field["found"] for field in runtime["fields"] if field["field"] == "name"]
    return str((found[0] if found and runtime["action"] in GOES else runtime["name"]) or runtime["id"])


def difference_lines(runtime: Json, check_mode: bool) -> list[str]:
    """The lines about a runtime that differs; each one names the runtime."""
    name, action = repr(runtime["name"] or runtime["id"]), runtime["action"]
    lines: list[str] = []
    done = f"would be {action}" if check_mode else action
    fields = {field["field"]: field for field in runtime["fields"]} if action in ("updated", "replaced") else {}
    if action == "updated":
        done = "differs" if check_mode else "updated"
    elif action not in ("failed", "unknown"):
        known = (
            usage_text(runtime["scripts"]) if action in GOES and (check_mode or runtime["scripts"] is not None) else ""
        )
        renamed, new = fields.pop("name", None), ""
        if renamed:
            name, new = repr(renamed["found"]), f" by {name}"
        if fields.get("id", {}).get("wanted", "") is None:
            del fields["id"]  # nobody knows the new id before the runtime exists
        lines = [f"{name} {done}{new}{f'; {known}' if known else ''}"]
    lines += [
        f"{name} {done}: {changes.line(field['field'], field['found'], field['wanted'])}" for field in fields.values()
    ]
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


def evaluation_lines(rows: Sequence[Json]) -> Iterator[str]:
    """One line for each value in which the policy found something, the violations first."""
    by_value = grouped((value_of(row), row) for row in rows if row["verdict"] in COUNTED)
    for (option, value), found in by_value.items():
        rules = " and ".join(row["rule"] for row in found)
        details = " and it ".join(dict.fromkeys(str(row["detail"]) for row in found))
        if found[0]["value"] is None:
            yield f"{option} {found[0]['detail'] or 'is empty'}, which violates {rules}"
        elif all(row["verdict"] == UNREADABLE for row in found):
            yield f"{option} {value} cannot be evaluated by {rules}: {found[0]['detail'].partition(': ')[2]}"
        elif option == "whitelist" and not any(row["until"] or "expired" in str(row["detail"]) for row in found):
            # What a block overlaps is plain; what a requirement or a limit is, is not.
            yield f"{option} {value} violates {rules}"
        else:
            yield f"{option} {value} violates {rules}: it {details}"
    for row in rows:
        if row["verdict"] == EXEMPTED:
            yield exemption_text(row)
        elif row["verdict"] == NOT_EVALUATED:
            yield f"{row['option']} {row['value']} is not evaluated by {row['rule']}: it {row['detail']}"


def exemption_text(row: Json) -> str:
    """An exempted violation as the rest of a sentence, with its reason and its last day."""
    value = "" if row["value"] is None else f" {row['value']}"
    return f"{row['option']}{value} violates {row['rule']}: exempted until {row['until']} ({row['reason']})"


def dangling_line(script: Json) -> str:
    """A script whose runtime does not exist any more, with what fixes it."""
    identity = name_of(script.get("runtime")) or str(script.get("runtime_id") or "")
    return (
        f"the runtime {identity} of script {label_of(script)} does not exist; assign a different one with "
        "mstr_script_runtime and from_runtime_id"
    )


def code_lines(code: str) -> list[str]:
    """The lines of code with their indentation. Nothing of it may be invisible to those who approve it."""
    return ["".join(char if char.isprintable() else ascii(char)[1:-1] for char in line) for line in code.split("\n")]


def warning_line(text: str) -> str:
    """A warning of the task."""
    return f"warning: {text}"


def refusal_line(text: str) -> str:
    """Why an apply would be refused, in an audit."""
    return f"an apply would be refused: {text}"


def notes(report: Json) -> list[str]:
    """The lines about an environment as a whole, for every format."""
    return [*map(warning_line, report.get("warnings") or ()), *map(refusal_line, report.get("refusals") or ())]


def schedules(script: Json) -> list[str]:
    """The names of the schedules on which a script may run."""
    return script_usage.schedules(script, utc_date())


def last_run(script: Json) -> str:
    """The latest run of a script or of its tasks, such as `success 2026-11-25`; empty if unknown."""
    time, status = script_usage.last_run(script)
    return f"{status} {time[:10]}".strip()


def failed_runs(runtime: Json) -> list[str]:
    """A rest of a sentence about the runtime for each script whose last run failed or timed out."""
    found = []
    for script in runtime["scripts"] or ():
        time, status = script_usage.last_run(script)
        how = _FAILED.get(status.lower())
        if how is None:
            continue
        limit = runtime.get("exec_timeout")
        allowed = f"; its exec_timeout is {limit} s" if how == "timed out" and limit is not None else ""
        on = f" on {time[:10]}" if time else ""
        message = script_usage.last_message(script)
        said = f' (server: "{message}")' if message else ""
        found.append(f"the last run of {label_of(script)} {how}{on}{said}{allowed}")
    return found


def usage_text(scripts: Any) -> str:
    """Who uses a runtime that goes: `used by 3 scripts, 2 of them on a schedule: 'Load' in 'Sales' (nightly, …)`."""
    return script_usage.used_by(scripts, utc_date())
