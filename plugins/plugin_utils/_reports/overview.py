# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see first of a run: one sentence that concludes, and a table of environments and numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from ...module_utils._model.schedules import name_of
from ...module_utils._text import counted, listed
from .changes import change_texts, summary_text, title
from .environment import EnvironmentReport
from .finding import KINDS
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
    # What an error of an apply says of a runtime stands with this runtime.
    errors = [change["error"] for change in environment.changes]
    is_of_runtimes = environment.summary is not None and any(errors)
    if environment.message and not is_of_runtimes:
        yield from f"failed: {environment.message}".splitlines()
    if environment.counts is not None:
        yield _counts_text(environment, environment.counts)
    elif environment.summary is not None:
        yield _summary_text(environment, environment.summary, predicted)


def _summary_text(environment: EnvironmentReport, summary: Mapping[str, int], predicted: bool) -> str:
    """Such as `1 to create, 2 unchanged (https://dev.example.com/L, plan 5e2f0c1a9b7d4e6f8a0b1c2d)`."""
    has_plan = predicted and environment.is_changing and environment.plan_id
    details = [environment.server, f"plan {environment.plan_id}" if has_plan else ""]
    shown = ", ".join(filter(None, details))
    text = summary_text(summary, predicted)
    return f"{text} ({shown})" if shown else text


def _counts_text(environment: EnvironmentReport, counts: Mapping[str, int | None]) -> str:
    """Such as `12 runtimes (with the default one), 30 scripts, 2 violations`."""
    has_default = any(runtime.get("is_default") for runtime in environment.runtimes)
    number = counted(len(environment.runtimes), "runtime")
    texts = [f"{number} ({'with' if has_default else 'without'} the default one)"]
    texts += [] if environment.policy else ["not evaluated by any policy"]
    texts += [KINDS[kind].counted(count) for kind, count in counts.items() if count]
    return ", ".join(texts)


def conclusion(report: Report) -> str:
    """One sentence that says whether there are problems, and which, the worst first. `problem_lines` has the names."""
    failed = [environment.environment for environment in report.environments if environment.outcome == "failed"]
    scheduled = _scheduled(report)
    problems = [
        f"{listed(failed, 5)} failed" if failed else "",
        f"{listed([*report.not_reached], 5)} could not be reached" if report.not_reached else "",
        *(number for number, _places in [*_problems(report)][:_MOST_KINDS]),
        f"{counted(len(scheduled), 'script')} on a schedule with a Python that ends" if scheduled else "",
    ]
    if any(problems):
        return f"Problems were found: {'; '.join(filter(None, problems))}."
    if report.kind == APPLY:
        return _done(report)
    where = counted(len(report.environments), "environment")
    unevaluated = [environment.environment for environment in report.environments if not environment.policy]
    but = f", but no policy was evaluated for {listed(unevaluated, 5)}" if unevaluated else ""
    return f"No problems were found in {where}{but}."


def problem_lines(report: Report) -> Iterator[str]:
    """What the conclusion counts, with the names: what goes, then each kind of finding, then scripts that will stop."""
    deletions = report.deletions
    if deletions:
        verb = "would be deleted" if report.predicted else "deleted"
        yield f"{counted(len(deletions), 'runtime')} {verb}: {_places(deletions)}"
    yield from (f"{number}: {places}" for number, places in _problems(report))
    scheduled = _scheduled(report)
    if scheduled:
        yield f"scripts on a schedule with a Python that ends: {listed(scheduled, _MOST_NAMES)}"


def _problems(report: Report) -> Iterator[tuple[str, str]]:
    """The number and the places of each kind of findings that decides an outcome, the worst first."""
    by_kind = grouped(
        (found.kind, (each.environment, found)) for each in report.environments for found in each.findings
    )
    for kind in filter(by_kind.get, KINDS):
        if KINDS[kind].outcome:
            total = sum(found.number for _environment, found in by_kind[kind])
            places = _places((environment, found.runtime) for environment, found in by_kind[kind])
            yield KINDS[kind].counted(total), places


def _places(names: Iterable[tuple[str, str | None]]) -> str:
    """Such as `'Nightly', 'Forecasts' in prod-eu, prod-us; dev`, from environments, each with the name of a runtime."""
    shown = {
        environment: listed([*map(repr, filter(None, dict.fromkeys(some)))], _MOST_NAMES)
        for environment, some in grouped(names).items()
    }
    places = [
        f"{text}{' in ' if text else ''}{listed(environments, _MOST_NAMES)}"
        for text, environments in grouped((text, environment) for environment, text in shown.items()).items()
    ]
    return listed(places, _MOST_NAMES, "; ")


def _scheduled(report: Report) -> list[str]:
    """The scripts on a schedule that run on a Python that ends."""
    findings = chain.from_iterable(environment.findings for environment in report.environments)
    names = chain.from_iterable(found.data.get("scheduled", ()) for found in findings)
    return [*map(repr, dict.fromkeys(names))]


class Drift(NamedTuple):
    """A difference of a runtime, with the environments that have it."""

    runtime: str
    text: str
    environments: Sequence[str]


def drift_of(report: Report) -> list[Drift]:
    """The drift of several environments by runtime and field; nothing of a single one."""
    found = [
        ((name_of(change), text), environment.environment)
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
    changing = [each.environment for each in report.environments if each.is_changing]
    if not changing:
        return "Everything is as defined."
    total: Counter[str] = Counter()
    for environment in report.environments:
        total.update(environment.numbers)
    del total["unchanged"]
    verb = "would change" if report.predicted else "changed"
    return f"{listed(changing, 5)} {verb}: {summary_text(total, report.predicted)}."


def columns(report: Report) -> dict[str, tuple[str, str]]:
    """The columns of numbers that are not zero everywhere, each with its title and its tone."""
    if report.kind == APPLY:
        titles = {action: (title(action, report.predicted), tone) for action, tone in _ACTIONS.items()}
    else:
        titles = {kind: (words.title, words.tone) for kind, words in KINDS.items()}
    return {key: words for key, words in titles.items() if any(each.numbers.get(key) for each in report.environments)}


def numbers(environment: EnvironmentReport, keys: Iterable[str]) -> list[str]:
    """The numbers of an environment under these columns; a dash for what nobody counted."""
    shown = environment.numbers
    return ["-" if shown.get(key) is None else str(shown[key]) for key in keys]


def outcome_title(environment: EnvironmentReport, report: Report) -> str:
    """The outcome as a title. What a plan intends to change is not called drift."""
    is_plan = report.kind == APPLY and environment.outcome == "drift"
    return "Changes" if is_plan else title(environment.outcome, predicted=False)
