# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a definition that rename or replace a runtime, checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .._errors import ErrorList, ValidationError
from .fields import BY_NAME
from .runtime import name_error
from .unfinished import parts_of


def _unfinished(name: Any) -> str:
    advice = "write the name that it is to have, and set recover: true to undo or finish it"
    return f"{name!r} is the name of an unfinished replacement; {advice}"


def name_errors(name: str | None, previous: Sequence[str]) -> Iterator[str]:
    """The errors of the names that a runtime had before, and of a name that says what it replaces."""
    if parts_of(name or ""):
        yield f"name {_unfinished(name)}"
    for index, text in enumerate(previous):
        error = f"{text!r} is the name itself" if text == name else name_error(text)
        error = _unfinished(text) if parts_of(text) else error
        if error:
            yield f"previous_names[{index}] {error}"


def replaced_fields(value: Any) -> frozenset[str]:
    """The names of the fields in `replace_on_change`. Raises ValidationError."""
    fields = [name for name in BY_NAME if name != "name"]
    if value is None or str(value).lower() == "false":  # an older ansible-core makes a text of a template
        return frozenset()
    if str(value).lower() == "true":
        return frozenset(fields)
    if not isinstance(value, list):
        raise ValidationError([f"replace_on_change {value!r} is neither true nor a list of options"])
    with ErrorList() as errors:
        for index, text in enumerate(value):
            if text == "name":
                errors.add(f"replace_on_change[{index}] is name; a different name never needs a second runtime")
            elif text not in fields:
                wrong = f"replace_on_change[{index}] {text!r} is not an option of a runtime"
                errors.add(f"{wrong}; choose from {', '.join(fields)}")
    return frozenset(value)
