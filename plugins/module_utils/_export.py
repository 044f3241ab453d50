# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runtimes as read, turned into the definitions that would make them.

Floor 1: pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._definition import DEFAULT_RUNTIME_ID, from_params
from ._errors import ValidationError
from ._fields import FIELDS
from ._networks import order, stored

MASK = "********"
# A text that is empty says nothing, and not every server takes the field; of these it says that there is none.
_EVEN_EMPTY = ("description", "others")


def to_definitions(runtimes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The definitions, by name and in the table's order of fields, so that a file of them is stable.

    The default runtime is left out, which every server has. Raises ValidationError for what a definition cannot carry,
    each by the runtime's name.
    """
    faults: list[str] = []
    found = [one for one in runtimes if str(one.get("id") or "").upper() != DEFAULT_RUNTIME_ID]
    definitions = sorted((_definition(one) for one in found), key=lambda one: str(one.get("name")))
    names = [one.get("name") for one in definitions]
    for definition in definitions:
        label = f"runtime {definition.get('name')!r}"
        faults += [f"{label}: {place} is masked by Ansible" for place in _masked(definition)]
        untyped = _untyped(definition)
        faults += [f"{label}: {place} is no number" for place in untyped]
        try:
            if not untyped:
                from_params(definition)
        except ValidationError as exc:
            faults += [f"{label}: {fault}" for fault in exc.faults]
    faults += [
        f"{names.count(name)} runtimes have the name {name!r}"
        for name in sorted({str(n) for n in names if names.count(n) > 1})
    ]
    if faults:
        raise ValidationError(faults)
    return definitions


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
    return {key: entry[key] for key in ("name", "version", "description") if entry.get(key)} or {"name": ""}


def _untyped(definition: Mapping[str, Any]) -> list[str]:
    """The places that want a number and hold none."""
    places = {field.name: definition.get(field.name) for field in FIELDS if field.spec["type"] == "int"}
    places.update({f"resource.{key}": value for key, value in definition.get("resource", {}).items()})
    return [
        place
        for place, value in places.items()
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)))
    ]


def _masked(value: Any, place: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [one for key, inner in value.items() for one in _masked(inner, f"{place}.{key}" if place else str(key))]
    if isinstance(value, list):
        return [one for index, inner in enumerate(value) for one in _masked(inner, f"{place}[{index}]")]
    return [place] if isinstance(value, str) and MASK in value else []
