# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition of one runtime: a task's options, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import ErrorList, ValidationError, parsed_each
from .fields import BY_NAME, FIELDS, LIST_AS_WRITTEN, POOL, PURGEABLE, TEXT_AS_WRITTEN, Field
from .kinds import at_least, checked_number
from .networks import canonical as canonical_network
from .runtime import id_from, name_error

DEFINITION_OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "id": {"type": "str"},
    **{field.name: dict(field.spec) for field in FIELDS},
    **{f"purge_{option}": {"type": "bool", "default": True} for option in PURGEABLE},
    "previous_names": {"type": LIST_AS_WRITTEN, "elements": "str"},
    "replace_on_change": {"type": "raw"},
    "smoke_test": {"type": "raw"},
}


EACH_PACKAGE = "true"  # the smoke test that imports what each package brings


class Definition(NamedTuple):
    """One runtime as wanted. `values` holds only the managed fields, by option name, in the fields' immutable types."""

    state: str
    values: Mapping[str, Any]
    id: str | None = None
    name: str | None = None
    keep: frozenset[str] = frozenset()  # names of the lists whose unlisted entries stay
    journal_comment: str | None = None
    previous_names: tuple[str, ...] = ()
    replace_on_change: frozenset[str] = frozenset()  # names of the fields whose change needs a second runtime
    smoke_test: str | None = None  # Python code, or EACH_PACKAGE
    place: str = ""  # where it is written: in a list, or in a file

    @property
    def label(self) -> str:
        """How messages name the runtime."""
        return f"'{self.name}'" if self.name and not self.id else f"with id {self.id}"


def definition_from(params: Mapping[str, Any]) -> Definition:
    """The definition in a task's options. Null counts as omitted. Raises ValidationError with all errors."""
    name = params.get("name")
    with ErrorList() as errors:
        if name is None and params.get("id") is None:
            errors.add("one of name and id is required")
        identity = errors.check(id_from, params.get("id"))
        values = {option: errors.check(_checked, BY_NAME[option], params[option]) for option in _managed(params)}
        errors.add(*pool_errors(values))
        replaced = errors.check(_replaced_fields, params)
        smoke_test = errors.check(_smoke_test, params.get("smoke_test"))
    if "resource" in values and not any(values["resource"]):
        del values["resource"]
    return Definition(
        state=params.get("state") or "present",
        values=values,
        id=identity,
        name=name,
        keep=keeps(params),
        journal_comment=params.get("journal_comment") or None,
        previous_names=tuple(params.get("previous_names") or ()),
        replace_on_change=replaced,
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
    if value is None or value is False:
        return None
    if value is True:
        return EACH_PACKAGE
    if not isinstance(value, str):
        raise ValidationError([f"smoke_test {value!r} is neither Python code nor true"])
    # With key=value, and from templates of an older ansible-core, true and false are texts.
    word = value.strip().lower()
    if word in ("", "false"):
        return None
    return EACH_PACKAGE if word == EACH_PACKAGE else value


def _replaced_fields(params: Mapping[str, Any]) -> frozenset[str]:
    """The fields of `replace_on_change`. Raises ValidationError for it, and for names that rename or replace."""
    name, replace_on_change = params.get("name") or "", params.get("replace_on_change")
    previous = params.get("previous_names") or ()
    is_absent = params.get("state") == "absent"
    is_plain = not previous and replace_on_change is None and (is_absent or not name.endswith(")"))
    if is_plain:
        return frozenset()
    from .moves import name_errors, replaced_fields  # few definitions need it

    with ErrorList() as errors:
        errors.add(*name_errors(params.get("name"), previous))
        replaced = errors.check(replaced_fields, replace_on_change)
        given = ["previous_names"] if previous else []
        if replaced is None or replaced:  # None if it has an error
            given.append("replace_on_change")
        for option in given:
            if params.get("id") is not None:
                errors.add(f"{option} cannot be used with id")
            if is_absent:
                errors.add(f"{option} cannot be used with state: absent")
    return replaced


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
    if field.name in ("packages", "resource"):
        from .entries import packages_from, resource_from  # only a definition with one of them needs it

        return packages_from(value) if field.name == "packages" else resource_from(value)
    if field.name == "name":
        error = name_error(value)
    elif value == "" and not field.may_be_empty:
        error = "is empty; omit the option to keep the current value"
    elif kind is TEXT_AS_WRITTEN:
        from .entries import version_error

        error = version_error(value)
    elif kind == "int":
        at_least(field.name, checked_number(field.name, value), field.minimum)
    if error:
        raise ValidationError([f"{field.name} {error}"])
    return value
