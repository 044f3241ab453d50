# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report on one environment, after an apply or an audit, as data and as short lines.

Pure: takes the results of `mstr.library.mstr_runtimes` and `mstr.library.mstr_runtime_info`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._errors import clean

from . import changes
from .evaluation import BROKEN, judged
from .inventory import Sources, findings_of, inventory, unread_texts

Json = Mapping[str, Any]

_VERBS = {"created": "create", "updated": "update", "deleted": "delete"}
_LONGEST_LINE = 1000
_UNREAD_LINES = 5


def environment_report(sources: Sources, detail: bool = False) -> dict[str, Any]:
    """The report; `detail` adds every runtime under `inventory`."""
    applied = sources.applied or {}
    runtimes = [_difference(entry) for entry in applied.get("runtimes") or () if entry.get("action") != "none"]
    message = _failure(sources)
    violations, unused = _judged(sources)
    whole = inventory(sources, violations)
    report: dict[str, Any] = {
        "environment": sources.environment,
        "outcome": "",
        "message": message,
        "summary": applied.get("summary"),
        "plan_id": applied.get("plan_id") if sources.read is None else None,
        "runtimes": runtimes,
    }
    if sources.read is not None:
        report.update(
            policy=sources.policy or None,
            compared=sources.applied is not None,
            counts=None if sources.read.get("failed") else findings_of(whole, violations, unused, sources),
            violations=violations,
            unused_acceptances=unused,
            incomplete=sources.incomplete,
            unread=list(sources.read.get("unread") or ()),
        )
    report["outcome"] = _outcome(report, sources)
    report["lines"] = [
        clean(f"{sources.environment}: {line}", _LONGEST_LINE) for line in _lines(report, whole, sources)
    ]
    if detail:
        report["inventory"] = whole
    return report


def _judged(sources: Sources) -> tuple[list[dict[str, Any]], list[str]]:
    """The violations with their verdicts, and what accepts nothing. Without a policy, nothing was judged."""
    read = sources.read or {}
    if not sources.policy or read.get("failed"):
        return [], []
    return judged(read.get("violations") or (), sources.accepted, read.get("runtimes") or (), sources.today)


def _failure(sources: Sources) -> str | None:
    """The message of the failed task; None if no task failed."""
    for result in (sources.read, sources.applied):
        if result is not None and result.get("failed"):
            return str(result.get("msg") or "The task failed without a message.")
    return None


def _outcome(report: Json, sources: Sources) -> str:
    if report["message"]:
        return "failed"
    if sources.read is None:
        return "unchanged" if not report["runtimes"] else "drift" if sources.check_mode else "changed"
    counts = {**(report["counts"] or {}), "incomplete": report["incomplete"] is not None}
    problems = dict.fromkeys(("problems", "unused", "incomplete"), "problems")
    kinds = {"violations": "violations", "differing": "drift", **problems}
    otherwise = "clean" if sources.policy else "not_judged"
    return next((word for count, word in kinds.items() if counts.get(count)), otherwise)


def _difference(entry: Json) -> dict[str, Any]:
    return {
        "name": entry.get("name"),
        "id": entry.get("id"),
        "action": entry["action"],
        "error": (entry.get("error") or {}).get("msg"),
        "fields": [
            {"field": one["field"], "wanted": one["after"], "found": one["before"]}
            for one in entry.get("changes") or ()
        ],
    }


def _lines(report: Json, whole: Iterable[Json], sources: Sources) -> Iterator[str]:
    """The lines of the report, without the name of the environment."""
    difference_lines = [_difference_lines(one, sources.check_mode) for one in report["runtimes"]]
    if report["message"] and not (report["summary"] and any(one["error"] for one in report["runtimes"])):
        first, *rest = report["message"].splitlines() or [""]
        yield f"failed: {first}"
        yield from rest
    if sources.read is not None:
        if not sources.read.get("failed"):
            yield _count_line(report["counts"], bool(report["policy"]))
            if report["incomplete"]:
                yield report["incomplete"]
            yield from _finding_lines(report, whole)
    elif report["summary"]:
        yield _summary_line(report["summary"], sources.check_mode)
        if sources.check_mode and sources.approved and sources.approved == report["plan_id"]:
            yield "the approved plan still holds"
    for lines in difference_lines:
        yield from lines


def _summary_line(summary: Mapping[str, int], check_mode: bool) -> str:
    """Such as `1 to create, 2 to update, 47 unchanged`."""
    parts = [
        f"{summary[action]} {f'to {verb}' if check_mode else action}"
        for action, verb in _VERBS.items()
        if summary.get(action)
    ]
    parts += [f"{summary[word]} {word}" for word in ("failed", "unchanged") if summary.get(word)]
    return ", ".join(parts) or "no runtimes"


def _count_line(counts: Mapping[str, int], has_policy: bool) -> str:
    """Such as `12 runtimes, 2 violations, 1 differs`."""
    words = {
        "violations": ("violation", "violations"),
        "accepted": ("accepted violation", "accepted violations"),
        "expiring": ("acceptance expires within 30 days", "acceptances expire within 30 days"),
        "differing": ("differs from its definition", "differ from their definitions"),
        "undefined": ("has no definition", "have no definition"),
        "problems": ("is not ready", "are not ready"),
        "unread": ("look-up failed", "look-ups failed"),
        "unused": ("acceptance accepts nothing", "acceptances accept nothing"),
    }
    parts = [f"{counts['runtimes']} runtime{'' if counts['runtimes'] == 1 else 's'}"]
    parts += [] if has_policy else ["not judged by any policy"]
    parts += [f"{counts[key]} {one if counts[key] == 1 else more}" for key, (one, more) in words.items() if counts[key]]
    return ", ".join(parts)


def _finding_lines(report: Json, whole: Iterable[Json]) -> Iterator[str]:
    for runtime in whole:
        name = repr(runtime["name"] or runtime["id"])
        for line in _violation_lines(runtime["violations"]):
            yield f"{name} {line}"
        for problem in runtime["problems"]:
            yield f"{name} {problem}"
    yield from report["unused_acceptances"]
    for one in report["unread"][:_UNREAD_LINES]:
        project, script, error = unread_texts(one)
        where = f"the script {script!r} in {project!r}" if script else f"the scripts of {project!r}" if project else ""
        yield f"could not read {where or 'the list of projects'}: {error}"
    if len(report["unread"]) > _UNREAD_LINES:
        yield f"and {len(report['unread']) - _UNREAD_LINES} more could not be read"


def _violation_lines(violations: Iterable[Json]) -> Iterator[str]:
    """One line for each value that breaks rules, and for each acceptance of it that has expired."""
    by_value: dict[tuple[str, str], list[Json]] = {}
    for one in violations:
        if one["verdict"] in BROKEN:
            by_value.setdefault((one["option"], str(one["value"])), []).append(one)
    for (option, value), broken in by_value.items():
        first = broken[0]
        rules = " and ".join(one["rule"] for one in broken)
        detail = first["detail"] or ""
        if first["value"] is None:
            line = f"{option} {detail or 'is empty'}, which breaks {rules}"
        elif all(one["verdict"] == "not judged" for one in broken):
            line = f"{option} {value} was not judged by {rules}: {detail.partition(': ')[2]}"
        else:
            line = f"{option} {value} breaks {rules}"
            # What a block overlaps is plain; what a requirement or a limit is, is not.
            line += "" if option == "whitelist" else f": it {' and it '.join(str(one['detail']) for one in broken)}"
        expired = {f"{one['until']} ({one['reason']})" for one in broken if one["verdict"] == "expired"}
        yield line + (f"; the acceptance expired on {' and '.join(sorted(expired))}" if expired else "")


def _difference_lines(runtime: Json, check_mode: bool) -> list[str]:
    """The lines about a runtime that differs; each one names the runtime."""
    name, action = repr(runtime["name"] or runtime["id"]), runtime["action"]
    lines = []
    if action == "updated":
        word = "differs" if check_mode else "updated"
        lines = [
            f"{name} {word}: {changes.line(one['field'], one['found'], one['wanted'])}" for one in runtime["fields"]
        ]
    elif action != "failed":
        lines = [f"{name} would be {action}" if check_mode else f"{name} {action}"]
    if runtime["error"]:
        first, *rest = runtime["error"].splitlines()
        lines += [f"{name} failed: {first}", *rest]
    return lines
