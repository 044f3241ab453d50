# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The differences between two values of a field, as texts for a console, for a page and for Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from ...module_utils._model.kinds import normalized_name

_IN_A_LINE = 20  # entries of a field


class Difference(NamedTuple):
    """One entry of a field that was added, removed or changed. `name` is empty where the field has no entries."""

    sign: str  # "+", "-" or "→"
    name: str
    before: str
    after: str

    def text(self) -> str:
        """Such as `+10.200.0.0/16`, `-pandas 2.2.3` or `requests 2.32.3 → 2.32.4`, in one line."""
        if self.sign == "→":
            text = f"{self.name} {self.before} → {self.after}"
        else:
            text = f"{self.sign}{self.after or self.before}"
        return " ".join(text.split())


def differences(before: Any, after: Any) -> list[Difference]:
    """The differences between two values of a field, added entries first. None means that there was no value."""
    values = [value for value in (before, after) if value is not None]
    if all(isinstance(value, Mapping) for value in values):
        return _of_keys(before or {}, after or {})
    if all(isinstance(value, list) for value in values):
        return _of_lists(before or [], after or [])
    # A server may hold anything.
    return [Difference("→", "", _value_text(before), _value_text(after))]


def _of_lists(was: list[Any], now: list[Any]) -> list[Difference]:
    if all(isinstance(entry, Mapping) for entry in [*was, *now]):
        return _of_packages(was, now)
    return _of_texts(list(map(str, was)), list(map(str, now)))


def _of_texts(was: list[str], now: list[str]) -> list[Difference]:
    found = [Difference("+", entry, "", entry) for entry in now if entry not in was]
    found += [Difference("-", entry, entry, "") for entry in was if entry not in now]
    # If only the order or the number of equal entries differs, show both whole values.
    return found or [Difference("→", "", _value_text(was), _value_text(now))]


def difference_lines(field: str, before: Any, after: Any) -> Iterator[str]:
    """Everything that changes, such as `whitelist +10.200.0.0/16 -10.0.3.0/24`, in as many lines as it needs."""
    found = differences(before, after)
    separator = ", " if any(each.sign == "→" for each in found) else " "
    for start in range(0, len(found), _IN_A_LINE):
        part = found[start : start + _IN_A_LINE]
        yield f"{field} {separator.join(each.text() for each in part)}"


def value_texts(value: Any) -> list[str]:
    """The entries of a value as texts."""
    if isinstance(value, Mapping):
        return [f"{key} {item}" for key, item in value.items() if item is not None]
    if isinstance(value, list):
        return [_package(entry) if isinstance(entry, Mapping) else str(entry) for entry in value]
    return [str(value)]


def _of_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    keys = dict.fromkeys([*before, *after])
    return [
        Difference("→", str(key), _value_text(before.get(key)), _value_text(after.get(key)))
        for key in keys
        if before.get(key) != after.get(key)
    ]


def _of_packages(before: Any, after: Any) -> list[Difference]:
    was, now = _by_name(before), _by_name(after)
    changed = [_of_package(was[name], now[name]) for name in now if name in was]
    added = [Difference("+", name, "", _package(now[name])) for name in now if name not in was]
    removed = [Difference("-", name, _package(was[name]), "") for name in was if name not in now]
    return [*chain.from_iterable(changed), *added, *removed]


def _of_package(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    name = str(after.get("name"))
    old_version, new_version = _version(before), _version(after)
    if old_version != new_version:
        yield Difference("→", name, old_version, new_version)
    old_text, new_text = before.get("description") or "", after.get("description") or ""
    if old_text != new_text:
        yield Difference("→", f"{name} description", _value_text(old_text), _value_text(new_text))


def _version(package: Mapping[str, Any]) -> str:
    return str(package.get("version") or "any version")


def _by_name(packages: Any) -> dict[str, Mapping[str, Any]]:
    return {normalized_name(str(entry.get("name"))): entry for entry in packages}


def _package(package: Mapping[str, Any]) -> str:
    return f"{package.get('name')} {package.get('version') or ''}".strip()


def _value_text(value: Any) -> str:
    """A value as text; strings are quoted, so that empty strings and spaces are visible."""
    if value is None:
        return "(not set)"
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value) or "none"
    return f"'{value}'" if isinstance(value, str) else str(value)
