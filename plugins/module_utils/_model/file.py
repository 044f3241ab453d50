# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a JSON or YAML file that somebody wrote, within bounds: definitions, plans, backups, reports.

A few hundred bytes of YAML can mean gigabytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .._text import DEEPEST, clean, is_deep

_LARGEST = 64 * 2**20  # bytes
_MOST_VALUES = 1_000_000  # in YAML, counting each use of an alias
_TOO_DEEP = f"is nested too deeply, more than {DEEPEST} levels"
_VAULT = "decrypt it, or pass its content with the option runtimes"


class FileError(ValueError):
    """What is wrong with a file, as the rest of a sentence that starts with its path."""


class Entries(list[Any]):
    """A list in a YAML file, with the line of each entry."""

    lines: Sequence[int] = ()


class Unsafe(str):
    """A text with Ansible's tag `!unsafe`: it is no template, whatever it looks like."""

    __slots__ = ()


def read_text(path: str) -> str:
    """The text of a file. Raises FileError."""
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise FileError(f"is larger than {_LARGEST >> 20} MB")
        return content.decode("utf-8-sig")
    except OSError as exc:
        raise FileError(f"cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise FileError("is not UTF-8 text") from None


def from_json(text: str) -> Any:
    """The value of a JSON text. Raises FileError for one that is nested too deeply, ValueError if it is not JSON."""
    try:
        data = json.loads(text, object_pairs_hook=_without_duplicate_keys)
    except RecursionError:
        raise FileError(_TOO_DEEP) from None
    if is_deep(data):
        raise FileError(_TOO_DEEP)
    return data


def parsed(text: str) -> Any:
    """The value of a JSON or YAML text. Raises FileError."""
    if text.lstrip().startswith("$ANSIBLE_VAULT;"):
        raise FileError(f"is encrypted by ansible-vault; {_VAULT}")
    try:
        return from_json(text)
    except FileError:
        raise
    except ValueError as exc:
        not_json = str(exc)
    try:
        import yaml  # takes 10 ms, which only a task with a YAML file should pay
    except ImportError:
        raise FileError(f"is not JSON ({not_json}), and YAML needs PyYAML in the Python that runs it") from None
    try:
        data = yaml.load(text, Loader=_loader(yaml))
        if _size(data, {}, set()) > _MOST_VALUES:
            raise FileError(f"has more than {_MOST_VALUES} values, counting each use of an alias (*name)")
    except FileError:
        raise
    except RecursionError:
        raise FileError(_TOO_DEEP) from None
    # PyYAML checks neither a tag that somebody wrote, such as !!bool, nor the numbers in a date.
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, ValueError) as exc:
        raise FileError(_yaml_error(exc, text)) from None
    if is_deep(data):
        raise FileError(_TOO_DEEP)
    return data


def _yaml_error(exc: Exception, text: str) -> str:
    """Why a text is not YAML. The text of PyYAML's exception has several lines, with an excerpt."""
    mark = getattr(exc, "problem_mark", None)
    line = mark.line if mark else 0
    lines = text.splitlines()
    if mark and line < len(lines) and "{{" in lines[line]:
        return f"has {{{{ }}}} in line {line + 1}, but src is not rendered as a template"
    reasons = [getattr(exc, name, None) for name in ("context", "problem", "reason")]
    why = clean(", ".join(filter(None, reasons)) or exc, 300)
    place = f", in line {line + 1}" if mark else ""
    return f"is not YAML: {why}{place}"


def _size(value: Any, sizes: dict[int, int], above: set[int]) -> int:
    """The number of values, also of those that are one object because of an alias. Raises FileError for a loop."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) in above:
        raise FileError("has an alias that contains itself")
    if id(value) not in sizes:
        inner = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_size(entry, sizes, above | {id(value)}) for entry in inner)
    return sizes[id(value)]


def _without_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping. Raises FileError for a duplicate key, because JSON would silently keep the last one."""
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise FileError(f"has the key {key!r} twice in one mapping; remove one of them")
        mapping[key] = value
    return mapping


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    # A key may override a merged one (<<), so only the keys written in this mapping are compared.
    seen = set()
    for key_node, _value in node.value:
        key = (key_node.tag, str(key_node.value))
        if key in seen:
            twice = f"has the key {key_node.value!r} twice in one mapping"
            raise FileError(f"{twice}, again in line {key_node.start_mark.line + 1}; remove one")
        seen.add(key)
    return dict(loader.construct_mapping(node, deep=True))


def _sequence(loader: Any, node: Any) -> Iterator[Entries]:
    entries = Entries()
    entries.lines = [entry.start_mark.line + 1 for entry in node.value]
    yield entries  # before it is filled, because an alias in it may mean the list itself
    entries.extend(loader.construct_sequence(node))


def _refuse_vault(_loader: Any, node: Any) -> Any:
    line = node.start_mark.line + 1
    raise FileError(f"contains a value that is encrypted by ansible-vault, in line {line}; {_VAULT}")


def _loader(yaml: Any) -> Any:
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc,valid-type]
        """YAML's safe loader, which rejects duplicate keys."""

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG, _sequence)
    Loader.add_constructor("!vault", _refuse_vault)
    Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))
    return Loader
