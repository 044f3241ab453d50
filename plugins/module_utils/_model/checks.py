# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of what a task says of a runtime: numbers, versions, packages and resource limits; and of `projects`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import ErrorList, ValidationError, text_error
from .kinds import CPU_DECIMALS, RESOURCE_KEYS, Package, cpu_rounded, number

_NO_VERSION = re.compile(r"[<>=~*,;\s]|!=")
_SPECIFIER = re.compile(r"[<>=!~\s]")
_PINNED = re.compile(r"\s*([^<>=!~\s]+)\s*==\s*([^<>=!~*,;\s]+)\s*")


def checked_number(place: str, value: Any, whole: bool = True) -> Any:
    """The number in an option. Raises ValidationError: a backup holds whatever a server returned."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValidationError([f"{place} {value!r} is not a number"])
    if whole and not isinstance(value, int):
        raise ValidationError([f"{place} {value!r} is not a whole number"])
    return value


def at_least(place: str, value: Any, minimum: Any = 0) -> Any:
    """The number. Raises ValidationError if it is less."""
    if value < minimum:
        raise ValidationError([f"{place} must be at least {minimum}, not {value}"])
    return value


def positive(place: str, value: Any) -> Any:
    """The number. Raises ValidationError if it is not more than 0."""
    if not 0 < value < math.inf:
        raise ValidationError([f"{place} must be more than 0, not {value}"])
    return number(value)


def version_error(value: Any) -> str | None:
    """Why this is not only a version, as the rest of a sentence that starts with the option."""
    error = text_error(value)
    if error or not _NO_VERSION.search(value):
        return error
    plain = value.strip().removeprefix("==").strip()
    repair = "a version that the server offers" if not plain or _NO_VERSION.search(plain) else f'"{plain}"'
    return f"{value!r} is not only a version; write {repair}"


def packages_from(entries: Sequence[Mapping[str, Any]]) -> tuple[Package, ...]:
    """The packages. Raises ValidationError with all errors."""
    packages: list[Package] = []
    first: dict[str, int] = {}
    with ErrorList() as errors:
        for index, entry in enumerate(entries):
            place, version = f"packages[{index}]", entry.get("version")
            package = Package(entry["name"] or "", version or None, entry.get("description"))
            packages.append(package)
            error = None if version is None else version_error(version)
            if error:
                errors.add(f"{place}.version {error}")
            if not package.name.strip():
                errors.add(f"{place}.name {package.name!r} is empty")
            elif _SPECIFIER.search(package.name):
                pinned = _PINNED.fullmatch(package.name)
                repair = f'{{name: {pinned[1]}, version: "{pinned[2]}"}}' if pinned else "the version in version"
                errors.add(f"{place}.name {package.name!r} is not only a name; write {repair}")
            elif first.setdefault(package.key, index) != index:
                same = f"packages[{first[package.key]}]"
                errors.add(f"{place}.name {package.name!r} is the same package as {same}; list it once")
    return tuple(packages)


def _amount(key: str, place: str, value: Any) -> Any:
    amount = checked_number(place, value, whole=key != "cpu")
    if key == "mem":
        # The vendor's client refuses only a negative one [mstrio].
        return at_least(place, amount)
    # A whole number is displayed as the server's: Ansible makes cpu a float.
    return cpu_rounded(at_least(place, positive(place, amount), 10**-CPU_DECIMALS))


def amounts(place: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The amounts of a resource that are given. Raises ValidationError with the errors of all."""
    with ErrorList() as errors:
        keys = [key for key in RESOURCE_KEYS if options.get(key) is not None]
        return {key: errors.check(_amount, key, f"{place}.{key}", options[key]) for key in keys}


def check_projects(names: Sequence[str | None] | None) -> None:
    """Raises ValidationError for an empty list and for empty names."""
    with ErrorList() as errors:
        if names == []:
            errors.add("projects is empty, so no script would be found; omit it to search every project")
        for index, name in enumerate(names or ()):
            if not (name or "").strip():
                errors.add(f"projects[{index}] is empty")
