# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a file of definitions: YAML or JSON, a list at the top level, or a mapping that says more, see `Source`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import ValidationError, text_error
from .._text import clean, texts_in
from .file import Entries, FileError, Unsafe, parsed, read_text


class Source(NamedTuple):
    """What a file says. The entries of `runtimes` and `scripts` are unconverted; None means that the key is missing.

    `partial`: it is a part of what there should be, so a purge is refused. `restore`: it is a backup, whose ids need
    not exist any more. `server`: the address of the server for which it was written.
    """

    runtimes: list[Any] | None = None
    scripts: list[Any] | None = None
    restore: bool = False
    server: str | None = None
    partial: bool = False


def read_definitions(path: str) -> Source:
    """The content of the file at `path`. Raises ValidationError with one sentence."""
    # A relative path depends on the module's working directory, so the message shows the absolute path.
    path = os.path.abspath(path)
    try:
        text = read_text(path)
        return _source(parsed(text), text)
    except FileError as exc:
        raise ValidationError([f"src {path!r} {exc}"]) from None


_KEYS = Source._fields
_OWN = re.compile(r"x-|[._]")
_OF_PLAYS = {"hosts", "import_playbook", "ansible.builtin.import_playbook"}
_NO_LIST = "contains no list of runtimes, at the top level or under the key runtimes"
_TEMPLATE = re.compile(r"\{[{%]")
# What a file without templates and tags does not have. An escape may stand for a brace.
_MARKS = re.compile(r"\{[{%]|!unsafe|\\")
_TYPES = {"runtimes": list, "scripts": list, "partial": bool, "restore": bool}


def _source(data: Any, text: str) -> Source:
    content = _content(data)
    for key, kind in _TYPES.items():
        if not isinstance(content.get(key), (kind, type(None))):
            expected = "a list" if kind is list else "true or false"
            raise FileError(f"has {key}: {clean(repr(content[key]), 60)}; expected {expected}")
    values: dict[str, Any] = {key: content[key] for key in _KEYS if content.get(key) not in (None, "")}
    error = text_error(values.get("server", ""))
    if error:
        raise FileError(f"has an error: server {error}")
    if _MARKS.search(text):
        _check_templates(values)
        values = _without_tags(values)
    return Source(**values)


def _content(data: Any) -> Mapping[str, Any]:
    """The keys of a file. Raises FileError for an unknown one, which must not let a purge delete what it left out."""
    if isinstance(data, list) and any(isinstance(play, Mapping) and _OF_PLAYS & set(play) for play in data):
        raise FileError("is a playbook, not a list of runtimes; name the file that has the definitions")
    content = {"runtimes": data} if isinstance(data, list) else data
    if not isinstance(content, Mapping):
        raise FileError(_NO_LIST)
    for key in content:
        if key not in _KEYS and not _OWN.match(str(key)):
            raise FileError(
                f"has the unknown key {clean(repr(key), 60)}; the keys are {', '.join(_KEYS)}. A key of your own, such "
                "as for an anchor, must begin with x-"
            )
    if content.get("runtimes") is None and content.get("scripts") is None:
        raise FileError(_NO_LIST)
    return content


def _check_templates(values: Mapping[str, Any]) -> None:
    for place, text in texts_in(values):
        if _TEMPLATE.search(text) and not isinstance(text, Unsafe):
            raise FileError(
                f"has {{{{ }}}} in {place!r}, but src is not rendered as a template. If the braces are meant, write "
                "!unsafe before the text, in a YAML file"
            )


def _without_tags(value: Any) -> Any:
    # In place, because a list knows its lines.
    if isinstance(value, dict):
        value.update({key: _without_tags(inner) for key, inner in value.items()})
    if isinstance(value, list):
        value[:] = [_without_tags(inner) for inner in value]
    return str(value) if isinstance(value, Unsafe) else value


def places_in(path: str, option: str, entries: Sequence[Any]) -> list[str]:
    """How messages name the entries of a list in the file at `path`: by their lines, if it is YAML."""
    path = repr(os.path.abspath(path))
    numbered = [f"{option} entry {number}" for number in range(1, len(entries) + 1)]
    lines = entries.lines if isinstance(entries, Entries) else ()
    if not lines:
        return [f"{path} {number}" for number in numbered]
    has_own_lines = len(set(lines)) == len(lines)
    if has_own_lines:
        return [f"{path} line {line}" for line in lines]
    return [f"{path} line {line} ({number})" for line, number in zip(lines, numbered)]
