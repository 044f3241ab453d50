# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JSON: all that a run knows, with the keys that mstr_audit documents. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .formats import Report
from .texts import json_text


def parts(report: Report) -> Iterator[str]:
    """The parts of the text, one for each environment."""
    head = {key: getattr(report, key) for key in ("kind", "generated", "check_mode", "not_reached")}
    yield f'{json_text(head)[:-2]},\n  "environments": ['
    separator = "\n"
    for environment in report.whole():
        # No text in JSON has a line end.
        indented = json_text(environment.to_result()).replace("\n", "\n    ")
        yield f"{separator}    {indented}"
        separator = ",\n"
    yield "\n  ]\n}"
