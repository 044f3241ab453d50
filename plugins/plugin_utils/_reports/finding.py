# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says: one table of kinds, and one value for each finding. Pure.

A finding is made once, from data. Every format shows it by its kind, and decides nothing: a new kind is a row here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._model.schedules import name_of
from ...module_utils._text import LONGEST_TEXT, clean, counted, listed
from .texts import grouped

Json = Mapping[str, Any]


class FindingKind(NamedTuple):
    """A kind of finding.

    `one`, `many`: the words behind its number. `title`: of its column. `tone`: how a page shows it. `outcome`: of an
    audit that found it, empty if it decides nothing. `gate`: the variable that fails an environment which has it.
    `needs`: what an audit must have looked at, so that no finding proves that nothing is wrong.
    """

    title: str
    one: str
    many: str
    tone: str = "warn"
    outcome: str = ""
    gate: str = ""
    needs: str = ""

    def counted(self, number: int) -> str:
        """A number of findings, such as `2 violations`."""
        return f"{number} {self.one if number == 1 else self.many}"


def entries(values: Json, key: str) -> Sequence[Any]:
    """The list under a key; empty where a server returned none, and where a failed task has no such key."""
    return values.get(key) or ()


VIOLATION_GATE, DRIFT_GATE = "mstr_fail_on_violation", "mstr_fail_on_drift"
# What an audit may have looked at.
POLICY, DEFINITIONS, SCRIPTS, INSTALLED = "policy", "definitions", "scripts", "installed"
# In the order in which people are to see them.
KINDS = {
    "open_networks": FindingKind(
        "Open to everything", "runtime is open to everything", "runtimes are open to everything", "bad", "problems"
    ),
    "violations": FindingKind("Violations", "violation", "violations", "bad", "violations", VIOLATION_GATE, POLICY),
    # Nobody knows whether the runtimes that such a list lacks violate the policy.
    "incomplete": FindingKind(
        "Incomplete list", "incomplete list of runtimes", "incomplete lists", "bad", "problems", VIOLATION_GATE
    ),
    "drift": FindingKind(
        "Drift",
        "differs from its definition",
        "differ from their definitions",
        "drift",
        "drift",
        DRIFT_GATE,
        DEFINITIONS,
    ),
    "not_ready": FindingKind("Not ready", "is not ready", "are not ready", "bad", "problems"),
    "python_ended": FindingKind(
        "Python ends",
        "runtime on a Python near or past its end of support",
        "runtimes on a Python near or past its end of support",
    ),
    "dangling": FindingKind(
        "Scripts without runtime",
        "script has no runtime",
        "scripts have no runtime",
        outcome="problems",
        needs=SCRIPTS,
    ),
    "failed_runs": FindingKind("Failed runs", "last run failed", "last runs failed", outcome="problems", needs=SCRIPTS),
    "mismatches": FindingKind(
        "Other versions",
        "installed version differs",
        "installed versions differ",
        outcome="problems",
        needs=INSTALLED,
    ),
    "unread": FindingKind("Not read", "look-up failed", "look-ups failed", outcome="problems"),
    "undefined": FindingKind("No definition", "has no definition", "have no definition", "", needs=DEFINITIONS),
    "not_evaluated": FindingKind(
        "Not evaluated", "value not evaluated", "values not evaluated", outcome="not_evaluated", needs=POLICY
    ),
    "exempted": FindingKind("Exempted", "exempted violation", "exempted violations", "", needs=POLICY),
}
# The outcomes of an audit with findings, the worst first: the worst of its kinds is that of the audit.
OUTCOMES = ("violations", "drift", "problems", "not_evaluated")


class Finding(NamedTuple):
    """One finding. `text`: the rest of a sentence about the runtime, or a sentence without one; it may have lines.

    `data`: what programs need, with the `id` of the runtime.
    """

    kind: str
    runtime: str | None
    text: str
    data: Json

    @property
    def gate(self) -> str:
        """The variable that fails an environment which has it; empty if none does."""
        return str(self.data.get("gate") or KINDS[self.kind].gate)

    @property
    def number(self) -> int:
        """How many it counts for: a Python that ends counts each runtime that has it."""
        return len(self.data["runtimes"]) if self.kind == "python_ended" else 1


class Cause(NamedTuple):
    """What one or several findings of a kind say alike, with the runtimes; none if it is about the environment."""

    kind: str
    text: str
    runtimes: Sequence[str]

    def lines(self, most: int) -> Iterator[str]:
        """Its sentences, each of which names the runtimes, at most so many."""
        names = listed([*map(repr, self.runtimes)], most)
        before = after = ""
        if len(self.runtimes) == 1:
            before = f"{names} "
        elif names:
            after = f" ({counted(len(self.runtimes), 'runtime')}: {names})"
        return (f"{before}{line}{after}" for line in self.text.splitlines())


def causes(findings: Iterable[Finding]) -> Iterator[Cause]:
    """The findings by what they say, in their order. Exemptions are one number, by reason and last day."""
    alike = grouped(((found.kind, found.text, found.runtime is None), found) for found in findings)
    exemptions: Counter[str] = Counter()
    for (kind, text, _is_of_environment), same in alike.items():
        if kind == "exempted":
            exemptions.update(f"until {found.data['until']} ({found.data['reason']})" for found in same)
        else:
            yield Cause(kind, text, [found.runtime for found in same if found.runtime is not None])
    if exemptions:
        # Such as `3 exempted violations: 2 until 2099-12-31 (nobody uses it); 1 until 2026-12-20 (month end)`
        parts = "; ".join(f"{number} {reason}" for reason, number in exemptions.items())
        number = KINDS["exempted"].counted(sum(exemptions.values()))
        yield Cause("exempted", clean(f"{number}: {parts}", LONGEST_TEXT), ())


# A runtime in a warning: its name, and perhaps its id.
_RUNTIME = re.compile(r"'([^']+)'( \([0-9A-F]{32}\))?")


def warning_lines(warnings: Iterable[str], most: int) -> Iterator[str]:
    """The warnings. Those that are equal but for the runtime are one line, with the names of the others, too."""
    for same in grouped((_RUNTIME.sub("'…'", text, count=1), text) for text in warnings).values():
        names = [repr(found[1]) for text in same[1:] if (found := _RUNTIME.search(text))]
        more = f" The same of {listed(names, most)}." if names else ""
        yield f"{same[0]}{more}"


def finding(kind: str, runtime: Json | None, text: str, **data: Any) -> Finding:
    """A finding about a runtime, or about the environment. Each line of the text is made safe for a terminal."""
    safe = "\n".join(clean(line, LONGEST_TEXT) for line in text.splitlines())
    if runtime is None:
        return Finding(kind, None, safe, data)
    return Finding(kind, name_of(runtime), safe, {"id": runtime.get("id"), **data})


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by kind, deletions first; those of one kind keep their order."""
    order = list(KINDS)
    return sorted(findings, key=lambda found: (found.data.get("action") != "deleted", order.index(found.kind)))


def counts_of(findings: Iterable[Finding], looked_at: Mapping[str, bool]) -> dict[str, int | None]:
    """The number of findings of each kind. None if nothing was found and nobody looked.

    `looked_at`: whether the audit has looked at what kinds need.
    """
    counts = {name: 0 if looked_at.get(kind.needs, True) else None for name, kind in KINDS.items()}
    for found in findings:
        counts[found.kind] = (counts[found.kind] or 0) + found.number
    return counts


def outcome_of(findings: Iterable[Finding], has_policy: bool) -> str:
    """The outcome of an audit that could read the environment."""
    outcomes = {KINDS[found.kind].outcome for found in findings}
    otherwise = "clean" if has_policy else "not_evaluated"
    return next((outcome for outcome in OUTCOMES if outcome in outcomes), otherwise)
