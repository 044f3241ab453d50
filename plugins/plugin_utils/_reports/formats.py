# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The formats of a report file. The suffix of the file decides which one it gets.

A format is a row of the table here and a module beside this one, whose function `parts` takes the report on all
environments and returns the parts of the text, without a final line end. So nobody holds a whole file in memory. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from .evaluation import Json


class Format(NamedTuple):
    """`kinds`: of the reports that have it."""

    module: str
    kinds: Sequence[str] = ("audit", "apply")
    for_people: bool = True


# By suffix
FORMATS = {
    "html": Format("html"),
    "json": Format("data", for_people=False),
    "md": Format("markdown"),
    "cdx.json": Format("sbom", kinds=("audit",), for_people=False),
}


def suffix_of(path: str) -> str | None:
    """The suffix of a path in the table, the longest that fits; None without one."""
    name = path.rpartition("/")[2].lower()
    return max((suffix for suffix in FORMATS if name.endswith(f".{suffix}")), key=len, default=None)


def format_of(path: str, kind: str) -> str:
    """The suffix of a path, if such a report has its format. Raises ValueError with a sentence."""
    suffix = suffix_of(path)
    if suffix == "cdx.json" and kind != "audit":
        raise ValueError(f"mstr_report_dest {path!r}: only an audit writes a software bill of materials (.cdx.json)")
    if suffix is None or kind not in FORMATS[suffix].kinds:
        *others, last = [f".{each}" for each, form in FORMATS.items() if kind in form.kinds]
        ends = f"{', '.join(others)} or {last}"
        raise ValueError(f"mstr_report_dest {path!r} must end in {ends}; the suffix decides the format of the report")
    return suffix


def whole(
    environments: Sequence[Json],
    kind: str,
    generated: str,
    check_mode: bool = False,
    not_reached: Sequence[str] = (),
    details: Iterable[Json] | None = None,
) -> dict[str, Any]:
    """The report on all environments. `generated`: time in ISO 8601. `not_reached`: those that may have no report.

    `details`: the same reports with all runtimes, in the same order; they are read once, one after another. Without
    them, `environments` have all runtimes.
    """
    reached = {report["environment"] for report in environments}
    return {
        "kind": kind,
        "generated": generated,
        "check_mode": check_mode,
        "environments": environments,
        "not_reached": [name for name in not_reached if name not in reached],
        "details": environments if details is None else details,
    }


def parts(report: Json, suffix: str) -> Iterator[str]:
    """The parts of the text of the report file."""
    # Only the format that is asked for is loaded: a run with fifty environments does so in one process of many.
    module = import_module(f".{FORMATS[suffix].module}", __package__)
    found: Iterator[str] = module.parts(report)
    return found
