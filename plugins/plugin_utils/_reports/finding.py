# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says: one table of kinds, and one value for each finding. Pure.

A finding is made once, from data. Every format shows it by its kind, and decides nothing: a new kind is a row here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._text import LONGEST_TEXT, clean

Json = Mapping[str, Any]


class Kind(NamedTuple):
    """A kind of finding.

    `one`, `many`: the words behind its number. `title`: of its column. `tone`: how a page shows it. `outcome`: of an
    audit that found it, empty if it decides nothing. `gate`: the variable that fails an environment which has it.
    `needs`: what an audit must have looked at, so that no finding means that there is none. `only_names`: its
    findings say no more than its words, so their names stand in one line.
    """

    title: str
    one: str
    many: str
    tone: str = "warn"
    outcome: str = ""
    gate: str = ""
    needs: str = ""
    only_names: bool = False


def entries(values: Json, key: str) -> Sequence[Any]:
    """The list under a key; empty where a server returned none, and where a failed task has no such key."""
    return values.get(key) or ()


VIOLATION_GATE, DRIFT_GATE = "mstr_fail_on_violation", "mstr_fail_on_drift"
# What an audit may have looked at.
POLICY, DEFINITIONS, SCRIPTS, INSTALLED = "policy", "definitions", "scripts", "installed"
# In the order in which people are to see them.
KINDS = {
    "open_networks": Kind(
        "Open to everything", "runtime is open to everything", "runtimes are open to everything", "bad", "problems"
    ),
    "violations": Kind("Violations", "violation", "violations", "bad", "violations", VIOLATION_GATE, POLICY),
    # Nobody knows whether the runtimes that such a list lacks violate the policy.
    "incomplete": Kind(
        "Incomplete list", "incomplete list of runtimes", "incomplete lists", "bad", "problems", VIOLATION_GATE
    ),
    "drift": Kind(
        "Drift",
        "differs from its definition",
        "differ from their definitions",
        "drift",
        "drift",
        DRIFT_GATE,
        DEFINITIONS,
    ),
    "not_ready": Kind("Not ready", "is not ready", "are not ready", "bad", "problems"),
    "python_ended": Kind("Python ends", "Python version ends", "Python versions end"),
    "dangling": Kind(
        "Scripts without runtime",
        "script has no runtime",
        "scripts have no runtime",
        outcome="problems",
        needs=SCRIPTS,
    ),
    "failed_runs": Kind("Failed runs", "last run failed", "last runs failed", outcome="problems", needs=SCRIPTS),
    "mismatches": Kind(
        "Other versions",
        "installed version differs",
        "installed versions differ",
        outcome="problems",
        needs=INSTALLED,
    ),
    "unread": Kind("Not read", "look-up failed", "look-ups failed"),
    "undefined": Kind(
        "No definition", "has no definition", "have no definition", "", needs=DEFINITIONS, only_names=True
    ),
    "not_evaluated": Kind(
        "Not evaluated", "value not evaluated", "values not evaluated", outcome="not_evaluated", needs=POLICY
    ),
    "exempted": Kind("Exempted", "exempted violation", "exempted violations", "", needs=POLICY),
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
    def subject(self) -> str | None:
        """What it is about: the id of the runtime, else its name; None for the environment."""
        return self.data.get("id") or self.runtime

    @property
    def lines(self) -> list[str]:
        """Its sentences, each of which names the runtime."""
        start = "" if self.runtime is None else f"{self.runtime!r} "
        return [f"{start}{line}" for line in self.text.splitlines()]


def finding(kind: str, runtime: Json | None, text: str, **data: Any) -> Finding:
    """A finding about a runtime, or about the environment. Each line of the text is made safe for a terminal."""
    safe = "\n".join(clean(line, LONGEST_TEXT) for line in text.splitlines())
    if runtime is None:
        return Finding(kind, None, safe, data)
    name = str(runtime.get("name") or runtime.get("id") or "")
    return Finding(kind, name, safe, {"id": runtime.get("id"), **data})


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by kind; those of one kind keep their order."""
    order = list(KINDS)
    return sorted(findings, key=lambda found: order.index(found.kind))


def counts_of(findings: Iterable[Finding], looked_at: Iterable[str]) -> dict[str, int | None]:
    """The number of findings of each kind. None if nobody looked."""
    kinds = [found.kind for found in findings]
    looked = {"", *looked_at}
    return {name: kinds.count(name) if kind.needs in looked else None for name, kind in KINDS.items()}


def outcome_of(findings: Iterable[Finding], has_policy: bool) -> str:
    """The outcome of an audit that could read the environment."""
    outcomes = {KINDS[found.kind].outcome for found in findings}
    otherwise = "clean" if has_policy else "not_evaluated"
    return next((outcome for outcome in OUTCOMES if outcome in outcomes), otherwise)
