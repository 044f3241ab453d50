"""Stands in for Http: answers from a script, and notes what was asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session import session as _session
from ansible_collections.mstr.library.plugins.module_utils._session.call import Call
from ansible_collections.mstr.library.plugins.module_utils._session.response import Response
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http

from .make import PatientStop, connection, response

LOGIN, LOGOUT = "POST /auth/login", "POST /auth/logout"


def logged_in(token: str = "token-number-1") -> Response:
    return response(204, request=f"{LOGIN[:5]}/api{LOGIN[5:]}", headers={"X-MSTR-AuthToken": token})


class FakeHttp(Http):
    """Replies of a call are used up one by one; without any, a login, a logout and everything else succeed."""

    def __init__(self) -> None:
        self.jar: list[tuple[str, str, str, str]] = []
        self.calls: list[str] = []
        self.sent: list[Call] = []
        self._replies: dict[str, list[Any]] = {}
        self._logins = 0
        self.before: Any = None  # called once, while the next call is on its way

    def reply(self, call: str, *replies: Response | BaseException) -> None:
        self._replies.setdefault(call, []).extend(replies)

    def cookies(self) -> list[tuple[str, str, str, str]]:
        return self.jar

    def take_cookies(self, cookies: Iterable[tuple[str, str, str, str]]) -> None:
        self.jar = [*self.jar, *cookies]

    def forget_cookies(self) -> None:
        self.jar = []

    def close(self) -> None:
        pass

    def _start(self, call: Call) -> Any:
        name = f"{call.method} {call.path}"
        self.calls.append(name)
        self.sent.append(call)
        return name

    def _response(self, outcome: Any, call: Call, last: bool = False) -> Response | ConnectError:
        """Asking twice for the response to a call takes a reply each time."""
        return self.next_reply(outcome)

    def next_reply(self, call: str) -> Response | ConnectError:
        if self.before:
            before, self.before = self.before, None
            before()
        replies = self._replies.get(call)
        if replies:
            got = replies.pop(0)
            if isinstance(got, (Response, ConnectError)):
                return got
            raise got
        if call in (LOGIN, "POST /auth/delegate"):
            self._logins += 1
            return logged_in(f"token-number-{self._logins}")
        return response(204 if call == LOGOUT else 200, request=call.replace(" ", " /api"))

    def count(self, call: str) -> int:
        return self.calls.count(call)

    def tokens(self, call: str) -> list[str]:
        """The token that each of these calls carried."""
        sent = zip(self.calls, self.sent)
        return [str(entry.token) for name, entry in sent if name == call]


class Session:
    """A session on a FakeHttp, with all that it says and pauses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, check_mode: bool = False, **options: Any) -> None:
        self.http = FakeHttp()
        monkeypatch.setattr(_session, "Http", self._http)
        self.stop = PatientStop()
        self.warnings: list[str] = []
        self.session = _session.Session(connection(**options), self.stop, self.warnings.append, check_mode=check_mode)

    def _http(self, *arguments: Any) -> FakeHttp:
        Http.__init__(self.http, *arguments)
        return self.http
