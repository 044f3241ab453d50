"""Short ways to the objects that most tests need."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import (
    ApiError,
    ConnectError,
    Interrupted,
    MstrError,
    ValidationError,
)
from ansible_collections.mstr.library.plugins.module_utils._model import definition as _definition
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import Runtime, from_api
from ansible_collections.mstr.library.plugins.module_utils._session import connection as _connection
from ansible_collections.mstr.library.plugins.module_utils._session.failures import api_error
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Stop
from ansible_collections.mstr.library.plugins.module_utils._session.response import Response

URL = "https://mstr.example.com/MicroStrategyLibrary"
PASSWORD = "correct horse battery"
ID = "3B9A7C7E4D0F4E2A9B1C2D3E4F506172"
OTHER_ID = "A" * 32
DEFAULT_ID = "0F35652CA7D041978BF0CBCB67531203"


def wanted(name: str | None = "r", **options: Any) -> _definition.Definition:
    return _definition.definition_from({"name": name, **options})


def connection(**options: Any) -> _connection.Connection:
    return _connection.connection_from({"base_url": URL, "username": "u", "password": PASSWORD, **options})


def error_of(call: Callable[..., Any], *args: Any, **options: Any) -> MstrError:
    """The error with which a call fails."""
    with pytest.raises(MstrError) as failure:
        call(*args, **options)
    return failure.value


def faults_of(call: Callable[..., Any], *args: Any) -> tuple[str, ...]:
    """The faults for which a call refuses its arguments."""
    with pytest.raises(ValidationError) as refusal:
        call(*args)
    return refusal.value.errors


def stored(**fields: Any) -> dict[str, Any]:
    """A whole runtime, as the API returns it."""
    return {
        "id": ID,
        "name": "r",
        "type": 80,
        "subtype": 20480,
        "description": "",
        "whitelist": [],
        "packages": [],
        "resource": {"cpu": "0.2", "mem": 512},
        "execTimeout": 600,
        "minCachedInstances": 0,
        "maxCachedInstances": 3,
        "runtimeVersion": "3.10.5",
        "others": "",
        "status": "ready",
        **fields,
    }


def packages(*texts: str) -> list[dict[str, Any]]:
    """Packages from texts such as `pandas==2.2.3` or `pandas`."""
    return [{"name": name, "version": version or None} for name, _equals, version in (t.partition("==") for t in texts)]


def runtime(**fields: Any) -> Runtime:
    return from_api(stored(**fields))


def response(
    status: int = 200,
    body: Any = b"",
    *,
    request: str = "GET /api/runtimes",
    headers: Mapping[str, str] | None = None,
    secrets: tuple[str, ...] = (),
) -> Response:
    """A response; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(request, status, headers or {}, raw, frozenset(secrets))


def refusal(status: int, code: str | None = None, message: str = "no", request: str = "POST /api/runtimes") -> ApiError:
    """A response of the API that says no."""
    body = {"code": code, "message": message} if code else b""
    return api_error(response(status, body, request=request), "do it", URL)


def lost(request: str = "POST /api/runtimes") -> ConnectError:
    """A response that never came, though the server may have done the work."""
    return ConnectError("Could not do it: the connection closed.", request=request, outcome_unknown=True)


def stopped(in_flight: bool) -> Interrupted:
    """A signal before a request or, `in_flight`, while its response is awaited."""
    signal = Interrupted("Stopped by signal SIGTERM")
    signal.outcome_unknown = in_flight
    return signal


class PatientStop(Stop):
    """Notes pauses in place of making them."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def check(self) -> None:
        if self.reason:
            raise Interrupted(f"Stopped by {self.reason}")

    def pause(self, seconds: float, woken: object = None) -> None:
        self.check()
        self.pauses.append(seconds)
