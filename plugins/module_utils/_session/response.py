# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A response of the server, and what its JSON should be. For the error of a failure, see `failures`.

Handles every body: JSON of any shape, HTML, or nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, NamedTuple

from .._errors import ApiError, ConnectError, MstrError
from .._text import DEEPEST, LONGEST_TEXT, SURROGATE, UNREAD, clean, is_deep
from .call import READ, RETRY_STATUSES

# A surrogate, escaped or not. Two of them may be a whole character.
_MAYBE_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
# Ids are hexadecimal digits; whatever else could lead a path to a different object is not an id.
_ID = re.compile(r"[\w{}~:-][\w{}~:.-]*", re.ASCII)

SIZE_LIMIT = 64 * 2**20  # bytes of a body


class UnreadableBody(Exception):
    """A body that cannot be used. The text says what came. `permanent`: a retry would bring the same."""

    def __init__(self, text: str, *, permanent: bool = False) -> None:
        super().__init__(text)
        self.permanent = permanent


class Response(NamedTuple):
    """A complete response. `request` is the call, such as `GET /api/runtimes`."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: frozenset[str] = frozenset()

    def quote(self, value: object, limit: int = LONGEST_TEXT) -> str:
        """A part of the response, cleaned for a message. Servers may repeat what they received, including secrets."""
        return clean(value, limit, self.secrets)

    @property
    def ok(self) -> bool:
        """Whether the call succeeded. Redirects are never followed, so a redirect is a failure."""
        return 200 <= self.status < 300

    def data(self) -> Any:
        """The JSON of the body, None for an empty one. Raises ValueError for anything else."""
        return parsed(self.body) if self.body.strip() else None

    @property
    def error(self) -> Mapping[str, Any]:
        """The API's error: the object, or the first object in its list "errors" [mstrio], or an empty mapping."""
        data: Any = None
        with suppress(ValueError):
            data = self.data()
        if isinstance(data, Mapping) and isinstance(data.get("errors"), list) and data["errors"]:
            data = data["errors"][0]
        return data if isinstance(data, Mapping) else {}

    @property
    def new_id(self) -> str | None:
        """The id of what the call has created; None if it failed, or if the response contains no id."""
        with suppress(ValueError):
            return id_in(self.data()) if self.ok else None
        return None


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is not a number of JSON")
    return number


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for invalid JSON and for JSON that is nested too deeply.

    Invalid are also numbers that JSON does not have, such as NaN, or that a float cannot hold, such as 1e400: other
    programs refuse a result with them.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    try:
        data = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    # Newer Python parsers accept deep nesting, but code that walks through the value, such as Ansible's, would fail.
    # A text with few brackets cannot be deep, so it needs no check.
    if text.count("[") + text.count("{") > DEEPEST and is_deep(data):
        raise ValueError("nested too deeply")
    if _MAYBE_HALF.search(text):
        # A text that was cut within a character has half of one at its end. Newer releases of Ansible refuse a result
        # with it, after the work was done.
        data = json.loads(SURROGATE.sub(UNREAD, json.dumps(data, ensure_ascii=False)))
    return data


class Shape(NamedTuple):
    """What the JSON of a response should be. `name` is for messages."""

    name: str
    fits: Callable[[Any], object]  # is true if it is


def id_in(data: Any) -> str | None:
    """The id in an object; None if it is not an object, or has none that can be a part of a path."""
    identity = str(data["id"]) if isinstance(data, Mapping) and data.get("id") else ""
    return identity if _ID.fullmatch(identity) else None


ANYTHING = Shape("JSON", lambda data: True)
OBJECT = Shape("an object", lambda data: isinstance(data, Mapping))
OBJECT_WITH_ID = Shape("an object with an id", id_in)
LIST_WITH_IDS = Shape("a list of objects with ids", lambda data: isinstance(data, list) and all(map(id_in, data)))


def list_of(key: str, entry: Shape | None = None) -> Shape:
    """An object with a list under `key`. `entry`: what each entry should be."""

    def fits(data: Any) -> bool:
        entries = data.get(key) if isinstance(data, Mapping) else None
        return isinstance(entries, list) and (entry is None or all(map(entry.fits, entries)))

    return Shape(f"an object with a list of {key}{f', each {entry.name}' if entry else ''}", fits)


def says_no_such_object(error: ApiError) -> bool:
    """Whether the object does not exist. A different message means that the call does not exist [mstrio]."""
    return error.status == 404 and error.number == 4 and error.error["message"] != "HTTP 404 Not Found"


def says_no_such_call(error: ApiError) -> bool:
    """Whether this release has no such call [mstrio]."""
    return error.status in (404, 405) and not says_no_such_object(error)


def says_session_ended(error: ApiError) -> bool:
    """Whether the session has ended. A 401 without an API code comes from Tomcat or a gateway that lost the session."""
    return error.status == 401 and error.number in (9, None)


def is_outage(error: MstrError, kind: str = READ) -> bool:
    """Whether a read or a login failed only because the server is temporarily unreachable, and did nothing."""
    if isinstance(error, ConnectError):
        return not error.permanent and (kind == READ or not error.outcome_unknown)
    return isinstance(error, ApiError) and error.status in RETRY_STATUSES[kind]
