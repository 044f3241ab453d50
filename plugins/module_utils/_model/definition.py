# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task wants: the definition of a runtime, from its options, checked before anything is sent; and a purge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import ErrorList, ValidationError, parsed_each
from .checks import amounts, at_least, checked_number, packages_from, version_error
from .fields import BY_NAME, FIELDS, LIST_AS_WRITTEN, POOL, PURGEABLE, TEXT_AS_WRITTEN, Field
from .kinds import Resource, without_null
from .networks import canonical as canonical_network
from .runtime import Runtime, id_from, name_error

DEFINITION_OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "id": {"type": "str"},
    **{field.name: dict(field.spec) for field in FIELDS},
    **{f"purge_{option}": {"type": "bool", "default": True} for option in PURGEABLE},
    "previous_names": {"type": LIST_AS_WRITTEN, "elements": "str"},
    "smoke_test": {"type": "raw"},
}


EACH_PACKAGE = "true"  # the smoke test that imports what each package brings
PURGE = "purge"  # the place of a definition that nobody wrote: a purge deletes what no definition names


class Definition(NamedTuple):
    """One runtime as wanted. `values` holds only the managed fields, by option name, in the fields' immutable types."""

    state: str
    values: Mapping[str, Any]
    id: str | None = None
    name: str | None = None
    keep: frozenset[str] = frozenset()  # names of the lists whose unlisted entries stay
    journal_comment: str | None = None
    previous_names: tuple[str, ...] = ()
    smoke_test: str | None = None  # Python code, or EACH_PACKAGE
    place: str = ""  # where it is written: in a list, or in a file; empty for the one of a task

    @property
    def label(self) -> str:
        """How messages name the runtime."""
        return f"'{self.name}'" if self.name and not self.id else f"with id {self.id}"

    def merged_onto(self, have: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the managed fields, with what is to stay of those that the runtime has."""
        merged = {}
        for name, value in self.values.items():
            kind = BY_NAME[name].kind
            merged[name] = kind.merge(kind.or_empty(have.get(name)), value, name not in self.keep)
        return merged


def definition_from(params: Mapping[str, Any]) -> Definition:
    """The definition in a task's options. Null counts as omitted. Raises ValidationError with all errors."""
    name = params.get("name")
    with ErrorList() as errors:
        if name is None and params.get("id") is None:
            errors.add("one of name and id is required")
        identity = errors.check(id_from, params.get("id"))
        values = {option: errors.check(_checked, BY_NAME[option], params[option]) for option in _managed(params)}
        errors.add(*pool_errors(values))
        previous = errors.check(_previous_names, params)
        smoke_test = errors.check(_smoke_test, params.get("smoke_test"))
    journal_comment = params.get("journal_comment") or None
    if params.get("state") == "absent":
        # A definition becomes absent by one word: whatever else it says is checked and ignored.
        return Definition("absent", {}, identity, name, journal_comment=journal_comment)
    if "resource" in values and not any(values["resource"]):
        del values["resource"]
    return Definition(
        state="present",
        values=values,
        id=identity,
        name=name,
        keep=keeps(params),
        journal_comment=journal_comment,
        previous_names=previous,
        smoke_test=smoke_test,
    )


def valid_values(params: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the managed fields in a task's options, without those that have an error of their own."""
    values = {}
    for option in _managed(params):
        with suppress(ValidationError):
            values[option] = _checked(BY_NAME[option], params[option])
    return values


def keeps(params: Mapping[str, Any]) -> frozenset[str]:
    """The names of the lists whose unlisted entries stay."""
    return frozenset(option for option in PURGEABLE if params.get(f"purge_{option}") is False)


def _managed(params: Mapping[str, Any]) -> list[str]:
    return [option for option in BY_NAME if params.get(option) is not None]


def _smoke_test(value: Any) -> str | None:
    """The Python code of `smoke_test`, `EACH_PACKAGE` for true, None for no test. Raises ValidationError."""
    # With key=value, and from templates of an older ansible-core, true and false are texts.
    word = str(value).strip().lower()
    if value is None or word in ("", "false"):
        return None
    if word == EACH_PACKAGE:
        return EACH_PACKAGE
    if not isinstance(value, str):
        raise ValidationError([f"smoke_test {value!r} is neither Python code nor true"])
    return value


def _previous_names(params: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of `previous_names`. Raises ValidationError."""
    previous = tuple(params.get("previous_names") or ())
    is_by_id = params.get("id") is not None and params.get("state") != "absent"
    with ErrorList() as errors:
        for index, text in enumerate(previous):
            error = f"{text!r} is the name itself" if text == params.get("name") else name_error(text)
            if error:
                errors.add(f"previous_names[{index}] {error}")
        if previous and is_by_id:
            errors.add("previous_names cannot be used with id")
    return previous


def pool_errors(values: Mapping[str, Any]) -> list[str]:
    """The error of a pool whose minimum exceeds its maximum. The server requires min <= max [mstrio]."""
    minimum, maximum = map(values.get, POOL)
    if isinstance(minimum, int) and isinstance(maximum, int) and minimum > maximum:
        return [f"min_cached_instances {minimum} must not exceed max_cached_instances {maximum}"]
    return []


def _checked(field: Field, value: Any) -> Any:
    kind, error = field.spec["type"], None
    if field.name == "whitelist":
        return tuple(dict.fromkeys(parsed_each("whitelist", value, canonical_network)))
    if field.name == "packages":
        return packages_from(value)
    if field.name == "resource":
        return Resource(**amounts("resource", value))
    if field.name == "name":
        error = name_error(value)
    elif value == "" and not field.may_be_empty:
        error = "is empty; omit the option to keep the current value"
    elif kind is TEXT_AS_WRITTEN:
        error = version_error(value)
    elif kind == "int":
        at_least(field.name, checked_number(field.name, value))
    if error:
        raise ValidationError([f"{field.name} {error}"])
    return value


class Purge(NamedTuple):
    """Deletes undefined runtimes, except those that `exclude` (names, ids, patterns) names.

    `limit`: maximum number of deletions. `comment`: for the server's journal.
    """

    exclude: Sequence[str] = ()
    limit: int | None = None
    comment: str | None = None


def purge_of(runtime: Runtime, comment: str | None) -> Definition:
    """The definition that purges a runtime that was read, by its id. `comment`: for the server's journal."""
    return Definition("absent", {}, id=runtime.id, name=runtime.name, journal_comment=comment, place=PURGE)


def definition_of(runtime: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the definition that would create a runtime, which is as in a result."""
    values = {}
    for field in FIELDS:
        # Null equals empty in every comparison. A definition that omits the field would restore nothing, so it is empty
        # there. Only an empty newer field is omitted, because an older release rejects it.
        value = runtime.get(field.name)
        if value is None:
            value = field.kind.to_result(field.kind.empty)
        is_omitted = value == "" and (field.newer_only or not field.may_be_empty)
        values[field.name] = None if value is None or is_omitted else field.kind.to_definition(value)
    definition = without_null(values)
    for name in POOL:
        if runtime.get(name) is None and pool_errors(definition):
            # Some servers omit a count of zero, but this one has a different meaning.
            del definition[name]
    return definition
