# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runtimes as read, turned into the definitions that would make them.

Wing: Model, pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._definition import from_params
from ._errors import MASK, ValidationError
from ._fields import BY_NAME, FIELDS
from ._names import DEFAULT_RUNTIME_ID, is_named
from ._networks import order, stored

# A text that is empty says nothing, and not every server takes the field; of these it says that there is none.
_EVEN_EMPTY = ("description", "others")


def to_definitions(runtimes: Iterable[Mapping[str, Any]], exclude: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The definitions, by name and in the table's order of fields, so that a file of them is stable.

    The default runtime is left out, which every server has, and what `exclude` names, or fits as a shell pattern.
    Raises ValidationError for what a definition cannot carry, each by the runtime's name.
    """
    faults: list[str] = []
    patterns = tuple(exclude)
    ids: dict[str, list[str]] = {}
    definitions = []
    for runtime in runtimes:
        name, identity = str(runtime.get("name") or ""), str(runtime.get("id") or "")
        if identity.upper() == DEFAULT_RUNTIME_ID or is_named(name, patterns):
            continue
        ids.setdefault(name, []).append(identity)
        definition = _definition(runtime)
        faults += [f"runtime {name!r}: {fault}" for fault in _faults(definition)]
        definitions.append(definition)
    faults += [
        f"{len(several)} runtimes have the name {name!r} ({', '.join(sorted(several))})"
        for name, several in sorted(ids.items())
        if len(several) > 1
    ]
    if faults:
        raise ValidationError(faults)
    return sorted(definitions, key=lambda one: str(one["name"]))


def _faults(definition: Mapping[str, Any]) -> list[str]:
    """Why this definition would not make the runtime again."""
    faults = [f"{place} is masked by Ansible" for place in _masked(definition)]
    untyped = _untyped(definition)
    if untyped:
        return faults + untyped
    try:
        from_params({**definition, "name": definition.get("name", "")})
    except ValidationError as exc:
        faults += exc.faults
    return faults


def _definition(runtime: Mapping[str, Any]) -> dict[str, Any]:
    definition: dict[str, Any] = {}
    for field in FIELDS:
        value = runtime.get(field.name)
        if field.name == "whitelist":
            value = sorted({stored(str(entry)) for entry in value or ()}, key=order)
        elif field.name == "packages":
            value = sorted((_package(entry) for entry in value or ()), key=lambda one: one["name"])
        elif field.name == "resource":
            value = {key: one for key, one in (value or {}).items() if one is not None} or None
        elif field.name in _EVEN_EMPTY:
            value = value or ""
        if value is not None and (value != "" or field.name in _EVEN_EMPTY):
            definition[field.name] = value
    return definition


def _package(entry: Mapping[str, Any]) -> dict[str, Any]:
    package = {key: entry[key] for key in ("name", "version", "description") if entry.get(key)}
    return {"name": "", **package}


def _untyped(definition: Mapping[str, Any]) -> list[str]:
    """A fault for each place that wants a number and holds none."""
    wants = {field.name: (field.spec["type"], definition.get(field.name)) for field in FIELDS}
    resource = definition.get("resource", {})
    specs = BY_NAME["resource"].spec["options"]
    wants.update({f"resource.{key}": (specs[key]["type"], value) for key, value in resource.items()})
    faults = []
    for place, (kind, value) in wants.items():
        if value is None or kind not in ("int", "float"):
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            faults.append(f"{place} is no number")
        elif kind == "int" and not isinstance(value, int):
            faults.append(f"{place} is no whole number")
    return faults


def _masked(value: Any, place: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [one for key, inner in value.items() for one in _masked(inner, f"{place}.{key}" if place else str(key))]
    if isinstance(value, list):
        return [one for index, inner in enumerate(value) for one in _masked(inner, f"{place}[{index}]")]
    return [place] if isinstance(value, str) and MASK in value else []
