# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see first of a run: one sentence that concludes, and a table of environments and numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ...module_utils._text import counted, listed
from .changes import change_texts, summary_text, title
from .environment import EnvironmentReport
from .finding import KINDS, counted_in_words
from .formats import APPLY, Report
from .texts import grouped

_MOST_KINDS = 3  # in the conclusion
_MOST_NAMES = 10  # of a kind in an environment
_ACTIONS = {
    "created": "drift",
    "updated": "drift",
    "deleted": "bad",
    "moved": "drift",
    "unchanged": "",
    "failed": "bad",
}


def head_lines(environment: EnvironmentReport, predicted: bool) -> Iterator[str]:
    """What is said of the environment as a whole: why it failed, and its numbers."""
    # What an error says of a runtime stands with this runtime.
    if environment.message and not _has_errors(environment):
        first, *rest = environment.message.splitlines()
        yield f"failed: {first}"
        yield from rest
    if environment.counts is not None:
        yield _counts_text(environment)
    elif environment.summary is not None:
        yield _summary_text(environment, environment.summary, predicted)


def _has_errors(environment: EnvironmentReport) -> bool:
    """Whether an apply failed because of some of its runtimes."""
    return environment.summary is not None and any(change["error"] for change in environment.changes)


def _summary_text(environment: EnvironmentReport, summary: Mapping[str, int], predicted: bool) -> str:
    """Such as `1 to create, 2 unchanged (https://dev.example.com/L, plan 5e2f0c1a9b7d4e6f8a0b1c2d)`."""
    changes = bool(environment.changes or environment.scripts)
    of_plan = f"plan {environment.plan_id}" if predicted and changes and environment.plan_id else None
    details = [detail for detail in (environment.server, of_plan) if detail]
    text = summary_text(summary, predicted)
    return f"{text} ({', '.join(details)})" if details else text


def _counts_text(environment: EnvironmentReport) -> str:
    """Such as `12 runtimes (with the default one), 30 scripts, 2 violations`."""
    runtimes = environment.runtimes
    has_default = any(runtime.get("is_default") for runtime in runtimes)
    number = counted(len(runtimes), "runtime")
    parts = [f"{number} ({'with' if has_default else 'without'} the default one)"]
    parts += [] if environment.policy else ["not evaluated by any policy"]
    parts += _numbers(environment)
    return ", ".join(parts)


def _numbers(environment: EnvironmentReport) -> list[str]:
    """The numbers of findings, in words."""
    return [counted_in_words(KINDS[kind], number) for kind, number in environment.numbers.items() if number]


def conclusion(report: Report) -> str:
    """One sentence that says whether there are problems, and which, the worst first. `problem_lines` has the names."""
    problems = [*_problems(report)]
    if problems:
        return f"Problems were found: {'; '.join(problems)}."
    if report.kind == APPLY:
        return _done(report)
    total = len(report.environments)
    where = "in the environment" if total == 1 else f"in any of the {total} environments"
    unevaluated = [environment.environment for environment in report.environments if not environment.policy]
    but = f", but no policy was evaluated for {listed(unevaluated, 5)}" if unevaluated else ""
    return f"No problems were found {where}{but}."


def _problems(report: Report) -> Iterator[str]:
    """What failed, the worst findings, and scripts that will stop."""
    failed = [environment.environment for environment in report.environments if environment.outcome == "failed"]
    if failed:
        yield f"{listed(failed, 5)} failed"
    if report.not_reached:
        yield f"{listed(list(report.not_reached), 5)} could not be reached"
    yield from (_total(report, kind) for kind in _deciding(report)[:_MOST_KINDS])
    scheduled = _scheduled(report.environments)
    if scheduled:
        yield f"{counted(len(scheduled), 'script')} on a schedule with a Python that ends"


def _total(report: Report, kind: str) -> str:
    """The number of findings of a kind in all environments."""
    return counted_in_words(KINDS[kind], sum(environment.number_of(kind) for environment in report.environments))


def _deciding(report: Report) -> list[str]:
    """The kinds of findings that decide an outcome, the worst first."""
    found = {finding.kind for environment in report.environments for finding in environment.findings}
    return [kind for kind, words in KINDS.items() if words.outcome and kind in found]


def problem_lines(report: Report) -> Iterator[str]:
    """What the conclusion counts, with the names: what goes, then each kind of finding, then scripts that will stop."""
    deleted = {each.environment: names for each in report.environments if (names := _deleted(each))}
    if deleted:
        verb = "would be deleted" if report.predicted else "deleted"
        yield f"{counted(sum(map(len, deleted.values())), 'runtime')} {verb}: {_places(deleted)}"
    yield from (f"{_total(report, kind)}: {_places_of(report, kind)}" for kind in _deciding(report))
    scheduled = _scheduled(report.environments)
    if scheduled:
        yield f"scripts on a schedule with a Python that ends: {listed(scheduled, _MOST_NAMES)}"


def _places_of(report: Report, kind: str) -> str:
    """The names of the runtimes with a finding of this kind, by environment."""
    return _places({each.environment: each.names_of(kind) for each in report.environments if each.number_of(kind)})


def _deleted(environment: EnvironmentReport) -> list[str]:
    """The names of what an apply deletes."""
    return [str(change["name"] or change["id"]) for change in environment.changes if change["action"] == "deleted"]


def rank(environment: EnvironmentReport) -> int:
    """The place of an environment among others: failures come first, then deletions."""
    if environment.outcome == "failed":
        return 0
    return 1 if _deleted(environment) else 2


def _places(names: Mapping[str, Sequence[str]]) -> str:
    """Such as `'Nightly', 'Forecasts' in prod-eu, prod-us; dev`."""
    shown = {environment: listed([*map(repr, some)], _MOST_NAMES) for environment, some in names.items()}
    environments = grouped((text, environment) for environment, text in shown.items())
    places = [
        f"{text} in {listed(some, _MOST_NAMES)}" if text else listed(some, _MOST_NAMES)
        for text, some in environments.items()
    ]
    return listed(places, _MOST_NAMES, "; ")


def _scheduled(environments: Iterable[EnvironmentReport]) -> list[str]:
    """The scripts on a schedule that run on a Python that ends."""
    found = (found for environment in environments for found in environment.findings)
    return list(dict.fromkeys(repr(name) for each in found for name in each.data.get("scheduled", ())))


class Drift(NamedTuple):
    """A difference of a runtime, with the environments that have it."""

    runtime: str
    text: str
    environments: Sequence[str]


def drift_of(report: Report) -> list[Drift]:
    """The drift of several environments by runtime and field; nothing of a single one."""
    found = [
        ((str(change["name"] or change["id"]), text), environment.environment)
        for environment in report.environments
        for change in environment.changes
        for text in change_texts(change, report.predicted)
    ]
    if len({environment for _what, environment in found}) < 2:
        return []
    rows = [Drift(*what, environments) for what, environments in grouped(found).items()]
    return sorted(rows, key=lambda row: row.runtime.casefold())


def _done(report: Report) -> str:
    """What an apply did, or would do, in all environments together."""
    total: Counter[str] = Counter()
    for environment in report.environments:
        total.update(environment.numbers)
    changing = [each.environment for each in report.environments if each.changes or each.scripts]
    if not changing:
        return "Everything is as defined."
    verb = "would change" if report.predicted else "changed"
    del total["unchanged"]
    return f"{listed(changing, 5)} {verb}: {summary_text(total, report.predicted)}."


def columns(report: Report) -> dict[str, tuple[str, str]]:
    """The columns of numbers that are not zero everywhere, each with its title and its tone."""
    if report.kind == APPLY:
        titles = {action: (title(action, report.predicted), tone) for action, tone in _ACTIONS.items()}
    else:
        titles = {kind: (words.title, words.tone) for kind, words in KINDS.items()}
    return {key: words for key, words in titles.items() if any(each.number_of(key) for each in report.environments)}


def numbers(environment: EnvironmentReport, keys: Iterable[str]) -> list[str]:
    """The numbers of an environment under these columns; a dash for what nobody counted."""
    counted = (environment.numbers.get(key) for key in keys)
    return ["-" if number is None else str(number) for number in counted]


def outcome_title(environment: EnvironmentReport, report: Report) -> str:
    """The outcome as a title. What a plan intends to change is not called drift."""
    is_plan = report.kind == APPLY and environment.outcome == "drift"
    return "Changes" if is_plan else title(environment.outcome, predicted=False)
