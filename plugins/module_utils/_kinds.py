# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of values that a runtime has: how each is read, compared, merged, sent and shown.

Wing: Model, pure.
A value is None (the server returned nothing) or of the kind's own frozen type. Servers hold what they
hold: reading never fails.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ._networks import in_order
from ._networks import stored as stored_network


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def number(value: Any) -> Any:
    """A number for what reads as one (C("0.20"), C("512"), 512.0), anything else as it is.

    The API sends cpu as a string [doc]; whether it may come back as no number at all is unknown.
    """
    read: Any = value
    if isinstance(value, str):
        try:
            read = int(value) if value.isdecimal() and len(value) < 16 else float(value)
        except ValueError:
            return value
    if isinstance(read, float) and not math.isfinite(read):
        # Not-a-number equals nothing, not even itself: as a text it can be compared.
        return str(value)
    return int(read) if isinstance(read, float) and read.is_integer() else read


def _number_text(value: Any) -> str:
    """A number without an exponent and without needless zeros: C(0.2), C(1)."""
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        return text if "e" not in text else f"{value:.12f}".rstrip("0").rstrip(".")
    return str(value)


class Package(NamedTuple):
    """A Python package of a runtime. An asked version that is empty or None means any."""

    name: str
    version: str | None = None
    description: str | None = None
    status: str | None = None
    message: str | None = None

    @property
    def key(self) -> str:
        """The normalised name (PEP 503): C(mstrio_py) and C(mstrio-py) are one package."""
        return re.sub(r"[-_.]+", "-", self.name).lower()

    def over(self, have: Package | None) -> Package:
        """This package as asked for, laid over what the server has: what is not asked for stays."""
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


class Resource(NamedTuple):
    """What a runtime may use: cpu in units of a core, mem in MB, disk and proc_count as the server counts them."""

    cpu: Any = None
    mem: Any = None
    disk: Any = None
    proc_count: Any = None


RESOURCE_KEYS = {"cpu": "cpu", "mem": "mem", "disk": "disk", "proc_count": "procCount"}


class Kind(NamedTuple):
    """How values of one kind are read, compared, merged, sent and shown. Compared means: `canonical` of both equal."""

    from_api: Callable[[Any], Any]
    canonical: Callable[[Any], Any]
    merge: Callable[[Any, Any, bool], Any]  # (current, wanted, purge) -> what the server is to hold
    to_api: Callable[[Any], Any]
    to_result: Callable[[Any], Any]
    to_diff: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _wanted(_current: Any, wanted: Any, _purge: bool) -> Any:
    return wanted


def _canonical_text(value: str | None) -> str:
    return value or ""


TEXT = Kind(_text, _canonical_text, _wanted, _same, _same, _canonical_text)
COUNT = Kind(number, _same, _wanted, _same, _same, _same)


def _listed(value: Any) -> list[Any] | None:
    if value is None:
        return None
    return value if isinstance(value, list) else [value]


def _networks_from_api(value: Any) -> tuple[str, ...] | None:
    entries = _listed(value)
    return None if entries is None else tuple(str(entry) for entry in entries)


def _networks_canonical(value: Iterable[str] | None) -> tuple[str, ...]:
    return in_order(stored_network(entry) for entry in value or ())


def _networks_merge(current: Iterable[str] | None, wanted: Iterable[str], purge: bool) -> tuple[str, ...]:
    kept = [] if purge else [stored_network(entry) for entry in current or ()]
    return tuple(dict.fromkeys([*kept, *wanted]))


def _list_or_none(value: Iterable[Any] | None) -> list[Any] | None:
    return None if value is None else list(value)


NETWORKS = Kind(
    _networks_from_api,
    _networks_canonical,
    _networks_merge,
    _list_or_none,
    _list_or_none,
    lambda value: list(_networks_canonical(value)),
)


def _package_from_api(entry: Any) -> Package:
    if not isinstance(entry, Mapping):
        return Package(str(entry))
    return Package(
        name=str(entry.get("name") or ""),
        **{key: _text(entry.get(key)) for key in ("version", "description", "status", "message")},
    )


def _packages_from_api(value: Any) -> tuple[Package, ...] | None:
    entries = _listed(value)
    return None if entries is None else tuple(_package_from_api(entry) for entry in entries)


def _packages_canonical(value: Iterable[Package] | None) -> tuple[tuple[str, str, str], ...]:
    return tuple(sorted((p.key, p.version or "", p.description or "") for p in value or ()))


def _packages_merge(current: Iterable[Package] | None, wanted: Iterable[Package], purge: bool) -> tuple[Package, ...]:
    have = list(current or ())
    by_key = {package.key: package for package in reversed(have)}
    asked = {package.key for package in wanted}
    kept = [] if purge else [package for package in have if package.key not in asked]
    return (*kept, *(package.over(by_key.get(package.key)) for package in wanted))


def _package_to_api(package: Package) -> dict[str, str]:
    # A package that stays goes back with the version that the server returned: an empty one would upgrade it.
    body = {"name": package.name, "version": package.version or ""}
    if package.description is not None:
        body["description"] = package.description
    return body


def _package_to_diff(package: Package) -> dict[str, str]:
    shown = {"name": package.name, "version": package.version or "", "description": package.description or ""}
    return {key: text for key, text in shown.items() if text or key == "name"}


PACKAGES = Kind(
    _packages_from_api,
    _packages_canonical,
    _packages_merge,
    lambda value: [_package_to_api(package) for package in value],
    lambda value: None if value is None else [package._asdict() for package in value],
    lambda value: [_package_to_diff(package) for package in sorted(value or (), key=lambda package: package.key)],
)


def _resource_from_api(value: Any) -> Resource | None:
    if not isinstance(value, Mapping):
        return None
    return Resource(**{key: number(value.get(api)) for key, api in RESOURCE_KEYS.items()})


def _resource_merge(current: Resource | None, wanted: Resource, _purge: bool) -> Resource:
    return (current or Resource())._replace(**{key: have for key, have in wanted._asdict().items() if have is not None})


def _resource_to_api(value: Resource) -> dict[str, Any]:
    body = {RESOURCE_KEYS[key]: have for key, have in value._asdict().items() if have is not None}
    if "cpu" in body:
        body["cpu"] = _number_text(body["cpu"])
    return body


RESOURCE = Kind(
    _resource_from_api,
    lambda value: value or Resource(),
    _resource_merge,
    _resource_to_api,
    lambda value: None if value is None else value._asdict(),
    lambda value: {key: have for key, have in (value or Resource())._asdict().items() if have is not None},
)
