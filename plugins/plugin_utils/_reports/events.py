# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports and definition files as texts that a job of AWX shows without loss.

AWX cuts the output of each event at 1,024 bytes, on its page and in its API. The download of a job's output doubles
each backslash. So a playbook shows these texts as labels of the items of a loop, because each item is an event. Pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ...module_utils._errors import clean, counted, one_line
from .environment import lines_with_kinds
from .evaluation import Json
from .lines import GOES, code_lines, difference_lines, gone_name, warning_line

_LARGEST = 1000  # bytes
# Ansible colours each line, and a terminal ends it with two characters.
_LINE_END = len("\x1b[0;32m\x1b[0m\r\n")
_AROUND = len("changed: [] => (item=)") + 3 * _LINE_END
_LEAST_ROOM = 300
# Texts of what is neither deleted nor replaced, if nobody has to approve it.
_MOST = 50


def approval_texts(environments: Sequence[Json], predicted: bool, page: str, compared: Sequence[str] = ()) -> list[str]:
    """What somebody must see who approves these reports, or reads the findings of an audit.

    First one line for each environment. Then everything that is deleted or replaced, each with its definition and with
    the scripts that use it. Then all warnings, and the code of all smoke tests. Then what an audit found or an apply
    did, in at most fifty texts, or all that somebody approves: each script that is moved, each update and then each
    creation, with every value. `predicted`: whether nothing was done yet. `page`: where the rest is.
    `compared`: how the environments differ from one of them.
    """
    limit = _limit(max((str(report["environment"]) for report in environments), key=len, default=""))
    first = [report["lines"][0] for report in environments if report["lines"]]
    going = [(report, entry) for report in environments for entry in report["runtimes"] if entry["action"] in GOES]
    texts: list[str] = []
    for report, entry in going:
        title = clean(f"{report['environment']}: {gone_name(entry)!r} (continued)")
        texts += _packed(_deletion_lines(report, entry, predicted), limit, title)
    warnings = [
        one_line(f"{report['environment']}: {warning_line(text)}")
        for report in environments
        for text in report.get("warnings") or ()
    ]
    texts += _packed(warnings, limit)
    tested = [(report, entry) for report in environments for entry in report["runtimes"] if entry.get("smoke_test")]
    for report, entry in tested:
        texts += _packed(_smoke_test_lines(report, entry), limit)
    # Nobody approves an audit, which predicts what an apply would do, too.
    approved = ("updated", "created") if predicted and not any("counts" in report for report in environments) else ()
    rest = [*_packed(_rest(environments, predicted, tested, approved), limit)]
    hidden = "\n".join(rest[_MOST - 1 :]).count("\n") + 1
    if len(rest) > _MOST and not approved:
        rest = [*rest[: _MOST - 1], f"{hidden} more lines are not shown here. {page} has all of them."]
    texts += [*rest, *_whole(environments, approved, limit)]
    follow = [f"{counted(len(texts), 'more text')} with all details below"] if approved and texts else []
    return [*_packed([*first, *compared, *follow], limit), *texts]


def copyable_texts(text: str, environment: str) -> list[str]:
    """The text of a definition file in parts, which joined with line ends are the file.

    If a character or a line would not survive being shown, the parts are the file in Base64. Then they hold no colon,
    which every file holds.
    """
    limit = _limit(environment)
    lines = text.rstrip("\n").split("\n")
    survives = all(line.isprintable() and line == line.rstrip() and _size(line) <= limit for line in lines)
    if "\\" in text or not survives:
        encoded = base64.b64encode(text.encode()).decode()
        lines = [encoded[start : start + 100] for start in range(0, len(encoded), 100)]
    return list(_packed(lines, limit))


def _limit(environment: str) -> int:
    return max(_LEAST_ROOM, _LARGEST - _AROUND - len(environment.encode()))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace")) + _LINE_END * (text.count("\n") + 1)


def _packed(lines: Iterable[str], limit: int, title: str = "") -> Iterator[str]:
    """The lines in texts of at most `limit` bytes. Every text but the first begins with `title`, if there is one."""
    pieces: list[str] = []
    size = 0
    for line in lines:
        for piece in _pieces(line, limit - (_size(title) if title else 0)):
            if pieces and size + _size(piece) > limit:
                yield "\n".join(pieces)
                pieces = [title] if title else []
                size = sum(map(_size, pieces))
            pieces.append(piece)
            size += _size(piece)
    if pieces:
        yield "\n".join(pieces)


def _pieces(line: str, limit: int) -> Iterator[str]:
    """A line, or the parts of one that is too long."""
    while _size(line) > limit:
        piece = line.encode("utf-8", "replace")[: limit - _LINE_END].decode("utf-8", "ignore")
        # Rather between two words than in one.
        piece = piece[: piece.rfind(" ", len(piece) // 2) + 1] or piece
        yield piece
        line = line[len(piece) :]
    yield line


def _deletion_lines(report: Json, entry: Json, predicted: bool) -> Iterator[str]:
    """What is deleted or replaced, and its definition."""
    yield from _difference_lines(report, entry, predicted)
    yield from _value_lines(entry.get("definition") or {})


def _difference_lines(report: Json, entry: Json, predicted: bool) -> Iterator[str]:
    for line in difference_lines({**entry, "smoke_test": None}, predicted, whole=True):
        yield one_line(f"{report['environment']}: {line}")


def _value_lines(definition: Json) -> Iterator[str]:
    for option, value in definition.items():
        yield f"  {option}: {one_line(json.dumps(value, ensure_ascii=False))}"


def _whole(environments: Sequence[Json], actions: Iterable[str], limit: int) -> Iterator[str]:
    """Each runtime with these actions, with every value. One that needs several texts has texts of its own."""
    rows = [
        (report, entry)
        for action in actions
        for report in environments
        for entry in report["runtimes"]
        if entry["action"] == action
    ]
    texts_of = []
    for report, entry in rows:
        new = {field["field"]: field["wanted"] for field in entry["fields"] if field["field"] != "name"}
        lines = [*_difference_lines(report, entry, True), *_value_lines(new if entry["action"] == "created" else {})]
        title = clean(f"{report['environment']}: {entry['name']!r} (continued)")
        texts_of.append([*_packed(lines, limit, title)])
    for is_short, several in groupby(texts_of, key=lambda texts: len(texts) == 1):
        texts = [text for texts in several for text in texts]
        yield from _packed(texts, limit) if is_short else texts


def _smoke_test_lines(report: Json, entry: Json) -> Iterator[str]:
    """The code that would run on a runtime, all of it."""
    yield clean(f"{report['environment']}: {entry['name']!r} runs this smoke test:")
    yield from (f"  {line}" for line in code_lines(str(entry["smoke_test"])))


def _rest(
    environments: Sequence[Json], predicted: bool, tested: Iterable[tuple[Json, Json]], approved: Sequence[str]
) -> list[str]:
    """Findings, then updates, then creations; without the first lines and without what has texts of its own."""
    lines = [pair for report in environments for pair in lines_with_kinds(report, predicted)[1:]]
    order = {"finding": 0, "script": 0, "created": 2}
    lines.sort(key=lambda pair: order.get(pair[0], 1))
    code = tuple(f"{report['environment']}: {entry['name']!r} smoke test: " for report, entry in tested)
    return [line for kind, line in lines if kind not in (*GOES, *approved, "warning") and not line.startswith(code)]
