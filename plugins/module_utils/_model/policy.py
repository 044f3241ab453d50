# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a policy finds in the values of a runtime, and which violations it exempts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple

from .._errors import ErrorList, ValidationError
from .alike import is_permitted_by
from .definition import Definition, keeps, valid_values
from .fields import BY_NAME, PURGEABLE
from .installed import Installed
from .kinds import EMPTY_MAPPING, normalized_name, number, without_null
from .networks import as_network, canonical
from .requirements import project
from .rules import EXEMPTED, RULES, PolicyFinding
from .runtime import Runtime, is_id

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)([T ][\d:.]+(Z|[+-][\d:]+)?)?", re.ASCII)


class Exemption(NamedTuple):
    """An entry of `policy.exemptions`. `runtime`: a name, a pattern or an id. `until`: the last day, in UTC.

    A `rule` or a `value` that is None means all of them.
    """

    runtime: str
    reason: str
    until: date
    rule: str | None = None
    value: str | None = None

    def is_for(self, name: str | None, identity: str | None) -> bool:
        """Whether it means this runtime. A name or an id that is None is not known yet, and may be what it means."""
        if name is None or (identity is None and is_id(self.runtime)):
            return True
        return is_permitted_by(self.runtime, name, identity)

    def covers(self, rule: str, value: Any) -> bool:
        """Whether it means a violation of this rule by this value."""
        if self.rule not in (None, rule):
            return False
        if self.value is None:
            return True
        # A package without a version stands for all versions.
        text, name = str(value), str(value).partition("==")[0]
        packages = {normalized_name(text), normalized_name(name), project(name)}
        same = as_network(self.value) == as_network(text) or normalized_name(self.value) in packages
        # 2.0 means 2, but a version such as 3.10 is a text.
        return same or (not isinstance(value, str) and number(self.value) == value)


def exemption_from(place: str, options: Mapping[str, Any]) -> Exemption:
    """The exemption in an entry of the option. Raises ValidationError with all errors."""
    texts = {key: str(text).strip() for key, text in options.items() if text is not None}
    with ErrorList() as errors:
        # An empty text is often a variable without a value. It must not exempt more than what was meant.
        errors.add(*(f"{place}.{key} is empty" for key, text in texts.items() if not text))
        rule = texts.get("rule")
        if rule and rule not in RULES:
            errors.add(f"{place}.rule {rule!r} is not a rule of a policy; the rules are {', '.join(RULES)}")
        until = errors.check(_date, f"{place}.until", texts["until"])
    return Exemption(texts["runtime"], texts["reason"], until, rule, texts.get("value"))


def _date(place: str, text: str) -> date:
    # YAML may have read a date, also with a time.
    match = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise ValidationError([f"{place} {text!r} is not a date; write the last day, such as 2026-12-31"]) from None


def _canonical_or_none(text: str) -> str | None:
    try:
        return canonical(text)
    except ValueError:
        return None


class Policy(NamedTuple):
    """The rules that are set, by key, each with what its `parse` returned, and the exemptions. `day`: today in UTC."""

    limits: Mapping[str, Any]
    exemptions: tuple[Exemption, ...]
    day: date

    def evaluate(
        self, values: Mapping[str, Any], name: str | None, identity: str | None, partial: Collection[str] = ()
    ) -> list[PolicyFinding]:
        """What the policy finds in the values of a runtime, by rule. An option that `values` lacks is not evaluated.

        The runtime may have more entries than the lists `partial`, so nothing is required of these.
        Values need not be valid, because servers may hold anything. A name or an id that is None is not known yet: then
        every exemption that may mean the runtime counts. `identity`: its id, "" if it does not exist.
        """
        values = {**values, "day": self.day}
        findings: list[PolicyFinding] = []
        for key, limit in self.limits.items():
            rule = RULES[key]
            evaluated = values.keys() & set(rule.options)
            if rule.required:
                evaluated -= set(partial)
            if evaluated:
                found = rule.evaluate(limit, values)
                findings += [self._with_verdict(finding._replace(rule=key), name, identity) for finding in found]
        return findings

    def _with_verdict(self, finding: PolicyFinding, name: str | None, identity: str | None) -> PolicyFinding:
        """The finding; of several exemptions of a violation, the one that ends last counts, also if it has expired."""
        fitting = [
            exemption
            for exemption in self.exemptions
            if exemption.covers(finding.rule, finding.value) and exemption.is_for(name, identity)
        ]
        if not (finding.counts and fitting):
            return finding
        exemption = max(fitting, key=attrgetter("until"))
        finding = finding._replace(reason=exemption.reason, until=exemption.until.isoformat())
        if self.day <= exemption.until:
            return finding._replace(verdict=EXEMPTED)
        return finding._replace(detail=f"{finding.detail}; its exemption expired on {finding.until} ({finding.reason})")

    def violations_in(self, params: Mapping[str, Any]) -> list[str]:
        """A sentence for each violation in the options of a definition.

        A value with an error of its own is left out, but not the rest of a whitelist.
        """
        if params.get("state") == "absent":
            return []
        values = valid_values(params)
        if params.get("whitelist"):
            # With the indexes of the option, of which the definition omits duplicates.
            values["whitelist"] = [_canonical_or_none(text) for text in params["whitelist"]]
        identity = str(params.get("id") or "")
        known_id = identity.upper() if is_id(identity) else None
        found = self.evaluate(values, params.get("name"), known_id, keeps(params))
        return [finding.sentence for finding in found if finding.counts]

    def of_definition(self, wanted: Definition, current: Runtime | None) -> list[PolicyFinding]:
        """What the policy finds in what a definition itself says of this runtime; None if it does not exist yet."""
        runtime = current or Runtime({})
        return self.evaluate(wanted.values, wanted.name or runtime.name, runtime.key, wanted.keep)

    def check_change(self, current: Runtime | None, wanted: Definition) -> tuple[PolicyFinding, ...]:
        """What the exemptions let pass of what the task manages of this runtime; None if it does not exist yet.

        Raises ValidationError with every violation.
        """
        planned = wanted._replace(values=_planned_values(current, wanted), keep=frozenset())
        found = self.of_definition(planned, current)
        own = {finding.key: finding.sentence for finding in self.of_definition(wanted, current)}
        with ErrorList() as errors:
            for finding in found:
                # What stays on the server is in the merged list; a new runtime may violate a rule by what it omits.
                merged = f"the merged {finding.option}: " if finding.option in wanted.values else ""
                if finding.counts:
                    errors.add(own.get(finding.key, f"{merged}{finding.sentence}"))
        return tuple(finding for finding in found if finding.verdict == EXEMPTED)

    def report(
        self, runtimes: Iterable[Runtime], installed: Mapping[str, Installed] = EMPTY_MAPPING
    ) -> dict[str, list[dict[str, Any]]]:
        """What it finds in runtimes as read, in the lists of a result: violations, exempted and not_evaluated.

        `installed`: what is installed in a runtime, by its key, where that is known.
        """
        lists: dict[str, list[dict[str, Any]]] = {"violations": [], "exempted": [], "not_evaluated": []}
        for runtime in runtimes:
            # A server may not return what was never set.
            real, values = installed.get(runtime.key), {**dict.fromkeys(BY_NAME), **runtime.values}
            if real:
                values |= {"installed": real, "python": real.python["version"]}
            for finding in self.evaluate(values, runtime.name, runtime.key):
                key = "violations" if finding.counts else finding.verdict.replace(" ", "_")
                lists[key].append({"name": runtime.name, "id": runtime.id, **finding.to_result()})
        return lists


# What a create that omits these options means.
_OF_NEW: Mapping[str, Any] = {**dict.fromkeys(PURGEABLE, ()), "runtime_version": None, "is_new": True}


def _planned_values(current: Runtime | None, wanted: Definition) -> dict[str, Any]:
    """The values of a plan that the task answers for.

    Of a list, entries may stay on the server, and a server may add a package by itself; of a package without a version,
    its version stays. Of `resource`, only the given amounts are managed.
    """
    merged = wanted.merged_onto(current.values if current else {})
    lists = {name: merged[name] for name in PURGEABLE if name in merged}
    return {**({} if current else _OF_NEW), **wanted.values, **lists}


def policy_from(option: Mapping[str, Any], day: date) -> Policy:
    """The policy in the option. `day`: today in UTC, for its exemptions. Raises ValidationError with all errors."""
    options = without_null(option)
    entries = enumerate(options.get("exemptions", ()))
    if "networks_within" in options or options.get("networks_never"):
        options.setdefault("whitelist_required", True)
    with ErrorList() as errors:
        limits = {}
        for key, rule in RULES.items():
            if key not in options:
                continue
            limit = errors.check(rule.parse, f"policy.{key}", options[key])
            # A rule that forbids nothing is not one.
            if limit or rule.may_be_empty:
                limits[key] = limit
        exemptions = [errors.check(exemption_from, f"policy.exemptions[{index}]", entry) for index, entry in entries]
        if exemptions and not limits:
            # They often replace the policy of a group, in which Ansible merges nothing.
            errors.add("policy.exemptions has entries, but the policy has no rule; add the rules, or remove them")
    return Policy(limits, tuple(exemptions), day)
