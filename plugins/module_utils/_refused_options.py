# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of options some of which are refused, so that the rest can be checked, too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._errors import REFUSED
from ._options import by_name, option_errors


def option_error(sentence: str, errors: Sequence[str]) -> str:
    """Ansible's message about options, after all `errors` of `option_errors`.

    It is left out if it misses an option that was given with an error.
    """
    found = re.search(r"(required|missing)[^:]*:(.*)", sentence)
    missed = re.findall(r"\w+", found[2]) if found else []
    faulty = {re.split(r"[\[ .:]", error)[0] for error in errors}
    return "\n".join([*errors, *([] if faulty.intersection(missed) else [sentence])])


def all_without_errors(spec: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a task without what `all_option_errors` finds. Null is an option that is left out."""
    known = by_name(spec)
    return {
        name: without_errors(value, known[name]) if name in known else value
        for name, value in params.items()
        if name in known or name.startswith("_ansible_")
    }


def without_errors(value: Any, spec: Mapping[str, Any], from_file: bool = False) -> Any:
    """The value without what `option_errors` finds in it, so that the rest can be checked too; None if nothing is left.

    In a list, such an entry becomes `REFUSED`, so that the other entries keep their indexes.
    """
    if next(option_errors(value, spec, "", from_file), None) is None:
        return value
    kind, options = spec.get("type") or "str", spec.get("options") or {}
    if kind == "list":
        entry_spec = {**spec, "type": spec.get("elements", "str")}
        refused = {
            key: REFUSED for key, option in options.items() if key == "name" or option.get("required")
        } or REFUSED
        kept = [without_errors(entry, entry_spec, from_file) for entry in value] if isinstance(value, list) else None
        return kept and [refused if entry is None else entry for entry in kept]
    if isinstance(value, Mapping) and options:
        parts = {key: without_errors(value[key], option, from_file) for key, option in options.items() if key in value}
        complete = all(parts.get(key) is not None for key, option in options.items() if option.get("required"))
        return {key: part for key, part in parts.items() if part is not None} if complete else None
    # Ansible makes a text of anything.
    return str(value) if kind in ("str", "path") and not spec.get("choices") else None
