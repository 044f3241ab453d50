# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How values of one kind are read, compared, merged, sent and displayed; the kinds with plain values.

A value is None (the server returned nothing) or of the kind's own immutable type. Reading never fails, whatever the
server stores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .networks import as_network, in_order


def _same(value: Any) -> Any:
    return value


def _wanted(_current: Any, wanted: Any, _purge: bool) -> Any:
    return wanted


class Kind(NamedTuple):
    """How values of one kind are handled. Two values are equal when `canonical` of both is equal.

    `merge` takes (current, wanted, purge) and returns the value to send. `to_definition` takes a value from a result
    and returns the value for a definition. `to_result` and `to_definition` are never called with None.
    """

    from_api: Callable[[Any], Any]
    canonical: Callable[[Any], Any] = _same
    merge: Callable[[Any, Any, bool], Any] = _wanted
    to_api: Callable[[Any], Any] = _same
    to_result: Callable[[Any], Any] = _same
    to_diff: Callable[[Any], Any] = _same
    to_definition: Callable[[Any], Any] = _same


def text_or_none(value: Any) -> str | None:
    """A value of the API as text; None stays None."""
    return None if value is None else str(value)


def entries_or_none(value: Any) -> list[Any] | None:
    """The entries of a list of the API. A single entry without a list becomes a list of one; None stays None."""
    if value is None:
        return None
    return value if isinstance(value, list) else [value]


def number(value: Any) -> Any:
    """The number in C("0.20"), C("512") or 512.0; any other value unchanged.

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
