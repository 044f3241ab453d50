# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The resource limits of a runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .kinds import Kind, number

RESOURCE_KEYS = {"cpu": "cpu", "mem": "mem", "disk": "disk", "proc_count": "procCount"}
_NOTHING: Mapping[str, Any] = MappingProxyType({})


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
    """A number without an exponent and without trailing zeros: C(0.2), C(1)."""
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        return text if "e" not in text else f"{value:.12f}".rstrip("0").rstrip(".")
    return str(value)


def _from_api(value: Any) -> Resource | None:
    if not isinstance(value, Mapping):
        return None
    known = set(RESOURCE_KEYS.values())
    return Resource(
        **{key: number(value.get(api)) for key, api in RESOURCE_KEYS.items()},
        unknown={str(key): one for key, one in value.items() if key not in known},
    )


def _canonical(value: Resource | None) -> dict[str, Any]:
    return (value or Resource()).amounts


def _merge(current: Resource | None, wanted: Resource, _purge: bool) -> Resource:
    return (current or Resource())._replace(**wanted.given)


def _to_api(value: Resource) -> dict[str, Any]:
    body = {RESOURCE_KEYS[key]: amount for key, amount in value.given.items()}
    if "cpu" in body:
        body["cpu"] = _number_text(body["cpu"])
    return body


def _to_result(value: Resource) -> dict[str, Any]:
    return value.amounts


def _to_diff(value: Resource | None) -> dict[str, Any]:
    return (value or Resource()).given


def _to_definition(value: Mapping[str, Any]) -> dict[str, Any] | None:
    return {key: amount for key, amount in value.items() if amount is not None} or None


RESOURCE = Kind(
    _from_api,
    canonical=_canonical,
    merge=_merge,
    to_api=_to_api,
    to_result=_to_result,
    to_diff=_to_diff,
    to_definition=_to_definition,
)


def lost_keys(before: Resource | None, after: Resource | None) -> dict[str, Any]:
    """The unknown keys, with their values, that the resource had `before` a write and lacks `after` it."""
    have = (after or Resource()).unknown
    return {
        f"resource.{key}": value
        for key, value in (before or Resource()).unknown.items()
        if value is not None and have.get(key) is None
    }
