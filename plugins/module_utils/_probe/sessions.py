# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about sessions. The probe opens and closes a second session for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .._errors import ApiError, ConnectError, MstrError
from .._session.connection import LOGIN_MODES, Login
from .._session.parallel import all_side_by_side
from .._session.response import says_session_gone
from .._session.session import Session
from .._session.session_string import SessionString
from .run import PATH, Answer, ProbeRun, Question, Unanswered, asks, found_or_unanswered, refusal_text

_CALLS = 6  # parallel calls
_SLOW_ENOUGH = 0.05  # seconds for one call, below which times prove nothing
_OF_TOMCAT = "JSESSIONID"
_SESSION = "/sessions"
_STAYS_OPEN = "If it was opened, that session stays open on the server until it times out there."
_IDENTITY_TOKEN = "X-MSTR-IdentityToken"


def _second_login(run: ProbeRun) -> Login:
    connection = run.session.connection
    if run.settings.check_mode:
        raise Unanswered("Needs a second login, which check mode does not send.")
    if connection.session is not None:
        raise Unanswered("The logout of a second session might end the session that the task was given.")
    if connection.login is None or connection.login.delegated:
        raise Unanswered("Needs a second login, for which an identity token is not enough.")
    return connection.login


def _session(run: ProbeRun, session: SessionString | None = None, login: Login | None = None) -> Session:
    connection = run.session.connection._replace(session=session, login=login, retries=0)
    return Session(connection, run.stop, run.warn)


@contextmanager
def _second_session(run: ProbeRun, login: Login) -> Iterator[Session]:
    """One more session of the same user, logged out at the end. It is tried once, and never opened again."""
    session = _session(run, login=login)
    session.on_response = run.note_error_format
    try:
        _log_in(run, session)
        yield session
    finally:
        session.log_out()


def _log_in(run: ProbeRun, session: Session) -> None:
    try:
        session.snapshot()
    except (ApiError, ConnectError) as exc:
        if exc.outcome_unknown:
            run.warn(f"{exc.sentence} {_STAYS_OPEN}")
        raise


def _second_session_answers(run: ProbeRun) -> dict[str, Answer | Unanswered]:
    """Open a second session, try things on it, and see what its logout does to the first one.

    Returns the finding by switch; for a missing answer, the reason.
    """
    login = _second_login(run)
    found = {"application_type_76": found_or_unanswered(_application_type, run, login)}
    with _second_session(run, login) as second:
        found["load_balancer_cookie"] = found_or_unanswered(_cookie_of, run, second)
        found["sessions_parallel"] = found_or_unanswered(_at_a_time, run, second)
        found["delegated_logout"] = found_or_unanswered(_delegated, run, second)
        lives = _is_alive(second)
    if not lives:
        # It ended together with a delegated session, or with all sessions of the user.
        with _second_session(run, login):
            pass
    if _is_alive(run.session):
        found["logout_scope"] = "session", "After the logout of a second session, the first session still worked."
    else:
        found["logout_scope"] = "user", "After the logout of a second session, the first session had ended, too."
        of_all = "A logout ends every session of the user, so delegated sessions cannot be tested."
        found["delegated_logout"] = Unanswered(of_all)
    return found


def _is_alive(session: Session) -> bool:
    try:
        session.get(_SESSION, operation="read the session's settings", renews=False)
    except ApiError as exc:
        if not says_session_gone(exc):
            raise
        return False
    return True


def _application_type(run: ProbeRun, login: Login) -> Answer:
    try:
        with _second_session(run, login._replace(body={**login.body, "applicationType": 76})):
            return "yes", "A login with applicationType 76 was accepted."
    except ApiError as exc:
        if exc.status != 400:
            raise
        return "no", f"A login with applicationType 76 was {refusal_text(exc)}."


def _cookie_of(run: ProbeRun, second: Session) -> Answer:
    before = second.snapshot()
    _is_alive(second)
    if _cookies(second.snapshot()) == _cookies(before):
        return _constant(_cookies(before))
    if _is_alive(_session(run, session=before)):
        return "rotate", "A cookie changes with each response, and the one before is accepted too."
    return "rotate_strict", "A cookie changes with each response, and only the newest is accepted."


def _cookies(session: SessionString) -> dict[str, str]:
    return {name: value for name, value, _domain, _path in session.cookies if name.upper() != _OF_TOMCAT}


def _constant(cookies: Mapping[str, str]) -> Answer:
    if not cookies:
        return "none", f"The server sets no cookie beside {_OF_TOMCAT}."
    return "fixed", f"The server sets a cookie beside {_OF_TOMCAT}, which stays the same."


def _at_a_time(run: ProbeRun, second: Session) -> Answer:
    def call(_index: int = 0) -> float:
        begin = run.clock()
        second.request("GET", PATH, operation="list the runtimes", renews=False)
        return run.clock() - begin

    def together() -> float:
        begin = run.clock()
        all_side_by_side(call, range(_CALLS), _CALLS)
        return run.clock() - begin

    try:
        alone = min(call(), call())
        # Other load makes calls slower, never faster.
        seconds = min(together(), together())
    except ApiError as exc:
        if exc.status != 429:
            raise
        return "refuse", f"Of {_CALLS} calls at a time on one session, one was {refusal_text(exc)}."
    evidence = f"{_CALLS} calls at a time took {seconds / max(alone, 0.001):.1f} times as long as one alone."
    if alone < _SLOW_ENOUGH:
        raise Unanswered("All calls at a time were accepted; responses come too fast to see whether they queue.")
    if seconds < _CALLS / 2 * alone:
        return "yes", evidence
    if seconds > _CALLS * 2 / 3 * alone:
        return "queue", evidence
    raise Unanswered(f"{evidence} That does not show whether they queue.")


def _delegated(run: ProbeRun, giver: Session) -> Answer:
    operation = "get an identity token of the second session"
    token = giver.request("POST", "/auth/identityToken", operation=operation, renews=False).headers.get(_IDENTITY_TOKEN)
    if not token:
        raise Unanswered("The server returned no identity token.")
    body = {"loginMode": LOGIN_MODES["identity_token"], "identityToken": token}
    session = _session(run, login=Login("identity_token", "/auth/delegate", body, (token,)))
    ended = True
    try:
        _log_in(run, session)
    finally:
        # The probe opened the delegating session itself, so no other user's session can end.
        try:
            session.end_session()
        except MstrError as exc:
            run.warn(f"{exc.sentence} {_STAYS_OPEN}")
            ended = False
    if not ended:
        raise Unanswered("The logout of a delegated session failed.")
    if _is_alive(giver):
        return "separate", "After the logout of a delegated session, the session that delegated it still worked."
    return "shared", "After the logout of a delegated session, the session that delegated it had ended, too."


# --- questions


def _own_cookies(run: ProbeRun) -> Answer | None:
    """The cookies of the probe's own session; None if they change."""
    before = _cookies(run.session.snapshot())
    _is_alive(run.session)
    after = _cookies(run.session.snapshot())
    return _constant(after) if before == after else None


@asks("Does a load balancer set a cookie, and does it change?")
def load_balancer_cookie(run: ProbeRun) -> Answer:
    return run.once(_own_cookies) or _of(run, "load_balancer_cookie")


def _of(run: ProbeRun, switch: str) -> Answer:
    found = run.once(_second_session_answers)[switch]
    if isinstance(found, Unanswered):
        raise found
    return found


def _of_a_second_session(switch: str, question: str) -> Question:
    return Question(switch, question, lambda run: _of(run, switch))


application_type_76 = _of_a_second_session("application_type_76", "Is a login with applicationType 76 accepted?")
sessions_parallel = _of_a_second_session("sessions_parallel", "Does one session accept several requests at a time?")
logout_scope = _of_a_second_session("logout_scope", "Which sessions does a logout end?")
delegated_logout = _of_a_second_session(
    "delegated_logout", "Does the logout of a delegated session also end the session that delegated it?"
)
