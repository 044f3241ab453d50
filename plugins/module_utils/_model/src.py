# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a file of definitions: YAML or JSON, a list at the top level, or a mapping that says more, see `Source`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError, clean, text_error, texts

_LARGEST = 64 * 2**20  # bytes
_MOST_VALUES = 1_000_000
_MOST_MERGED = 1000


class Source(NamedTuple):
    """What a file says. The entries of `runtimes` and `scripts` are unconverted; None means that the key is missing.

    `environment`: the host that a backup belongs to. `left_out`: names and ids of runtimes that are not in the file and
    that a purge spares. `restore`: it is a backup, whose ids need not exist any more.
    """

    runtimes: list[Any] | None = None
    scripts: list[Any] | None = None
    environment: str | None = None
    left_out: tuple[str, ...] = ()
    restore: bool = False


def read_definitions(path: str) -> Source:
    """The content of the file at `path`. Raises ValidationError with one sentence."""
    try:
        # A relative path depends on the module's working directory, so the message shows the absolute path.
        path = os.path.abspath(path)
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise _FileError("is not a regular file, such as a pipe, which may never end")
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise _FileError(f"is larger than {_LARGEST // 2**20} MB")
        return _source(_parsed(content.decode("utf-8-sig")))
    except OSError as exc:
        raise ValidationError([f"src {path!r} cannot be read: {exc.strerror}"]) from None
    except RecursionError:
        raise ValidationError([f"src {path!r} is nested too deeply"]) from None
    except UnicodeDecodeError:
        raise ValidationError([f"src {path!r} is not UTF-8 text"]) from None
    except _FileError as exc:
        raise ValidationError([f"src {path!r} {exc.sentence}"]) from None


class _FileError(MstrError):
    """What is wrong with a file, as the rest of a sentence that starts with its path."""


_KEYS = (*Source._fields, "literal_braces")
_TYPES = {"runtimes": list, "scripts": list, "left_out": list, "restore": bool, "literal_braces": bool}


def _source(data: Any) -> Source:
    content = {"runtimes": data} if isinstance(data, list) else data
    if not isinstance(content, Mapping) or (content.get("runtimes") is None and content.get("scripts") is None):
        raise _FileError("contains no list of runtimes, at the top level or under the key runtimes")
    for key in set(content) - set(_KEYS):
        from difflib import get_close_matches  # takes 3 ms, which only a file with other keys should pay

        # They may hold anchors (&name). But a misspelled key must not let a purge delete what the file left out.
        near = get_close_matches(str(key), _KEYS, 1, 0.8)
        if near:
            raise _FileError(f"has the unknown key {clean(repr(key), 60)}; did you mean {near[0]}?")
    for key, kind in _TYPES.items():
        if not isinstance(content.get(key), (kind, type(None))):
            expected = "a list" if kind is list else "true or false"
            raise _FileError(f"has {key}: {clean(repr(content[key]), 60)}; expected {expected}")
    left_out = content.get("left_out") or []
    named = {f"left_out[{index}]": entry for index, entry in enumerate(left_out)}
    if content.get("environment") is not None:
        named["environment"] = content["environment"]
    for place, value in named.items():
        error = "is null; remove it, or write a name" if value is None else text_error(value)
        if error:
            raise _FileError(f"has an error: {place} {error}")
    for place, text in () if content.get("literal_braces") else texts({key: content.get(key) for key in _KEYS}):
        if "{{" in text or "{%" in text:
            raise _FileError(
                f"has {{{{ }}}} in {place}, but src is not rendered as a template. If the braces are meant, write "
                "literal_braces: true beside the key runtimes"
            )
    given: dict[str, Any] = {key: content[key] for key in Source._fields if content.get(key) not in (None, "")}
    return Source(**{**given, "left_out": tuple(left_out)})


def _parsed(text: str) -> Any:
    if text.lstrip().startswith("$ANSIBLE_VAULT;"):
        raise _FileError("is encrypted by ansible-vault; decrypt it, or pass its content with the option runtimes")
    try:
        return json.loads(text, object_pairs_hook=_without_duplicate_keys)
    except ValueError as exc:
        not_json = str(exc)
    try:
        import yaml  # takes 10 ms, which only a task with a YAML file should pay
    except ImportError:
        raise _FileError(f"is not JSON ({not_json}), and YAML needs PyYAML in the Python that runs it") from None
    try:
        data = yaml.load(text, Loader=_loader(yaml))
        if _size(data, {}, set()) > _MOST_VALUES:
            raise _FileError(f"has more than {_MOST_VALUES} values, counting each use of an alias (*name)")
        return data
    except (yaml.YAMLError, ValueError) as exc:
        mark = getattr(exc, "problem_mark", None)
        lines = text.splitlines()
        if mark and mark.line < len(lines) and "{{" in lines[mark.line]:
            raise _FileError(f"has {{{{ }}}} in line {mark.line + 1}, but src is not rendered as a template") from None
        raise _FileError(f"is not YAML: {clean(exc, 300)}") from None


def _size(value: Any, known: dict[int, int], above: set[int]) -> int:
    """The number of values, also of those that are one object because of an alias. Raises _FileError for a loop."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) in above:
        raise _FileError("has an alias that contains itself")
    if id(value) not in known:
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(entry, known, above | {id(value)}) for entry in inner)
    return known[id(value)]


def _without_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping. Raises _FileError for a duplicate key, because JSON would silently keep the last one."""
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise _FileError(f"has the key {key!r} twice in one mapping; remove one of them")
        mapping[key] = value
    return mapping


def _loader(yaml: Any) -> Any:
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc,valid-type]
        """YAML's safe loader, which rejects duplicate keys."""

        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > _MOST_MERGED:
                raise _FileError(f"merges (<<) more than {_MOST_MERGED} keys into one mapping")

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        # A key may override a merged one (<<), so only the keys written in this mapping are compared.
        seen = set()
        for key_node, _value in node.value:
            key = (key_node.tag, str(key_node.value))
            if key in seen:
                twice = f"has the key {key_node.value!r} twice in one mapping"
                raise _FileError(f"{twice}, again in line {key_node.start_mark.line + 1}; remove one")
            seen.add(key)
        return dict(loader.construct_mapping(node, deep=True))

    def refuse_vault(_loader: Any, node: Any) -> Any:
        line = node.start_mark.line + 1
        error = f"contains a value that is encrypted by ansible-vault, in line {line}; a module cannot decrypt it"
        raise _FileError(f"{error}. Pass the definitions with the option runtimes instead")

    def scalar(loader: Any, node: Any) -> Any:
        try:
            value = base.yaml_constructors[node.tag](loader, node)
            str(value)  # fails for a number of more than 4300 digits, which YAML reads if it is hexadecimal
            return value
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            # PyYAML checks neither a tag that somebody wrote, such as !!bool, nor the numbers in a date.
            kind, line = node.tag.rpartition(":")[2], node.start_mark.line + 1
            error = f"has {clean(repr(node.value), 60)} in line {line}, which is not a valid {kind}"
            raise _FileError(f"{error}; put it in quotes if it is text") from None

    for kind in ("bool", "int", "float", "timestamp"):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", scalar)
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    Loader.add_constructor("!vault", refuse_vault)
    return Loader
