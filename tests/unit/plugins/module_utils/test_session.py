from __future__ import annotations

import threading

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._session.parallel import all_side_by_side
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import (
    SessionString,
    encode,
)
from unit.support.make import URL, error_of, lost, response
from unit.support.scripted_http import LOGIN, LOGOUT, Session, logged_in

READ, WRITE, DELEGATE = "GET /runtimes", "POST /runtimes", "POST /auth/delegate"
GONE = response(401, {"code": "ERR009", "message": "gone"})
DENIED = response(401, {"code": "ERR003", "message": "Login failure"})
COOKIE = ("JSESSIONID", "cookie-value", "mstr.example.com", "/")
WITH_LOGIN = {"session": encode(SessionString(URL, "given-token", [COOKIE]))}
GIVEN = {**WITH_LOGIN, "username": None, "password": None}
STAYS_OPEN = "that session stays open until it times out there"
NO_TOKEN = "instead of a token in the header X-MSTR-AuthToken"


@pytest.fixture
def session(monkeypatch):
    return lambda **options: Session(monkeypatch, **options)


def read(task):
    return task.session.get("/runtimes", operation="read")


def write(task):
    return task.session.send("POST", "/runtimes", {}, operation="write")


def log_in(task):
    session = task.session
    session.handed_over = encode(session.snapshot(), session.secrets)
    return session.handed_over


def log_out(task):
    task.session.log_out()


def end(task):
    task.session.end_session()


OPERATIONS = {"read": (read, READ), "write": (write, WRITE), "login": (log_in, LOGIN)}


def take(steps, task):
    for step in steps:
        step(task)


@pytest.mark.parametrize(
    ("options", "steps", "calls"),
    [
        ({}, [read, write, log_out, log_out], [LOGIN, READ, WRITE, LOGOUT]),
        ({}, [log_out], []),
        (GIVEN, [read, log_out], [READ]),
        (GIVEN, [end, end], [LOGOUT]),
        ({"identity_token": "i", "username": None, "password": None}, [read, log_out], [DELEGATE, READ]),
        ({}, [log_in, log_out], [LOGIN, LOGOUT]),
        ({}, [log_in, lambda task: task.session.hand_over(), log_out], [LOGIN]),
        ({}, [lambda task: task.session.snapshot(), log_out], [LOGIN, LOGOUT]),
    ],
    ids=["own", "no call", "given", "given, closed", "delegated", "string", "passed on", "snapshot"],
)
def test_calls_of_a_session(session, options, steps, calls):
    """One login and one logout of five seconds; what was opened elsewhere, or is passed on, stays open."""
    task = session(**options)
    take(steps, task)
    assert task.http.calls == calls
    used = [call for call in (READ, LOGOUT) if call in calls]
    token = "given-token" if options == GIVEN else "token-number-1"
    assert all(task.http.tokens(call) == [token] for call in used)
    assert calls[-1:] != [LOGOUT] or task.http.sent[-1].kind == "login"
    assert task.http.jar == [COOKIE] * (options == GIVEN)
    assert task.session.delegated is (DELEGATE in calls)


def test_session_closed_if_text_cannot_be_delivered(session):
    task = session()
    log_in(task)
    task.stop.reason = "signal SIGTERM"
    with pytest.raises(Interrupted):
        task.session.hand_over()
    log_out(task)
    assert task.http.count(LOGOUT) == 1


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (lost(), "Could not "),
        (response(500), "Could not log out: "),
        (response(403), "Could not log out: "),
        (RuntimeError("no thread"), "Could not log out (RuntimeError). "),
        (GONE, None),
    ],
)
def test_failed_logout_warns_and_raises_nothing(session, trouble, says):
    task = session()
    read(task)
    task.http.reply(LOGOUT, trouble)
    log_out(task)
    assert len(task.warnings) == bool(says)
    end = "The session stays open on the server until it times out there."
    assert all(text.startswith(says) and end in text for text in task.warnings)
    assert task.http.count(LOGOUT) == 1


@pytest.mark.parametrize("moment", ["before", "add_secrets"])
def test_login_after_the_logout_is_closed(session, moment):
    """Also if the logout comes between two steps of its thread."""
    task = session()
    setattr(task.http, moment, lambda *_texts: log_out(task))
    assert "the task has already closed its session" in error_of(write, task).sentence
    assert task.http.calls == [LOGIN, LOGOUT]


# Without the API's code, the response may come from a gateway while the session is still open, so it is closed.
ENDS = pytest.mark.parametrize(
    ("gone", "closed"),
    [(GONE, []), (response(401), [LOGOUT]), (response(401, b"<html>"), [LOGOUT])],
    ids=["ERR009", "empty", "page"],
)


@ENDS
def test_dead_session_replaced_and_read_repeated(session, gone, closed):
    task = session()
    task.http.jar = [COOKIE]
    task.http.reply(READ, gone)
    read(task)
    assert task.http.calls == [LOGIN, READ, *closed, LOGIN, READ]
    assert task.http.tokens(READ) == ["token-number-1", "token-number-2"]
    assert task.http.jar == [], "the cookies of the dead session would lead to it again"


@ENDS
def test_write_not_repeated_after_the_end_of_the_session(session, gone, closed):
    """The caller looks first, with the new session: the server may have done it all the same."""
    task = session()
    task.http.reply(WRITE, gone)
    assert error_of(write, task).outcome_unknown
    read(task)
    assert task.http.calls == [LOGIN, WRITE, *closed, LOGIN, READ]
    assert task.http.tokens(READ) == ["token-number-2"]


def test_end_of_a_given_session(session):
    """It is replaced with credentials; without them, the error gives advice."""
    task, without = session(**WITH_LOGIN), session(**GIVEN)
    task.http.reply(READ, GONE)
    without.http.reply(READ, GONE)
    read(task)
    log_out(task)
    assert task.http.calls == [READ, LOGIN, READ, LOGOUT]
    failure = error_of(read, without)
    assert "no credentials to log in again" in failure.sentence
    assert (failure.error["code"], without.http.calls) == ("ERR009", [READ])


@pytest.mark.parametrize(("options", "sent_again"), [(GIVEN, True), ({}, False)], ids=["no login", "denied"])
def test_write_at_the_end_of_the_session_for_good(session, options, sent_again):
    """The server may have done it before it answered 401, and nobody can look. The next one is never sent."""
    task = session(**options)
    task.http.reply(WRITE, GONE, GONE)
    task.http.reply(LOGIN, logged_in(), DENIED)
    for is_unknown in (True, sent_again):
        assert error_of(write, task).outcome_unknown is is_unknown
    assert task.http.count(WRITE) == 1 + sent_again


@pytest.mark.parametrize("retries", [0, 2])
def test_new_logins_of_task_as_many_as_retries(session, retries):
    task = session(retries=retries)
    task.http.reply(READ, *[GONE] * 9)
    assert (f"as often as retries allows ({retries})" in error_of(read, task).sentence) == bool(retries)
    error_of(read, task)
    assert task.http.count(LOGIN) == 1 + retries, "counted over the whole task"


@pytest.mark.parametrize("at_once", [4], indirect=True)
def test_threads_make_one_login(session, at_once):
    """The first one, and a new one after a session that all of them find dead at once."""
    task, together = session(retries=1), threading.Barrier(4)

    def dead_at_first(call, reply=task.http.next_reply):
        if call == READ and task.http.tokens(READ)[-1] == "token-number-1":
            together.wait(30)
            return GONE
        return reply(call)

    task.http.next_reply = dead_at_first
    assert all_side_by_side(lambda _: read(task), range(4)) == [None] * 4
    assert task.http.count(LOGIN) == 2


@pytest.mark.parametrize(("answer", "more"), [(DENIED, {}), (GONE, {"renews": False})])
def test_401_that_does_not_end_the_session(session, answer, more):
    task = session()
    task.http.reply(READ, answer)
    error_of(task.session.request, "GET", "/runtimes", operation="read", **more)
    assert task.http.count(LOGIN) == 1


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize(("operation", "again"), [("read", {429, 502, 503, 504}), ("login", {429, 503})])
@pytest.mark.parametrize("status", [300, 404, 429, 500, 502, 503, 504])
def test_how_often_a_failing_call_is_sent(session, operation, again, status, retries):
    do, call = OPERATIONS[operation]
    task = session(retries=retries)
    task.http.reply(call, *[response(status)] * 9)
    assert error_of(do, task).status == status
    assert task.http.count(call) == (1 + retries if status in again else 1)
    assert len(task.stop.pauses) == task.http.count(call) - 1


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_failing_write_is_sent_once(session, status):
    """After 429, it takes the pause before the caller looks."""
    task = session()
    task.http.reply(WRITE, response(status, request="POST /api/runtimes"))
    assert error_of(write, task).outcome_unknown is (status == 429 or status >= 500)
    assert task.http.count(WRITE) == 1
    assert len(task.stop.pauses) == (status == 429)


@pytest.mark.parametrize("send", ["send", "last_request"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_check_mode_sends_no_write(session, method, send):
    """Whoever asks for it; the login, reads and the logout are sent."""
    task = session(check_mode=True)
    task.session.send("POST", "/runtimes", operation="search", read=True)
    failure = error_of(getattr(task.session, send), method, "/x", operation="try it")
    assert failure.sentence.startswith("Could not try it: the task runs in check mode")
    log_out(task)
    assert task.http.calls == [LOGIN, WRITE, LOGOUT]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_only_a_post_is_declared_as_a_read(session, method):
    """Any other method is refused in check mode, and sent once."""
    task, checking = session(), session(check_mode=True)
    task.http.reply(f"{method} /x", response(503, request=f"{method} /api/x"))
    failure, refused = (
        error_of(each.session.send, method, "/x", operation="try it", read=True) for each in (task, checking)
    )
    assert (failure.outcome_unknown, task.http.count(f"{method} /x")) == (True, 1)
    assert "the task runs in check mode" in refused.sentence


def test_signal_stops_all_but_a_last_call(session):
    task = session()
    assert "the session has ended" in error_of(task.session.last_request, "GET", "/runtimes", operation="list").sentence
    read(task)
    task.stop.reason = "signal SIGTERM"
    with pytest.raises(Interrupted):
        write(task)
    task.http.reply(READ, response(200, {"runtimes": []}))
    assert task.session.last_request("GET", "/runtimes", operation="list") == {"runtimes": []}
    assert task.http.count(WRITE) == 0


@pytest.mark.parametrize("late", [logged_in("late-token-x"), lost(), response(500)], ids=["yes", "lost", "no"])
def test_signal_during_login_leaks_no_session(session, late):
    task = session()
    task.http.reply(LOGIN, Interrupted("Stopped by signal SIGTERM"), late)
    with pytest.raises(Interrupted):
        read(task)
    log_out(task)
    is_lost = isinstance(late, ConnectError)
    assert task.http.calls == [LOGIN, LOGOUT][: 1 if is_lost or late.status == 500 else 2]
    warning = f"The task was stopped before the server answered its login. If the server did log in, {STAYS_OPEN}."
    assert task.warnings == [warning] * is_lost


@pytest.mark.parametrize(
    ("status", "body", "words", "may_be_open"),
    [
        *((status, body, NO_TOKEN, True) for status, body in ((200, b"<html>"), (204, b""), (200, []))),
        (502, b"<html>", "with an HTML page", True),
        (500, {"code": "ERR001", "message": "No."}, "'No.'", False),
        (401, {"code": "ERR003", "message": "Login failure"}, "Login failure", False),
    ],
)
def test_failed_login_and_what_may_be_open(session, status, body, words, may_be_open):
    task = session(login_mode="ldap")
    task.http.reply(LOGIN, response(status, body, request="POST /api/auth/login"))
    failure = error_of(read, task)
    log_out(task)
    assert f"Could not log in to {URL} (login_mode ldap)" in failure.sentence
    assert words in failure.sentence
    assert (STAYS_OPEN in failure.sentence) == may_be_open
    assert (failure.status, task.http.calls) == (status, [LOGIN])


@pytest.mark.parametrize("at_once", [4], indirect=True)
def test_failed_login_final_for_all_later_calls(session, at_once):
    """Or 39 more refused logins would lock the user out."""
    task = session()
    read(task)
    task.http.reply(READ, *[GONE] * 9)
    task.http.reply(LOGIN, *[DENIED] * 9)
    all_side_by_side(lambda _: error_of(read, task).status, range(8))
    assert task.http.count(LOGIN) == 2


@pytest.mark.parametrize(("trouble", "logins"), [(response(503), 2), (DENIED, 1)])
def test_polling_logs_in_once_the_server_is_there(session, trouble, logins):
    task = session(retries=0)
    task.http.reply(LOGIN, trouble, *[DENIED] * 9)
    error_of(task.session.get, "/runtimes", polling=True)
    error_of(task.session.get, "/runtimes", polling=True)
    assert task.http.count(LOGIN) == logins
