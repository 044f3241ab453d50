# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as lines for a console, each of which begins with the name of its environment. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from operator import itemgetter

from ...module_utils._model.schedules import name_of
from ...module_utils._text import LONGEST_TEXT, clean, first_lines
from .changes import VERBS, change_texts, script_text
from .environment import EnvironmentReport
from .finding import Json, causes, warning_lines
from .overview import head_lines

_MOST_LINES = 20  # of a kind
_MOST_NAMES = 10


def console_lines(environment: EnvironmentReport, predicted: bool) -> Iterator[str]:
    """The lines about one environment but its deletions, at most twenty of a kind in a row; all of a plan."""
    is_plan = predicted and environment.counts is None  # which somebody approves
    for _kind, lines in groupby(_lines(environment, predicted), key=itemgetter(0)):
        texts = [text for _kind, text in lines]
        if not is_plan:
            texts = first_lines(texts, _MOST_LINES, "and {} more like these; mstr_report_dest shows them all")
        yield from (clean(f"{environment.environment}: {text}", LONGEST_TEXT) for text in texts)


def _lines(environment: EnvironmentReport, predicted: bool) -> Iterator[tuple[str, str]]:
    """Each line after its kind: that of a finding, the action of a change, or what else it is."""
    yield from (("head", line) for line in head_lines(environment, predicted))
    if environment.counts is None:
        yield from _change_lines(environment, predicted)
    yield from finding_lines(environment)
    yield from (("warning", f"warning: {text}") for text in warning_lines(environment.warnings, _MOST_NAMES))


def _change_lines(environment: EnvironmentReport, predicted: bool) -> Iterator[tuple[str, str]]:
    for change in environment.changes:
        if change["action"] != "deleted":
            kind = VERBS.get(change["action"], "failed")
            yield from ((kind, text) for text in _texts_of(change, predicted))
    yield from (("script", script_text(script, predicted)) for script in environment.scripts)


def deletion_lines(environment: EnvironmentReport, predicted: bool) -> Iterator[str]:
    """A line for each deletion, which people are to see before the changes of all environments."""
    if environment.counts is None:
        texts = chain.from_iterable(_texts_of(change, predicted) for change in environment.deletions)
        yield from (clean(f"{environment.environment}: {text}", LONGEST_TEXT) for text in texts)


def _texts_of(change: Json, predicted: bool) -> list[str]:
    return [f"{name_of(change)!r} {text}" for text in change_texts(change, predicted)]


def finding_lines(environment: EnvironmentReport) -> Iterator[tuple[str, str]]:
    """The lines about the findings by cause, each after its kind."""
    return ((cause.kind, line) for cause in causes(environment.findings) for line in cause.lines(_MOST_NAMES))
