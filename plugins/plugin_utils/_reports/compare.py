# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments side by side: how the runtimes of each differ from those of one of them, the reference.

Pure: takes the reports of an audit with their inventories. Only fields of a definition are compared, and what is
installed where both environments know it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._errors import LONGEST_TEXT, clean, counted, listed
from ...module_utils._model.kinds import normalized_name
from ...module_utils._model.runtime import DEFAULT_RUNTIME_ID, mark_in
from .changes import change_line
from .evaluation import Json
from .since import changed_fields, definition_of

Key = tuple[str, int]  # the name or the id of a runtime, and its place among those that have the same one

SAME, DIFFERS, MISSING, MORE = "same", "differs", "missing", "more"
_MOST_LINES = 20


def compared(
    reports: Sequence[Json], reference: str, not_reached: Iterable[str] = (), details: Iterable[Json] | None = None
) -> dict[str, Any]:
    """How the environments differ from the reference, runtime by runtime. `details`: see `formats.whole`.

    An environment that has neither more nor less than the reference, which lacks the runtime too, has no entry for it.
    `error` says why nothing was compared, and is None otherwise.
    """
    names = _current_names(reports)
    reasons = {str(report["environment"]): why for report in reports if (why := _why_not(report))}
    reasons |= dict.fromkeys(not_reached, "it was not reached")
    found = [str(report["environment"]) for report in reports if str(report["environment"]) not in reasons]
    if reference not in found:
        return failed(
            reference, f"Nothing is compared with {reference}: {reasons.get(reference, 'it was not reached')}"
        )
    with_runtimes = ((str(report["environment"]), report) for report in (reports if details is None else details))
    held = {environment: _by_key(report, names) for environment, report in with_runtimes if environment in found}
    before = held.pop(reference)
    rows = []
    keys = sorted({*before}.union(*held.values()), key=lambda key: (key[0].casefold(), key))
    for key in keys:
        was, row = before.get(key), []
        for environment, runtimes in held.items():
            now = runtimes.get(key)
            if was is not None or now is not None:
                row.append({"environment": environment, **_difference(was, now)})
        shown = was or next(runtimes[key] for runtimes in held.values() if key in runtimes)
        entry = {key: shown[key] for key in ("name", "is_default")}
        rows.append({**entry, "in_reference": was is not None, "environments": row})
    not_compared = [{"environment": environment, "reason": why} for environment, why in reasons.items()]
    compared_with = {"environments": list(held), "not_compared": not_compared, "runtimes": rows}
    return {**failed(reference, None), **compared_with}


def failed(reference: str, error: str | None) -> dict[str, Any]:
    """A comparison of nothing, and why."""
    return {"reference": reference, "error": error, **{key: [] for key in ("environments", "not_compared", "runtimes")}}


def _why_not(report: Json) -> str | None:
    """Why an environment cannot be compared; None if it can. What a list may lack would be called missing."""
    if report.get("counts") is None:
        return "it could not be read"
    return "its list of runtimes may be incomplete" if report["incomplete"] else None


def _current_names(reports: Iterable[Json]) -> dict[str, str]:
    """The name in the definitions of each runtime that has a previous name there."""
    pairs = [pair for report in reports for pair in (report.get("previous_names") or {}).items()]
    return {old: name for name, previous in pairs for old in previous}


def _by_key(report: Json, names: Mapping[str, str]) -> dict[Key, dict[str, Any]]:
    """The runtimes of an environment, each with its `values`. The name of the default one may be translated."""
    # An unfinished replacement counts once it has its name.
    present = [entry for entry in report["inventory"] if entry["present"] and not mark_in(entry["name"])]
    taken, found = {runtime["name"] for runtime in present}, dict[Key, dict[str, Any]]()
    for runtime in sorted(present, key=lambda runtime: str(runtime["id"])):
        new = names.get(runtime["name"], runtime["name"])
        key = DEFAULT_RUNTIME_ID if runtime["is_default"] else runtime["name"] if new in taken else new
        place = sum(1 for name, _place in found if name == key) if (key, 0) in found else 0
        kept = {key: runtime[key] for key in ("name", "is_default", "installed")}
        found[key, place] = {**kept, "values": definition_of(runtime)}
    return found


def _difference(was: Json | None, now: Json | None) -> dict[str, Any]:
    """The state of a runtime beside that of the reference, and the fields that differ."""
    if was is None or now is None:
        return {"state": MISSING if now is None else MORE, "fields": []}
    fields = [] if was["values"] == now["values"] else changed_fields(was["values"], now["values"])
    if was["name"] != now["name"] and not was["is_default"]:
        fields = [{"field": "name", "before": was["name"], "after": now["name"]}, *fields]
    if was["installed"] and now["installed"]:
        fields += _installed(_versions(was["installed"]), _versions(now["installed"]))
    return {"state": DIFFERS if fields else SAME, "fields": fields}


def _versions(installed: Json) -> dict[str, dict[str, Any]]:
    """The installed packages and Python, by normalized name."""
    python = {"name": "Python", "version": (installed.get("python") or {}).get("version")}
    rows = [python, *(installed.get("packages") or ())]
    return {normalized_name(str(row["name"])): {key: row[key] for key in ("name", "version")} for row in rows}


def _installed(was: Json, now: Json) -> list[dict[str, Any]]:
    """What is installed and differs, as a field."""
    keys = [key for key in {**was, **now} if (was.get(key) or {}).get("version") != (now.get(key) or {}).get("version")]
    before, after = ([rows[key] for key in keys if key in rows] for rows in (was, now))
    return [{"field": "installed", "before": before, "after": after}] if keys else []


def differences(comparison: Json) -> Iterator[tuple[str, Json, str]]:
    """Each difference: the environment, the runtime, and the rest of a sentence about it."""
    reference = comparison["reference"]
    texts = {MISSING: f"is missing; {reference} has it", MORE: f"is not in {reference}"}
    for environment in comparison["environments"]:
        for runtime in comparison["runtimes"]:
            for entry in runtime["environments"]:
                if entry["environment"] == environment and entry["state"] != SAME:
                    rows = ((field["field"], field["before"], field["after"]) for field in entry["fields"])
                    fields = "; ".join(change_line(*row) for row in rows)
                    yield environment, runtime, texts.get(entry["state"]) or f"differs from {reference}: {fields}"


def summary(comparison: Json) -> list[str]:
    """What was compared, and what was not, in sentences without a final period."""
    if comparison["error"]:
        return [comparison["error"]]
    numbers = Counter(environment for environment, _runtime, _text in differences(comparison))
    texts = [
        f"{name} has {counted(numbers[name], 'difference') if numbers[name] else 'no difference'}"
        for name in comparison["environments"]
    ]
    not_compared = [
        f"{entry['environment']} is not compared: {entry['reason']}" for entry in comparison["not_compared"]
    ]
    return [
        *([f"Compared with {comparison['reference']}, {listed(texts, _MOST_LINES)}"] if texts else []),
        *not_compared,
    ]


def comparison_lines(comparison: Json) -> list[str]:
    """The lines for a console, at most twenty of each kind."""
    rows = [f"{name}: {runtime['name']!r} {text}" for name, runtime, text in differences(comparison)]
    return [clean(line, LONGEST_TEXT) for kind in (summary(comparison), rows) for line in _first(kind)]


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"And {len(lines) - _MOST_LINES} more like these; mstr_report_dest shows them all."


def gate_errors(comparison: Json, gated: Iterable[str]) -> dict[str, str]:
    """Why each of these environments has to fail, by name: it differs, or nobody knows whether it does."""
    reference, errors = comparison["reference"], dict[str, str]()
    by_name: dict[str, list[str]] = {}
    for name, runtime, _text in differences(comparison):
        by_name.setdefault(name, []).append(repr(runtime["name"]))
    unknown = {entry["environment"]: entry["reason"] for entry in comparison["not_compared"]}
    for name in gated:
        if name == reference:
            continue
        if comparison["error"]:
            errors[name] = f"mstr_fail_on_difference: {comparison['error']}"
        elif name in unknown:
            errors[name] = f"mstr_fail_on_difference: not compared with {reference}, because {unknown[name]}"
        elif name in by_name:
            number = counted(len(by_name[name]), "difference")
            errors[name] = f"{number} from {reference}: {listed(by_name[name])}"
    return errors
