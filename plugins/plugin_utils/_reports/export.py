# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns runtimes that were read into definitions that would create them, and into a file that `src` reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jinja2 import Template

from ...module_utils._errors import ErrorList, ValidationError
from ...module_utils._model.definition import definition_from, definition_of
from ...module_utils._model.fields import BY_NAME
from ...module_utils._model.kinds import RESOURCE_KEYS
from ...module_utils._model.runtime import DEFAULT_RUNTIME_ID, is_id
from ...module_utils._text import ANSIBLE_MASKS, SURROGATE, clean, texts_in
from .finding import Json
from .texts import grouped, without_controls

_HEADER = Path(__file__).parent / "templates" / "definitions.j2"
# With these characters begins what Ansible renders.
_TEMPLATE = re.compile(r"\{[{%#]")
# Why no definition can express a runtime, by its name and its id.
Reasons = Mapping[tuple[str, str], Sequence[str]]


class File(NamedTuple):
    """A file that `src` reads. `inexpressible`: what is not in it, because no definition can express it.

    `comments`: lines over an entry of `runtimes`, by its name.
    """

    header: str
    content: Json
    inexpressible: Reasons = MappingProxyType({})
    comments: Mapping[str, Sequence[str]] = MappingProxyType({})

    @property
    def text(self) -> str:
        """The text of the file."""
        import yaml  # takes 10 ms, which only a task that writes a file should pay

        options: dict[str, Any] = {"allow_unicode": True, "sort_keys": False, "width": 1_000_000}
        dump = partial(yaml.dump, Dumper=_dumper(yaml), **options)
        texts: list[Any] = ["---\n", self.header]
        for key, value in self.content.items():
            if key == "runtimes" and self.comments:
                texts += ["runtimes:\n", *(f"{self._comment(entry)}{dump([entry])}" for entry in value), "\n"]
            else:
                texts.append(dump({key: value}))
        return without_controls("".join(texts), escaped=True)

    def _comment(self, entry: Json) -> str:
        """The lines over an entry, with an empty one before them."""
        lines = [f"# {clean(line, 1000)}\n" for line in self.comments.get(entry["name"], ())]
        return "".join(["\n", *lines]) if lines else ""

    @property
    def reasons(self) -> list[str]:
        """A sentence on each runtime that is left out."""
        return [
            clean(f"No definition can express {name!r} ({identity}): {'; '.join(errors)}", 1000)
            for (name, identity), errors in sorted(self.inexpressible.items())
        ]


def to_file(runtimes: Sequence[Json], writer: str, backup_of: str | None = None) -> File:
    """The file with the definitions of runtimes as in a result, of plain types. `writer`: for its first comment.

    `backup_of`: the address of the server of a backup, empty if it is not known, which makes the file one, with the
    assignments of the scripts that the runtimes have. What no definition can express is left out, and named.
    """
    kind = "export" if backup_of is None else "backup"
    definitions, refused = _expressed(runtimes, ids=kind == "backup")
    content: dict[str, Any] = {"partial": True} if refused else {}
    content["runtimes"] = definitions
    if kind == "backup":
        server = {"server": backup_of} if backup_of else {}
        # Another runtime may have the name of the default one, which then has no definition.
        expressed = [runtime for runtime in runtimes if _identity(runtime) not in refused]
        content = {"restore": True, **server, **content, "scripts": _all_assignments(expressed)}
    return with_header(File("", content, refused), kind, writer=writer, gaps=unrestorable(definitions))


def _all_assignments(runtimes: Iterable[Json]) -> list[Json]:
    """What assigns their scripts to the runtimes, which are sorted by name."""
    by_name = sorted(runtimes, key=lambda runtime: str(runtime["name"]))
    return [entry for runtime in by_name for entry in assignments(runtime["scripts"], runtime["name"])]


def with_header(file: File, kind: str, **values: Any) -> File:
    """The file with its first comment. `kind`: `backup`, `export` or `upgrade`."""
    template = Template(_HEADER.read_text(encoding="utf-8"), trim_blocks=True, keep_trailing_newline=True)
    return file._replace(header=template.render(kind=kind, file=file, **values))


def _dumper(yaml: Any) -> Any:
    """YAML's safe dumper. A text that Ansible would render as a template gets the tag `!unsafe`.

    One with control characters is put in double quotes, where they can be escaped.
    """

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """See above."""

    def represent(dumper: Any, text: str) -> Any:
        tag = "!unsafe" if _TEMPLATE.search(text) else "tag:yaml.org,2002:str"
        style = '"' if without_controls(text) != text else None
        return dumper.represent_scalar(tag, text, style=style)

    Dumper.add_representer(str, represent)
    return Dumper


def assignments(scripts: Iterable[Json], runtime: str) -> Iterator[dict[str, Any]]:
    """The entries that assign scripts to a runtime, as `src` takes them: of id and name, the id counts."""
    for script in scripts:
        yield {
            "id": script["id"],
            "name": clean(script.get("name")),
            "project": script["project"]["id"],
            "runtime": runtime,
        }


def to_definitions(runtimes: Iterable[Json]) -> list[dict[str, Any]]:
    """The definitions, sorted by name, with fields in the order of the table, so that a file of them is stable.

    `runtimes` are as in a result. Omitted are what `unrestorable` names, and the default runtime, which every server
    has. Raises ValidationError if another runtime cannot be expressed as a definition; the message names each one.
    """
    definitions, refused = _expressed(list(runtimes), ids=False)
    with ErrorList() as errors:
        for (name, _identity), reasons in refused.items():
            errors.add(*(f"runtime {name!r}: {reason}" for reason in reasons))
    return definitions


def _identity(runtime: Json) -> tuple[str, str]:
    """The name and the id of a runtime, empty texts where it has none."""
    return str(runtime.get("name") or ""), str(runtime.get("id") or "")


def _expressed(
    runtimes: Sequence[Json], ids: bool
) -> tuple[list[dict[str, Any]], dict[tuple[str, str], Sequence[str]]]:
    """The definitions, and why other runtimes have none. `ids`: with ids and the default runtime, for a backup."""
    identities = list(map(_identity, runtimes))
    namesakes = grouped((name, identity) for name, identity in identities if identity.upper() != DEFAULT_RUNTIME_ID)
    definitions, refused = list[dict[str, Any]](), dict[tuple[str, str], Sequence[str]]()
    for runtime, (name, identity) in zip(runtimes, identities):
        if identity.upper() == DEFAULT_RUNTIME_ID and not ids:
            continue
        definition = definition_of(runtime)
        others = {*namesakes.get(name, ())} - {identity}
        try:
            with ErrorList() as errors:
                errors.check(_check, definition)
                if others:
                    several = ", ".join(sorted([identity, *others]))
                    errors.add(f"{len(others) + 1} runtimes have this name ({several}); rename them")
        except ValidationError as exc:
            refused[name, identity] = exc.errors
        else:
            definitions.append({"id": identity, **definition} if ids and is_id(identity) else definition)
    return sorted(definitions, key=lambda definition: str(definition["name"])), refused


def unrestorable(definitions: Sequence[Json]) -> list[str]:
    """What applying these definitions cannot bring back, because the server has no value and a definition needs one.

    A line for each option, with the names of the runtimes, in the order of the fields.
    """
    gaps = [(gap, repr(definition["name"])) for definition in definitions for gap in _missing(definition)]
    lines = []
    for (_place, where), names in sorted(grouped(gaps).items()):
        shown = ", ".join(names)
        if len(names) == len(definitions) > 1:
            shown = "all runtimes"
        lines.append(f"{where}: {shown}")
    return lines


def _missing(definition: Json) -> Iterator[tuple[int, str]]:
    """What a definition does not have: the place of the field in the table, and what is missing."""
    place = list(BY_NAME).index
    yield from ((place(name), name) for name in BY_NAME.keys() - definition.keys())
    resource = definition.get("resource") or RESOURCE_KEYS
    yield from ((place("resource"), f"resource.{key}") for key in RESOURCE_KEYS.keys() - resource.keys())
    for package in definition.get("packages", ()):
        if "version" not in package:
            yield place("packages"), f"version of the package {package['name']}"


def _check(definition: Json) -> None:
    """Raises ValidationError with every reason why this definition would not create the same runtime."""
    with ErrorList() as errors:
        for where, text in texts_in(definition):
            if any(mask in text for mask in ANSIBLE_MASKS):
                errors.add(f"{where} is masked by Ansible, because it contains a secret; use a longer secret")
            elif SURROGATE.search(text):
                errors.add(f"{where} contains half of a character (a lone surrogate); remove it")
        errors.check(definition_from, {**definition, "name": definition.get("name", "")})
