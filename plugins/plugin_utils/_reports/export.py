# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns runtimes that were read into definitions that would create them, and into a file that `src` reads."""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mstr.library.plugins.module_utils._errors import (
    ANSIBLE_MASKS,
    SURROGATE,
    ErrorList,
    clean,
    texts,
)
from ansible_collections.mstr.library.plugins.module_utils._model.alike import is_named, name_beside
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import RESOURCE_KEYS
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import (
    DEFAULT_RUNTIME_ID,
    is_id,
    name_error,
)
from ansible_collections.mstr.library.plugins.module_utils._model.stored import definition_of

from .serialize import has_controls, without_controls

_HEADER = """\
# The runtimes of a Library server, written by {writer}. The file holds no secrets and leaves
# out the server's default runtime. It changes only when the runtimes change, so you can keep it in version control.
#
# To show what applying it to an environment of an inventory would change, then to apply it:
#   ansible-playbook -i INVENTORY mstr.library.apply --limit {host} -e mstr_runtimes_src=THIS_FILE --check --diff
#   ansible-playbook -i INVENTORY mstr.library.apply --limit {host} -e mstr_runtimes_src=THIS_FILE
# Runtimes that are not in this file stay as they are, unless you purge.
"""
_LEFT_OUT = """\
#
# The runtimes under left_out are not in this file. A purge does not delete them.
"""
_UNRESTORABLE = """\
#
# The server has no value for the following, and no definition can ask for that. An apply leaves them as they are:
"""
_BACKUP = """\
#
# With restore: true, the id decides which runtime is meant, so that a renamed one gets its name back. If no runtime has
# the id, the name decides. If no runtime has the name either, the runtime is created.
# With environment, this backup is refused for any other host. To apply it to a different one, delete that line.
"""
_SCRIPTS = """\
#
# The scripts at the end of this file are assigned to their runtimes.
"""


class File(NamedTuple):
    """A file that `src` reads, with this `number` of definitions.

    `left_out`: the names and ids under this key. `unrestorable`: see the function.
    """

    text: str
    number: int
    left_out: list[str]
    unrestorable: list[str]


def to_file(
    runtimes: Sequence[Mapping[str, Any]],
    writer: str,
    exclude: Sequence[str] = (),
    environment: str | None = None,
    scripts: bool = False,
) -> File:
    """The file with the definitions of runtimes as in a result, of plain types. `writer`: for its first comment.

    `environment`: the host that a backup belongs to; it makes the file a backup. `scripts`: with the assignments of the
    scripts that the runtimes have. Raises ValidationError like `to_definitions`.
    """
    import yaml  # takes 10 ms, which only a task that writes a file should pay

    runtimes = list(runtimes)
    definitions = to_definitions(runtimes, exclude, ids=environment is not None)
    left_out = list(dict.fromkeys(_left_out(runtimes, exclude, ids=environment is not None)))
    missing = unrestorable(definitions)
    content = {
        **({"environment": str(environment), "restore": True} if environment is not None else {}),
        **({"left_out": left_out} if left_out else {}),
        "runtimes": definitions,
        **({"scripts": list(_assignments(runtimes, definitions))} if scripts else {}),
    }
    if any("{{" in text or "{%" in text for _place, text in texts(content)):
        content = {"literal_braces": True, **content}
    header = [
        _HEADER.format(writer=writer, host=shlex.quote(clean(environment)) if environment else "HOST"),
        *([_LEFT_OUT] if left_out else []),
        *([_UNRESTORABLE, *(f"#   {line}\n" for line in missing)] if missing else []),
        *([_BACKUP] if environment is not None else []),
        *([_SCRIPTS] if content.get("scripts") else []),
    ]
    body = yaml.dump(content, Dumper=_dumper(yaml), allow_unicode=True, sort_keys=False, width=1_000_000)
    text = without_controls(f"---\n{''.join(header)}{body}", escaped=True)
    return File(text, len(definitions), left_out, missing)


def _dumper(yaml: Any) -> Any:
    """YAML's safe dumper, which puts a text with control characters in double quotes, where they can be escaped."""

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """See above."""

    def represent(dumper: Any, text: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if has_controls(text) else None)

    Dumper.add_representer(str, represent)
    return Dumper


def _identity(runtime: Mapping[str, Any]) -> tuple[str, str]:
    return str(runtime.get("name") or ""), str(runtime.get("id") or "")


def _left_out(runtimes: Iterable[Mapping[str, Any]], exclude: Sequence[str], ids: bool) -> Iterator[str]:
    """The names of the runtimes that are left out, each with its id if `ids`, or if a file cannot hold the name."""
    known = sorted(map(_identity, runtimes))
    names = {name for name, _identity in known}
    for name, identity in known:
        if identity.upper() != DEFAULT_RUNTIME_ID and _is_left_out(name, identity, exclude, names):
            usable = not (name_error(name) or _text_error(name))
            yield from [name] if usable else []
            yield from [identity] if (ids or not usable) and is_id(identity) else []


def _is_left_out(name: str, identity: str, exclude: Sequence[str], names: Container[str | None]) -> bool:
    """Whether a runtime is excluded, or the unfinished replacement of one of these names."""
    return is_named(name, exclude, identity) or name_beside(name) in names


def _assignments(
    runtimes: Iterable[Mapping[str, Any]], definitions: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The scripts that use the runtimes with a definition, as `src` takes them: of id and name, the id counts."""
    scripts = {str(runtime.get("name")): runtime.get("scripts") or () for runtime in runtimes}
    for definition in definitions:
        for script in scripts[definition["name"]]:
            yield {
                "id": script["id"],
                "name": clean(script.get("name")),
                "project": script["project"]["id"],
                "runtime": definition["name"],
            }


def to_definitions(
    runtimes: Iterable[Mapping[str, Any]], exclude: Sequence[str] = (), ids: bool = False
) -> list[dict[str, Any]]:
    """The definitions, sorted by name, with fields in the order of the table, so that a file of them is stable.

    `runtimes` are as in a result. Omitted are the default runtime, which every server has, unfinished replacements of
    runtimes that exist, runtimes that a name, shell pattern or id in `exclude` means, and what `unrestorable` names.
    `ids`: with the ids, for a backup. Raises ValidationError if a runtime cannot be expressed as a definition; the
    message names each one.
    """
    namesakes: dict[str, list[str]] = {}
    runtimes, definitions = list(runtimes), []
    names = {_identity(runtime)[0] for runtime in runtimes}
    with ErrorList() as errors:
        for runtime in runtimes:
            name, identity = _identity(runtime)
            if identity.upper() == DEFAULT_RUNTIME_ID or _is_left_out(name, identity, exclude, names):
                continue
            namesakes.setdefault(name, []).append(identity)
            definition = definition_of(runtime)
            errors.check(_check, definition, place=f"runtime {name!r}")
            definitions.append({"id": identity, **definition} if ids and is_id(identity) else definition)
        for name, several in sorted(namesakes.items()):
            if len(several) > 1:
                id_list = ", ".join(sorted(several))
                errors.add(f"{len(several)} runtimes have the name {name!r} ({id_list}); rename or exclude them")
    return sorted(definitions, key=lambda definition: str(definition["name"]))


def unrestorable(definitions: Sequence[Mapping[str, Any]]) -> list[str]:
    """What applying these definitions cannot bring back, because the server has no value and a definition needs one.

    A line for each option, with the names of the runtimes, in the order of the fields.
    """
    names: dict[tuple[int, str], list[str]] = {}
    for definition in definitions:
        for field, place in _missing(definition):
            names.setdefault((list(BY_NAME).index(field), place), []).append(repr(definition["name"]))
    return [
        f"{place}: {'all runtimes' if len(found) == len(definitions) > 1 else ', '.join(found)}"
        for (_order, place), found in sorted(names.items())
    ]


def _missing(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that a definition does not have, or not in whole: the name, and what is missing."""
    yield from ((name, name) for name in BY_NAME if name not in definition)
    resource = definition.get("resource")
    yield from (("resource", f"resource.{key}") for key in RESOURCE_KEYS if resource and key not in resource)
    for package in definition.get("packages", ()):
        if "version" not in package:
            yield "packages", f"version of the package {package['name']}"


def _text_error(text: str) -> str | None:
    """Why a file cannot hold this text, as the rest of a sentence that starts with it; None if it can."""
    if any(mask in text for mask in ANSIBLE_MASKS):
        return "is masked by Ansible, because it contains a secret; use a longer secret"
    if SURROGATE.search(text):
        return "contains half of a character (a lone surrogate); remove it"
    return None


def _check(definition: Mapping[str, Any]) -> None:
    """Raises ValidationError with every reason why this definition would not create the same runtime."""
    with ErrorList() as errors:
        for place, text in texts(definition):
            error = _text_error(text)
            if error:
                errors.add(f"{place} {error}")
        errors.check(definition_from, {**definition, "name": definition.get("name", "")})
