# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a file of definitions: YAML or JSON, a list at the top level or under the key `runtimes`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError, clean
from .fields import text_fault


class Source(NamedTuple):
    """The entries of a file, unconverted. `restore`: it is a backup, whose ids need not exist any more."""

    entries: list[Any]
    restore: bool = False


def read_definitions(path: str) -> Source:
    """The content of the file at `path`. Raises ValidationError with one sentence."""
    try:
        # A relative path depends on the module's working directory, so the message shows the absolute path.
        path = os.path.abspath(path)
        with open(path, "rb") as file:
            content = file.read()
        return _source(_parsed(content.decode("utf-8-sig")))
    except OSError as exc:
        raise ValidationError([f"src {path!r} cannot be read: {exc.strerror}"]) from None
    except UnicodeDecodeError:
        raise ValidationError([f"src {path!r} is not UTF-8 text"]) from None
    except _FileFault as exc:
        raise ValidationError([f"src {path!r} {exc.sentence}"]) from None


def mistyped(value: Any, spec: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """A sentence for each value of the wrong type that Ansible would accept, or reject without naming it.

    `spec` is the argument spec of `value`, `place` its name in messages. Ansible converts numbers, booleans and dates
    of YAML to text, and its message about text in place of a mapping names neither the option nor the value.
    """
    if spec.get("options") and isinstance(value, Mapping):
        for key, inner in value.items():
            if key in spec["options"] and inner is not None:
                yield from mistyped(inner, spec["options"][key], f"{place}.{key}" if place else str(key))
    elif spec.get("type") == "list":
        entry_spec = {**spec, "type": spec["elements"]}
        # Ansible also accepts a comma-separated text as a list of texts.
        entries = value if isinstance(value, list) else [] if entry_spec["type"] == "str" else [value]
        for index, inner in enumerate(entries):
            yield from mistyped(inner, entry_spec, f"{place}[{index}]")
    elif spec.get("type") == "str":
        fault = text_fault(value)
        if fault:
            yield f"{place} {fault}"
    elif spec.get("type") in ("int", "float") and (
        isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value))
    ):
        yield f"{place} must be a finite number, not {value}"
    elif spec.get("options"):
        example = next((name for name, one in spec["options"].items() if one.get("required")), None)
        form = f"; write {{{example}: {value}}}" if example and isinstance(value, str) else ""
        yield f"{place} {value!r} is not a mapping of options{form}"


class _FileFault(MstrError):
    """What is wrong with a file, as the rest of a sentence that starts with its path."""


def _source(data: Any) -> Source:
    whole = data if isinstance(data, Mapping) else {"runtimes": data}
    entries, restore = whole.get("runtimes"), whole.get("restore")
    if not isinstance(entries, list):
        raise _FileFault("contains no list of runtimes, at the top level or under the key runtimes")
    if restore not in (None, True, False):
        raise _FileFault(f"has restore: {clean(repr(restore), 60)}; expected true or false")
    return Source(entries, bool(restore))


def _parsed(text: str) -> Any:
    if text.lstrip().startswith("$ANSIBLE_VAULT;"):
        raise _FileFault("is encrypted by ansible-vault; decrypt it, or pass its content with the option runtimes")
    try:
        return json.loads(text, object_pairs_hook=_without_duplicate_keys)
    except RecursionError:
        raise _FileFault("is nested too deeply") from None
    except ValueError as exc:
        not_json = str(exc)
    try:
        import yaml  # takes 10 ms, which only a task with a YAML file should pay
    except ImportError:
        raise _FileFault(f"is not JSON ({not_json}), and YAML needs PyYAML in the Python that runs it") from None
    try:
        return yaml.load(text, Loader=_loader(yaml))
    except RecursionError:
        raise _FileFault("is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as exc:
        mark = getattr(exc, "problem_mark", None)
        lines = text.splitlines()
        if mark and mark.line < len(lines) and "{{" in lines[mark.line]:
            raise _FileFault(f"has {{{{ }}}} in line {mark.line + 1}, but src is not rendered as a template") from None
        raise _FileFault(f"is not YAML: {clean(exc, 300)}") from None


def _without_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping. Raises _FileFault for a duplicate key, because JSON would silently keep the last one."""
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise _FileFault(f"has the key {key!r} twice in one mapping; remove one of them")
        mapping[key] = value
    return mapping


def _loader(yaml: Any) -> Any:
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc,valid-type]
        """YAML's safe loader, which rejects duplicate keys."""

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        # A key may override a merged one (<<), so only the keys written in this mapping are compared.
        seen = set()
        for key_node, _value in node.value:
            key = (key_node.tag, str(key_node.value))
            if key in seen:
                line = key_node.start_mark.line + 1
                twice = f"has the key {key_node.value!r} twice in one mapping, again in line {line}"
                raise _FileFault(f"{twice}; remove one")
            seen.add(key)
        return dict(loader.construct_mapping(node, deep=True))

    def refuse_vault(_loader: Any, node: Any) -> Any:
        line = node.start_mark.line + 1
        fault = f"contains a value that is encrypted by ansible-vault, in line {line}; a module cannot decrypt it"
        raise _FileFault(f"{fault}. Pass the definitions with the option runtimes instead")

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    Loader.add_constructor("!vault", refuse_vault)
    return Loader
