# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of a runtime."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .kinds import Kind, entries_or_none, text_or_none

_TEXTS = ("version", "description", "status", "message")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Package(NamedTuple):
    """A Python package of a runtime. A requested version that is empty or None means any version.

    `unknown` holds keys from a newer server that this collection does not know. They are never sent.
    """

    name: str
    version: str | None = None
    description: str | None = None
    status: str | None = None
    message: str | None = None
    unknown: Mapping[str, Any] = _NOTHING

    @property
    def key(self) -> str:
        """The normalised name (PEP 503): C(mstrio_py) and C(mstrio-py) are the same package."""
        return re.sub(r"[-_.]+", "-", self.name).lower()

    def over(self, have: Package | None) -> Package:
        """This requested package merged with the server's package `have`: values that are not requested stay."""
        if have is None:
            return self
        version = self.version or have.version
        description = have.description if self.description is None else self.description
        fresh = (version or "") != (have.version or "")
        return have._replace(
            version=version,
            description=description,
            status=None if fresh else have.status,
            message=None if fresh else have.message,
        )


def _package_from_api(entry: Any) -> Package:
    if not isinstance(entry, Mapping):
        return Package(str(entry))
    return Package(
        name=str(entry.get("name") or ""),
        **{key: text_or_none(entry.get(key)) for key in _TEXTS},
        unknown={str(key): value for key, value in entry.items() if key != "name" and key not in _TEXTS},
    )


def _from_api(value: Any) -> tuple[Package, ...] | None:
    entries = entries_or_none(value)
    return None if entries is None else tuple(_package_from_api(entry) for entry in entries)


def _canonical(value: Iterable[Package] | None) -> tuple[tuple[str, str, str], ...]:
    return tuple(sorted((p.key, p.version or "", p.description or "") for p in value or ()))


def _merge(current: Iterable[Package] | None, wanted: Iterable[Package], purge: bool) -> tuple[Package, ...]:
    have = list(current or ())
    by_key = {package.key: package for package in reversed(have)}
    requested = {package.key for package in wanted}
    kept = [] if purge else [package for package in have if package.key not in requested]
    return (*kept, *(package.over(by_key.get(package.key)) for package in wanted))


def _to_api(value: Iterable[Package]) -> list[dict[str, str]]:
    return [_package_to_api(package) for package in value]


def _package_to_api(package: Package) -> dict[str, str]:
    # Send an unchanged package with the version that the server returned: an empty version would upgrade it.
    body = {"name": package.name, "version": package.version or ""}
    if package.description is not None:
        body["description"] = package.description
    return body


def _to_result(value: Iterable[Package]) -> list[dict[str, Any]]:
    return [{"name": package.name, **{key: getattr(package, key) for key in _TEXTS}} for package in value]


def _to_diff(value: Iterable[Package] | None) -> list[dict[str, str]]:
    return [_package_to_diff(package) for package in sorted(value or (), key=lambda package: package.key)]


def _package_to_diff(package: Package) -> dict[str, str]:
    texts = {"name": package.name, "version": package.version or "", "description": package.description or ""}
    return {key: text for key, text in texts.items() if text or key == "name"}


def _to_definition(value: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    packages = [
        {"name": "", **{key: entry[key] for key in ("name", "version", "description") if entry.get(key)}}
        for entry in value
    ]
    return sorted(packages, key=lambda package: str(package["name"]))


PACKAGES = Kind(
    _from_api,
    canonical=_canonical,
    merge=_merge,
    to_api=_to_api,
    to_result=_to_result,
    to_diff=_to_diff,
    to_definition=_to_definition,
)


def lost_keys(before: Iterable[Package] | None, after: Iterable[Package] | None) -> dict[str, Any]:
    """The unknown keys, with their values, that remaining packages had `before` a write and lack `after` it."""
    have = {package.key: package.unknown for package in after or ()}
    return {
        f"packages['{package.name}'].{key}": value
        for package in before or ()
        for key, value in package.unknown.items()
        if value is not None and package.key in have and have[package.key].get(key) is None
    }
