# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of files without control characters, values in plain types, and values in groups. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ...module_utils._text import HIDDEN, SURROGATE

# Tabs and line ends stay, because they lay out a text.
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(?:\+0000|\+00:00|Z)")
_RAW_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f{HIDDEN}]")
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def json_text(content: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """The text of a JSON file."""
    return without_controls(json.dumps(content, indent=2, sort_keys=sort_keys, ensure_ascii=False), escaped=True)


def without_controls(text: str, *, escaped: bool = False) -> str:
    """The text of a file without raw control and direction characters, which drive the terminal of who reads it.

    Tabs and line ends stay. `escaped`: the text is JSON, or YAML that has each of them in double quotes; then an escape
    takes their place, else the replacement character.
    """
    text = SURROGATE.sub("\ufffd", text.replace("\r\n", "\n"))
    return _RAW_CONTROL.sub(lambda control: f"\\u{ord(control.group()):04x}" if escaped else "\ufffd", text)


def without_controls_in(parts: Iterable[str]) -> Iterator[str]:
    """The same for the parts of a text, of which one may end in the middle of a line end."""
    rest = ""
    for part in parts:
        text = rest + part
        rest = "\r" if text.endswith("\r") else ""
        yield without_controls(text.removesuffix("\r"))
    yield without_controls(rest)


def when(text: Any) -> str:
    """A server's timestamp in short form, such as `2026-11-25 07:29 UTC`; other text unchanged."""
    shown = str(text or "")
    timestamp = _TIMESTAMP.fullmatch(shown)
    return f"{timestamp.group(1)} {timestamp.group(2)} UTC" if timestamp else shown


def plain(value: Any) -> Any:
    """A value in plain Python types, without the tags of a template."""
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value + 0
    # Before ansible-core 2.19, str() of an unsafe text is an unsafe text again, which YAML cannot represent.
    return str.__str__(str(value))


def grouped(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, list[_Value]]:
    """The second values of the pairs by the first ones."""
    groups: dict[_Key, list[_Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
