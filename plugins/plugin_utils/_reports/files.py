# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as a file, in the format of its suffix.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .serialize import without_controls

Json = Mapping[str, Any]

FORMATS = {
    "audit": ("html", "json", "csv", "md", "junit.xml", "cdx.json"),
    "apply": ("html", "json", "md", "junit.xml"),
}


def format_of(path: str, kind: str, check_mode: bool = True) -> str:
    """The format for the suffix of a path, the longest that fits. Raises ValueError with a sentence."""
    name = path.rpartition("/")[2].lower()
    fitting = [suffix for suffix in FORMATS[kind] if name.endswith(f".{suffix}")]
    if not fitting:
        ends = ", ".join(f".{suffix}" for suffix in FORMATS[kind][:-1]) + f" or .{FORMATS[kind][-1]}"
        raise ValueError(f"mstr_report_dest {path!r} must end in {ends}; the suffix decides the format of the report")
    form = max(fitting, key=len)
    if form == "json" and name.endswith(".cdx.json"):
        raise ValueError(f"mstr_report_dest {path!r}: only an audit writes a software bill of materials (.cdx.json)")
    if form == "junit.xml" and kind == "apply" and not check_mode:
        raise ValueError(
            f"mstr_report_dest {path!r} shows differences as failed tests, and an apply removes them; start the "
            "playbook with --check, or name a file with a different suffix"
        )
    return form


def whole(
    environments: Iterable[Json], kind: str, generated: str, check_mode: bool = False, not_reached: Sequence[str] = ()
) -> dict[str, Any]:
    """The report on all environments. `generated`: time in ISO 8601. `not_reached`: those that may have no report."""
    reports = list(environments)
    reached = {report["environment"] for report in reports}
    return {
        "kind": kind,
        "generated": generated,
        "check_mode": check_mode,
        "environments": reports,
        "not_reached": [name for name in not_reached if name not in reached],
    }


def rendered(report: Json, form: str) -> str:
    """The text of the report file, without a final newline."""
    text_of: Callable[[Json], str]
    # Only the format that is asked for is loaded: a run with fifty environments does so in one process of many.
    if form == "html":
        from .html import page as text_of
    elif form == "csv":
        from .table import table as text_of
    elif form == "md":
        from .markdown import markdown as text_of
    elif form == "junit.xml":
        from .junit import junit as text_of
    elif form == "cdx.json":
        from .sbom import software as text_of
    else:
        from .serialize import json_text as text_of
    return without_controls(text_of(report).rstrip("\n"))
