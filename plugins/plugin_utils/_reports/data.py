# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JSON: all that a run knows, with the keys that mstr_audit documents. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .formats import Run
from .texts import json_text


def parts(run: Run) -> Iterator[str]:
    """The parts of the text, one for each environment."""
    head = {key: getattr(run, key) for key in ("kind", "generated", "check_mode", "not_reached")}
    yield f'{json_text(head)[:-2]},\n  "environments": ['
    separator = "\n"
    for environment in run.whole():
        yield f"{separator}    {_indented(environment.to_result())}"
        separator = ",\n"
    yield "\n  ]\n}"


def _indented(value: Any) -> str:
    # No text in JSON has a line end.
    return json_text(value).replace("\n", "\n    ")
