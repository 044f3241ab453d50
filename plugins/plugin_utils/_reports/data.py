# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .evaluation import Json
from .texts import json_text


def parts(report: Json) -> Iterator[str]:
    """The parts of the text of a report from `formats.whole`."""
    opening = "{"
    for key, value in report.items():
        if key != "details":
            yield f'{opening}\n  "{key}": '
            yield from _list(report["details"]) if key == "environments" else [_indented(value, 2)]
            opening = ","
    yield "\n}"


def _list(entries: Iterable[Any]) -> Iterator[str]:
    opening = "["
    for entry in entries:
        yield f"{opening}\n    {_indented(entry, 4)}"
        opening = ","
    yield "\n  ]" if opening == "," else "[]"


def _indented(value: Any, spaces: int) -> str:
    # No text in JSON has a line end.
    return json_text(value).replace("\n", "\n" + " " * spaces)
