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
from typing import Any

from ...module_utils._text import LONGEST_TEXT, clean, one_line
from .changes import script_text, title
from .console import finding_lines
from .differences import Difference, differences, value_texts
from .environment import EnvironmentReport
from .finding import KINDS, Json, warning_lines
from .formats import APPLY, Report
from .overview import columns, conclusion, numbers, outcome_title, problem_lines
from .texts import when

# GitHub takes 65,536 characters in a comment.
LIMIT = 60_000
_ENVIRONMENTS = 100  # in the table
_FIELD_LINES = 200
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
    sentence = conclusion(report)
    unchanged = " Nothing was changed." if report.predicted else ""
    head = [f"## {report.heading}", f"{when(report.generated)}.{unchanged}", code(sentence), _table(report)]
    head += ["\n".join(map(_line, lines))] if report.kind != APPLY and (lines := [*problem_lines(report)]) else []
    left = LIMIT - sum(len(text) + 2 for text in head) - _RESERVE
    texts: list[str] = []
    cut: Counter[str] = Counter()
    blocks = [*_deletions(report)]
    for environment in report.environments:
        own_blocks = [*_blocks(environment, report)]
        if own_blocks:
            blocks.append(("environments", f"### {code(environment.environment, 80)}"))
        blocks += own_blocks
    for kind, text in blocks:
        if len(text) + 2 > left:
            cut[kind] += 1
        else:
            texts.append(text)
            left -= len(text) + 2
    if cut:
        what = ", ".join(f"{number} {kind}" for kind, number in cut.items())
        texts.append(f"**Left out here, because the text would be too long:** {what}. A `.html` or `.json` has it all.")
    yield _joined([*head, *texts])


def _joined(texts: Sequence[str]) -> str:
    """The texts with an empty line between them, but for the lines of one list."""
    joined = texts[0]
    for before, after in zip(texts, texts[1:]):
        joined += ("\n" if before.startswith("- ") and after.startswith("- ") else "\n\n") + after
    return joined


def code(text: Any, longest: int = LONGEST_TEXT) -> str:
    """A text as a code span, on one line."""
    shown = clean(str(text), longest).strip() or "(empty)"
    fence = "`" * (_longest_run(shown) + 1)
    # A space inside the fence is needed beside a backtick, and is not shown.
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _cell(text: Any) -> str:
    """A text for a table, in which parsers disagree about a pipe after a backslash."""
    return code(str(text).replace("|", "¦"), 80)


def _diff(texts: Iterable[str]) -> str:
    """A block of lines that begin with `+ `, `- ` or two spaces."""
    lines = [line[:2] + one_line(line[2:]) for line in texts]
    more = [f"  and {len(lines) - _FIELD_LINES} more lines"] if len(lines) > _FIELD_LINES else []
    return _fenced("diff", [*lines[:_FIELD_LINES], *more])


def _fenced(language: str, texts: Sequence[str]) -> str:
    fence = "`" * max([3, *(_longest_run(line) + 1 for line in texts)])
    return "\n".join([f"{fence}{language}", *texts, fence])


def _message(text: str) -> str:
    return _fenced("text", [clean(line) for line in text.splitlines()])


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _table(report: Report) -> str:
    """The environments and their numbers. A column without any number above zero is left out."""
    words = {key: label for key, (label, _tone) in columns(report).items()}
    plans = any(environment.plan_id for environment in report.environments)
    rows = [["Environment", "Outcome", *words.values(), *["Plan"] * plans]]
    rows.append(["---", "---", *["---:"] * len(words), *["---"] * plans])
    for environment in report.environments[:_ENVIRONMENTS]:
        cells = [_cell(environment.environment), outcome_title(environment, report), *numbers(environment, words)]
        plan = _cell(environment.plan_id) if environment.plan_id else "-"
        rows.append([*cells, *[plan] * plans])
    missing = ["-"] * (len(words) + plans)
    rows += [[_cell(name), "Not reached", *missing] for name in report.not_reached[:_ENVIRONMENTS]]
    more = max(0, len(report.environments) - _ENVIRONMENTS) + max(0, len(report.not_reached) - _ENVIRONMENTS)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nAnd {more} more environments." if more else table


def _deletions(report: Report) -> Iterator[Block]:
    """A heading, and a line for each runtime that is deleted."""
    deleted = [
        _line(f"{environment.environment}: {_name(change)}")
        for environment in report.environments
        for change in environment.changes
        if report.kind == APPLY and change["action"] == "deleted"
    ]
    if deleted:
        yield "headings", f"**{title('deleted', report.predicted)}: {len(deleted)}**"
    yield from (("deletions", line) for line in deleted)


def _name(change: Json) -> str:
    return str(change["name"] or change["id"])


def _blocks(environment: EnvironmentReport, report: Report) -> Iterator[Block]:
    """The parts about an environment, in the order of its changes."""
    if environment.message:
        yield "messages", f"Failed:\n\n{_message(environment.message)}"
    if report.kind == APPLY:
        for change in environment.changes:
            yield _change_block(change, report.predicted)
        for script in environment.scripts:
            yield "scripts", _line(script_text(script, report.predicted))
    for kind, text in finding_lines(environment):
        yield KINDS[kind].many, _line(text)
    for warning in warning_lines(environment.warnings, _NAMES):
        yield "warnings", _line(f"warning: {warning}")


def _line(text: str) -> str:
    """A text as an entry of a list."""
    return f"- {code(text)}"


def _change_block(change: Json, predicted: bool) -> Block:
    action = change["action"]
    texts = [f"**{title(action, predicted)}** {code(_name(change))}"]
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
            yield from _diff_lines(each, field["before"] is not None)


def _diff_lines(difference: Difference, had_value: bool) -> Iterator[str]:
    label = f"{difference.name} " if difference.sign == "→" and difference.name else ""
    if difference.before and had_value:
        yield f"- {label}{difference.before}"
    if difference.after:
        yield f"+ {label}{difference.after}"
