# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see first of a run: one sentence that concludes, and a table of environments and numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ...module_utils._errors import counted, listed
from .changes import summary_text, title
from .environment import Environment
from .finding import KINDS
from .formats import APPLY, Run

_MOST_KINDS = 3  # in the conclusion
_ACTIONS = {
    "created": "drift",
    "updated": "drift",
    "replaced": "bad",
    "deleted": "bad",
    "moved": "drift",
    "unchanged": "",
    "failed": "bad",
}


def head_lines(environment: Environment, predicted: bool) -> Iterator[str]:
    """What is said of the environment as a whole: why it failed, and its numbers."""
    has_errors = environment.summary and any(change["error"] for change in environment.changes)
    # What an error says of a runtime stands with this runtime.
    if environment.message and not has_errors:
        first, *rest = environment.message.splitlines()
        yield f"failed: {first}"
        yield from rest
    if environment.counts is not None:
        yield _counts_text(environment)
    elif environment.summary is not None:
        text = summary_text(environment.summary, predicted)
        is_plan = predicted and environment.plan_id and (environment.changes or environment.scripts)
        yield f"{text} (plan {environment.plan_id})" if is_plan else text


def _counts_text(environment: Environment) -> str:
    """Such as `12 runtimes (with the default one), 30 scripts, 2 violations`."""
    runtimes = environment.runtimes
    has_default = any(runtime.get("is_default") for runtime in runtimes)
    number = counted(len(runtimes), "runtime")
    parts = [f"{number} ({'with' if has_default else 'without'} the default one)"]
    parts += [] if environment.policy else ["not evaluated by any policy"]
    parts += _numbers(environment)
    return ", ".join(parts)


def _numbers(environment: Environment) -> list[str]:
    """The numbers of findings, in words."""
    return [in_words(kind, number) for kind, number in (environment.counts or {}).items() if number]


def in_words(kind: str, number: int) -> str:
    """The number of findings of a kind, such as `2 violations`."""
    words = KINDS[kind]
    return f"{number} {words.one if number == 1 else words.many}"


def conclusion(run: Run) -> str:
    """One sentence that says whether everything is all right, and what is not, where, the worst first."""
    environments, not_reached = run.environments, run.not_reached
    total = len(environments) + len(not_reached)
    failed = [environment.environment for environment in environments if environment.outcome == "failed"]
    problems = [f"{listed(failed, 5)} failed"] if failed else []
    problems += [f"{listed(list(not_reached), 5)} could not be reached"] if not_reached else []
    problems += _worst(environments)
    where = "in the environment" if total == 1 else f"in all {total} environments"
    if problems:
        return f"Not everything is all right: {'; '.join(problems)}."
    if all(environment.counts is None for environment in environments):
        return _done(environments, run.predicted)
    unevaluated = [environment.environment for environment in environments if not environment.policy]
    but = f", but no policy was evaluated for {listed(unevaluated, 5)}" if unevaluated else ""
    return f"Everything is all right {where}{but}."


def _worst(environments: Sequence[Environment]) -> Iterator[str]:
    """The worst kinds of findings with their environments and runtimes, and the scripts that will stop."""
    numbers = {
        kind: sum((each.counts or {}).get(kind) or 0 for each in environments)
        for kind, words in KINDS.items()
        if words.outcome
    }
    worst = [kind for kind, number in numbers.items() if number][:_MOST_KINDS]
    for kind in worst:
        places = []
        for environment in environments:
            if (environment.counts or {}).get(kind):
                names = listed(list(map(repr, environment.names_of(kind))), 3)
                places.append(f"{names} in {environment.environment}" if names else environment.environment)
        yield f"{in_words(kind, numbers[kind])} ({listed(places, 3, '; ')})"
    scheduled = [name for each in environments for found in each.findings for name in found.data.get("scheduled", ())]
    if scheduled:
        yield f"scripts on a schedule run on a Python that ends: {listed(list(map(repr, dict.fromkeys(scheduled))), 5)}"


def _done(environments: Sequence[Environment], predicted: bool) -> str:
    """What an apply did, or would do, in all environments together."""
    total: Counter[str] = Counter()
    for environment in environments:
        total.update(environment.summary or {})
    changing = [each.environment for each in environments if each.changes or each.scripts]
    if not changing:
        return "Everything is as defined."
    verb = "would change" if predicted else "changed"
    del total["unchanged"]
    return f"{listed(changing, 5)} {verb}: {summary_text(total, predicted)}."


def columns(run: Run) -> dict[str, tuple[str, str]]:
    """The columns of numbers that are not zero everywhere, each with its title and its tone."""
    titles = {kind: (words.title, words.tone) for kind, words in KINDS.items()}
    if run.kind == APPLY:
        titles = {action: (title(action, run.predicted), tone) for action, tone in _ACTIONS.items()}
    total: Counter[str] = Counter()
    for environment in run.environments:
        counted = environment.counts or environment.summary or {}
        total.update({key: number or 0 for key, number in counted.items()})
    return {key: words for key, words in titles.items() if total[key]}


def numbers(environment: Environment, keys: Iterable[str]) -> list[str]:
    """The numbers of an environment under these columns; a dash for what nobody counted."""
    counted = environment.counts or environment.summary or {}
    return ["-" if counted.get(key) is None else str(counted[key]) for key in keys]


def outcome_title(environment: Environment, run: Run) -> str:
    """The outcome as a title. What a plan intends to change is not called drift."""
    is_plan = run.kind == APPLY and environment.outcome == "drift"
    return "Changes" if is_plan else title(environment.outcome, predicted=False)
