from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, AuthError, ConnectError, MstrError
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._session.parallel import all_side_by_side
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, decode, encode
from ansible_collections.mstr.library.tests.unit.support.make import PASSWORD, URL, lost, response
from ansible_collections.mstr.library.tests.unit.support.scripted_http import LOGIN, LOGOUT, Session, logged_in

READ, WRITE = "GET /runtimes", "POST /runtimes"
GONE = response(401, {"code": "ERR009", "message": "gone"})
COOKIE = ("JSESSIONID", "cookie-value", "mstr.example.com", "/")
GIVEN = encode(SessionString(URL, "given-token", [COOKIE]))
NO_CREDENTIALS = {"username": None, "password": None}


@pytest.fixture
def session(monkeypatch):
    return lambda **options: Session(monkeypatch, **options)


def read(task):
    return task.session.get("/runtimes", operation="read")


def write(task):
    return task.session.send("POST", "/runtimes", {}, operation="write")


def log_in(task):
    return task.session.session_string({})


OPERATIONS = {"read": (read, READ), "write": (write, WRITE), "login": (log_in, LOGIN)}


def test_one_login_for_all_calls_and_one_logout(session):
    task = session()
    assert read(task) is None
    write(task)
    task.session.log_out()
    assert task.http.calls == [LOGIN, READ, WRITE, LOGOUT]
    assert task.http.tokens(READ) == task.http.tokens(LOGOUT) == ["token-number-1"]
    assert task.http.options[0]["json"] == {"loginMode": 1, "username": "u", "password": PASSWORD}


def test_task_without_login_does_not_log_out(session):
    task = session()
    task.session.log_out()
    assert task.http.calls == []


def test_logout_made_once_and_has_five_seconds(session):
    task = session()
    read(task)
    task.session.log_out()
    task.session.log_out()
    assert task.http.count(LOGOUT) == 1
    assert task.http.options[-1]["timeout"] == 5


def test_given_session_used_with_cookies_and_left_open(session):
    task = session(session=GIVEN, **NO_CREDENTIALS)
    read(task)
    task.session.log_out()
    assert task.http.calls == [READ]
    assert task.http.tokens(READ) == ["given-token"]
    assert task.http.jar == [COOKIE]


def test_a_delegated_session_is_left_open(session):
    task = session(identity_token="an identity", **NO_CREDENTIALS)
    read(task)
    task.session.log_out()
    assert task.http.calls == ["POST /auth/delegate", READ]
    assert task.session.delegated


def test_session_passed_on_stays_open(session):
    task = session()
    task.http.jar = []
    task.http.reply(LOGIN, logged_in("token-to-hand-on"))
    text = task.session.session_string({})
    assert decode(text) == SessionString(URL, "token-to-hand-on", [], False)
    task.session.hand_over()
    task.session.log_out()
    assert task.http.count(LOGOUT) == 0


def test_session_closed_if_string_cannot_be_delivered(session):
    task = session()
    task.session.session_string({})
    task.stop.reason = "signal SIGTERM"
    with pytest.raises(Interrupted):
        task.session.hand_over()
    task.session.log_out()
    assert task.http.count(LOGOUT) == 1


def test_given_session_can_be_closed_explicitly(session):
    task = session(session=GIVEN, **NO_CREDENTIALS)
    task.session.end_session()
    task.session.end_session()
    assert task.http.calls == [LOGOUT]
    assert task.http.tokens(LOGOUT) == ["given-token"]


@pytest.mark.parametrize("trouble", [lost(), response(500), response(403, {"code": "ERR0014", "message": "no"})])
def test_logout_fails_warns_and_raises_nothing(session, trouble):
    task = session()
    read(task)
    task.http.reply(LOGOUT, trouble)
    task.session.log_out()
    [warning] = task.warnings
    assert "The session stays open on the server until it times out there." in warning
    assert task.http.count(LOGOUT) == 1


def test_logout_cannot_even_begin_warns_and_raises_nothing(session, monkeypatch):
    task = session()
    read(task)

    def broken(*_args, **_options):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(task.http, "_start", broken)
    task.session.log_out()
    [warning] = task.warnings
    assert warning.startswith("Could not log out (RuntimeError). The session stays open")


def test_logout_of_session_gone_says_nothing(session):
    task = session()
    read(task)
    task.http.reply(LOGOUT, GONE)
    task.session.log_out()
    assert task.warnings == []


@pytest.mark.parametrize("operation", [(read, READ), (write, WRITE)])
@pytest.mark.parametrize("gone", [GONE, response(401), response(401, b"<html>")], ids=["ERR009", "empty", "page"])
def test_session_died_replaced_and_call_repeated(session, operation, gone):
    do, call = operation
    task = session()
    task.http.jar = [COOKIE]
    task.http.reply(call, gone)
    do(task)
    # Without the API's code, the response may come from a gateway while the session is still open.
    assert task.http.calls == [LOGIN, call, *([] if gone is GONE else [LOGOUT]), LOGIN, call]
    assert task.http.tokens(call) == ["token-number-1", "token-number-2"]
    assert task.http.jar == [], "the cookies of the dead session would lead to it again"


def test_dead_session_replaced_with_credentials(session):
    """A given session that died is replaced with credentials and then logged out."""
    task = session(session=GIVEN)
    task.http.reply(READ, GONE)
    read(task)
    task.session.log_out()
    assert task.http.calls == [READ, LOGIN, READ, LOGOUT]


def test_ended_session_without_credentials_gives_advice(session):
    task = session(session=GIVEN, **NO_CREDENTIALS)
    task.http.reply(READ, GONE)
    with pytest.raises(AuthError) as failed:
        read(task)
    assert "no credentials to log in again" in failed.value.sentence
    assert failed.value.error["code"] == "ERR009"
    assert task.http.calls == [READ]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_new_logins_of_task_as_many_as_retries(session, retries):
    task = session(retries=retries)
    task.http.reply(READ, *[GONE] * 9)
    with pytest.raises(AuthError) as failed:
        read(task)
    assert task.http.count(LOGIN) == 1 + retries
    assert (f"as often as retries allows ({retries})" in failed.value.sentence) == bool(retries)
    with pytest.raises(AuthError):
        read(task)
    assert task.http.count(LOGIN) == 1 + retries, "counted over the whole task"


@pytest.mark.parametrize("gone", [0, 1], ids=["first login", "session gone"])
def test_threads_need_login_at_once_make_one(session, gone):
    task = session(retries=1)
    together = threading.Barrier(4)

    def reply_together(call, reply=task.http.next_reply):
        if call == READ and task.http.tokens(READ)[-1] == "token-number-1" and gone:
            together.wait(30)
            return GONE
        return reply(call)

    task.http.next_reply = reply_together
    if gone:
        task.session.session_string({})
    results = all_side_by_side(lambda _: read(task), range(4), 4)
    assert results == [None] * 4
    assert task.http.count(LOGIN) == 1 + gone


def test_401_with_different_code_does_not_end_session(session):
    task = session()
    task.http.reply(READ, response(401, {"code": "ERR003", "message": "no"}))
    with pytest.raises(AuthError):
        read(task)
    assert task.http.count(LOGIN) == 1


# How often each call is sent that never succeeds, with retries: 3.
@pytest.mark.parametrize(
    ("operation", "again"), [("read", {429, 502, 503, 504}), ("login", {429, 503}), ("write", {429})]
)
@pytest.mark.parametrize("status", [301, 400, 403, 404, 408, 409, 423, 429, 500, 501, 502, 503, 504])
def test_each_status_and_kind_of_call(session, operation, again, status):
    do, call = OPERATIONS[operation]
    task = session()
    task.http.reply(call, *[response(status)] * 9)
    with pytest.raises(ApiError) as failed:
        do(task)
    assert failed.value.status == status
    assert task.http.count(call) == (4 if status in again else 1)
    assert len(task.stop.pauses) == task.http.count(call) - 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_with_retries_0_each_call_sent_once(session, operation):
    do, call = OPERATIONS[operation]
    task = session(retries=0)
    task.http.reply(call, *[response(429)] * 9)
    with pytest.raises(ApiError):
        do(task)
    assert task.http.count(call) == 1


def test_call_succeeds_at_last_succeeds(session):
    task = session()
    task.http.reply(READ, response(503), lost(), response(429, headers={"Retry-After": "7"}), response(200, {"a": 1}))
    assert read(task) == {"a": 1}
    assert task.stop.pauses[2] == 7
    assert 0.25 <= task.stop.pauses[0] <= 0.75 <= 1.5 >= task.stop.pauses[1] >= 0.5


def test_signal_stops_before_next_call(session):
    task = session()
    read(task)
    task.stop.reason = "signal SIGTERM"
    with pytest.raises(Interrupted):
        write(task)
    assert task.http.count(WRITE) == 0


@pytest.mark.parametrize("late", [[logged_in("late-token-x")], [lost()], [response(500)]], ids=["yes", "lost", "no"])
def test_signal_during_login_leaks_no_session(session, late):
    """Of a login under way when a signal comes the session does not leak."""
    task = session()
    task.http.reply(LOGIN, Interrupted("Stopped by signal SIGTERM"), *late)
    with pytest.raises(Interrupted):
        read(task)
    task.session.log_out()
    is_lost = isinstance(late[0], ConnectError)
    assert task.http.calls == ([LOGIN] if is_lost or late[0].status == 500 else [LOGIN, LOGOUT])
    warning = (
        "The task was stopped before the server answered its login. "
        "If the server did log in, that session stays open until it times out there."
    )
    assert task.warnings == [warning] * is_lost


def test_late_response_passed_to_callback(session):
    task = session()
    started = response(200, {"id": "7"})
    task.http.reply(WRITE, Interrupted("Stopped"), started)
    seen = []
    with pytest.raises(Interrupted):
        task.session.request("POST", "/runtimes", operation="start", on_late_response=seen.append)
    assert seen == [started]


@pytest.mark.parametrize("reply", [response(200, b"<html>"), response(204), response(200, [])])
def test_a_login_without_a_token_fails(session, reply):
    task = session()
    task.http.reply(LOGIN, reply)
    with pytest.raises(ApiError, match="instead of a token in the header X-MSTR-AuthToken"):
        read(task)
    task.session.log_out()
    assert task.http.count(LOGOUT) == 0


@pytest.mark.parametrize(
    ("reply", "may_be_open"),
    [
        (response(502, b"<html>", request="POST /api/auth/login"), True),
        (response(200, b"<html>", request="POST /api/auth/login"), True),
        (response(500, {"code": "ERR001", "message": "No."}, request="POST /api/auth/login"), False),
        (response(401, {"code": "ERR003", "message": "Login failure"}), False),
    ],
)
def test_login_answered_by_gateway_says_session_may_be_open(session, reply, may_be_open):
    task = session()
    task.http.reply(LOGIN, reply)
    with pytest.raises(ApiError) as failed:
        read(task)
    assert ("that session stays open until it times out there" in failed.value.sentence) == may_be_open
    assert failed.value.status == reply.status


def test_refused_login_says_where_and_how(session):
    task = session(login_mode="ldap")
    task.http.reply(LOGIN, response(401, {"code": "ERR003", "message": "Login failure"}))
    with pytest.raises(AuthError) as failed:
        read(task)
    assert f"Could not log in to {URL} (login_mode ldap)" in failed.value.sentence
    assert task.http.calls == [LOGIN]


@pytest.mark.parametrize("body", [b"<html>", b"{", b"x"])
@pytest.mark.parametrize(("do", "call"), [(read, READ), (write, WRITE)])
def test_success_without_json_is_error(session, do, call, body):
    task = session()
    task.http.reply(call, response(200, body))
    with pytest.raises(ApiError, match="answered 200 to GET /api/runtimes with"):
        do(task)


def test_secrets_ansible_does_not_know_masked(session):
    task = session()
    read(task)
    assert task.session.secrets >= {PASSWORD, "token-number-1"}


def test_empty_password_is_not_secret(session):
    assert session(password="").session.secrets == set()


def test_session_ansible_would_mask_closed_and_option_named(session):
    task = session()
    task.http.reply(
        LOGIN, logged_in("".join(chr(33 + turn * 7 % 90) for turn in range(9999)))
    )  # a short one can do without a letter
    with pytest.raises(MstrError, match=r"Could not return the session: the value of api_token is so short that"):
        task.session.session_string({"password": PASSWORD, "api_token": "e", "identity_token": None})
    task.session.log_out()
    assert task.http.calls == [LOGIN, LOGOUT]


def test_call_in_project_names_it_in_header(session):
    task = session()
    task.session.get("/scripts/1", operation="read", project="B19D")
    read(task)
    assert [options.get("headers", {}).get("X-MSTR-ProjectID") for options in task.http.options] == [None, "B19D", None]


def test_post_only_reads_sent_again_like_read(session):
    task = session()
    task.http.reply(WRITE, response(503), response(200, {"id": "1"}))
    assert task.session.send("POST", "/runtimes", {}, operation="search", kind="read") == {"id": "1"}


def test_call_live_session_may_be_refused_opens_no_other(session):
    task = session()
    task.http.reply(READ, GONE)
    with pytest.raises(AuthError, match="ERR009"):
        task.session.request("GET", "/runtimes", operation="read", renews=False)
    assert task.http.count(LOGIN) == 1


def test_snapshot_of_session_leaves_it_to_this_task(session):
    task = session()
    task.http.jar = []
    task.http.reply(LOGIN, logged_in("token-of-a-snapshot"))
    assert task.session.snapshot() == SessionString(URL, "token-of-a-snapshot", [], False)
    task.session.log_out()
    assert task.http.count(LOGOUT) == 1


def test_last_call_made_even_when_task_asked_to_end(session):
    task = session()
    with pytest.raises(MstrError, match="the session has ended"):
        task.session.last_request("GET", "/runtimes", operation="list")
    read(task)
    task.stop.reason = "signal SIGTERM"
    task.http.reply(READ, response(200, {"runtimes": []}))
    assert task.session.last_request("GET", "/runtimes", operation="list") == {"runtimes": []}
    assert task.http.options[-1]["timeout"] == 5


def test_every_response_reaches_callback(session):
    task = session()
    statuses = []
    task.session.on_response = lambda response: statuses.append(response.status)
    task.http.reply(READ, response(503), response(200, {}))
    task.http.reply(WRITE, response(409, {"code": "ERR0015", "message": "there"}))
    read(task)
    with pytest.raises(ApiError):
        write(task)
    task.session.log_out()
    assert statuses == [204, 503, 200, 409, 204]


def test_failed_login_final_for_all_later_calls(session):
    """Or 39 more refused logins would lock the user out."""
    task = session()
    read(task)
    task.http.reply(READ, *[GONE] * 9)
    task.http.reply(LOGIN, *[response(401, {"code": "ERR003", "message": "no"})] * 9)

    def refused(_item):
        with pytest.raises(AuthError):
            read(task)

    all_side_by_side(refused, range(8), 4)
    assert task.http.count(LOGIN) == 2


def test_login_that_hangs_is_final_too(session):
    task = session()
    task.http.reply(LOGIN, *[lost("POST /api/auth/login")] * 9)
    for _turn in range(3):
        with pytest.raises(ConnectError, match="that session stays open until it times out there"):
            write(task)
    assert task.http.calls == [LOGIN]


@pytest.mark.parametrize(
    ("trouble", "logins"),
    [
        (ConnectError("refused", request="x", connection_refused=True), 2),
        (response(503), 2),
        (response(401, {"code": "ERR003", "message": "no"}), 1),
        (lost(), 1),
    ],
)
def test_polling_logs_in_again_after_server_not_there(session, trouble, logins):
    task = session(retries=0)
    task.http.reply(LOGIN, trouble)
    for _turn in range(2):
        with suppress(MstrError):
            task.session.get("/runtimes", kind="once")
    assert task.http.count(LOGIN) == logins


def test_task_has_logged_out_sends_nothing_more(session):
    task = session()
    read(task)
    task.session.log_out()
    for do in (read, write):
        with pytest.raises(MstrError, match="the task has already closed its session"):
            do(task)
    assert task.http.calls == [LOGIN, READ, LOGOUT]


@pytest.mark.parametrize("moment", ["before", "cookies"])
def test_login_ends_after_logout_closed_at_once(session, moment):
    """Also if the logout comes between two steps of the thread that logs in."""
    task = session()
    setattr(task.http, moment, lambda: task.session.log_out() or [])
    with pytest.raises(MstrError, match="the task has already closed its session"):
        write(task)
    assert task.http.calls == [LOGIN, LOGOUT]
