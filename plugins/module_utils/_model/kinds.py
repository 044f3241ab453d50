# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of values: how text, numbers, networks, packages and resource limits are read, compared, merged and sent.

A value is None (the server returned nothing) or of the kind's own immutable type. Reading never fails, whatever the
server stores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from .networks import as_network, order

EMPTY_MAPPING: Mapping[str, Any] = MappingProxyType({})
_T = TypeVar("_T")


class ValueKind:
    """How values of one kind are handled. `from_api`: reads the value in a response, but not null.

    `empty`: what None is equal to. Each method takes it in place of None.
    """

    def __init__(self, from_api: Callable[[Any], Any], empty: Any = None) -> None:
        self.from_api, self.empty = from_api, empty

    def or_empty(self, value: Any) -> Any:
        """The value, `empty` for None."""
        return self.empty if value is None else value

    def is_equal(self, one: Any, other: Any) -> bool:
        """Whether two values mean the same. Either may be None."""
        return bool(one == other or self.canonical(self.or_empty(one)) == self.canonical(self.or_empty(other)))

    def merge(self, _current: Any, value: Any, _purge: bool) -> Any:
        """The value to send. `purge`: whether what only `current` has is removed."""
        return value

    def canonical(self, value: Any) -> Any:
        """Equal for two values that mean the same."""
        return value

    to_api = canonical  # the value in a request
    to_result = canonical  # the value in a result
    to_diff = canonical  # the value in a diff
    to_definition = canonical  # the value for a definition, from the value in a result


def without_null(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None."""
    return {key: value for key, value in values.items() if value is not None}


def _read_list(convert: Callable[[Any], _T], value: Any) -> tuple[_T, ...]:
    """The entries of a list of the API. A single entry without a list becomes a list of one.

    A null or empty entry, such as in `[null]`, means nothing.
    """
    entries = value if isinstance(value, list) else [value]
    return tuple(convert(entry) for entry in entries if entry is not None and entry != "")


def number(value: Any) -> Any:
    """The number in "0.20", "512" or 512.0; any other value unchanged.

    The API sends cpu as a string [doc]. Whether a server may return a text that is not a number is unknown.
    """
    try:
        read = float(value) if isinstance(value, str) else value
        return int(read) if isinstance(read, float) and read == int(read) else read
    except (OverflowError, ValueError):
        # Text, or not-a-number, which is not even equal to itself, or infinity. As text they can be compared.
        return str(value)


class _Networks(ValueKind):
    def canonical(self, value: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(set(map(as_network, value)), key=order))

    def merge(self, current: Iterable[str], value: Iterable[str], purge: bool) -> tuple[str, ...]:
        kept = () if purge else map(as_network, current)
        return tuple(dict.fromkeys([*kept, *value]))

    def to_api(self, value: Iterable[str]) -> list[str]:
        return list(value)

    to_result = to_api

    def to_diff(self, value: Iterable[str]) -> list[str]:
        return list(self.canonical(value))

    to_definition = to_diff


@lru_cache(maxsize=8192)  # servers with many runtimes hold the same packages many times
def normalized_name(name: str) -> str:
    """The normalized name (PEP 503): `mstrio_py` and `mstrio-py` are the same package."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Package(NamedTuple):
    """A Python package of a runtime."""

    name: str
    version: str | None = None
    description: str | None = None
    status: str | None = None
    message: str | None = None

    @property
    def key(self) -> str:
        """The name by which packages are compared."""
        return normalized_name(self.name)

    @property
    def has_version(self) -> bool:
        """Whether it has one version. None, an empty one and `latest` mean any version."""
        return self.version not in (None, "", "latest")

    def merged_onto(self, have: Package | None) -> Package:
        """This requested package merged with the server's package `have`: values that are not requested stay."""
        if have is None:
            return self
        version = self.version if self.has_version else have.version
        description = have.description if self.description is None else self.description
        merged = have._replace(version=version, description=description)
        return merged if (version or "") == (have.version or "") else merged._replace(status=None, message=None)


def _package(entry: Any) -> Package:
    if not isinstance(entry, Mapping):
        return Package(str(entry))
    texts = {key: str(text) for key, text in without_null(entry).items() if key in Package._fields}
    return Package(**{"name": "", **texts})


class _Packages(ValueKind):
    def canonical(self, value: Iterable[Package]) -> tuple[tuple[str, str, str], ...]:
        return tuple(sorted((package.key, package.version or "", package.description or "") for package in value))

    def merge(self, current: Iterable[Package], value: Iterable[Package], purge: bool) -> tuple[Package, ...]:
        have = {package.key: package for package in current}
        merged = {package.key: package.merged_onto(have.get(package.key)) for package in value}
        kept = [] if purge else [package for key, package in have.items() if key not in merged]
        return (*kept, *merged.values())

    def to_api(self, value: Iterable[Package]) -> list[dict[str, str]]:
        # Send an unchanged package with the version that the server returned: an empty version would upgrade it.
        return [
            without_null({"name": package.name, "version": package.version or "", "description": package.description})
            for package in value
        ]

    def to_result(self, value: Iterable[Package]) -> list[dict[str, Any]]:
        return [package._asdict() for package in value]

    def to_diff(self, value: Iterable[Package]) -> list[dict[str, str]]:
        shown = []
        for package in sorted(value, key=lambda package: package.key):
            texts = {"version": package.version, "description": package.description}
            shown.append({"name": package.name, **{key: text for key, text in texts.items() if text}})
        return shown

    def to_definition(self, value: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        packages = [{key: entry.get(key) or "" for key in ("name", "version", "description")} for entry in value]
        for package in packages:
            if not package["version"]:
                # A definition cannot ask for "any version" in place of a version, but it can clear a description.
                del package["version"]
        return sorted(packages, key=lambda package: str(package["name"]))


CPU_DECIMALS = 12
RESOURCE_KEYS = {"cpu": "cpu", "mem": "mem", "disk": "disk", "proc_count": "procCount"}


class Resource(NamedTuple):
    """Resource limits: cpu in cores, mem in MB, disk and proc_count in the units of the server."""

    cpu: Any = None
    mem: Any = None
    disk: Any = None
    proc_count: Any = None


def cpu_rounded(value: Any) -> Any:
    """An amount of cpu with the 12 decimals that are sent and compared."""
    return number(round(value, CPU_DECIMALS)) if isinstance(value, float) else value


def _resource(value: Any) -> Resource | None:
    if not isinstance(value, Mapping):
        return None
    return Resource(**{key: number(value.get(api)) for key, api in RESOURCE_KEYS.items()})


class _ResourceKind(ValueKind):
    def canonical(self, value: Resource) -> dict[str, Any]:
        return without_null({**value._asdict(), "cpu": cpu_rounded(value.cpu)})

    def merge(self, current: Resource, value: Resource, _purge: bool) -> Resource:
        return current._replace(**without_null(value._asdict()))

    def to_api(self, value: Resource) -> dict[str, Any]:
        body = {RESOURCE_KEYS[key]: amount for key, amount in without_null(value._asdict()).items()}
        if isinstance(value.cpu, float):
            # Without an exponent and without trailing zeros: 0.2, 1
            body["cpu"] = f"{value.cpu:.{CPU_DECIMALS}f}".rstrip("0").rstrip(".")
        elif value.cpu is not None:
            body["cpu"] = str(value.cpu)
        return body

    def to_result(self, value: Resource) -> dict[str, Any]:
        return value._asdict()

    def to_diff(self, value: Resource) -> dict[str, Any]:
        return without_null(value._asdict())

    def to_definition(self, value: Mapping[str, Any]) -> dict[str, Any] | None:
        return without_null(value) or None


TEXT, NUMBER = ValueKind(str, ""), ValueKind(number)
COUNT = ValueKind(number, 0)  # some servers omit a count of zero
NETWORKS = _Networks(partial(_read_list, str), ())
PACKAGES = _Packages(partial(_read_list, _package), ())
RESOURCE = _ResourceKind(_resource, Resource())
