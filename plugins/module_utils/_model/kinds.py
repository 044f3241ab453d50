# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of values: how text, numbers, networks, packages and resource limits are read, compared, merged and sent.

A value is None (the server returned nothing) or of the kind's own immutable type. Reading never fails, whatever the
server stores.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .networks import as_network, in_order

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _same(value: Any) -> Any:
    return value


def _wanted(_current: Any, wanted: Any, _purge: bool) -> Any:
    return wanted


def _nothing_lost(_before: Any, _after: Any) -> Mapping[str, Any]:
    return _NOTHING


class Kind(NamedTuple):
    """How values of one kind are handled. Two values are equal when `canonical` of both is equal.

    `merge` takes (current, wanted, purge) and returns the value to send. `to_definition` takes a value from a result
    and returns the value for a definition. `lost` takes the values before and after a write, and returns the keys, with
    their values, that this collection does not know and the server dropped. `to_result` and `to_definition` are never
    called with None.
    """

    from_api: Callable[[Any], Any]
    canonical: Callable[[Any], Any] = _same
    merge: Callable[[Any, Any, bool], Any] = _wanted
    to_api: Callable[[Any], Any] = _same
    to_result: Callable[[Any], Any] = _same
    to_diff: Callable[[Any], Any] = _same
    to_definition: Callable[[Any], Any] = _same
    lost: Callable[[Any, Any], Mapping[str, Any]] = _nothing_lost


def text_or_none(value: Any) -> str | None:
    """A value of the API as text; None stays None."""
    return None if value is None else str(value)


def entries_or_none(value: Any) -> list[Any] | None:
    """The entries of a list of the API. A single entry without a list becomes a list of one; None stays None.

    A null or empty entry, such as in `[null]`, means nothing.
    """
    if value is None:
        return None
    return [one for one in (value if isinstance(value, list) else [value]) if one is not None and one != ""]


def number(value: Any) -> Any:
    """The number in "0.20", "512" or 512.0; any other value unchanged.

    The API sends cpu as a string [doc]. Whether a server may return a text that is not a number is unknown.
    """
    read: Any = value
    if isinstance(value, str):
        try:
            read = int(value) if value.isdecimal() and len(value) < 16 else float(value)
        except ValueError:
            return value
    if isinstance(read, float) and not math.isfinite(read):
        # Not-a-number is not even equal to itself. As text it can be compared.
        return str(value)
    return int(read) if isinstance(read, float) and read.is_integer() else read


def _canonical_text(value: str | None) -> str:
    return value or ""


def _canonical_count(value: Any) -> Any:
    # Some servers omit a count of zero.
    return 0 if value is None else value


TEXT = Kind(text_or_none, canonical=_canonical_text, to_diff=_canonical_text)
NUMBER = Kind(number)
COUNT = Kind(number, canonical=_canonical_count, to_diff=_canonical_count)


def _networks_from_api(value: Any) -> tuple[str, ...] | None:
    entries = entries_or_none(value)
    return None if entries is None else tuple(str(entry) for entry in entries)


def _networks_canonical(value: Iterable[str] | None) -> tuple[str, ...]:
    return in_order(as_network(entry) for entry in value or ())


def _networks_merge(current: Iterable[str] | None, wanted: Iterable[str], purge: bool) -> tuple[str, ...]:
    kept = [] if purge else [as_network(entry) for entry in current or ()]
    return tuple(dict.fromkeys([*kept, *wanted]))


def _networks_listed(value: Iterable[str] | None) -> list[str]:
    return list(_networks_canonical(value))


NETWORKS = Kind(
    _networks_from_api,
    canonical=_networks_canonical,
    merge=_networks_merge,
    to_api=list,
    to_result=list,
    to_diff=_networks_listed,
    to_definition=_networks_listed,
)


_TEXTS = ("version", "description", "status", "message")


def normalized(name: str) -> str:
    """The normalized name (PEP 503): `mstrio_py` and `mstrio-py` are the same package."""
    return re.sub(r"[-_.]+", "-", name).lower()


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
        """The name by which packages are compared."""
        return normalized(self.name)

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


def _packages_from_api(value: Any) -> tuple[Package, ...] | None:
    entries = entries_or_none(value)
    return None if entries is None else tuple(_package_from_api(entry) for entry in entries)


def _packages_canonical(value: Iterable[Package] | None) -> tuple[tuple[str, str, str], ...]:
    return tuple(sorted((p.key, p.version or "", p.description or "") for p in value or ()))


def _packages_merge(current: Iterable[Package] | None, wanted: Iterable[Package], purge: bool) -> tuple[Package, ...]:
    have = list(current or ())
    by_key = {package.key: package for package in reversed(have)}
    requested = {package.key for package in wanted}
    kept = [] if purge else [package for package in have if package.key not in requested]
    return (*kept, *(package.over(by_key.get(package.key)) for package in wanted))


def _packages_to_api(value: Iterable[Package]) -> list[dict[str, str]]:
    return [_package_to_api(package) for package in value]


def _package_to_api(package: Package) -> dict[str, str]:
    # Send an unchanged package with the version that the server returned: an empty version would upgrade it.
    body = {"name": package.name, "version": package.version or ""}
    if package.description is not None:
        body["description"] = package.description
    return body


def _packages_to_result(value: Iterable[Package]) -> list[dict[str, Any]]:
    return [{"name": package.name, **{key: getattr(package, key) for key in _TEXTS}} for package in value]


def _packages_to_diff(value: Iterable[Package] | None) -> list[dict[str, str]]:
    return [_package_to_diff(package) for package in sorted(value or (), key=lambda package: package.key)]


def _package_to_diff(package: Package) -> dict[str, str]:
    texts = {"name": package.name, "version": package.version or "", "description": package.description or ""}
    return {key: text for key, text in texts.items() if text or key == "name"}


def _packages_to_definition(value: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    # A definition cannot ask for "any version" in place of a version, but it can clear a description.
    packages = [
        {
            "name": entry.get("name") or "",
            **({"version": entry["version"]} if entry.get("version") else {}),
            "description": entry.get("description") or "",
        }
        for entry in value
    ]
    return sorted(packages, key=lambda package: str(package["name"]))


def _packages_lost(before: Iterable[Package] | None, after: Iterable[Package] | None) -> dict[str, Any]:
    """The unknown keys, with their values, that remaining packages had `before` a write and lack `after` it."""
    have = {package.key: package.unknown for package in after or ()}
    return {
        f"packages['{package.name}'].{key}": value
        for package in before or ()
        for key, value in package.unknown.items()
        if value is not None and package.key in have and have[package.key].get(key) is None
    }


PACKAGES = Kind(
    _packages_from_api,
    canonical=_packages_canonical,
    merge=_packages_merge,
    to_api=_packages_to_api,
    to_result=_packages_to_result,
    to_diff=_packages_to_diff,
    to_definition=_packages_to_definition,
    lost=_packages_lost,
)


RESOURCE_KEYS = {"cpu": "cpu", "mem": "mem", "disk": "disk", "proc_count": "procCount"}


class Resource(NamedTuple):
    """Resource limits: cpu in cores, mem in MB, disk and proc_count in the units of the server.

    `unknown` holds keys from a newer server that this collection does not know. They are never sent.
    """

    cpu: Any = None
    mem: Any = None
    disk: Any = None
    proc_count: Any = None
    unknown: Mapping[str, Any] = _NOTHING

    @property
    def amounts(self) -> dict[str, Any]:
        """Every amount by option name; None if it is not set."""
        return {key: getattr(self, key) for key in RESOURCE_KEYS}

    @property
    def given(self) -> dict[str, Any]:
        """The amounts that are set, by option name."""
        return {key: amount for key, amount in self.amounts.items() if amount is not None}


def _number_text(value: Any) -> str:
    """A number without an exponent and without trailing zeros: 0.2, 1."""
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        return text if "e" not in text else f"{value:.12f}".rstrip("0").rstrip(".")
    return str(value)


def _resource_from_api(value: Any) -> Resource | None:
    if not isinstance(value, Mapping):
        return None
    known = set(RESOURCE_KEYS.values())
    return Resource(
        **{key: number(value.get(api)) for key, api in RESOURCE_KEYS.items()},
        unknown={str(key): one for key, one in value.items() if key not in known},
    )


def _resource_canonical(value: Resource | None) -> dict[str, Any]:
    return (value or Resource()).amounts


def _resource_merge(current: Resource | None, wanted: Resource, _purge: bool) -> Resource:
    return (current or Resource())._replace(**wanted.given)


def _resource_to_api(value: Resource) -> dict[str, Any]:
    body = {RESOURCE_KEYS[key]: amount for key, amount in value.given.items()}
    if "cpu" in body:
        body["cpu"] = _number_text(body["cpu"])
    return body


def _resource_to_result(value: Resource) -> dict[str, Any]:
    return value.amounts


def _resource_to_diff(value: Resource | None) -> dict[str, Any]:
    return (value or Resource()).given


def _resource_to_definition(value: Mapping[str, Any]) -> dict[str, Any] | None:
    return {key: amount for key, amount in value.items() if amount is not None} or None


def _resource_lost(before: Resource | None, after: Resource | None) -> dict[str, Any]:
    """The unknown keys, with their values, that the resource had `before` a write and lacks `after` it."""
    have = (after or Resource()).unknown
    return {
        f"resource.{key}": value
        for key, value in (before or Resource()).unknown.items()
        if value is not None and have.get(key) is None
    }


RESOURCE = Kind(
    _resource_from_api,
    canonical=_resource_canonical,
    merge=_resource_merge,
    to_api=_resource_to_api,
    to_result=_resource_to_result,
    to_diff=_resource_to_diff,
    to_definition=_resource_to_definition,
    lost=_resource_lost,
)
