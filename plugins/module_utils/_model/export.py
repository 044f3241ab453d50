# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns runtimes that were read into definitions that would create them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._errors import ANSIBLE_MASKS, ErrorList, ValidationError, texts
from .definition import check_pool, definition_from
from .fields import FIELDS
from .kinds import RESOURCE_KEYS
from .names import DEFAULT_RUNTIME_ID, is_id, is_named


def to_definitions(
    runtimes: Iterable[Mapping[str, Any]], exclude: Iterable[str] = (), ids: bool = False
) -> list[dict[str, Any]]:
    """The definitions, sorted by name, with fields in the order of the table, so that a file of them is stable.

    `runtimes` are as in a result. Omitted are the default runtime, which every server has, runtimes that a name,
    shell pattern or id in `exclude` means, and what `gaps` names. `ids`: with the ids, for a backup. Raises
    ValidationError if a runtime cannot be expressed as a definition; the message names each one.
    """
    patterns = tuple(exclude)
    namesakes: dict[str, list[str]] = {}
    definitions = []
    with ErrorList() as errors:
        for runtime in runtimes:
            name, identity = str(runtime.get("name") or ""), str(runtime.get("id") or "")
            if identity.upper() == DEFAULT_RUNTIME_ID or is_named(name, patterns, identity):
                continue
            namesakes.setdefault(name, []).append(identity)
            definition = _definition(runtime)
            errors.check(_check, definition, place=f"runtime {name!r}")
            definitions.append({"id": identity, **definition} if ids and is_id(identity) else definition)
        for name, several in sorted(namesakes.items()):
            if len(several) > 1:
                id_list = ", ".join(sorted(several))
                errors.add(f"{len(several)} runtimes have the name {name!r} ({id_list}); rename or exclude them")
    return sorted(definitions, key=lambda one: str(one["name"]))


def _definition(runtime: Mapping[str, Any]) -> dict[str, Any]:
    values = {field.name: field.to_definition(runtime.get(field.name)) for field in FIELDS}
    definition = {name: value for name, value in values.items() if value is not None}
    for name in ("min_cached_instances", "max_cached_instances"):
        if runtime.get(name) is None and not _is_a_pool(definition):
            # Some servers omit a count of zero, but this one has a different meaning.
            del definition[name]
    return definition


def _is_a_pool(definition: Mapping[str, Any]) -> bool:
    try:
        check_pool(definition)
    except ValidationError:
        return False
    return True


def gaps(definitions: Sequence[Mapping[str, Any]]) -> list[str]:
    """What applying these definitions cannot bring back, because the server has no value and a definition needs one.

    A line for each option, with the names of the runtimes.
    """
    names: dict[str, list[str]] = {}
    for one in definitions:
        for place in _gaps_of(one):
            names.setdefault(place, []).append(repr(one["name"]))
    return [
        f"{place}: {'all runtimes' if len(found) == len(definitions) > 1 else ', '.join(found)}"
        for place, found in names.items()
    ]


def _gaps_of(definition: Mapping[str, Any]) -> Iterator[str]:
    for field in FIELDS:
        if field.name not in definition:
            yield field.name
    resource = definition.get("resource")
    yield from (f"resource.{key}" for key in RESOURCE_KEYS if resource and key not in resource)
    for package in definition.get("packages", ()):
        if "version" not in package:
            yield f"version of the package {package['name']}"


def _check(definition: Mapping[str, Any]) -> None:
    """Raises ValidationError with every reason why this definition would not create the same runtime."""
    with ErrorList() as errors:
        for place, text in texts(definition):
            if any(mask in text for mask in ANSIBLE_MASKS):
                errors.add(f"{place} is masked by Ansible, because it contains a secret; use a longer secret")
            if "\x85" in text:
                # PyYAML writes it as a line break and reads that as a blank.
                errors.add(f"{place} contains the character U+0085 (next line), which a YAML file loses; remove it")
        errors.check(definition_from, {**definition, "name": definition.get("name", "")})
