# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about sessions. The probe opens and closes a second session for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._errors import ApiError, MstrError
from .._session.connection import LOGIN_MODES, Login
from .._session.parallel import all_side_by_side
from .._session.response import says_session_gone
from .._session.session import Session
from .._session.session_string import SessionString
from .base import PATH, Answer, ProbeRun, Unanswered, asks, needs, or_refusal, refusal_text, status_in

_CALLS = 6  # parallel calls
_SLOW_ENOUGH = 0.05  # seconds for one call, below which times prove nothing
_OF_TOMCAT = "JSESSIONID"
_NO_LOGIN = "Needs a second login, for which an identity token is not enough."
_IDENTITY_TOKEN = "X-MSTR-IdentityToken"


def _second_login(run: ProbeRun) -> Login:
    """The login of the task, for a second session."""
    connection = run.session.connection
    needs(not run.settings.check_mode, "Needs a second login, which check mode does not send.")
    needs(not connection.session, "The logout of a second session might end the session that the task was given.")
    login = needs(connection.login, _NO_LOGIN)
    needs(not login.delegated, _NO_LOGIN)
    return login


def _session(run: ProbeRun, session: SessionString | None = None, login: Login | None = None) -> Session:
    """A session that is never opened again."""
    connection = run.session.connection._replace(session=session, login=login, retries=0)
    return Session(connection, run.stop, run.warn)


@contextmanager
def _logged_in(run: ProbeRun, login: Login) -> Iterator[Session]:
    """One more session, which the end of the block closes, also a delegated one. Raises MstrError if that fails."""
    session = _session(run, login=login)
    try:
        try:
            session.snapshot()
        except MstrError as exc:
            if exc.outcome_unknown:
                run.warn(exc.sentence)
            raise
        yield session
    finally:
        try:
            session.end_session()
        except MstrError as exc:
            run.warn(f"{exc.sentence} That session stays open on the server until it times out there.")
            raise
        finally:
            session.log_out()


def _is_alive(session: Session) -> bool:
    return not isinstance(or_refusal(session.get, "/sessions", expected=says_session_gone, renews=False), ApiError)


def _cookies(session: SessionString) -> dict[str, str]:
    return {name: value for name, value, _domain, _path in session.cookies if name.upper() != _OF_TOMCAT}


# --- questions


@asks("Does a load balancer set a cookie, and does it change?")
def load_balancer_cookie(run: ProbeRun) -> Answer:
    before = _cookies(run.session.snapshot())
    _is_alive(run.session)
    if _cookies(run.session.snapshot()) == before:
        value, stays = ("fixed", "a cookie, which stays the same,") if before else ("none", "no cookie")
        return value, f"The server sets {stays} beside {_OF_TOMCAT}."
    with _logged_in(run, _second_login(run)) as second:
        first = second.snapshot()
        _is_alive(second)
        if _is_alive(_session(run, session=first)):
            return "rotate", "A cookie changes with each response, and the one before is accepted too."
    return "rotate_strict", "A cookie changes with each response, and only the newest is accepted."


@asks("Does one session accept several requests at a time?")
def sessions_parallel(run: ProbeRun) -> Answer:
    with _logged_in(run, _second_login(run)) as second:

        def seconds_for(calls: int) -> float:
            begin = run.clock()
            all_side_by_side(lambda _call: second.get(PATH, renews=False), range(calls))
            return run.clock() - begin

        # Other load makes calls slower, never faster. In turn, so that a busy moment does not affect only one of both.
        times = or_refusal(lambda: [seconds_for(calls) for calls in (1, _CALLS) * 2], expected=status_in(429))
    if isinstance(times, ApiError):
        return "refuse", f"Of {_CALLS} calls at a time on one session, one was {refusal_text(times)}."
    alone, seconds = min(times[::2]), min(times[1::2])
    evidence = f"{_CALLS} calls at a time took {seconds / max(alone, 0.001):.1f} times as long as one alone."
    too_fast = "All calls at a time were accepted; responses come too fast to see whether they queue."
    needs(alone >= _SLOW_ENOUGH, too_fast)
    if seconds < _CALLS / 2 * alone:
        return "yes", evidence
    if seconds > _CALLS * 2 / 3 * alone:
        return "queue", evidence
    raise Unanswered(f"{evidence} That does not show whether they queue.")


@asks("Which sessions does a logout end?")
def logout_scope(run: ProbeRun) -> Answer:
    with _logged_in(run, _second_login(run)):
        pass
    if _is_alive(run.session):
        return "session", "After the logout of a second session, the first session still worked."
    return "user", "After the logout of a second session, the first session had ended, too."


@asks("Does the logout of a delegated session also end the session that delegated it?")
def delegated_logout(run: ProbeRun) -> Answer:
    separate = run.once(logout_scope.ask)[0] == "session"
    needs(separate, "A logout ends every session of the user, so delegated sessions cannot be tested.")
    # The probe opens the delegating session itself, so no other user's session can end.
    with _logged_in(run, _second_login(run)) as giver:
        operation = "get an identity token of the second session"
        response = giver.request("POST", "/auth/identityToken", operation=operation, renews=False)
        token = needs(response.headers.get(_IDENTITY_TOKEN), "The server returned no identity token.")
        body = {"loginMode": LOGIN_MODES["identity_token"], "identityToken": token}
        with _logged_in(run, Login("identity_token", "/auth/delegate", body, {"identity_token": token})):
            pass
        if _is_alive(giver):
            return "separate", "After the logout of a delegated session, the session that delegated it still worked."
    return "shared", "After the logout of a delegated session, the session that delegated it had ended, too."
