# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session on a Library server: login, calls, a new login after the session has ended, logout.

It logs in before the first call, and logs out only of a session that it opened itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from functools import partial
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from .._errors import ApiError, ConnectError, Interrupted, MstrError
from .._text import SHORTEST_SECRET
from .call import LOGIN, READ, WRITE, Call
from .connection import Connection, Login
from .interrupt import Stop
from .response import ANYTHING, Response, Shape, is_outage, says_session_ended
from .transport import Http

if TYPE_CHECKING:
    from .session_string import SessionString

_TOKEN = "X-MSTR-AuthToken"
_LOG_IN = "log in"
_MAY_BE_OPEN = "If the server did log in, that session stays open until it times out there."


class _ThreadState(local):
    despite_outage = False  # see `Session.despite_outage`
    why = ""  # see `Call.why`


class Session:
    """A session, for several threads. Raises ValidationError if the proxy variable is invalid."""

    def __init__(
        self,
        connection: Connection,
        stop: Stop,
        warn: Callable[[str], None],
        *,
        check_mode: bool = False,
        trace: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.base_url = connection.base_url
        self._is_check_mode = check_mode
        self.connection, self._stop, self._warn = connection, stop, warn
        self._http = Http(connection, stop, trace)
        self._thread_state = _ThreadState()
        self._login_lock = Lock()
        self._new_logins = connection.retries
        self._failed_login: MstrError | None = None
        self._opened_here = False
        self.handed_over: str | None = None  # of mstr_session: the session string
        self._closed = False
        self._token: str | None = None
        self.delegated = False  # see `Login.delegated`
        if connection.login:
            self._http.add_secrets(connection.login.secrets.values())
        if connection.session:
            self._http.take_cookies(connection.session.cookies)
            self._keep_token(connection.session.token, connection.session.delegated)

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        operation: str = "",
        project: str | None = None,
        shape: Shape = ANYTHING,
        polling: bool = False,
    ) -> Any:
        """`send` for GET `path` below /api."""
        operation = operation or f"read {path}"
        response = self.request("GET", path, operation=operation, params=params, project=project, polling=polling)
        return self.data_of(response, operation, shape)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        operation: str,
        params: Mapping[str, Any] | None = None,
        project: str | None = None,
        shape: Shape = ANYTHING,
        read: bool = False,
        on_late_response: Callable[[Response], object] | None = None,
    ) -> Any:
        """The JSON of the response to `request`, None for an empty body. Raises MstrError.

        `shape`: what the caller can use; any other JSON is an error.
        """
        response = self.request(
            method,
            path,
            json=body,
            operation=operation,
            params=params,
            project=project,
            read=read,
            on_late_response=on_late_response,
        )
        return self.data_of(response, operation, shape)

    def request(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        project: str | None = None,
        read: bool = False,
        polling: bool = False,
        renews: bool = True,
        on_late_response: Callable[[Response], object] | None = None,
    ) -> Response:
        """The response to a call that succeeded. Logs in first if needed, and again if the session has ended.

        `operation`: for messages, such as "list the runtimes". `project`: an id. `read`: this POST only reads.
        `polling`: see `Call`. `renews`: False if a 401 does not mean that the session has ended. `on_late_response` is
        called with a response that arrives after the task was asked to end, so that the caller can undo what it
        started. Raises ConnectError, ApiError, AuthError; Interrupted.

        A write is sent once, because a server or a gateway may refuse what was done: after a 429 or the end of the
        session, when it could be sent again, the error has `outcome_unknown`, so that the caller looks first.
        """
        kind = self._permitted_kind(method, operation, read)
        why = self._thread_state.why
        call = Call(kind, method, path, operation, json, params, project, polling=polling, why=why)
        while True:
            self._check_open(operation)
            if self._http.given_up and self._thread_state.despite_outage:
                call = call._replace(polling=True)
            call = call._replace(token=self._token or self._log_in(None, polling=call.polling))
            response = self._http.send(call, on_late_response)
            if response.ok:
                return response
            error = self._refusal(response, operation)
            has_ended = renews and says_session_ended(error)
            if has_ended:
                # If a load balancer changes its cookie with each response, parallel calls of one session fail.
                self._http.serialized = True
                self._log_in_again(call, error)
            if has_ended and kind == READ:
                call = call._replace(why="again after a new login")
                continue
            may_be_sent_again = has_ended or response.status == 429
            error.outcome_unknown |= kind == WRITE and may_be_sent_again
            raise error

    def _log_in_again(self, call: Call, error: ApiError) -> None:
        """Log in after `error` reported the end of the session. Raises MstrError.

        Whether the server has carried out a write before it reported that cannot be found out without a session.
        """
        try:
            self._log_in(call.token, error, polling=call.polling)
        except (ConnectError, ApiError) as exc:
            failure = copy(exc)  # later calls, which are not sent, fail with the original
            failure.outcome_unknown |= call.kind == WRITE
            raise failure from None

    @contextmanager
    def despite_outage(self, why: str) -> Iterator[None]:
        """In this block, the calls of the thread are sent, once each, even after the server was given up.

        For what finds out what a write did, and for what puts things in order. `why`: for the trace.
        """
        of_thread = self._thread_state
        before = of_thread.despite_outage, of_thread.why
        of_thread.despite_outage, of_thread.why = True, why
        try:
            yield
        finally:
            of_thread.despite_outage, of_thread.why = before

    def observe(self, observer: Callable[[Response, int], None]) -> None:
        """Call `observer` with each response, and with the milliseconds that it took, in any thread."""
        self._http.observer = observer

    @property
    def secrets(self) -> frozenset[str]:
        """The texts that no output may contain."""
        return self._http.secrets

    def snapshot(self) -> SessionString:
        """The session as it is now, with every cookie. This task still closes it. Raises MstrError."""
        from .session_string import SessionString  # few tasks need it

        token = self._token or self._log_in(None)
        return SessionString(self.base_url, token, self._http.cookies(), self.delegated)

    def hand_over(self) -> None:
        """Leave the session open if it was handed over as a string. Call it last.

        If the result cannot be delivered, no other task could close the session. So it raises Interrupted after a
        request to end the task, and the session stays with this task.
        """
        if self.handed_over:
            self._stop.check()
            self._opened_here = False

    def log_out(self) -> None:
        """Close the session if it was opened here. A failure is only a warning, so that the task keeps its result.

        No later call succeeds, and none logs in again: a thread may still be at work. Closes the connections too.
        """
        self._closed = True
        try:
            if self._opened_here:
                self.end_session()
        except Exception as exc:
            why = exc.sentence if isinstance(exc, MstrError) else f"Could not log out ({type(exc).__name__})."
            self._warn(f"{why} The session stays open on the server until it times out there.")
        self._http.close()

    def end_session(self) -> bool:
        """Close the session, even one that was opened elsewhere. One attempt of 5 seconds. Raises MstrError.

        Returns False if the session had already ended.
        """
        token, self._token, self._opened_here = self._token, None, False
        if token is None:
            return False
        try:
            self._answer_to_last(Call(LOGIN, "POST", "/auth/logout", "log out", token=token))
        except ApiError as exc:
            if not says_session_ended(exc):
                raise
            return False
        return True

    def last_request(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        json: Any = None,
        project: str | None = None,
        shape: Shape = ANYTHING,
    ) -> Any:
        """`send`, even after a request to end the task. One attempt of 5 seconds. Raises MstrError."""
        if self._token is None:
            raise MstrError(f"Could not {operation}: the session has ended.")
        kind = self._permitted_kind(method, operation)
        call = Call(kind, method, path, operation, json, project=project, token=self._token)
        return self.data_of(self._answer_to_last(call), operation, shape)

    def _answer_to_last(self, call: Call) -> Response:
        response = self._http.send_last(call)
        if not response.ok:
            raise self._refusal(response, call.operation)
        return response

    def data_of(self, response: Response, operation: str, shape: Shape = ANYTHING) -> Any:
        """The JSON of a response, None for an empty body. Raises ApiError for a body that does not fit."""
        try:
            data = response.data()
        except ValueError:
            # It may come from a gateway, so the server may not have received the call.
            raise self._refusal(response, operation, "a response of the API") from None
        if not shape.fits(data):
            raise self._refusal(response, operation, shape.name)
        return data

    def _refusal(self, response: Response, operation: str, expected: str = "") -> ApiError:
        """The error for a response: for one that reports a failure, or for one that is not what was `expected`."""
        from .failures import api_error  # only a failed call needs it

        return api_error(response, operation, self.base_url, expected)

    def _permitted_kind(self, method: str, operation: str, is_search: bool = False) -> str:
        """The kind of a call. Only a POST may be a search, which reads. Raises MstrError for a write in check mode."""
        if method == "GET" or (is_search and method == "POST"):
            return READ
        if self._is_check_mode:
            why = "the task runs in check mode, in which its session sends only reads, a login and a logout"
            raise MstrError(f"Could not {operation}: {why}.")
        return WRITE

    def _check_open(self, operation: str) -> None:
        if self._closed:
            raise MstrError(f"Could not {operation}: the task has already closed its session.")

    def _log_in(self, dead_token: str | None, error: ApiError | None = None, *, polling: bool = False) -> str:
        """The token of a new session, or of one that another thread opened in the meantime.

        `dead_token`: the token of the ended session. `error`: the response that reported its end. A failed login is
        final, because a server may lock the user out after a few. Only `polling` logs in again, after the server was
        not there.
        """
        with self._login_lock:
            self._check_open(_LOG_IN)
            if self._failed_login and not (polling and is_outage(self._failed_login, LOGIN)):
                raise self._failed_login
            if self._token and self._token != dead_token:
                return self._token
            if error is not None:
                self._give_up_session(error)
            login = self.connection.login
            if login is None:
                raise AssertionError("the options were checked: there is a session or a login")
            self._token, self._opened_here, self._failed_login = None, False, None
            self._http.forget_cookies()
            # If a signal arrives during a login, the token must still be read; otherwise the session stays open.
            read = partial(self._read_login, login)
            try:
                why = f"again after {error.status} to {error.error['request']}" if error else ""
                call = Call(LOGIN, "POST", login.path, _LOG_IN, login.body, polling=polling, why=why)
                return read(self._http.send(call, read))
            except Interrupted as exc:
                if exc.unanswered:
                    self._warn(f"The task was stopped before the server answered its login. {_MAY_BE_OPEN}")
                raise
            except (ConnectError, ApiError) as exc:
                # An error with a code comes from the server itself, which then did not log in.
                if exc.outcome_unknown and not exc.error["code"]:
                    exc.add(_MAY_BE_OPEN)
                self._failed_login = exc
                raise

    def _give_up_session(self, error: ApiError) -> None:
        """Prepare for a new login. Raises `error` if none is possible."""
        if self.connection.login is None or self._new_logins < 1:
            from .failures import no_new_login  # only a session that was lost for good needs it

            raise no_new_login(error, self.connection)
        self._new_logins -= 1
        if self._opened_here and error.number is None:
            # The response may come from a gateway while the session is still open, so try to close it.
            with suppress(MstrError):
                self.end_session()

    def _read_login(self, login: Login, response: Response) -> str:
        operation = f"{_LOG_IN} to {self.base_url} (login_mode {login.mode})"
        if not response.ok:
            raise self._refusal(response, operation)
        token = response.headers.get(_TOKEN)
        if not token:
            raise self._refusal(response, operation, f"a token in the header {_TOKEN}")
        # In this order: as soon as a logout of another thread finds `_opened_here`, it finds the token too.
        self._keep_token(token, login.delegated)
        self._opened_here = not login.delegated
        if self._closed:
            self.log_out()
        self._check_open(_LOG_IN)
        return token

    def _keep_token(self, token: str, delegated: bool) -> None:
        self._token, self.delegated = token, delegated
        if len(token) >= SHORTEST_SECRET:
            self._http.add_secrets([token])
