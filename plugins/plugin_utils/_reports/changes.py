# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of one field of a runtime, entry by entry, as readable text.

Pure: takes the `changes` of a result, in the vocabulary of `mstr.library.mstr_runtime`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.mstr.library.plugins.module_utils._model.kinds import normalized_name

# Limits for a line of text; the report's file contains the whole change.
_MARKS = 6
_LONGEST = 60


class Mark(NamedTuple):
    """One entry of a field that was added, removed or changed. `name` is empty where the field has no entries."""

    sign: str  # "+", "-" or "→"
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        """As in `+10.200.0.0/16`, `-pandas 2.2.3` or `requests 2.32.3 → 2.32.4`."""
        if self.sign == "→":
            return f"{self.name} {_short(self.before)} → {_short(self.after)}".strip()
        return f"{self.sign}{_short(self.after or self.before)}"


def marks(before: Any, after: Any) -> list[Mark]:
    """The differences between two values of a field, added entries first. None means that there was no value."""
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        return _of_keys(before or {}, after or {})
    if not (isinstance(before, list) or isinstance(after, list)):
        return [Mark("→", "", _value_text(before), _value_text(after))]
    if all(isinstance(one, Mapping) for one in [*(before or ()), *(after or ())]):
        return _of_packages(before or (), after or ())
    was, now = [str(one) for one in before or ()], [str(one) for one in after or ()]
    added = [Mark("+", one, "", one) for one in now if one not in was]
    removed = [Mark("-", one, one, "") for one in was if one not in now]
    # If only the order or the number of equal entries differs, show both whole values.
    return [*added, *removed] or [Mark("→", "", _value_text(was), _value_text(now))]


def line(field: str, before: Any, after: Any) -> str:
    """One short line, such as `whitelist +10.200.0.0/16 -10.0.3.0/24`."""
    found = marks(before, after)
    separator = ", " if any(one.sign == "→" for one in found) else " "
    text = separator.join(str(one) for one in found[:_MARKS])
    more = f" and {len(found) - _MARKS} more" if len(found) > _MARKS else ""
    return f"{field} {text}{more}"


def _of_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Mark]:
    keys = dict.fromkeys([*before, *after])
    return [
        Mark("→", str(key), _value_text(before.get(key)), _value_text(after.get(key)))
        for key in keys
        if before.get(key) != after.get(key)
    ]


def _of_packages(before: Any, after: Any) -> list[Mark]:
    was, now = _by_name(before), _by_name(after)
    added = [Mark("+", name, "", _package(one)) for name, one in now.items() if name not in was]
    removed = [Mark("-", name, _package(one), "") for name, one in was.items() if name not in now]
    return [
        *(mark for name, one in now.items() if name in was for mark in _of_package(was[name], one)),
        *added,
        *removed,
    ]


def _of_package(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Mark]:
    name = str(after.get("name"))
    versions = str(before.get("version") or "any version"), str(after.get("version") or "any version")
    if versions[0] != versions[1]:
        yield Mark("→", name, *versions)
    texts = before.get("description") or "", after.get("description") or ""
    if texts[0] != texts[1]:
        yield Mark("→", f"{name} description", _value_text(texts[0]), _value_text(texts[1]))


def _by_name(packages: Any) -> dict[str, Mapping[str, Any]]:
    return {normalized_name(str(one.get("name"))): one for one in packages}


def _package(package: Mapping[str, Any]) -> str:
    return f"{package.get('name')} {package.get('version') or ''}".strip()


def _value_text(value: Any) -> str:
    """A value as text; strings are quoted, so that empty strings and spaces are visible."""
    if value is None:
        return "(not set)"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "(empty)"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
