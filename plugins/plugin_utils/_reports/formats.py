# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The formats of a report file. The suffix of the file decides which one it gets.

A format is a row of the table here and a module beside this one, whose function `parts` takes the report on a run and
returns the parts of the text, without a final line end. So nobody holds a whole file in memory. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

from ...module_utils._model.schedules import name_of
from .environment import EnvironmentReport

AUDIT, APPLY = "audit", "apply"


class Format(NamedTuple):
    """`kinds`: of the reports that have it."""

    module: str
    kinds: Sequence[str] = (AUDIT, APPLY)


# By suffix
FORMATS = {
    "html": Format("html"),
    "json": Format("data"),
    "md": Format("markdown"),
    "cdx.json": Format("sbom", kinds=(AUDIT,)),
}


class Report(NamedTuple):
    """The report on a run. `environments`: without their runtimes. `whole`: returns them with their runtimes.

    `whole` may be called more than once. Each environment is unpacked when it is asked for, to save memory.
    """

    kind: str
    generated: str  # time in ISO 8601
    check_mode: bool
    environments: Sequence[EnvironmentReport]
    whole: Callable[[], Iterable[EnvironmentReport]]
    not_reached: Sequence[str] = ()

    @property
    def predicted(self) -> bool:
        """Whether nothing was written."""
        return self.kind == AUDIT or self.check_mode

    @property
    def deletions(self) -> list[tuple[str, str]]:
        """The environment and the name of each runtime that was or would be deleted."""
        return [(each.environment, name_of(change)) for each in self.environments for change in each.deletions]

    @property
    def heading(self) -> str:
        """What the report is."""
        if self.kind == AUDIT:
            return "Runtime audit"
        return "Plan" if self.check_mode else "Runtimes applied"


def format_of(path: str, kind: str) -> str:
    """The suffix of a path, if such a report has its format. Raises ValueError with a sentence."""
    name = path.rpartition("/")[2].lower()
    # The longest that fits.
    suffix = max((each for each in FORMATS if name.endswith(f".{each}")), key=len, default="")
    if not suffix:
        *others, last = [f".{each}" for each, form in FORMATS.items() if kind in form.kinds]
        ends = f"{', '.join(others)} or {last}"
        raise ValueError(f"mstr_report_dest {path!r} must end in {ends}; the suffix decides the format of the report")
    if kind not in FORMATS[suffix].kinds:
        raise ValueError(f"mstr_report_dest {path!r}: only an audit writes a software bill of materials (.cdx.json)")
    return suffix


def parts(report: Report, suffix: str) -> Iterator[str]:
    """The parts of the text of the report file."""
    # Only the format that is asked for is loaded: a run with fifty environments does so in one process of many.
    module = import_module(f".{FORMATS[suffix].module}", __package__)
    found: Iterator[str] = module.parts(report)
    return found
