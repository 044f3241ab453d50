# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a JSON or YAML file that somebody wrote, within bounds: definitions, plans, backups, reports.

A few hundred bytes of YAML can mean gigabytes, and a pipe may never end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from .._errors import DEEPEST, clean, is_deep

_LARGEST, _LARGEST_YAML = 512 * 2**20, 64 * 2**20  # bytes, characters
_TOO_LARGE_YAML = f"is larger than {_LARGEST_YAML >> 20} MB"
_MOST_VALUES = 1_000_000  # in YAML, counting each use of an alias
_MOST_OBJECTS = 10_000_000  # in JSON
_MOST_MERGED = 1000


class FileError(ValueError):
    """What is wrong with a file, as the rest of a sentence that starts with its path."""


class Entries(list[Any]):
    """A list in a YAML file, with the line of each entry."""

    lines: Sequence[int] = ()


class Unsafe(str):
    """A text with Ansible's tag `!unsafe`: it is no template, whatever it looks like."""

    __slots__ = ()


def read_text(path: str) -> str:
    """The text of a regular file. Raises FileError."""
    try:
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise FileError("is not a regular file, such as a pipe, which may never end")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            check_size(size)
            if size > _LARGEST_YAML and not file.peek().lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
                raise FileError(f"{_TOO_LARGE_YAML}, and it is not JSON")
            # It may be growing.
            content = file.read(_LARGEST + 1)
        check_size(len(content))
        return content.decode("utf-8-sig")
    except OSError as exc:
        raise FileError(f"cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise FileError("is not UTF-8 text") from None


def check_size(size: int) -> None:
    """Raises FileError for a file of more bytes than are ever read."""
    if size > _LARGEST:
        raise FileError(f"is larger than {_LARGEST >> 20} MB")


def from_json(text: str) -> Any:
    """The value of a JSON text. Raises FileError for one that is too large, ValueError if it is not JSON."""
    if text.count("{") + text.count("[") > _MOST_OBJECTS:
        raise FileError(f"has more than {_MOST_OBJECTS} objects and lists")
    try:
        data = json.loads(text, object_pairs_hook=_without_duplicate_keys)
    except RecursionError:
        raise FileError(_TOO_DEEP) from None
    return _checked_depth(data)


_TOO_DEEP = f"is nested too deeply, more than {DEEPEST} levels"


def _checked_depth(data: Any) -> Any:
    if is_deep(data):
        raise FileError(_TOO_DEEP)
    return data


def parsed(text: str) -> Any:
    """The value of a JSON or YAML text. Raises FileError."""
    if text.lstrip().startswith("$ANSIBLE_VAULT;"):
        raise FileError("is encrypted by ansible-vault; decrypt it, or pass its content with the option runtimes")
    try:
        return from_json(text)
    except FileError:
        raise
    except ValueError as exc:
        not_json = str(exc)
    if len(text) > _LARGEST_YAML:
        raise FileError(f"{_TOO_LARGE_YAML}, and it is not JSON ({not_json})")
    try:
        import yaml  # takes 10 ms, which only a task with a YAML file should pay
    except ImportError:
        raise FileError(f"is not JSON ({not_json}), and YAML needs PyYAML in the Python that runs it") from None
    try:
        data = yaml.load(text, Loader=_loader(yaml))
        if _size(data, {}, set()) > _MOST_VALUES:
            raise FileError(f"has more than {_MOST_VALUES} values, counting each use of an alias (*name)")
        return _checked_depth(data)
    except FileError:
        raise
    except RecursionError:
        raise FileError(_TOO_DEEP) from None
    except (yaml.YAMLError, ValueError) as exc:
        mark = getattr(exc, "problem_mark", None)
        lines = text.splitlines()
        if mark and mark.line < len(lines) and "{{" in lines[mark.line]:
            raise FileError(f"has {{{{ }}}} in line {mark.line + 1}, but src is not rendered as a template") from None
        # The text of the exception itself has several lines, with an excerpt.
        reasons = [getattr(exc, name, None) for name in ("context", "problem", "reason")]
        why = clean(", ".join(reason for reason in reasons if reason) or exc, 300)
        raise FileError(f"is not YAML: {why}{f', in line {mark.line + 1}' if mark else ''}") from None


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
    error = f"contains a value that is encrypted by ansible-vault, in line {line}; a module cannot decrypt it"
    raise FileError(f"{error}. Pass the definitions with the option runtimes instead")


def _loader(yaml: Any) -> Any:
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc,valid-type]
        """YAML's safe loader, which rejects duplicate keys."""

        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > _MOST_MERGED:
                raise FileError(f"merges (<<) more than {_MOST_MERGED} keys into one mapping")

    def scalar(loader: Any, node: Any) -> Any:
        try:
            value = base.yaml_constructors[node.tag](loader, node)
            str(value)  # fails for a number of more than 4300 digits, which YAML reads if it is hexadecimal
            return value
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            # PyYAML checks neither a tag that somebody wrote, such as !!bool, nor the numbers in a date.
            kind, line = node.tag.rpartition(":")[2], node.start_mark.line + 1
            error = f"has {clean(repr(node.value), 60)} in line {line}, which is not a valid {kind}"
            raise FileError(f"{error}; put it in quotes if it is text") from None

    for kind in ("bool", "int", "float", "timestamp"):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", scalar)
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG, _sequence)
    Loader.add_constructor("!vault", _refuse_vault)
    Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))
    return Loader
