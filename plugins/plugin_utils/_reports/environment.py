# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report on one environment, after an apply or an audit, as data and as short lines.

Pure: takes the results of `mstr.library.mstr_runtimes` and `mstr.library.mstr_runtime_info`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ...module_utils._errors import LONGEST_TEXT, as_mstr_error, clean, counted, listed
from ...module_utils._model.policy import number_of
from ...module_utils._model.result import counted_runtimes
from ...module_utils._model.rules import EXEMPTED, NOT_EVALUATED, UNREADABLE
from ...module_utils._work.api import utc_date
from . import lines
from .evaluation import COUNTED, Json, evaluated
from .inventory import Sources, difference, entries_of, inventory, summary_of
from .pythons import branches_of, has_ended

_MOST_LINES = 20
_EXPIRES_SOON = timedelta(days=30)
# The outcome of an audit with any of these: the first that applies.
_OUTCOMES = {
    "violations": "violations",
    **dict.fromkeys(("differing", "moved"), "drift"),
    **dict.fromkeys(("problems", "failed_runs", "mismatches", "dangling", "unfinished"), "problems"),
    "incomplete": "problems",
    "not_evaluated": "not_evaluated",
}


def environment_report(sources: Sources, detail: bool = False) -> dict[str, Any]:
    """The report; `detail` adds every runtime under `inventory`. An error in it never hides what was done."""
    sources = sources._replace(applied=_with_failure(sources.applied), read=_with_failure(sources.read))
    report = _bare_report(sources)
    try:
        applied = sources.applied or {}
        report["summary"] = summary_of(applied)
        # What differs, or was changed: the runtimes, and the scripts whose runtime is not the wanted one.
        report["runtimes"] = [difference(entry) for entry in entries_of(applied) if entry.get("action") != "none"]
        report["scripts"] = [script for script in applied.get("scripts") or () if script.get("action") != "none"]
        rows = _evaluated(sources)
        report["exempted"] = [row for row in rows if row["verdict"] == EXEMPTED]
        runtimes = inventory(sources, rows)
        if sources.read is not None:
            report.update(_audited(sources, sources.read, rows))
            if not sources.read.get("failed"):
                report["python"] = branches_of(runtimes, utc_date())
                report["counts"] = _counts(report, runtimes, sources)
        report["outcome"] = _outcome(report, sources)
        report["lines"] = [_line(sources.environment, line) for line in _lines(report, runtimes, sources)]
    except Exception as exc:
        return _without_values(sources, f"The report could not be made. {as_mstr_error(exc).sentence}")
    return {**report, "inventory": runtimes} if detail else report


def _bare_report(sources: Sources) -> dict[str, Any]:
    """What can be said without looking at the value of any runtime."""
    applied = sources.applied or {}
    return {
        "environment": sources.environment,
        "outcome": "failed",
        "message": _failure(sources),
        "summary": applied.get("summary"),
        "plan_id": applied.get("plan_id") if sources.read is None else None,
        **{key: [] for key in ("runtimes", "scripts", "exempted")},
        # Only of a plan; an audit has them in its inventory.
        "undefined": applied.get("undefined") if sources.check_mode and sources.read is None else None,
        "warnings": _warnings(sources),
    }


def _without_values(sources: Sources, sentence: str) -> dict[str, Any]:
    """The report without looking at any value: the message of the task, and each runtime that it wrote."""
    report, applied = _bare_report(sources), sources.applied or {}
    rows = [row for row in applied.get("runtimes") or () if isinstance(row, Mapping) and row.get("action") != "none"]
    verb = "would be " if sources.check_mode else ""
    done = [f"{row.get('name')!r} ({row.get('id')}) {verb}{row.get('action')}" for row in rows]
    texts = [report["message"] or str(applied.get("msg") or ""), sentence, *done]
    return {
        **report,
        "message": f"{report['message']}\n{sentence}" if report["message"] else sentence,
        "plan_id": None,
        **{key: [] for key in ("violations", "not_evaluated", "unread", "refusals", "inventory")},
        **dict.fromkeys(("policy", "counts", "incomplete", "mismatches", "dangling", "unfinished")),
        "python": None,
        "compared": False,
        "lines": [_line(sources.environment, line) for line in texts if line],
    }


def _audited(sources: Sources, read: Json, rows: Sequence[Json]) -> dict[str, Any]:
    return {
        "policy": sources.policy or None,
        "compared": sources.compares_runtimes,
        "violations": [row for row in rows if row["verdict"] in COUNTED],
        "not_evaluated": [row for row in rows if row["verdict"] == NOT_EVALUATED],
        "incomplete": sources.incomplete,
        "counts": None,
        "python": None,
        "dangling": read.get("dangling"),
        "unfinished": list(read.get("unfinished") or ()),
        "mismatches": read.get("mismatches"),
        "unread": list(read.get("unread") or ()),
        "refusals": list(sources.refusals),
    }


def _counts(report: Json, runtimes: Sequence[Json], sources: Sources) -> dict[str, int | None]:
    """The number of findings of each kind; of `scripts` and of those `scheduled`, None if they were not looked up."""
    soon = (utc_date() + _EXPIRES_SOON).isoformat()
    held = (sources.read or {}).get("runtimes") or ()
    of_runtimes = [runtime["scripts"] for runtime in held if "scripts" in runtime]
    scripts = [script for of_runtime in of_runtimes for script in of_runtime or ()]
    knows_tasks = bool(scripts) and all(script.get("tasks") is not None for script in scripts)
    return {
        "runtimes": sum(1 for runtime in runtimes if runtime["present"]),
        "violations": number_of(report["violations"]),
        "unreadable": sum(1 for row in report["violations"] if row["verdict"] == UNREADABLE),
        "exempted": len(report["exempted"]),
        "expiring": sum(1 for row in report["exempted"] if row["until"] and row["until"] <= soon),
        "not_evaluated": len(report["not_evaluated"]),
        "scripts": len(scripts) if of_runtimes else None,
        "scheduled": sum(1 for script in scripts if lines.schedules(script)) if knows_tasks else None,
        "differing": sum(1 for runtime in runtimes if runtime["action"] not in (None, "none")),
        "moved": sum(1 for script in report["scripts"] if script["action"] == "moved"),
        "undefined": sum(1 for runtime in runtimes if runtime["defined"] is False),
        "problems": sum(1 for runtime in runtimes if runtime["problems"]),
        "failed_runs": sum(len(runtime["failed_runs"]) for runtime in runtimes),
        "mismatches": sum(len(runtime["mismatches"]) for runtime in runtimes),
        "python_ended": sum(row["runtimes"] for row in report["python"] if has_ended(row)),
        "dangling": len(report["dangling"] or ()),
        "unfinished": len(report["unfinished"]),
        "unread": len(report["unread"]),
    }


def lines_with_kinds(report: Json, predicted: bool) -> list[tuple[str, str]]:
    """The lines of a report, each after what it is: the action on a runtime, "script" or "finding"."""
    lines_of = [(entry["action"], lines.difference_lines(entry, predicted)) for entry in report["runtimes"]]
    lines_of += [("script", [lines.script_line(script, predicted)]) for script in report["scripts"]]
    lines_of += [("warning", [lines.warning_line(text)]) for text in report["warnings"]]
    kinds = {_line(report["environment"], line): kind for kind, texts in lines_of for line in texts}
    return [(kinds.get(line, "finding"), line) for line in report["lines"]]


def short_lines(report: Json, predicted: bool) -> list[str]:
    """The lines of a report, at most twenty of a kind; all of what is deleted or replaced."""
    texts = lines_with_kinds(report, predicted)
    total = Counter(kind for kind, _text in texts)
    seen: Counter[str] = Counter()
    shown: list[str] = []
    for kind, line in texts:
        seen[kind] += 1
        if kind in lines.GOES or seen[kind] <= _MOST_LINES:
            shown.append(line)
        elif seen[kind] == _MOST_LINES + 1:
            rest = f"and {total[kind] - _MOST_LINES} more like these; mstr_report_dest shows them all"
            shown.append(f"{report['environment']}: {rest}")
    return shown


def console_lines(reports: Sequence[Json], predicted: bool, is_plan: bool) -> Iterator[str]:
    """The lines of all reports, at most twenty of a kind; of a plan, all with its id, and equal changes once."""
    for group in lines.same_changes(reports, is_plan):
        rest = []
        for report in group:
            name = str(report["environment"])
            first, *others = (report["lines"] if is_plan else short_lines(report, predicted)) or [""]
            changes = is_plan and report["plan_id"] and (report["runtimes"] or report["scripts"])
            yield f"{first} (plan {report['plan_id']})" if changes else first
            # A warning is about an environment, whatever changes there.
            warnings = [line for line in others if line.startswith(f"{name}: {lines.warning_line('')}")]
            yield from warnings
            rest.append((name, [("", line.removeprefix(f"{name}: ")) for line in others if line not in warnings]))
        yield from (f"{listed(names, 5)}: {text}" for names, (_kind, text) in lines.shared(rest))


def _line(environment: Any, text: str) -> str:
    return clean(f"{environment}: {text}", LONGEST_TEXT)


def _warnings(sources: Sources) -> list[str]:
    """The texts of the warnings. From ansible-core 2.19 on, those of a module may be mappings or objects."""
    entries = [*sources.warnings]
    for result in (sources.read, sources.applied):
        entries += (result or {}).get("warnings") or ()

    def text(entry: Any) -> str:
        event = entry.get("event", entry) if isinstance(entry, Mapping) else getattr(entry, "event", entry)
        return str(event.get("msg") if isinstance(event, Mapping) else getattr(event, "msg", event))

    return list(dict.fromkeys(map(text, entries)))


def _evaluated(sources: Sources) -> list[dict[str, Any]]:
    """What the policy found. Without a policy, nothing was evaluated."""
    if sources.read is None:
        return evaluated({"exempted": (sources.applied or {}).get("exempted")})
    if not sources.policy or sources.read.get("failed"):
        return []
    return evaluated(sources.read)


def _with_failure(result: Json | None) -> Json | None:
    """The result; of a host that could not be reached, Ansible does not say that the task failed."""
    return {**result, "failed": True} if result and result.get("unreachable") else result


def failure_of(result: Json) -> str:
    """The message of a failed task."""
    return str(result.get("msg") or "The task failed without a message.")


def _failure(sources: Sources) -> str | None:
    failed = (result for result in (sources.read, sources.applied) if result is not None and result.get("failed"))
    return next(map(failure_of, failed), None)


def _outcome(report: Json, sources: Sources) -> str:
    if report["message"]:
        return "failed"
    if sources.read is None:
        changed = "drift" if sources.check_mode else "changed"
        return changed if report["runtimes"] or report["scripts"] else "unchanged"
    return _found(report)


def _found(report: Json) -> str:
    """The outcome of an audit that could read the environment."""
    counts = {**(report["counts"] or {}), "incomplete": report["incomplete"] is not None}
    otherwise = "clean" if report["policy"] else "not_evaluated"
    return next((word for count, word in _OUTCOMES.items() if counts.get(count)), otherwise)


def _lines(report: Json, runtimes: Iterable[Json], sources: Sources) -> Iterator[str]:
    failed = [entry for entry in (*report["runtimes"], *report["scripts"]) if entry.get("error")]
    if report["message"] and not (report["summary"] and failed):
        first, *rest = report["message"].splitlines() or [""]
        yield f"failed: {first}"
        yield from rest
    if sources.read is not None and not sources.read.get("failed"):
        yield from _audit_lines(report, runtimes, sources.read)
    else:
        if sources.read is None and report["summary"]:
            yield _summary_line(report["summary"], sources.check_mode)
        yield from (text for _kind, text in lines.environment_lines(report))
        yield from _approved_lines(report, sources)
        yield from (f"{row['name']!r} {lines.exemption_text(row)}" for row in report["exempted"])
    for runtime in report["runtimes"]:
        yield from lines.difference_lines(runtime, sources.check_mode)
    for script in report["scripts"]:
        yield lines.script_line(script, sources.check_mode)


def _audit_lines(report: Json, runtimes: Iterable[Json], read: Json) -> Iterator[str]:
    # Only check mode has the key without a value.
    skipped = "mismatches" in read and read["mismatches"] is None
    note = ", check mode does not run the script that lists packages" if skipped else ""
    has_default = any(runtime.get("is_default") for runtime in read.get("runtimes") or ())
    yield f"{_count_line(report['counts'], has_default, bool(report['policy']))}{note}"
    texts = lines.environment_lines(report)
    yield from (text for kind, text in texts if kind in lines.FIRST)
    for runtime in runtimes:
        yield from (f"{(runtime['name'] or runtime['id'])!r} {text}" for _kind, text in lines.runtime_lines(runtime))
    yield from (text for kind, text in texts if kind not in lines.FIRST)


def _approved_lines(report: Json, sources: Sources) -> Iterator[str]:
    """What became of the approved plan, if there is one."""
    approved = sources.approved
    if approved and sources.check_mode and approved["plan_id"] == report["plan_id"]:
        yield "the approved plan still holds"
    elif approved and not (report["message"] or report["runtimes"] or report["scripts"]):
        number = sum(len(approved.get(key) or ()) for key in ("runtimes", "scripts"))
        yield from [f"nothing to change (approved: {counted(number, 'change')})"] if number else ()


def _summary_line(summary: Mapping[str, int], check_mode: bool) -> str:
    """Such as `1 to create, 2 to update, 47 unchanged`."""
    parts = [
        f"{counted(summary[action], 'script') if action == 'moved' else summary[action]} "
        f"{f'to {verb}' if check_mode else action}"
        for action, verb in lines.VERBS.items()
        if summary.get(action)
    ]
    parts += [f"{summary[word]} {word}" for word in ("failed", "unchanged") if summary.get(word)]
    return ", ".join(parts) or "no runtimes"


def _count_line(counts: Json, has_default: bool, has_policy: bool) -> str:
    """Such as `12 runtimes (with the default one), 2 violations, 1 differs`."""
    parts = [counted_runtimes(counts["runtimes"], has_default)]
    parts += [] if has_policy else ["not evaluated by any policy"]
    if counts["scripts"] is not None:
        parts.append(counted(counts["scripts"], "script"))
    if counts["scheduled"] is not None:
        parts.append(f"{counts['scheduled']} on a schedule")
        parts += [] if counts["failed_runs"] else ["no failed run"]
    return ", ".join(
        [*parts, *(f"{counts[key]} {lines.COUNTS[key][counts[key] != 1]}" for key in lines.COUNTS if counts[key])]
    )
