# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runtime as the server holds it, how it is identified, and whether it is ready or broken.

Reading never fails, whatever a server stores, once a response is an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from .._errors import ValidationError
from .._text import clean, counted, time_in_utc
from .alike import name_key
from .fields import FIELDS
from .kinds import EMPTY_MAPPING, Package

# The built-in runtime of every server [doc]. Some servers translate its name; the id is always the same.
DEFAULT_RUNTIME_ID = "0F35652CA7D041978BF0CBCB67531203"

_ID = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
# C0 and C1 controls, and the separators that end a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# The read-only fields of a response [doc], and their names in a result.
READ_ONLY = {
    "status": "status",
    "dateCreated": "date_created",
    "dateModified": "date_modified",
    "version": "version",
    "owner": "owner",
    "acl": "acl",
    "acg": "acg",
}
_DATES = ("date_created", "date_modified")
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
        result: dict[str, Any] = {"id": self.id}
        for field in FIELDS:
            value = self.values.get(field.name)
            result[field.name] = None if value is None else field.kind.to_result(value)
        for api, name in READ_ONLY.items():
            result[name] = _snake_keys(self.facts.get(api))
        for name in _DATES:
            result[name] = time_in_utc(result[name])
        return {**result, "is_default": self.is_default}


def lists_default(listed: Iterable[Runtime]) -> bool:
    """Whether a list contains the built-in runtime that every server has. If not, it may lack others, too."""
    return any(runtime.is_default for runtime in listed)


def from_api(data: Mapping[str, Any]) -> Runtime:
    """The runtime in an object of the API [doc], without the fields that are missing there."""
    values = {}
    for field in FIELDS:
        if field.api in data:
            value = data[field.api]
            values[field.name] = None if value is None else field.kind.from_api(value)
    facts = {name: data[name] for name in READ_ONLY.keys() & data.keys()}
    return Runtime(values, None if data.get("id") is None else str(data["id"]), facts)


def _snake_keys(value: Any) -> Any:
    if isinstance(value, dict):
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


# --- whether it is ready [doc]


_FAILED = ("not_installed", "failed", "error")  # of a package; the first is documented, the others are likely


def status_word(status: Any) -> str:
    """The status in the words of the documentation; servers might write them in another case."""
    words = str(status or "").casefold().replace("_", " ").replace("-", " ").split()
    return "_".join(words) or "unknown"


def failure_of(runtime: Runtime) -> str | None:
    """What is broken, as a sentence without a full stop; None if nothing is known to be."""
    failed = [package for package in packages_of(runtime) if status_word(package.status) in _FAILED]
    if failed:
        reasons = ", ".join(map(_reason, failed))
        what = f"{counted(len(failed), 'package')} could not be installed: {reasons}"
        return f"Runtime {runtime.label}: {what}"
    if status_word(runtime.facts.get("status")) == "error":
        return f"Runtime {runtime.label} is in error: {state_text(runtime)}"
    return None


def _reason(package: Package) -> str:
    """A package that could not be installed, with what the server says of it."""
    reason = f'server: "{clean(package.message)}"' if package.message else "no reason given"
    return f"{clean(package.name)} ({reason})"


def statuses(runtime: Runtime) -> tuple[str, set[str]]:
    """The status of the runtime, and those of its packages."""
    return status_word(runtime.facts.get("status")), {status_word(package.status) for package in packages_of(runtime)}


def packages_of(runtime: Runtime) -> Sequence[Any]:
    """The packages as they were read."""
    return runtime.values.get("packages") or ()


def status_text(runtime: Runtime) -> str:
    """The status of the runtime, for a message."""
    return f"status {clean(runtime.facts.get('status') or 'not reported')}"


def state_text(runtime: Runtime) -> str:
    """All statuses, for a message."""
    packages = [
        f"{clean(package.name)} {clean(package.status or 'without status')}" for package in packages_of(runtime)
    ]
    nothing = "none" if "packages" in runtime.values else "not reported"
    return f"{status_text(runtime)}, packages: {', '.join(packages) or nothing}"
