# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown, for a comment on a pull or merge request.

Every text from a server or a file stands in a code span or in a fenced block, where neither Markdown nor HTML, and no
mention or issue number, means anything. Deletions come first. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from ...module_utils._model.schedules import name_of
from ...module_utils._text import LONGEST_TEXT, clean, first_lines, one_line
from .changes import script_text, title
from .console import finding_lines
from .differences import differences, value_texts
from .environment import EnvironmentReport
from .finding import KINDS, Json, warning_lines
from .formats import APPLY, Report
from .overview import columns, conclusion, numbers, outcome_title, problem_lines
from .texts import when

# GitHub takes 65,536 characters in a comment.
LIMIT = 60_000
_ENVIRONMENTS = 100  # in the table
_FIELD_LINES = 200
_MESSAGE_LINES = 50
_NAMES = 10  # in a warning
_RESERVE = 1500  # characters, for the list of what was cut
# How the parts of a plan are counted where they are cut.
_CUT = {
    "deleted": "details of deletions",
    "updated": "updates",
    "created": "creations",
}

Block = tuple[str, str]  # what it is, and its text


def parts(report: Report) -> Iterator[str]:
    """The text, in one part of at most `LIMIT` characters."""
    unchanged = " Nothing was changed." if report.predicted else ""
    head = [f"## {report.heading}", f"{when(report.generated)}.{unchanged}", code(conclusion(report)), _table(report)]
    blocks: list[Block] = []
    if report.kind == APPLY:
        blocks += _deletions(report)
    else:
        head += map(_line, problem_lines(report))
    for environment in report.environments:
        blocks += _blocks(environment, report)
    texts = list(head)
    left = LIMIT - _RESERVE - sum(len(text) + 2 for text in head)
    cut: Counter[str] = Counter()
    for kind, text in blocks:
        if len(text) + 2 > left:
            cut[kind] += 1  # what follows may be shorter
            continue
        texts.append(text)
        left -= len(text) + 2
    if cut:
        what = ", ".join(f"{number} {kind}" for kind, number in cut.items())
        texts.append(f"**Left out here, because the text would be too long:** {what}. A `.html` or `.json` has it all.")
    # The lines of a list stand together.
    groups = groupby(texts, key=lambda text: text.startswith("- "))
    yield "\n\n".join(("\n" if is_list else "\n\n").join(group) for is_list, group in groups)


def code(text: Any, longest: int = LONGEST_TEXT) -> str:
    """A text as a code span, on one line."""
    shown = clean(str(text), longest).strip() or "(empty)"
    fence = _fence(shown, 1)
    # A space inside the fence is needed beside a backtick, and is not shown.
    pad = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _fence(text: str, least: int) -> str:
    """More backticks than the text has in a row."""
    return "`" * max([least, *(len(run) + 1 for run in re.findall("`+", text))])


def _cell(text: Any) -> str:
    """A text for a table, in which parsers disagree about a pipe after a backslash."""
    return code(str(text).replace("|", "¦"), 80)


def _diff(texts: Iterable[str]) -> str:
    """A block of lines that begin with `+ `, `- ` or two spaces."""
    lines = [line[:2] + one_line(line[2:]) for line in texts]
    return _fenced("diff", first_lines(lines, _FIELD_LINES, "  and {} more lines"))


def _fenced(language: str, texts: Sequence[str]) -> str:
    fence = _fence("\n".join(texts), 3)
    return "\n".join([f"{fence}{language}", *texts, fence])


def _message(text: str) -> str:
    """Why an environment failed. What each runtime says is also among its failures."""
    lines = [clean(line) for line in text.splitlines()]
    return _fenced("text", first_lines(lines, _MESSAGE_LINES, "and {} more lines"))


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _table(report: Report) -> str:
    """The environments and their numbers. A column without any number above zero is left out."""
    words = {key: label for key, (label, _tone) in columns(report).items()}
    plan_ids = [environment.plan_id for environment in report.environments]
    width = 2 + len(words) + any(plan_ids)
    rows = [["Environment", "Outcome", *words.values(), "Plan"], ["---", "---", *["---:"] * len(words), "---"]]
    for environment in report.environments[:_ENVIRONMENTS]:
        plan = _cell(environment.plan_id) if environment.plan_id else "-"
        shown = numbers(environment, words)
        rows.append([_cell(environment.environment), outcome_title(environment, report), *shown, plan])
    rows += [[_cell(name), "Not reached", *["-"] * width] for name in report.not_reached[:_ENVIRONMENTS]]
    table = "\n".join(f"| {' | '.join(row[:width])} |" for row in rows)
    more = max(0, len(report.environments) - _ENVIRONMENTS) + max(0, len(report.not_reached) - _ENVIRONMENTS)
    return f"{table}\n\nAnd {more} more environments." if more else table


def _deletions(report: Report) -> Iterator[Block]:
    """A heading, and a line for each runtime that is deleted."""
    deletions = report.deletions
    if deletions:
        yield "headings", f"**{title('deleted', report.predicted)}: {len(deletions)}**"
    yield from (("deletions", _line(f"{environment}: {runtime}")) for environment, runtime in deletions)


def _blocks(environment: EnvironmentReport, report: Report) -> list[Block]:
    """The parts about an environment, in the order of its changes, under its name; none if there is nothing to say."""
    blocks: list[Block] = []
    if environment.message:
        blocks.append(("messages", f"Failed:\n\n{_message(environment.message)}"))
    if report.kind == APPLY:
        blocks += [_change_block(change, report.predicted) for change in environment.changes]
        blocks += [("scripts", _line(script_text(script, report.predicted))) for script in environment.scripts]
    blocks += [(KINDS[kind].many, _line(text)) for kind, text in finding_lines(environment)]
    blocks += [("warnings", _line(f"warning: {text}")) for text in warning_lines(environment.warnings, _NAMES)]
    heading = "environments", f"### {code(environment.environment, 80)}"
    return [heading, *blocks] if blocks else []


def _line(text: str) -> str:
    """A text as an entry of a list."""
    return f"- {code(text)}"


def _change_block(change: Json, predicted: bool) -> Block:
    action = change["action"]
    texts = [f"**{title(action, predicted)}** {code(name_of(change))}"]
    if change["error"]:
        texts.append(_message(change["error"]))
    if change["definition"]:
        rows = [f"- {name} {text}" for name, value in change["definition"].items() for text in value_texts(value)]
        texts.append(_folded("The definition that goes", _diff(rows)))
    if change["fields"] and action != "deleted":
        texts.append(_folded("What changes", _diff(_field_lines(change["fields"]))))
    if change["smoke_test"]:
        texts.append(_folded("The smoke test that runs", _fenced("python", _code_lines(change["smoke_test"]))))
    return _CUT.get(action, "failures"), "\n\n".join(texts)


def _code_lines(text: str) -> list[str]:
    """The lines of code with their indentation. Nothing of it may be invisible to those who approve it."""
    return ["".join(char if char.isprintable() else ascii(char)[1:-1] for char in line) for line in text.split("\n")]


def _field_lines(fields: Iterable[Json]) -> Iterator[str]:
    """The changes as a diff: a field, then its old and its new values."""
    for field in fields:
        yield f"  {field['field']}"
        for each in differences(field["before"], field["after"]):
            if each.before and field["before"] is not None:
                yield f"- {each.name} {each.before}"
            if each.after:
                yield f"+ {each.name} {each.after}"
