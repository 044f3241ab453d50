# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How values of one kind are read, compared, merged, sent and shown; the kinds whose values are plain.

Wing: Model, pure.
A value is None (the server returned nothing) or of the kind's own frozen type. Servers hold what they
hold: reading never fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ._networks import as_network, in_order


def _same(value: Any) -> Any:
    return value


def _wanted(_current: Any, wanted: Any, _purge: bool) -> Any:
    return wanted


class Kind(NamedTuple):
    """How values of one kind are handled. Two values are equal when `canonical` of both is equal.

    `merge` takes (current, wanted, purge) and returns what the server is to hold. `to_definition` takes a value as a
    result shows it, and returns what a definition of it says. `to_result` and `to_definition` never get None.
    """

    from_api: Callable[[Any], Any]
    canonical: Callable[[Any], Any] = _same
    merge: Callable[[Any, Any, bool], Any] = _wanted
    to_api: Callable[[Any], Any] = _same
    to_result: Callable[[Any], Any] = _same
    to_diff: Callable[[Any], Any] = _same
    to_definition: Callable[[Any], Any] = _same


def text_or_none(value: Any) -> str | None:
    """The text of a value of the API."""
    return None if value is None else str(value)


def entries_or_none(value: Any) -> list[Any] | None:
    """The entries of a list of the API, also where a server returned a single one bare."""
    if value is None:
        return None
    return value if isinstance(value, list) else [value]


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


def _canonical_text(value: str | None) -> str:
    return value or ""


def _canonical_count(value: Any) -> Any:
    # Some servers leave out a count of zero.
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
