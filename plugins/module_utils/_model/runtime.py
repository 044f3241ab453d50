# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runtime as the server holds it, and how it is identified.

Reading never fails, whatever a server stores, once a response is an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .._errors import ValidationError
from .._text import counted, time_in_utc
from .alike import name_key
from .fields import BY_NAME, FIELDS
from .kinds import EMPTY_MAPPING

# The built-in runtime of every server [doc]. Some servers translate its name; the id is always the same.
DEFAULT_RUNTIME_ID = "0F35652CA7D041978BF0CBCB67531203"

_ID = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
# C0 and C1 controls, and the separators that end a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Read-only fields of a response [doc].
_DATES = ("date_created", "date_modified")
READ_ONLY = ("status", "dateCreated", "dateModified", "version", "owner", "acl", "acg")
INCOMPLETE = "The server's list of runtimes lacks its built-in default runtime, so it may be incomplete"


class Runtime(NamedTuple):
    """A runtime as read, or as predicted, without the values that only the server knows.

    A list may omit fields, or show them as null; `is_whole`: it was read by its id, and nothing is missing.
    """

    values: Mapping[str, Any]
    id: str | None = None
    facts: Mapping[str, Any] = EMPTY_MAPPING
    is_whole: bool = False

    @property
    def name(self) -> str:
        """The name; empty if the server returned none."""
        return self.values.get("name") or ""

    @property
    def label(self) -> str:
        """How messages name the runtime: 'name' (id)."""
        return f"{self.name!r} ({self.id})" if self.id else repr(self.name)

    @property
    def key(self) -> str:
        """The id by which two reads of one runtime are known as such: a server may write it in two ways."""
        return (self.id or "").upper()

    @property
    def is_default(self) -> bool:
        """Whether this is the server's built-in runtime, identified only by its id [doc]."""
        return self.key == DEFAULT_RUNTIME_ID

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Those of these fields that a list did not show, or showed as null.

        A name that is not a field of a definition, such as "status", is a read-only field.
        """
        if self.is_whole:
            return []
        return [name for name in names if self.values.get(name, self.facts.get(name)) is None]

    def to_result(self) -> dict[str, Any]:
        """The runtime for a result. A field that the server did not return is None."""
        fields = {name: self.values.get(name) for name in BY_NAME}
        values = {name: None if fields[name] is None else BY_NAME[name].kind.to_result(fields[name]) for name in fields}
        facts = _snake_keys({name: self.facts.get(name) for name in READ_ONLY})
        facts.update({name: time_in_utc(facts[name]) for name in _DATES})
        return {"id": self.id, **values, **facts, "is_default": self.is_default}


def status_word(status: Any) -> str:
    """The status in the words of the documentation; servers might write them in another case."""
    return "_".join(re.split(r"[\s_-]+", str(status or "").strip().casefold())) or "unknown"


def lists_default(listed: Iterable[Runtime]) -> bool:
    """Whether a list contains the built-in runtime that every server has. If not, it may lack others, too."""
    return any(runtime.is_default for runtime in listed)


def from_api(data: Mapping[str, Any]) -> Runtime:
    """The runtime in an object of the API [doc], without the fields that are missing there."""
    return Runtime(
        values={field.name: field.kind.from_api(data[field.api]) for field in FIELDS if field.api in data},
        id=None if data.get("id") is None else str(data["id"]),
        facts={name: data[name] for name in READ_ONLY if name in data},
    )


def _snake_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_snake_key(str(key)): _snake_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_snake_keys(entry) for entry in value]
    return value


@lru_cache(maxsize=8192)  # each runtime has the same keys
def _snake_key(key: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower()


def is_id(text: str) -> bool:
    """Whether the text has the form of an id."""
    return _ID.fullmatch(text) is not None


def id_or_name(text: str) -> str:
    """What an option means that takes an id or a name: an id as the server writes it, or else the name."""
    return text.upper() if is_id(text) else text


def id_from(text: str | None) -> str | None:
    """The id in upper case, as the server writes it. Raises ValidationError if it is not 32 hexadecimal digits."""
    if text is not None and not _ID.fullmatch(text):
        raise ValidationError([f"id {text!r} is invalid: expected 32 hexadecimal digits"])
    return text.upper() if text else text


def name_error(name: str) -> str | None:
    """Why this name is invalid, as the rest of a sentence that starts with the option; None if it is valid."""
    if not name.strip():
        return f"{name!r} is empty"
    if not name_key(name):
        return f"{name!r} contains no visible character"
    if _DIRECTION.search(name):
        return f"{name!r} contains a mark that changes the direction of text; remove it"
    if _CONTROL.search(name):
        return f"{name!r} contains a control character, such as a tab or a line break; remove it"
    if name != name.strip():
        return f"{name!r} starts or ends with whitespace; write {name.strip()!r}"
    return None


def counted_runtimes(number: int, with_default: bool, more: str = "") -> str:
    """A number of runtimes and `more`; says whether the built-in one, which an export leaves out, is among them."""
    return f"{counted(number, 'runtime')}{more} ({'with' if with_default else 'without'} the default one)"
