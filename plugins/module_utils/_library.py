# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An open session on a Library server: login, calls, a new login when the session has died, logout.

Wing: Session.
Logs in with the first call, logs out only what it logged in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from datetime import datetime, timezone
from functools import partial
from threading import Lock
from typing import Any

from ._connection import Connection, Login
from ._errors import ApiError, AuthError, ConnectError, MstrError
from ._http import Http
from ._interrupt import Interrupted, Stop, Unstoppable
from ._response import Response, api_error, says_session_gone, wrong_response
from ._retry import RETRY_STATUSES, pause_before, retries_connection
from ._session_string import SessionString, encode

_TOKEN, _PROJECT = "X-MSTR-AuthToken", "X-MSTR-ProjectID"
_LAST_CALL_LIMIT = 5.0  # seconds
_DOING_LOGIN = "log in"


class Library:
    """A session. Several threads may call at a time."""

    def __init__(self, connection: Connection, stop: Stop, warn: Callable[[str], None]) -> None:
        self.base_url = connection.base_url
        self.connection, self._stop, self._warn = connection, stop, warn
        self._http = Http(connection)
        self._login_lock, self._turns = Lock(), Lock()
        self._in_turn = False
        self._new_logins = connection.retries
        self._ours = False
        self._token: str | None = None
        self.heard: Callable[[Response], object] = lambda response: None  # gets each response, of any status
        if connection.login:
            self._http.secrets.update(text for text in connection.login.secrets if text)
        if connection.session:
            self._http.take_cookies(connection.session.cookies)
            self._note(connection.session.token)

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, doing: str | None = None, **more: Any) -> Any:
        """The JSON that the server answers to GET `path` below /api, None for an empty body. Raises MstrError."""
        doing = doing or f"read {path}"
        response = self.call("GET", path, params=params, doing=doing, **more)
        try:
            return response.data()
        except ValueError:
            raise wrong_response(response, doing, self.base_url, "a response of the API") from None

    def send(self, method: str, path: str, body: Any = None, *, doing: str, **options: Any) -> Any:
        """The JSON that the server answers to a write, None for an empty body. Raises MstrError.

        `options` as of `call`.
        """
        response = self.call(method, path, json=body, doing=doing, **options)
        try:
            return response.data()
        except ValueError:
            raise wrong_response(response, doing, self.base_url, "a response of the API or nothing") from None

    def call(
        self, method: str, path: str, *, doing: str, late: Callable[[Response], object] | None = None, **options: Any
    ) -> Response:
        """The response to a call that the server said yes to. Logs in first, and again when the session has died.

        `late` gets a response that comes when the task has been asked to end: what it started can still be undone.
        `options`: `json`, `params`; `project`, an id; `kind`, C(read) for a POST that only reads; `renews`, False for
        a call that a live session may be refused with a 401. Raises ConnectError, ApiError, AuthError; Interrupted.
        """
        kind, renews = options.pop("kind", "read" if method == "GET" else "write"), options.pop("renews", True)
        project = options.pop("project", None)
        while True:
            token = self._token or self._log_in(None)
            headers = {_TOKEN: token, **({_PROJECT: project} if project else {})}
            response = self._exchange(kind, method, path, doing, late, headers=headers, **options)
            if response.ok:
                return response
            error = api_error(response, doing, self.base_url)
            if not renews or not says_session_gone(error):
                raise error
            # A load balancer whose cookie changes with each response knows no session that two calls use at a time.
            self._in_turn = True
            # Nothing was done, so that a write may be repeated too.
            self._log_in(token, error)

    @property
    def delegated(self) -> bool:
        """Whether the session shares its giver's, which a logout might end: nobody logs it out."""
        given = self.connection.session
        if given and given.token == self._token:
            return given.delegated
        return self.connection.login is not None and self.connection.login.delegated

    def snapshot(self) -> SessionString:
        """The session as it is now, with every cookie. It remains this task's to end. Raises MstrError."""
        token = self._token or self._log_in(None)
        return SessionString(self.base_url, token, self._http.cookies(), self.delegated)

    def session_string(self) -> str:
        """The session as one string for other tasks, which keep it open; so does this one from now on.

        Raises MstrError where a credential is so short that Ansible would mask it in any string.
        """
        try:
            text = encode(self.snapshot(), self.secrets)
        except ValueError as exc:
            raise MstrError(f"The session cannot be handed on, {exc}, and Ansible masks it there.") from None
        # Nobody else can end a session whose string is never read.
        self._stop.check()
        self._ours = False
        return text

    def log_out(self) -> None:
        """End the session, if it was opened here. A failure is a warning: it hides no result."""
        if not self._ours:
            return
        try:
            self.end_session()
        except Exception as exc:
            said = exc.sentence if isinstance(exc, MstrError) else f"Could not log out ({type(exc).__name__})."
            self._warn(f"{said} The session stays open on the server until it times out there.")

    def end_session(self) -> None:
        """End the session whoever opened it; content when it has gone. One try of 5 s at most. Raises MstrError."""
        token, self._token, self._ours = self._token, None, False
        if token is None:
            return
        try:
            self._last_call("POST", "/auth/logout", token, "log out")
        except ApiError as exc:
            if not says_session_gone(exc):
                raise

    def last_call(self, method: str, path: str, *, doing: str) -> Any:
        """What a last call answers, also when the task was asked to end. One try of 5 s. Raises MstrError."""
        if self._token is None:
            raise MstrError(f"Could not {doing}: there is no session any more.")
        return self._last_call(method, path, self._token, doing)

    def _last_call(self, method: str, path: str, token: str, doing: str) -> Any:
        call = self._http.start(method, path, headers={_TOKEN: token}, timeout=_LAST_CALL_LIMIT)
        response = call.response(Unstoppable(), doing, _LAST_CALL_LIMIT)
        self.heard(response)
        if not response.ok:
            raise api_error(response, doing, self.base_url)
        try:
            return response.data()
        except ValueError:
            # The page of a gateway, say: the server may have heard nothing of it.
            raise wrong_response(response, doing, self.base_url, "JSON or nothing") from None

    @property
    def secrets(self) -> set[str]:
        """Texts that nobody may see, of those that Ansible does not know already."""
        return self._http.secrets

    def _log_in(self, dead_token: str | None, error: ApiError | None = None) -> str:
        """The token of a new session; of the one that another thread has opened meanwhile, if it has."""
        with self._login_lock:
            if self._token and self._token != dead_token:
                return self._token
            login = self.connection.login
            if error is not None:
                if login is None:
                    raise AuthError(
                        f"{error.sentence} The task was given a session and no credentials to log in again: log in by "
                        "mstr_session again, or give credentials beside the session.",
                        **error.error,
                    )
                if self._new_logins < 1:
                    raise error
                self._new_logins -= 1
                if self._ours and error.number is None:
                    # A gateway may have said so of a session that is alive: it would be left open.
                    with suppress(MstrError):
                        self.end_session()
            if login is None:
                raise AssertionError("the options were checked: there is a session or a login")
            self._token, self._ours = None, False
            self._http.forget_cookies()
            # Of a login that was under way when a signal came the token has to be known, or the session leaks.
            noted = partial(self._noted, login)
            try:
                return noted(self._exchange("login", "POST", login.path, _DOING_LOGIN, noted, json=login.body))
            except ConnectError as exc:
                if not exc.unclear:
                    raise
                open_now = "If the server did log in, that session stays open there until it times out."
                raise ConnectError(
                    f"{exc.sentence} {open_now}", request=str(exc.error["request"]), unclear=True
                ) from exc

    def _noted(self, login: Login, response: Response) -> str:
        doing = f"{_DOING_LOGIN} to {self.base_url} (login_mode {login.mode})"
        if not response.ok:
            raise api_error(response, doing, self.base_url)
        token = response.headers.get(_TOKEN)
        if not token:
            raise wrong_response(response, doing, self.base_url, f"a token in the header {_TOKEN}")
        self._ours = not login.delegated
        self._note(token)
        return token

    def _note(self, token: str) -> None:
        self._token = token
        self._http.keep_secret([token, *(value for _name, value, _domain, _path in self._http.cookies())])

    def _exchange(
        self, kind: str, method: str, path: str, doing: str, late: Callable[[Response], object] | None, **options: Any
    ) -> Response:
        """Send, and send again where the table of retries says so. Any status is a response."""
        for attempt in range(1, self.connection.retries + 2):
            last, call = attempt > self.connection.retries, None
            try:
                with self._turns if self._in_turn else nullcontext():
                    self._stop.check()
                    call = self._http.start(method, path, **options)
                    response = call.response(self._stop, doing)
                    self.heard(response)
            except ConnectError as exc:
                if last or exc.hopeless or not retries_connection(kind, exc.unclear, exc.refused):
                    raise
                wish = None
            except Interrupted as exc:
                exc.unclear = call is not None and kind == "write"
                if late and call:
                    with suppress(MstrError):
                        late(call.response(Unstoppable(), doing, _LAST_CALL_LIMIT))
                raise
            else:
                # Whether a session takes several calls at a time is unknown; a server may refuse all but one.
                self._in_turn |= response.status == 429
                if last or response.status not in RETRY_STATUSES[kind]:
                    return response
                wish = response.headers.get("Retry-After")
            self._stop.pause(pause_before(attempt, wish, random.random, datetime.now(timezone.utc)))
        raise AssertionError("the last attempt returns or raises")
