# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A response of the server, and the error message for one that reports a failure.

Handles every body: JSON of any shape, HTML, or nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .._errors import SURROGATE, ApiError, AuthError, clean, code_number

_HTML = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_DEPTH_LIMIT = 100
# A surrogate, escaped or not. Two of them may be a whole character.
_MAYBE_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
# Ids are hexadecimal digits; whatever else could lead a path to a different object is not an id.
_ID = re.compile(r"[\w{}~:-][\w{}~:.-]*", re.ASCII)

# What to do next, by the number of the API's error code [doc].
_NEXT_STEP_BY_CODE = {
    3: "Check the credentials and login_mode.",
    9: "The session has ended: it timed out, or another job of the same user logged out.",
    14: "The user needs the privilege 'Manage runtime' and a licence for the API.",
    17: "The user needs permission on this object, and the privilege 'Manage runtime'.",
}
_NEXT_STEP_BY_STATUS = {
    401: "Check the credentials and login_mode.",
    403: "The user may lack the privilege 'Manage runtime' or a licence for the API, or a gateway refuses the call.",
    429: "The server received too many requests; try again later.",
    503: "The server is not available now; try again later.",
}
_TOO_MANY_SESSIONS = re.compile(
    r"\b(max(imum)?|limit|too many|exceed\w*)\b.*\bsessions?\b"
    r"|\bsessions?\b.*\b(max(imum)?|limit|too many|exceed\w*)\b",
    re.IGNORECASE,
)
_NEXT_STEP_FOR_SESSIONS = (
    "End other sessions of this user, wait until they time out on the server, or raise the limit there. "
    "With mstr_session, all tasks of a play share one session."
)
_LIBRARY = "/MicroStrategyLibrary"


class Response(NamedTuple):
    """A complete response. `request` is the call, such as `GET /api/runtimes`."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: frozenset[str] = frozenset()

    def quote(self, value: object, limit: int = 400) -> str:
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
    def new_id(self) -> str | None:
        """The id of what the call has created; None if it failed, or if the response contains no id."""
        with suppress(ValueError):
            return id_in(self.data()) if self.ok else None
        return None

    def looks_like(self) -> str:
        """A description of the body that came instead of the expected JSON."""
        if not self.body.strip():
            return "an empty body"
        if _HTML.match(self.body[:1000]):
            title = _TITLE.search(self.body[:20000].decode("utf-8", "replace"))
            return f"an HTML page, title {self.quote(title.group(1), 80)!r}" if title else "an HTML page"
        try:
            return _shape(self.data())
        except ValueError:
            pass
        kind = self.headers.get("Content-Type", "").lower()
        if "json" in kind or self.body.lstrip()[:1] in (b"{", b"["):
            return "broken JSON"
        return f"something other than JSON ({self.quote(kind, 60) or 'no content type'})"


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for invalid JSON and for JSON that is nested too deeply."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    # Newer Python parsers accept deep nesting, but code that walks through the value, such as Ansible's, would fail.
    # A text with few brackets cannot be deep, so it needs no check.
    if text.count("[") + text.count("{") > _DEPTH_LIMIT and _is_deep(data):
        raise ValueError("nested too deeply")
    if _MAYBE_HALF.search(text):
        # A text that was cut within a character has half of one at its end. Newer releases of Ansible refuse a result
        # with it, after the work was done.
        data = json.loads(SURROGATE.sub("\ufffd", json.dumps(data, ensure_ascii=False)))
    return data


def _is_deep(data: Any) -> bool:
    level = [data]
    for _level in range(_DEPTH_LIMIT):
        inside = (value.values() if isinstance(value, dict) else value for value in level)
        level = [inner for values in inside for inner in values if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


_SHAPES: dict[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def _shape(data: Any) -> str:
    return f"unexpected JSON ({_SHAPES.get(type(data), 'a number')})"


def shape(data: Any) -> str:
    """A description of the value that came instead of the expected JSON. None also stands for an empty body."""
    return "an empty body or null" if data is None else _shape(data)


def api_error(response: Response, operation: str, server: str) -> ApiError:
    """The error for a call that did not succeed. `operation`: what was tried, as in "create runtime 'x'"."""
    fields = _fields(response)
    answer = f" with {response.looks_like()}" if fields["message"] is None else f": {fields['message']!r}"
    facts = [part for part in (fields["code"], fields["ticket_id"] and f"ticket {fields['ticket_id']}") if part]
    if facts:
        answer += f" ({', '.join(facts)})"
    if 300 <= response.status < 400:
        answer = f" with a redirect to {_target(response)}, which is not followed so that no other host gets the token"
    sentence = f"Could not {operation}: {server} answered {response.status} to {response.request}{answer}. "
    kind = AuthError if response.status == 401 else ApiError
    # Below 200 it is only an interim response, after which Python does not read the final one.
    outcome_unknown = not 200 <= response.status < 500 and not response.request.startswith("GET ")
    return kind(
        (sentence + _next_step(response, fields, server)).rstrip(),
        outcome_unknown=outcome_unknown,
        http_status=response.status,
        request=response.request,
        **fields,
    )


def wrong_response(response: Response, operation: str, server: str, wanted: str) -> ApiError:
    """The error for a success status with an unexpected body. Whether the server did the work is unclear."""
    return ApiError(
        f"Could not {operation}: {server} answered {response.status} to {response.request} "
        f"with {response.looks_like()} instead of {wanted}. {_check_place(server)}",
        outcome_unknown=True,
        http_status=response.status,
        request=response.request,
    )


class Shape(NamedTuple):
    """What the JSON of a response should be. `name` is for messages."""

    name: str
    fits: Callable[[Any], bool]

    def check(self, data: Any, operation: str, server: str, request: str) -> Any:
        """The JSON in the response to `request`, a call that only reads. Raises ApiError if it does not fit."""
        if self.fits(data):
            return data
        raise ApiError(
            f"Could not {operation}: {server} answered 200 to {request} with {shape(data)} instead of {self.name}. "
            f"{_check_place(server)}",
            http_status=200,
            request=request,
        )


def id_in(data: Any) -> str | None:
    """The id in an object; None if it is not an object, or has none that can be a part of a path."""
    identity = str(data["id"]) if isinstance(data, Mapping) and data.get("id") else ""
    return identity if _ID.fullmatch(identity) else None


def _has_id(data: Any) -> bool:
    return id_in(data) is not None


ANYTHING = Shape("JSON", lambda data: True)
OBJECT = Shape("an object", lambda data: isinstance(data, Mapping))
OBJECT_WITH_ID = Shape("an object with an id", _has_id)
LIST_WITH_IDS = Shape("a list of objects with ids", lambda data: isinstance(data, list) and all(map(_has_id, data)))


def list_of(key: str) -> Shape:
    """An object with a list under `key`."""
    return Shape(
        f"an object with a list of {key}", lambda data: isinstance(data, Mapping) and isinstance(data.get(key), list)
    )


def _check_place(server: str) -> str:
    usual = "" if server.endswith(_LIBRARY) else f" It usually ends in {_LIBRARY}."
    return f"Check that base_url is the URL of the Library server, and that no gateway answers in its place.{usual}"


def says_no_such_object(error: ApiError) -> bool:
    """Whether the object does not exist. A different message means that the call does not exist [mstrio]."""
    return error.status == 404 and error.number == 4 and error.error["message"] != "HTTP 404 Not Found"


def says_no_such_call(error: ApiError) -> bool:
    """Whether this release has no such call [mstrio]."""
    return error.status in (404, 405) and not says_no_such_object(error)


def says_session_gone(error: ApiError) -> bool:
    """Whether the session has ended. A 401 without an API code comes from Tomcat or a gateway that lost the session."""
    return error.status == 401 and error.number in (9, None)


def _fields(response: Response) -> dict[str, Any]:
    """The API's error fields: from the object, or from the first object in its list "errors" [mstrio]."""
    try:
        data = response.data()
    except ValueError:
        data = None
    if isinstance(data, Mapping) and isinstance(data.get("errors"), list) and data["errors"]:
        data = data["errors"][0]
    if not isinstance(data, Mapping):
        data = {}
    number = data.get("iServerCode")
    return {
        **{
            name: response.quote(data[key])
            if isinstance(data.get(key), (str, int, float)) and data[key] != ""
            else None
            for name, key in (("code", "code"), ("message", "message"), ("ticket_id", "ticketId"))
        },
        "iserver_code": number if isinstance(number, int) and not isinstance(number, bool) else None,
    }


def _next_step(response: Response, fields: Mapping[str, Any], server: str) -> str:
    """What to do next; empty if the server's own message is sufficient."""
    if 300 <= response.status < 400:
        return "If the target is the right server, set base_url to it."
    number, message = code_number(fields["code"]), fields["message"] or ""
    if number != 9 and _TOO_MANY_SESSIONS.search(message):
        return _NEXT_STEP_FOR_SESSIONS
    if number in _NEXT_STEP_BY_CODE:
        return _NEXT_STEP_BY_CODE[number]
    if response.status in (404, 405) and (not number or message.startswith(f"HTTP {response.status} ")):
        # Every release has the calls below /auth.
        hint = "" if "/api/auth/" in response.request else "This release of the server may not have this call. "
        return hint + _check_place(server)
    if fields["code"]:
        return ""
    if response.status == 400 and server.startswith("http:"):
        return "If this port uses TLS, write https:// in base_url."
    return _NEXT_STEP_BY_STATUS.get(response.status, "")


def _target(response: Response) -> str:
    """Where a redirect points, without the parts that might be secret."""
    location = response.headers.get("Location", "")
    try:
        parts = urlsplit(location)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "an invalid URL"
    return response.quote(f"{parts.scheme}://{host}{parts.path}" if host else parts.path) or "no target"
