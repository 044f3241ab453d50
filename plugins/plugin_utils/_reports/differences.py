# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The differences between two values of a field, as texts for a console, for a page and for Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...module_utils._model.kinds import normalized_name, number, without_null

_IN_A_LINE = 20  # entries of a field


class Difference(NamedTuple):
    """One entry of a field that was added, removed or changed. `name`: of what changed, if it is an entry."""

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
    ways: dict[type, Callable[[Any, Any], list[Difference]]] = {dict: _of_keys, list: _of_lists}
    for kind, compare in ways.items():
        if all(isinstance(value, (kind, type(None))) for value in (before, after)):
            return compare(before or kind(), after or kind())
    # A server may hold anything.
    return [Difference("→", "", _value_text(before), _value_text(after))]


def _of_lists(was: list[Any], now: list[Any]) -> list[Difference]:
    """The differences of two lists of packages, which are compared by name, or of texts."""
    old, new = _by_name(was), _by_name(now)
    changed: list[Difference] = []
    added: list[Difference] = []
    for name, entry in new.items():
        if name in old:
            changed += _of_package(old[name], entry)
        else:
            added.append(Difference("+", "", "", _entry_text(entry)))
    removed = [Difference("-", "", _entry_text(entry), "") for name, entry in old.items() if name not in new]
    found = [*changed, *added, *removed]
    if not found and was != now:
        # Only the order or the number of equal entries differs: both whole values are shown.
        found.append(Difference("→", "", _value_text(was), _value_text(now)))
    return found


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
        return [f"{key} {number(item)}" for key, item in without_null(value).items()]
    return [*map(_entry_text, value)] if isinstance(value, list) else [str(value)]


def _of_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference("→", str(key), _value_text(before.get(key)), _value_text(after.get(key)))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _of_package(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """What differs between two packages of one name."""
    name = str(after.get("name"))
    old_version, new_version = (str(package.get("version") or "any version") for package in (before, after))
    if old_version != new_version:
        yield Difference("→", name, old_version, new_version)
    old_text, new_text = (package.get("description") or "" for package in (before, after))
    if old_text != new_text:
        texts = _value_text(old_text), _value_text(new_text)
        yield Difference("→", f"{name} description", *texts)


def _by_name(entries: list[Any]) -> dict[str, Mapping[str, Any]]:
    """Packages by their normalized names, and texts, which have nothing but a name, by themselves."""
    by_name: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if isinstance(entry, Mapping):
            by_name[normalized_name(str(entry.get("name")))] = entry
        else:
            by_name[str(entry)] = {"name": entry}
    return by_name


def _entry_text(entry: Any) -> str:
    """An entry of a list: a package with its version, or a text."""
    if not isinstance(entry, Mapping):
        return str(entry)
    name, version = entry.get("name"), entry.get("version")
    return f"{name} {version}" if version else str(name)


def _value_text(value: Any) -> str:
    """A value as text; strings are quoted, so that empty strings and spaces are visible."""
    if value is None:
        return "(not set)"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"'{value}'" if isinstance(value, str) else str(value)
