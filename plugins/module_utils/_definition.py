# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wants of one runtime: a task's options, checked before anything is sent.

Wing: Model, pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ._errors import ValidationError
from ._fields import FIELDS, PURGEABLE
from ._kinds import RESOURCE_KEYS, Package, Resource
from ._names import id_from, name_fault
from ._networks import canonical as canonical_network
from ._policy import Policy

DEFINITION_OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "id": {"type": "str"},
    **{field.name: dict(field.spec) for field in FIELDS},
    **{f"purge_{option}": {"type": "bool", "default": True} for option in PURGEABLE},
    "journal_comment": {"type": "str"},
}
_SPECIFIER = re.compile(r"[<>=!~\s]")


class Definition(NamedTuple):
    """One runtime as wanted. `values` holds the managed fields alone, by option name, in the fields' frozen types."""

    state: str
    values: Mapping[str, Any]
    id: str | None = None
    name: str | None = None
    keep: frozenset[str] = frozenset()  # lists whose other entries may stay
    journal_comment: str | None = None

    @property
    def label(self) -> str:
        """How sentences name the runtime."""
        return f"'{self.name}'" if self.name and not self.id else f"with id {self.id}"


def from_params(params: Mapping[str, Any], policy: Policy | None = None) -> Definition:
    """The definition that a task's options write; omitted and null are alike. `policy` judges its whitelist.

    Raises ValidationError with every fault at once.
    """
    faults: list[str] = []
    name, identity = params.get("name"), params.get("id")
    if name is None and identity is None:
        faults.append("one of name and id is required")
    fault = None if name is None else name_fault(name)
    if fault:
        faults.append(f"name {name!r} {fault}")
    try:
        identity = id_from(identity)
    except ValidationError as exc:
        faults += exc.faults
    values: dict[str, Any] = {}
    for field in FIELDS:
        given = params.get(field.name)
        if given is None:
            continue
        check = _CHECKS.get(field.name)
        if check is not None:
            values[field.name] = check(given, faults)
            continue
        if isinstance(given, int) and given < field.least:
            faults.append(f"{field.name} {given} is out of range; it is at least {field.least}")
        values[field.name] = given
    if policy and params.get("state") != "absent":
        faults += policy.faults(_judgeable(params.get("whitelist")))
    if values.get("resource") == Resource():
        del values["resource"]
    faults += pool_faults(values)
    if faults:
        raise ValidationError(faults)
    return Definition(
        state=params.get("state") or "present",
        values=values,
        id=identity,
        name=name,
        keep=frozenset(option for option in PURGEABLE if params.get(f"purge_{option}") is False),
        journal_comment=params.get("journal_comment") or None,
    )


def pool_faults(values: Mapping[str, Any]) -> list[str]:
    """A fault where the pool's minimum exceeds its maximum. The server wants min <= max [mstrio]."""
    least, most = values.get("min_cached_instances"), values.get("max_cached_instances")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        return [f"min_cached_instances {least} is more than max_cached_instances {most}"]
    return []


def _networks(given: list[str], faults: list[str]) -> tuple[str, ...]:
    blocks = []
    for index, text in enumerate(given):
        try:
            blocks.append(canonical_network(text))
        except ValueError as exc:
            faults.append(f"whitelist[{index}] {text!r} {exc}")
    return tuple(dict.fromkeys(blocks))


def _judgeable(given: list[str] | None) -> Iterator[tuple[int, str]]:
    """The entries that are blocks; of the others a fault is told already."""
    for index, text in enumerate(given or ()):
        try:
            yield index, canonical_network(text)
        except ValueError:
            continue


def _packages(given: list[Mapping[str, Any]], faults: list[str]) -> tuple[Package, ...]:
    packages: list[Package] = []
    seen: dict[str, int] = {}
    for index, entry in enumerate(given):
        package = Package(entry["name"] or "", entry.get("version") or None, entry.get("description"))
        packages.append(package)
        if not package.name.strip():
            faults.append(f"packages[{index}].name {package.name!r} is empty")
        elif _SPECIFIER.search(package.name):
            faults.append(f"packages[{index}].name {package.name!r} is more than a name; a version goes into version")
        elif package.key in seen:
            first = seen[package.key]
            faults.append(f"packages[{index}].name {package.name!r} is the package of packages[{first}] again")
        seen.setdefault(package.key, index)
    return tuple(packages)


def _resource(given: Mapping[str, Any], faults: list[str]) -> Resource:
    for key in RESOURCE_KEYS:
        value = given.get(key)
        if value is not None and not (math.isfinite(value) and value > 0):
            faults.append(f"resource.{key} {value} is out of range; it is more than 0")
    return Resource(**{key: given.get(key) for key in RESOURCE_KEYS})


_CHECKS: dict[str, Callable[[Any, list[str]], Any]] = {
    "whitelist": _networks,
    "packages": _packages,
    "resource": _resource,
}
