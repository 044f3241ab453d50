# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wants of one runtime: a task's options, checked before anything is sent.

Wing: Model, pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ._errors import ValidationError
from ._fields import FIELDS, PURGEABLE
from ._kinds import RESOURCE_KEYS, Package, Resource
from ._networks import canonical as canonical_network
from ._policy import Policy

# The one runtime that every server is built with [doc]. Its name is translated on some servers, its id is not.
DEFAULT_RUNTIME_ID = "0F35652CA7D041978BF0CBCB67531203"

_ID = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
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
    if name is not None and not name.strip():
        faults.append(f"name {name!r} is empty")
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


def id_from(text: str | None) -> str | None:
    """An id as the server writes it, with capital letters. Raises ValidationError."""
    if text is not None and not _ID.fullmatch(text):
        raise ValidationError([f"id {text!r} is none; an id has 32 hex digits"])
    return text.upper() if text else text


def is_named(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is that name, or fits it as a shell pattern: a name may hold brackets itself."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


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
