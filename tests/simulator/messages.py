"""A call and its reply as plain values, and the API's errors.

Handlers do not use HTTP connections. So a fault can do their work early, late, twice or not at all.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.profiles import Switches

if TYPE_CHECKING:
    from simulator.sessions import HttpSession
    from simulator.users import User

BASE_PATH = "/MicroStrategyLibrary"
JSON_TYPE = "application/json;charset=UTF-8"


_number = itertools.count(1)


def new_id() -> str:
    """32 hexadecimal digits, the format of the ids and versions of objects [doc].

    A later one is greater, so that what is sorted by ids has the same order in each run of a test.
    """
    return f"{next(_number):08X}{secrets.token_hex(12).upper()}"


class ApiError(Exception):
    """An error response of the API. ``number`` is the number in its ERR code."""

    def __init__(self, status: int, number: int, message: str, iserver_code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.number = number
        self.message = message
        self.iserver_code = iserver_code
        self.headers: dict[str, str] = {}

    def to_reply(self, switches: Switches) -> Reply:
        """An error body in the server's format: wrapped or not, with one of the formats of the code."""
        # The vendor's table prints ERR0017 where its sample prints ERR017 [doc].
        code = f"ERR00{self.number}" if switches["error_code_style"] == "table" else f"ERR{self.number:03d}"
        body: dict[str, Any] = {"code": code, "message": self.message, "ticketId": secrets.token_hex(16)}
        if self.iserver_code is not None:
            body["iServerCode"] = self.iserver_code
        return Reply(self.status, {"errors": [body]} if switches.yes("errors_wrapped") else body, self.headers)


def not_found(what: str) -> ApiError:
    """The error for an object that does not exist or is hidden from the caller."""
    return ApiError(404, 4, f"The object {what} was not found.", -2147216373)


def check_exists(how: str, what: str = "") -> None:
    """Raise the API's error on a release without a call. "as_id": it reads the path as the id of an object."""
    if how == "as_id":
        raise not_found(what)
    if how != "yes":
        raise no_such_call(how)


def no_such_call(status: str) -> ApiError:
    """The error with which a release without a call answers. The two messages show [mstrio] that it has none."""
    number, reason = {"404": (4, "Not Found"), "405": (1, "Method Not Allowed")}[status]
    return ApiError(int(status), number, f"HTTP {status} {reason}")


def invalid(message: str) -> ApiError:
    """The error for a value that is not allowed."""
    return ApiError(400, 6, message)


def missing(name: str) -> ApiError:
    """The error for a missing required value."""
    return ApiError(400, 5, f"The required field '{name}' is missing.")


def only(body: Mapping[str, Any], known: set[str]) -> None:
    """Reject a body with an unknown field."""
    for name in body:
        if name not in known:
            raise invalid(f"The field '{name}' is not known.")


def shown_time(text: str | None, switches: Switches) -> str | None:
    """A time of the format `2022-08-31T07:29:53.000+0000`, in the server's format."""
    return f"{text[:10]} {text[11:19]}" if text and text[10:11] == "T" and switches["date_format"] == "space" else text


def page(query: Mapping[str, str], usual: int = -1) -> tuple[int, int]:
    """The offset and the limit of a query; `usual` is the limit of one that names none. -1 is all [mstrio]."""
    return int(query.get("offset", 0)), int(query.get("limit", usual))


@dataclass
class Call:
    """One request to the API. ``path`` is the part after ``/api``."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # aiohttp's case-insensitive mapping
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    session: HttpSession | None = None  # set by the code that finds or creates it

    @property
    def user(self) -> User:
        """The user of the session of this call."""
        assert self.session is not None
        return self.session.user

    def json(self) -> Any:
        """The body, or raise the API's error if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ApiError(400, 7, "The request body is not valid JSON.") from error

    def sent(self) -> Any:
        """The JSON of the body, or None."""
        with contextlib.suppress(ValueError):
            return json.loads(self.body)
        return None

    def json_object(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        body = self.json()
        if not isinstance(body, dict):
            raise ApiError(400, 7, "The request body must be a JSON object.")
        return body

    def form_or_json(self) -> dict[str, Any]:
        """The body of a login, which is JSON or form data ([mstrio] sends form data)."""
        if "json" in self.headers.get("Content-Type", ""):
            return self.json_object()
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def selected(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The fields of the root object that the query asks for [schema]."""
        wanted = [name for name in self.query.get("fields", "").split(",") if name]
        return {name: value for name, value in answer.items() if not wanted or name in wanted}

    def header(self, name: str) -> str:
        """A header, or ``""``."""
        return str(self.headers.get(name, ""))


@dataclass
class Reply:
    """One response. ``payload`` None means an empty body; ``raw`` overrides it."""

    status: int
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = JSON_TYPE

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.payload is None:
            return b""
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
