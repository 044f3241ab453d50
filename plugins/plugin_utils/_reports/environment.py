# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report on one environment, after an apply or an audit, as data and as short lines.

Pure: takes the results of `mstr.library.mstr_runtimes` and `mstr.library.mstr_runtime_info`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._errors import as_mstr_error, clean, counted
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME
from ansible_collections.mstr.library.plugins.module_utils._model.rules import EXEMPTED, NOT_EVALUATED

from .evaluation import COUNTED, evaluated, unused_exemptions
from .installed import not_offered
from .inventory import Sources, before, changed_scripts, counts_of, entries_of, inventory, unread_texts
from .lines import (
    GOES,
    VERBS,
    dangling_line,
    difference_lines,
    evaluation_lines,
    exemption_text,
    refusal_line,
    script_line,
    warning_line,
)
from .since import changed_since
from .since import line as since_line

Json = Mapping[str, Any]

_LONGEST_LINE = 1000
_UNREAD_LINES = 5
_MOST_LINES = 20


def environment_report(sources: Sources, detail: bool = False) -> dict[str, Any]:
    """The report; `detail` adds every runtime under `inventory`. An error in it never hides what was done."""
    sources = sources._replace(applied=_with_failure(sources.applied), read=_with_failure(sources.read))
    try:
        return _report(sources, detail)
    except Exception as exc:
        return _bare_report(sources, f"The report could not be made. {as_mstr_error(exc).sentence}")


def _bare_report(sources: Sources, sentence: str) -> dict[str, Any]:
    """What can be said without looking at any value: the message of the task, and each runtime that it wrote."""
    applied = sources.applied or {}
    rows = [entry for entry in applied.get("runtimes") or () if isinstance(entry, Mapping)]
    verb = "would be " if sources.check_mode else ""
    rows = [row for row in rows if row.get("action") != "none"]
    done = [f"{row.get('name')!r} ({row.get('id')}) {verb}{row.get('action')}" for row in rows]
    failure = _failure(sources)
    lines = [failure or str(applied.get("msg") or ""), sentence, *done]
    return {
        "environment": sources.environment,
        "outcome": "failed",
        "message": f"{failure}\n{sentence}" if failure else sentence,
        "summary": applied.get("summary"),
        "plan_id": None,
        **{key: [] for key in ("runtimes", "scripts", "exempted", "violations", "not_evaluated", "unused_exemptions")},
        **{key: [] for key in ("unread", "refusals", "inventory")},
        **dict.fromkeys(("policy", "counts", "incomplete", "dangling")),
        "compared": False,
        "warnings": _warnings(sources),
        "lines": [_line(sources.environment, line) for line in lines if line],
    }


def _report(sources: Sources, detail: bool) -> dict[str, Any]:
    applied = sources.applied or {}
    runtimes = [_difference(entry) for entry in entries_of(applied) if entry.get("action") != "none"]
    message = _failure(sources)
    rows, unused = _evaluated(sources)
    listed = inventory(sources, rows)
    report: dict[str, Any] = {
        "environment": sources.environment,
        "outcome": "",
        "message": message,
        "summary": applied.get("summary"),
        "plan_id": applied.get("plan_id") if sources.read is None else None,
        "runtimes": runtimes,
        "scripts": changed_scripts(applied),
        "exempted": [row for row in rows if row["verdict"] == EXEMPTED],
        "warnings": _warnings(sources),
    }
    if sources.read is not None:
        report.update(
            policy=sources.policy or None,
            compared=sources.compares_runtimes,
            counts=None if sources.read.get("failed") else counts_of(listed, rows, unused, sources),
            violations=[row for row in rows if row["verdict"] in COUNTED],
            not_evaluated=[row for row in rows if row["verdict"] == NOT_EVALUATED],
            unused_exemptions=unused,
            incomplete=sources.incomplete,
            dangling=sources.read.get("dangling"),
            mismatches=sources.read.get("mismatches"),
            not_offered=not_offered(sources.read),
            unread=list(sources.read.get("unread") or ()),
            refusals=list(sources.refusals),
        )
        if sources.since is not None and report["counts"] is not None:
            violations = report["violations"] if sources.policy else None
            is_incomplete = sources.incomplete is not None
            report["since"] = changed_since(
                sources.since,
                sources.environment,
                listed,
                violations,
                is_incomplete,
                report["mismatches"],
                sources.previous_names,
            )
        elif sources.since is not None and detail:
            # The next audit compares with what the last one could read.
            report["last_read"] = sources.since.state(sources.environment)
    report["outcome"] = _outcome(report, sources)
    report["lines"] = [_line(sources.environment, line) for line in _lines(report, listed, sources)]
    if detail:
        report["inventory"] = listed
    return report


def lines_with_kinds(report: Json, predicted: bool) -> list[tuple[str, str]]:
    """The lines of a report, each after what it is: the action on a runtime, "script" or "finding"."""
    found = [(entry["action"], difference_lines(entry, predicted)) for entry in report["runtimes"]]
    found += [("script", [script_line(script, predicted)]) for script in report["scripts"]]
    found += [("warning", [warning_line(text)]) for text in report["warnings"]]
    kinds = {_line(report["environment"], line): kind for kind, lines in found for line in lines}
    return [(kinds.get(line, "finding"), line) for line in report["lines"]]


def short_lines(report: Json, predicted: bool) -> list[str]:
    """The lines of a report, at most twenty of a kind; all of what is deleted or replaced."""
    lines = lines_with_kinds(report, predicted)
    total = Counter(kind for kind, _line in lines)
    seen: Counter[str] = Counter()
    shown: list[str] = []
    for kind, line in lines:
        seen[kind] += 1
        if kind in GOES or seen[kind] <= _MOST_LINES:
            shown.append(line)
        elif seen[kind] == _MOST_LINES + 1:
            rest = f"and {total[kind] - _MOST_LINES} more like these; mstr_report_dest shows them all"
            shown.append(f"{report['environment']}: {rest}")
    return shown


def _line(environment: Any, text: str) -> str:
    return clean(f"{environment}: {text}", _LONGEST_LINE)


def _warnings(sources: Sources) -> list[str]:
    """The texts of the warnings. From ansible-core 2.19 on, those of a module may be mappings or objects."""
    results = (sources.read, sources.applied)
    found = [*sources.warnings, *(entry for result in results for entry in (result or {}).get("warnings") or ())]

    def text(entry: Any) -> str:
        event = entry.get("event", entry) if isinstance(entry, Mapping) else getattr(entry, "event", entry)
        said = event.get("msg") if isinstance(event, Mapping) else getattr(event, "msg", event)
        return str(said)

    return list(dict.fromkeys(map(text, found)))


def _evaluated(sources: Sources) -> tuple[list[dict[str, Any]], list[str]]:
    """What the policy found, and which exemptions are unused. Without a policy, nothing was evaluated."""
    if sources.read is None:
        return evaluated({"exempted": (sources.applied or {}).get("exempted")}), []
    if not sources.policy or sources.read.get("failed"):
        return [], []
    rows = evaluated(sources.read)
    if sources.incomplete:
        # An exemption may be for one of the runtimes that the list lacks.
        return rows, []
    return rows, unused_exemptions(sources.policy, sources.read.get("runtimes") or (), rows)


def _with_failure(result: Json | None) -> Json | None:
    """The result; of a host that could not be reached, Ansible does not say that the task failed."""
    return {**result, "failed": True} if result and result.get("unreachable") else result


def failure_of(result: Json) -> str:
    """The message of a failed task."""
    return str(result.get("msg") or "The task failed without a message.")


def _failure(sources: Sources) -> str | None:
    """The message of the failed task; None if no task failed."""
    failed = (result for result in (sources.read, sources.applied) if result is not None and result.get("failed"))
    return next(map(failure_of, failed), None)


def _outcome(report: Json, sources: Sources) -> str:
    if report["message"]:
        return "failed"
    if sources.read is None:
        changed = "drift" if sources.check_mode else "changed"
        return changed if report["runtimes"] or report["scripts"] else "unchanged"
    counts = {**(report["counts"] or {}), "incomplete": report["incomplete"] is not None}
    found = ("problems", "failed_runs", "mismatches", "not_offered", "dangling", "unused", "incomplete")
    problems = dict.fromkeys(found, "problems")
    drift = dict.fromkeys(("differing", "moved"), "drift")
    kinds = {"violations": "violations", **drift, **problems, "not_evaluated": "not_evaluated"}
    otherwise = "clean" if sources.policy else "not_evaluated"
    return next((word for count, word in kinds.items() if counts.get(count)), otherwise)


def _difference(entry: Json) -> dict[str, Any]:
    found = {
        "name": entry.get("name"),
        "id": entry.get("id"),
        "action": entry["action"],
        "error": (entry.get("error") or {}).get("msg"),
        "fields": [
            {"field": change["field"], "wanted": change["after"], "found": change["before"]}
            for change in entry.get("changes") or ()
        ],
    }
    if entry.get("smoke_test"):
        found["smoke_test"] = entry["smoke_test"]
    if entry["action"] in GOES:
        # What nobody can look up afterwards: the definition that goes, and who uses the runtime.
        found["definition"] = _definition(before(entry))
        found["scripts"] = entry.get("scripts")
    return found


def _definition(runtime: Json) -> dict[str, Any]:
    return {key: runtime[key] for key in BY_NAME if key != "name" and runtime.get(key)}


def _lines(report: Json, listed: Iterable[Json], sources: Sources) -> Iterator[str]:
    """The lines of the report, without the name of the environment."""
    failed = [entry for entry in (*report["runtimes"], *report["scripts"]) if entry.get("error")]
    if report["message"] and not (report["summary"] and failed):
        first, *rest = report["message"].splitlines() or [""]
        yield f"failed: {first}"
        yield from rest
    if not report["summary"] and (sources.read is None or sources.read.get("failed")):
        yield from map(warning_line, report["warnings"])
    if sources.read is not None:
        if not sources.read.get("failed"):
            # Only check mode has the key without a value.
            skipped = "mismatches" in sources.read and sources.read["mismatches"] is None
            note = ", check mode does not run the script that lists packages" if skipped else ""
            yield f"{_count_line(report['counts'], bool(report['policy']))}{note}"
            yield from map(warning_line, report["warnings"])
            if report.get("since"):
                yield since_line(report["since"])
            if report["incomplete"]:
                yield report["incomplete"]
            yield from map(refusal_line, report["refusals"])
            yield from _finding_lines(report, listed)
    elif report["summary"]:
        yield _summary_line(report["summary"], sources.check_mode)
        yield from map(warning_line, report["warnings"])
        if sources.approved and sources.check_mode and sources.approved["plan_id"] == report["plan_id"]:
            yield "the approved plan still holds"
        elif sources.approved and not (report["message"] or report["runtimes"] or report["scripts"]):
            number = sum(len(sources.approved.get(key) or ()) for key in ("runtimes", "scripts"))
            yield from [f"nothing to change (approved: {counted(number, 'change')})"] if number else ()
        for row in report["exempted"]:
            yield f"{row['name']!r} {exemption_text(row)}"
    for runtime in report["runtimes"]:
        yield from difference_lines(runtime, sources.check_mode)
    for script in report["scripts"]:
        yield script_line(script, sources.check_mode)


def _summary_line(summary: Mapping[str, int], check_mode: bool) -> str:
    """Such as `1 to create, 2 to update, 47 unchanged`."""
    parts = [
        f"{counted(summary[action], 'script') if action == 'moved' else summary[action]} "
        f"{f'to {verb}' if check_mode else action}"
        for action, verb in VERBS.items()
        if summary.get(action)
    ]
    parts += [f"{summary[word]} {word}" for word in ("failed", "unchanged") if summary.get(word)]
    return ", ".join(parts) or "no runtimes"


def _count_line(counts: Json, has_policy: bool) -> str:
    """Such as `12 runtimes, 2 violations, 1 differs`."""
    words = {
        "violations": ("violation", "violations"),
        "exempted": ("exempted violation", "exempted violations"),
        "expiring": ("exemption expires within 30 days", "exemptions expire within 30 days"),
        "not_evaluated": ("value not evaluated", "values not evaluated"),
        "differing": ("differs from its definition", "differ from their definitions"),
        "moved": ("script uses a different runtime", "scripts use a different runtime"),
        "undefined": ("has no definition", "have no definition"),
        "problems": ("is not ready", "are not ready"),
        "failed_runs": ("last run failed", "last runs failed"),
        "mismatches": ("installed version differs", "installed versions differ"),
        "not_offered": ("has a Python that is not offered", "have a Python that is not offered"),
        "dangling": ("script has no runtime", "scripts have no runtime"),
        "unread": ("look-up failed", "look-ups failed"),
        "unused": ("exemption exempts nothing", "exemptions exempt nothing"),
    }
    parts = [counted(counts["runtimes"], "runtime")]
    parts += [] if has_policy else ["not evaluated by any policy"]
    if counts["scripts"] is not None:
        parts.append(counted(counts["scripts"], "script"))
    if counts["scheduled"] is not None:
        parts.append(f"{counts['scheduled']} on a schedule")
        parts += [] if counts["failed_runs"] else ["no failed run"]
    parts += [
        f"{counts[key]} {singular if counts[key] == 1 else plural}"
        for key, (singular, plural) in words.items()
        if counts[key]
    ]
    return ", ".join(parts)


def _finding_lines(report: Json, listed: Iterable[Json]) -> Iterator[str]:
    for runtime in listed:
        name = repr(runtime["name"] or runtime["id"])
        for line in evaluation_lines(runtime["evaluated"]):
            yield f"{name} {line}"
        for problem in (*runtime["problems"], *runtime["remarks"]):
            yield f"{name} {problem}"
    yield from report["unused_exemptions"]
    for script in report["dangling"] or ():
        yield dangling_line(script)
    for unread in report["unread"][:_UNREAD_LINES]:
        what, error = unread_texts(unread)
        yield f"could not read {what}: {error}"
    if len(report["unread"]) > _UNREAD_LINES:
        yield f"and {len(report['unread']) - _UNREAD_LINES} more could not be read"
