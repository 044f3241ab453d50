# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition of one runtime: a task's options, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import ErrorList, ValidationError, parsed_each, text_error
from .fields import BY_NAME, FIELDS, LIST_AS_WRITTEN, POOL, PURGEABLE, TEXT_AS_WRITTEN, Field
from .kinds import Package, Resource, amounts, at_least, checked_number
from .networks import canonical as canonical_network
from .runtime import id_from, mark_in, name_error

if TYPE_CHECKING:
    from .policy import Policy

DEFINITION_OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "id": {"type": "str"},
    **{field.name: dict(field.spec) for field in FIELDS},
    **{f"purge_{option}": {"type": "bool", "default": True} for option in PURGEABLE},
    "journal_comment": {"type": "str"},
    "previous_names": {"type": LIST_AS_WRITTEN, "elements": "str"},
    "replace_on_change": {"type": "raw"},
    "smoke_test": {"type": "str"},
}
_SPECIFIER = re.compile(r"[<>=!~\s]")
_NO_VERSION = re.compile(r"[<>=~*,;\s]|!=")
_PINNED = re.compile(r"\s*([^<>=!~\s]+)\s*==\s*([^<>=!~*,;\s]+)\s*")


def _version_error(value: Any) -> str | None:
    """Why this is not only a version, as the rest of a sentence that starts with the option."""
    error = text_error(value)
    if error or not _NO_VERSION.search(value):
        return error
    plain = value.strip().removeprefix("==").strip()
    repair = "a version that the server offers" if not plain or _NO_VERSION.search(plain) else f'"{plain}"'
    return f"{value!r} is not only a version; write {repair}"


class Definition(NamedTuple):
    """One runtime as wanted. `values` holds only the managed fields, by option name, in the fields' immutable types."""

    state: str
    values: Mapping[str, Any]
    id: str | None = None
    name: str | None = None
    keep: frozenset[str] = frozenset()  # names of the lists whose unlisted entries stay
    journal_comment: str | None = None
    restore: bool = False  # if no runtime has the id, the name decides
    previous_names: tuple[str, ...] = ()
    replace_on_change: frozenset[str] = frozenset()  # names of the fields whose change needs a second runtime
    smoke_test: str | None = None  # Python code
    place: str = ""  # where it is written: in a list, or in a file

    @property
    def label(self) -> str:
        """How messages name the runtime."""
        return f"'{self.name}'" if self.name and not self.id else f"with id {self.id}"


def definition_from(params: Mapping[str, Any], policy: Policy | None = None, restore: bool = False) -> Definition:
    """The definition in a task's options. Null counts as omitted. `policy` evaluates the managed fields.

    `restore`: the definition comes from a backup, see `Definition`. Raises ValidationError with all errors.
    """
    name, absent = params.get("name"), params.get("state") == "absent"
    managed = [option for option in BY_NAME if params.get(option) is not None]
    with ErrorList() as errors:
        if name is None and params.get("id") is None:
            errors.add("one of name and id is required")
        identity = errors.check(id_from, params.get("id"))
        values = {key: errors.check(_checked, BY_NAME[key], params[key]) for key in managed}
        errors.add(*pool_errors(values))
        previous = tuple(params.get("previous_names") or ())
        if mark_in(name or "") and not absent:
            errors.add(f"name {_unfinished(name)}")
        errors.add(*_previous_name_errors(name, previous))
        replaced = errors.check(_replaced_fields, params.get("replace_on_change"))
        for option, value in (("previous_names", previous), ("replace_on_change", replaced is None or replaced)):
            if value and params.get("id") is not None:
                errors.add(f"{option} cannot be used with id")
            if value and absent:
                errors.add(f"{option} cannot be used with state: absent")
        if policy and not absent:
            errors.check(policy.check_definition, params, values, None if restore else identity)
    if values.get("resource") == Resource():
        del values["resource"]
    return Definition(
        state=params.get("state") or "present",
        values=values,
        id=identity,
        name=name,
        keep=frozenset(option for option in PURGEABLE if params.get(f"purge_{option}") is False),
        journal_comment=params.get("journal_comment") or None,
        restore=restore and not absent,
        previous_names=previous,
        replace_on_change=replaced,
        smoke_test=params.get("smoke_test") or None,
    )


def _unfinished(name: Any) -> str:
    advice = "to finish it by hand, give its id and the name that it is to have"
    return f"{name!r} is the name of an unfinished replacement; {advice}"


def _previous_name_errors(name: str | None, previous: Sequence[str]) -> Iterator[str]:
    for index, text in enumerate(previous):
        error = f"{text!r} is the name itself" if text == name else name_error(text)
        error = _unfinished(text) if mark_in(text) else error
        if error:
            yield f"previous_names[{index}] {error}"


def _replaced_fields(value: Any) -> frozenset[str]:
    """The names of the fields in `replace_on_change`. Raises ValidationError."""
    if value is None or str(value).lower() == "false":  # an older ansible-core makes a text of a template
        return frozenset()
    if str(value).lower() == "true":
        return frozenset(BY_NAME)
    if not isinstance(value, list):
        raise ValidationError([f"replace_on_change {value!r} is neither true nor a list of options"])
    with ErrorList() as errors:
        for index, text in enumerate(value):
            if text not in list(BY_NAME):  # which takes what cannot be hashed, too
                wrong = f"replace_on_change[{index}] {text!r} is not an option of a runtime"
                errors.add(f"{wrong}; choose from {', '.join(BY_NAME)}")
    return frozenset(value)


def pool_errors(values: Mapping[str, Any]) -> list[str]:
    """The error of a pool whose minimum exceeds its maximum. The server requires min <= max [mstrio]."""
    minimum, maximum = map(values.get, POOL)
    if isinstance(minimum, int) and isinstance(maximum, int) and minimum > maximum:
        return [f"min_cached_instances {minimum} must not exceed max_cached_instances {maximum}"]
    return []


def _checked(field: Field, value: Any) -> Any:
    kind, error = field.spec["type"], None
    if field.name in _CHECKS:
        return _CHECKS[field.name](value)
    if field.name == "name":
        error = name_error(value)
    elif value == "" and not field.may_be_empty:
        error = "is empty; omit the option to keep the current value"
    elif kind is TEXT_AS_WRITTEN:
        error = _version_error(value)
    elif kind == "int":
        at_least(field.name, checked_number(field.name, value), field.minimum)
    if error:
        raise ValidationError([f"{field.name} {error}"])
    return value


def _networks(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parsed_each("whitelist", texts, canonical_network)))


def _packages(entries: Sequence[Mapping[str, Any]]) -> tuple[Package, ...]:
    packages: list[Package] = []
    first: dict[str, int] = {}
    with ErrorList() as errors:
        for index, entry in enumerate(entries):
            place, version = f"packages[{index}]", entry.get("version")
            package = Package(entry["name"] or "", version or None, entry.get("description"))
            packages.append(package)
            error = None if version is None else _version_error(version)
            if error:
                errors.add(f"{place}.version {error}")
            if not package.name.strip():
                errors.add(f"{place}.name {package.name!r} is empty")
            elif _SPECIFIER.search(package.name):
                pinned = _PINNED.fullmatch(package.name)
                repair = f'{{name: {pinned[1]}, version: "{pinned[2]}"}}' if pinned else "the version in version"
                errors.add(f"{place}.name {package.name!r} is not only a name; write {repair}")
            elif first.setdefault(package.key, index) != index:
                same = f"packages[{first[package.key]}]"
                errors.add(f"{place}.name {package.name!r} is the same package as {same}; list it once")
    return tuple(packages)


def _resource(options: Mapping[str, Any]) -> Resource:
    return Resource(**amounts("resource", options))


_CHECKS: Mapping[str, Callable[[Any], Any]] = {"whitelist": _networks, "packages": _packages, "resource": _resource}
