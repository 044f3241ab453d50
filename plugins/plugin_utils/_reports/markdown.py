# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as Markdown, for a comment on a pull or merge request.

Every text from a server or a file stands in a code span or in a fenced block, where neither Markdown nor HTML, and no
mention or issue number, means anything. What goes comes first; its names are never left out. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...module_utils._errors import LONGEST_NAME, LONGEST_TEXT, clean, one_line
from . import lines, pythons
from .changes import changes, value_texts
from .evaluation import Json, grouped
from .texts import when

# GitHub takes 65,536 characters in a comment.
LIMIT = 60_000
_ENVIRONMENTS = 100  # in the table
_FIELD_LINES = 200
_RESERVE = 1500  # characters, for the list of what was cut
_COUNTS = {
    "audit": ("runtimes", "violations", "exempted", "not_evaluated", "differing", "moved", "problems"),
    "apply": ("created", "updated", "replaced", "deleted", "moved", "unchanged", "failed"),
}


# The actions in their order, and how they are counted where they are cut.
_KINDS = {
    "deleted": "details of deletions",
    "replaced": "details of replacements",
    "updated": "updates",
    "created": "creations",
    "unknown": "failures",
    "failed": "failures",
}


def parts(report: Json) -> Iterator[str]:
    """The text of a report from `formats.whole`, in one part of at most `LIMIT` characters."""
    report = lines.for_people(report)
    predicted = report["kind"] == "audit" or report["check_mode"]
    unchanged = " Nothing was changed." if predicted else ""
    head = [f"## {lines.heading(report)}", f"{when(report['generated'])}.{unchanged}", _table(report, predicted)]
    head += [_pythons(report)] if any(environment.get("python") for environment in report["environments"]) else []
    groups = lines.same_changes(report["environments"], report["kind"] != "audit" and predicted)
    head += _what_goes(groups, predicted, LIMIT - sum(map(len, head)) - 2 * _RESERVE)
    left = LIMIT - sum(len(text) + 2 for text in head) - _RESERVE
    texts: list[str] = []
    cut: Counter[str] = Counter()
    for group, details in lines.with_details(groups, report["details"]):
        blocks = list(_blocks(group, details, predicted))
        names = [("environments", f"### {_names(group)}")] if blocks else []
        for kind, text in [*names, *blocks]:
            if len(text) + 2 > left:
                cut[kind] += 1
            else:
                texts.append(text)
                left -= len(text) + 2
    if cut:
        parts = ", ".join(f"{number} {kind}" for kind, number in cut.items())
        texts.append(
            f"**Left out here, because the text would be too long:** {parts}. A `.html` or `.json` has it all."
        )
    text = head[0]
    for before, after in zip((head + texts), (head + texts)[1:]):
        # Lines of one list stay together.
        text += ("\n" if before.startswith("- ") and after.startswith("- ") else "\n\n") + after
    yield text


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
    return _fenced("diff", [line[:2] + one_line(line[2:]) for line in texts])


def _fenced(language: str, texts: Sequence[str]) -> str:
    fence = "`" * max([3, *(_longest_run(line) + 1 for line in texts)])
    return "\n".join([f"{fence}{language}", *texts, fence])


def _message(text: str) -> str:
    return _fenced("text", [clean(line) for line in text.splitlines()])


def _table(report: Json, predicted: bool) -> str:
    """The environments and their numbers. A column without any number above zero is left out."""
    keys = [
        key
        for key in _COUNTS[report["kind"]]
        if any(lines.numbers_of(environment).get(key) for environment in report["environments"])
    ]
    plans = any(environment["plan_id"] for environment in report["environments"])
    words = [lines.title(key, predicted) for key in keys]
    rows = [["Environment", "Outcome", *words, *["Plan"] * plans]]
    rows.append(["---", "---", *["---:"] * len(words), *["---"] * plans])
    for environment in report["environments"][:_ENVIRONMENTS]:
        numbers = lines.numbers_of(environment)
        cells = [str(numbers.get(key, 0)) if numbers else "-" for key in keys]
        outcome = lines.outcome_title(report, environment["outcome"])
        plan = _cell(environment["plan_id"]) if environment["plan_id"] else "-"
        rows.append([_cell(environment["environment"]), outcome, *cells, *[plan] * plans])
    missing = ["-"] * (len(words) + plans)
    rows += [[_cell(name), "Not reached", *missing] for name in report["not_reached"][:_ENVIRONMENTS]]
    more = sum(max(0, len(report[key]) - _ENVIRONMENTS) for key in ("environments", "not_reached"))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nAnd {more} more environments." if more else table


def _pythons(report: Json) -> str:
    """The branches of Python by environment, those that end first in front."""
    rows = [
        [pythons.branch_text(row), pythons.support_text(row) or "-", row["end_of_life"] or "-", _cell(name), *numbers]
        for row, environments in pythons.by_branch(report["environments"])
        for name, numbers in environments
    ]
    heads = ["Python", "Support", "Last day", "Environment", *pythons.COLUMNS]
    shown = [heads, ["---"] * len(heads), *rows[:_ENVIRONMENTS]]
    table = "\n".join(f"| {' | '.join(row)} |" for row in shown)
    return f"{table}\n\nAnd {len(rows) - _ENVIRONMENTS} more rows." if len(rows) > _ENVIRONMENTS else table


def _names(group: Sequence[Json]) -> str:
    """The environments of a group."""
    return ", ".join(code(environment["environment"], 80) for environment in group)


def _what_goes(groups: Sequence[Sequence[Json]], predicted: bool, limit: int) -> list[str]:
    """The names of all that is deleted or replaced, shortened where they would take more than `limit` characters."""
    going = grouped(
        ((runtime["action"], len(group), _names(group)), lines.gone_name(runtime))
        for group in groups
        for runtime in group[0]["runtimes"]
        if runtime["action"] in lines.GOES
    )
    number = sum(map(len, going.values()))
    # Each name has two characters around it and two behind, each group a line.
    taken = sum(len(label) + 10 for _action, _size, label in going)
    longest = min(LONGEST_NAME, max(8, (limit - taken) // max(number, 1) - 6))
    texts = []
    for action in lines.GOES:
        rows = [
            f"- {label}: {', '.join(code(name, longest) for name in names)}"
            for (done, _size, label), names in going.items()
            if done == action
        ]
        total = sum(len(names) * size for (done, size, _label), names in going.items() if done == action)
        bold = f"**{lines.title(action, predicted)}: {total}**"
        texts += ["\n".join([bold, "", *rows])] if rows else []
    return texts


def _blocks(group: Sequence[Json], details: Json, predicted: bool) -> Iterator[lines.Line]:
    """The parts about environments with the same changes; what goes comes first. `details`: of the first one."""
    environment = group[0]
    if environment["message"]:
        yield "messages", f"Failed:\n\n{_message(environment['message'])}"
    texts = lines.lines_of_group(group)
    yield from ((kind, f"- {code(text)}") for kind, text in texts if kind in lines.FIRST)
    for runtime in sorted(environment["runtimes"], key=lambda entry: list(_KINDS).index(entry["action"])):
        yield _runtime_block(runtime, predicted)
    for script in environment.get("scripts") or ():
        yield "scripts", f"- {code(lines.script_line(script, predicted))}"
    yield from _findings(details)
    yield from ((kind, f"- {code(text)}") for kind, text in texts if kind not in lines.FIRST)


def _runtime_block(runtime: Json, predicted: bool) -> lines.Line:
    action, name, new = runtime["action"], lines.gone_name(runtime), runtime["name"]
    by = f" by {code(new)}" if action == "replaced" and new != name else ""
    parts = [f"**{lines.title(action, predicted)}** {code(name)}{by}"]
    if runtime["error"]:
        parts.append(_message(runtime["error"]))
    if action in lines.GOES:
        texts = [f"- {key} {text}" for key, value in runtime["definition"].items() for text in value_texts(value)]
        parts += [_folded("The definition that goes", _diff(texts))] if texts else []
    if runtime["fields"] and action != "deleted":
        texts = list(_field_lines(runtime["fields"]))
        more = [f"  and {len(texts) - _FIELD_LINES} more lines"] if len(texts) > _FIELD_LINES else []
        parts.append(_folded("What changes", _diff([*texts[:_FIELD_LINES], *more])))
    if runtime.get("smoke_test"):
        parts.append(_folded("The smoke test that runs", _fenced("python", lines.code_lines(runtime["smoke_test"]))))
    return _KINDS[action], "\n\n".join(parts)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _field_lines(fields: Iterable[Json]) -> Iterator[str]:
    """The changes as a diff: a field, then what goes and what comes."""
    for field in fields:
        yield f"  {field['field']}"
        for change in changes(field["found"], field["wanted"]):
            label = f"{change.name} " if change.sign == "→" and change.name else ""
            if change.before and field["found"] is not None:
                yield f"- {label}{change.before}"
            if change.after:
                yield f"+ {label}{change.after}"


def _findings(environment: Json) -> Iterator[lines.Line]:
    texts = [
        (kind, f"- {code(runtime['name'] or runtime['id'])}: {code(text)}")
        for runtime in environment.get("inventory") or ()
        for kind, text in lines.runtime_lines(runtime)
    ]
    kinds = list(dict.fromkeys([lines.VIOLATIONS, *(kind for kind, _text in texts)]))
    return iter(sorted(texts, key=lambda line: kinds.index(line[0])))
