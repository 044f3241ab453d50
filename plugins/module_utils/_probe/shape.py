# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a record keeps of a call. Records are attached to public issues, so each value is replaced by its kind.

Only what the lists here contain stays: words, numbers and headers of the API, versions and error codes.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from .._session.response import Response

NAME, ID, DATE, CIDR, NUMBER, KEY = "<name>", "<id>", "<date>", "<cidr>", "<number>", "<key>"
NUMBER_AS_TEXT = "<number as text>"
NO_JSON = "<no JSON>"
KINDS = (NAME, ID, DATE, CIDR, NUMBER, NUMBER_AS_TEXT, KEY, NO_JSON)

# [doc], [mstrio]: statuses, types of scripts, and the two messages of a release that has no such call.
WORDS = frozenset(
    {
        "",
        *("unknown", "ready", "busy", "error", "installing", "installed", "not_installed"),
        *("python", "jupyterNotebook", "commandManager", "dataSource", "transaction"),
        *("HTTP 404 Not Found", "HTTP 405 Method Not Allowed"),
    }
)
# Types and subtypes of runtimes and scripts.
NUMBERS = frozenset({76, 80, 20480, *range(19456, 19466)})
HEADERS = (
    *("Cache-Control", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Location", "Retry-After"),
    *("Server", "Set-Cookie", "Transfer-Encoding", "WWW-Authenticate", "X-MSTR-AuthToken"),
)
_PATH_WORDS = frozenset(
    {"", "api", "auth", "delegate", "history", "login", "metadataSearches", "objects", "openapi.json", "projects"}
    | {"results", "runtimes", "scripts", "status", "tasks", "v2", "versions"}
)
_VERSION_KEYS = frozenset({"iServerVersion", "runtimeVersion", "version", "versions", "webVersion"})
_CODE_KEY = "iServerCode"
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,5}){1,3}")
_CODE = re.compile("ERR[0-9]{2,5}")
_PLAIN_KEY = re.compile("[A-Za-z]{1,40}")
_MOST = 200  # keys of an object, and entries of a list
SCHEMA_PATH = "/openapi.json"
# Of the server's schema: the operations that are kept, the keys with names below them, and the keys of a type.
_OPERATIONS = re.compile(r"/api/(runtimes|scripts|tasks|objects)(/[A-Za-z{}/]{1,60})?")
_NAMED = frozenset({"content", "parameters", "properties", "responses", "schemas"})
_KEY_OF_TYPE = re.compile(
    r"get|post|put|patch|delete|content|parameters|properties|responses|schemas|\$ref|additionalProperties|allOf|anyOf|"
    "default|enum|format|in|items|maximum|minimum|name|nullable|oneOf|requestBody|required|schema|type"
)
_WORD = re.compile(r"[A-Za-z0-9_#/${}*.+-]{1,80}", re.ASCII)
_REFERENCE = re.compile(r'"#/components/(parameters|responses|schemas)/([A-Za-z0-9_.-]{1,80})"', re.ASCII)


def recorded(response: Response, milliseconds: int) -> dict[str, Any]:
    """The call that has this response."""
    method, _space, path = response.request.partition(" ")
    names = {name.lower() for name in response.headers}
    body = None
    if not (path.endswith(SCHEMA_PATH) and response.ok):  # for the schema, see `schema_of`
        try:
            body = shape_of(response.data())
        except ValueError:
            body = NO_JSON
    return {
        "method": method,
        "path": "/".join(part if part in _PATH_WORDS else "{id}" for part in path.split("/")),
        "status": response.status,
        "milliseconds": milliseconds,
        "headers": [name for name in HEADERS if name.lower() in names],
        "body": body,
    }


def recorded_without_response(request: str) -> dict[str, Any]:
    """The call to which no response came."""
    return {**recorded(Response(request, 0, {}, b""), 0), "status": None, "milliseconds": None}


def schema_of(document: Any) -> dict[str, Any] | None:
    """What a record keeps of the server's own schema: operations for runtimes, scripts, tasks and objects.

    Their names, types and enumerated values, with the types that they refer to; neither servers nor prose.
    """
    paths = _inside(document, "paths")
    if paths is None:
        return None
    names = [path for path in paths if _OPERATIONS.fullmatch(path)]
    kept = {path: _types(paths[path]) for path in names[:_MOST]}
    components: dict[str, dict[str, Any]] = {}
    references = _REFERENCE.findall(json.dumps(kept))
    while references:
        kind, name = references.pop()
        of_kind = components.setdefault(kind, {})
        if name not in of_kind:
            of_kind[name] = _types(_inside(document, "components", kind, name))
            references += _REFERENCE.findall(json.dumps(of_kind[name]))
    return {"paths": kept, "components": components}


def _inside(value: Any, *keys: str) -> Mapping[str, Any] | None:
    """The object below these keys, or None."""
    with suppress(KeyError, TypeError):
        for key in keys:
            value = value[key]
    return value if isinstance(value, Mapping) else None


def _types(value: Any, named: bool = False) -> Any:
    """A part of a schema without prose. `named`: its keys are names."""
    if isinstance(value, Mapping):
        known, inner = (_WORD, frozenset[str]()) if named else (_KEY_OF_TYPE, _NAMED)
        keys = list(filter(known.fullmatch, islice(value, _MOST)))
        return {key: _types(value[key], key in inner) for key in keys}
    if isinstance(value, list):
        return list(map(_types, value[:_MOST]))
    is_prose = isinstance(value, str) and not _WORD.fullmatch(value)
    return NAME if is_prose else value


def shape_of(value: Any, key: str = "") -> Any:
    """The value, which has this key in an object, with every value in it replaced. A list has each shape once."""
    if isinstance(value, Mapping):
        shapes_by_name = {name: shape_of(inner, name) for name, inner in islice(value.items(), _MOST)}
        return {name if _PLAIN_KEY.fullmatch(name) else KEY: shape for name, shape in shapes_by_name.items()}
    if isinstance(value, list):
        shapes: list[Any] = []
        for entry in value[:_MOST]:
            shape = shape_of(entry, key)
            if shape not in shapes:
                shapes.append(shape)
        return shapes
    if value is None or isinstance(value, bool):
        return value
    return _text(value, key) if isinstance(value, str) else _number(value, key)


def _number(value: float, key: str) -> Any:
    # The codes of the Intelligence Server are negative numbers of 32 bits.
    is_code = key == _CODE_KEY and isinstance(value, int) and -(2**31) <= value < 0
    return value if is_code or value in NUMBERS else NUMBER


def _text(text: str, key: str) -> str:
    is_code = key == "code" and _CODE.fullmatch(text)
    is_version = key in _VERSION_KEYS and _VERSION.fullmatch(text) and not _is_network(text)
    if text in WORDS or is_code or is_version:
        return text
    kinds = (kind for kind, is_of_kind in _KINDS_OF_TEXT.items() if is_of_kind(text))
    return next(kinds, NAME)


def _is_network(text: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_interface(text)
        return True
    return False


_KINDS_OF_TEXT: Mapping[str, Callable[[str], object]] = {
    ID: re.compile("[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch,
    DATE: re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?").fullmatch,
    CIDR: _is_network,
    NUMBER_AS_TEXT: re.compile(r"-?[0-9]+(\.[0-9]+)?").fullmatch,
}
