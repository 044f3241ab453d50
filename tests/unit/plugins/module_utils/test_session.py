# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

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
REFUSED = ConnectError("refused", request="x", connection_refused=True)


@pytest.fixture
def session(monkeypatch):
    return lambda **options: Session(monkeypatch, **options)


def read(one):
    return one.session.get("/runtimes", operation="read")


def write(one):
    return one.session.send("POST", "/runtimes", {}, operation="write")


def log_in(one):
    return one.session.session_string({})


OPERATIONS = {"read": (read, READ), "write": (write, WRITE), "login": (log_in, LOGIN)}


def test_one_login_for_all_calls_and_one_logout(session):
    one = session()
    assert read(one) is None
    write(one)
    one.session.log_out()
    assert one.http.calls == [LOGIN, READ, WRITE, LOGOUT]
    assert one.http.tokens(READ) == one.http.tokens(LOGOUT) == ["token-number-1"]
    assert one.http.options[0]["json"] == {"loginMode": 1, "username": "u", "password": PASSWORD}


def test_a_task_without_a_login_does_not_log_out(session):
    one = session()
    one.session.log_out()
    assert one.http.calls == []


def test_a_logout_is_made_once_and_has_five_seconds(session):
    one = session()
    read(one)
    one.session.log_out()
    one.session.log_out()
    assert one.http.count(LOGOUT) == 1
    assert one.http.options[-1]["timeout"] == 5


def test_a_given_session_is_used_with_its_cookies_and_left_open(session):
    one = session(session=GIVEN, **NO_CREDENTIALS)
    read(one)
    one.session.log_out()
    assert one.http.calls == [READ]
    assert one.http.tokens(READ) == ["given-token"]
    assert one.http.jar == [COOKIE]


def test_a_delegated_session_is_left_open(session):
    one = session(identity_token="an identity", **NO_CREDENTIALS)
    read(one)
    one.session.log_out()
    assert one.http.calls == ["POST /auth/delegate", READ]
    assert one.session.delegated


def test_a_session_that_is_passed_on_stays_open(session):
    one = session()
    one.http.jar = []
    one.http.reply(LOGIN, logged_in("token-to-hand-on"))
    text = one.session.session_string({})
    assert decode(text) == SessionString(URL, "token-to-hand-on", [], False)
    one.session.hand_over()
    one.session.log_out()
    assert one.http.count(LOGOUT) == 0


def test_a_session_is_closed_if_its_string_cannot_be_delivered(session):
    one = session()
    one.session.session_string({})
    one.stop.reason = "signal SIGTERM"
    with pytest.raises(Interrupted):
        one.session.hand_over()
    one.session.log_out()
    assert one.http.count(LOGOUT) == 1


def test_a_given_session_can_be_closed_explicitly(session):
    one = session(session=GIVEN, **NO_CREDENTIALS)
    one.session.end_session()
    one.session.end_session()
    assert one.http.calls == [LOGOUT]
    assert one.http.tokens(LOGOUT) == ["given-token"]


@pytest.mark.parametrize("trouble", [lost(), response(500), response(403, {"code": "ERR0014", "message": "no"})])
def test_a_logout_that_fails_warns_and_raises_nothing(session, trouble):
    one = session()
    read(one)
    one.http.reply(LOGOUT, trouble)
    one.session.log_out()
    [warning] = one.warnings
    assert "The session stays open on the server until it times out there." in warning
    assert one.http.count(LOGOUT) == 1


def test_a_logout_that_cannot_even_begin_warns_and_raises_nothing(session, monkeypatch):
    one = session()
    read(one)

    def broken(*_args, **_options):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(one.http, "_start", broken)
    one.session.log_out()
    [warning] = one.warnings
    assert warning.startswith("Could not log out (RuntimeError). The session stays open")


def test_a_call_whose_next_try_would_end_alike_is_not_sent_again(session):
    one = session()
    one.http.reply(READ, *[ConnectError("no trust", request="x", permanent=True)] * 9)
    with pytest.raises(ConnectError):
        read(one)
    assert one.http.count(READ) == 1


def test_a_logout_of_a_session_that_is_gone_says_nothing(session):
    one = session()
    read(one)
    one.http.reply(LOGOUT, GONE)
    one.session.log_out()
    assert one.warnings == []


@pytest.mark.parametrize("operation", [(read, READ), (write, WRITE)])
@pytest.mark.parametrize("gone", [GONE, response(401), response(401, b"<html>")], ids=["ERR009", "empty", "page"])
def test_a_session_that_died_is_replaced_and_the_call_repeated(session, operation, gone):
    do, call = operation
    one = session()
    one.http.jar = [COOKIE]
    one.http.reply(call, gone)
    do(one)
    # Without the API's code, the response may come from a gateway while the session is still open.
    assert one.http.calls == [LOGIN, call, *([] if gone is GONE else [LOGOUT]), LOGIN, call]
    assert one.http.tokens(call) == ["token-number-1", "token-number-2"]
    assert one.http.jar == [], "the cookies of the dead session would lead to it again"


def test_dead_session_is_replaced_with_credentials(session):
    """A given session that died is replaced with credentials and then logged out."""
    one = session(session=GIVEN)
    one.http.reply(READ, GONE)
    read(one)
    one.session.log_out()
    assert one.http.calls == [READ, LOGIN, READ, LOGOUT]


def test_an_ended_session_without_credentials_gives_advice(session):
    one = session(session=GIVEN, **NO_CREDENTIALS)
    one.http.reply(READ, GONE)
    with pytest.raises(AuthError) as failed:
        read(one)
    assert "no credentials to log in again" in failed.value.sentence
    assert failed.value.error["code"] == "ERR009"
    assert one.http.calls == [READ]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_new_logins_of_a_task_are_as_many_as_its_retries(session, retries):
    one = session(retries=retries)
    one.http.reply(READ, *[GONE] * 9)
    with pytest.raises(AuthError):
        read(one)
    assert one.http.count(LOGIN) == 1 + retries
    with pytest.raises(AuthError):
        read(one)
    assert one.http.count(LOGIN) == 1 + retries, "counted over the whole task"


@pytest.mark.parametrize("gone", [0, 1], ids=["first login", "session gone"])
def test_threads_that_need_a_login_at_once_make_one(session, gone):
    one = session(retries=1)
    together = threading.Barrier(4)

    def reply_together(call, reply=one.http.next_reply):
        if call == READ and one.http.tokens(READ)[-1] == "token-number-1" and gone:
            together.wait(5)
            return GONE
        return reply(call)

    one.http.next_reply = reply_together
    if gone:
        one.session.session_string({})
    results = all_side_by_side(lambda _: read(one), range(4), 4)
    assert results == [None] * 4
    assert one.http.count(LOGIN) == 1 + gone


def test_a_401_with_a_different_code_does_not_end_the_session(session):
    one = session()
    one.http.reply(READ, response(401, {"code": "ERR003", "message": "no"}))
    with pytest.raises(AuthError):
        read(one)
    assert one.http.count(LOGIN) == 1


# How often each call is sent that never succeeds, with retries: 3.
@pytest.mark.parametrize(
    ("operation", "again"), [("read", {429, 502, 503, 504}), ("login", {429, 503}), ("write", {429})]
)
@pytest.mark.parametrize("status", [301, 400, 403, 404, 408, 409, 423, 429, 500, 501, 502, 503, 504])
def test_each_status_and_kind_of_call(session, operation, again, status):
    do, call = OPERATIONS[operation]
    one = session()
    one.http.reply(call, *[response(status)] * 9)
    with pytest.raises(ApiError) as failed:
        do(one)
    assert failed.value.status == status
    assert one.http.count(call) == (4 if status in again else 1)
    assert len(one.stop.pauses) == one.http.count(call) - 1


@pytest.mark.parametrize(
    ("operation", "trouble", "count"),
    [
        ("read", REFUSED, 4),
        ("read", lost(), 4),
        ("login", REFUSED, 4),
        ("login", lost(), 1),
        ("write", REFUSED, 1),
        ("write", lost(), 1),
    ],
)
def test_each_failed_connection_and_kind_of_call(session, operation, trouble, count):
    do, call = OPERATIONS[operation]
    one = session()
    one.http.reply(call, *[trouble] * 9)
    with pytest.raises(ConnectError):
        do(one)
    assert one.http.count(call) == count


@pytest.mark.parametrize("operation", OPERATIONS)
def test_with_retries_0_each_call_is_sent_once(session, operation):
    do, call = OPERATIONS[operation]
    one = session(retries=0)
    one.http.reply(call, *[response(429)] * 9)
    with pytest.raises(ApiError):
        do(one)
    assert one.http.count(call) == 1


def test_a_call_that_succeeds_at_last_succeeds(session):
    one = session()
    one.http.reply(READ, response(503), lost(), response(429, headers={"Retry-After": "7"}), response(200, {"a": 1}))
    assert read(one) == {"a": 1}
    assert one.stop.pauses[2] == 7
    assert 0.25 <= one.stop.pauses[0] <= 0.75 <= 1.5 >= one.stop.pauses[1] >= 0.5


def test_a_signal_stops_before_the_next_call(session):
    one = session()
    read(one)
    one.stop.reason = "signal SIGTERM"
    with pytest.raises(Interrupted):
        write(one)
    assert one.http.count(WRITE) == 0


@pytest.mark.parametrize("late", [[logged_in("late-token-x")], [lost()], [response(500)]], ids=["yes", "lost", "no"])
def test_signal_during_a_login_leaks_no_session(session, late):
    """Of a login under way when a signal comes the session does not leak."""
    one = session()
    one.http.reply(LOGIN, Interrupted("Stopped by signal SIGTERM"), *late)
    with pytest.raises(Interrupted):
        read(one)
    one.session.log_out()
    known = late[0].status == 204 if not isinstance(late[0], Exception) else False
    assert one.http.calls == [LOGIN, LOGOUT] if known else [LOGIN]
    assert one.http.count(LOGOUT) == known


def test_a_late_response_is_passed_to_the_callback(session):
    one = session()
    started = response(200, {"id": "7"})
    one.http.reply(WRITE, Interrupted("Stopped"), started)
    seen = []
    with pytest.raises(Interrupted):
        one.session.request("POST", "/runtimes", operation="start", on_late_response=seen.append)
    assert seen == [started]


@pytest.mark.parametrize("reply", [response(200, b"<html>"), response(204), response(200, [])])
def test_a_login_without_a_token_fails(session, reply):
    one = session()
    one.http.reply(LOGIN, reply)
    with pytest.raises(ApiError, match="instead of a token in the header X-MSTR-AuthToken"):
        read(one)
    one.session.log_out()
    assert one.http.count(LOGOUT) == 0


@pytest.mark.parametrize(
    ("reply", "may_be_open"),
    [
        (response(502, b"<html>", request="POST /api/auth/login"), True),
        (response(200, b"<html>"), True),
        (response(500, {"code": "ERR001", "message": "No."}, request="POST /api/auth/login"), False),
        (response(401, {"code": "ERR003", "message": "Login failure"}), False),
    ],
)
def test_a_login_answered_by_a_gateway_says_that_a_session_may_be_open(session, reply, may_be_open):
    one = session()
    one.http.reply(LOGIN, reply)
    with pytest.raises(ApiError) as failed:
        read(one)
    assert ("that session stays open until it times out there" in failed.value.sentence) == may_be_open
    assert failed.value.status == reply.status


def test_a_refused_login_says_where_and_how(session):
    one = session(login_mode="ldap")
    one.http.reply(LOGIN, response(401, {"code": "ERR003", "message": "Login failure"}))
    with pytest.raises(AuthError) as failed:
        read(one)
    assert f"Could not log in to {URL} (login_mode ldap)" in failed.value.sentence
    assert one.http.calls == [LOGIN]


@pytest.mark.parametrize("body", [b"<html>", b"{", b"x"])
@pytest.mark.parametrize(("do", "call"), [(read, READ), (write, WRITE)])
def test_a_success_without_json_is_an_error(session, do, call, body):
    one = session()
    one.http.reply(call, response(200, body))
    with pytest.raises(ApiError, match="answered 200 to GET /api/runtimes with"):
        do(one)


def test_secrets_that_ansible_does_not_know_are_masked(session):
    one = session()
    one.http.jar = [COOKIE, ("lb", "1", "mstr.example.com", "/")]
    one.http.forget_cookies = lambda: None
    read(one)
    assert one.session.secrets >= {PASSWORD, "token-number-1", "cookie-value"}
    assert "1" not in one.session.secrets, "a digit would mask half a result"


def test_an_empty_password_is_not_a_secret(session):
    assert session(password="").session.secrets == set()


def test_a_session_that_ansible_would_mask_is_closed_and_the_option_named(session):
    one = session()
    one.http.reply(
        LOGIN, logged_in("".join(chr(33 + turn * 7 % 90) for turn in range(9999)))
    )  # a short one can do without a letter
    with pytest.raises(MstrError, match=r"Could not return the session: the value of api_token is so short that"):
        one.session.session_string({"password": PASSWORD, "api_token": "e", "identity_token": None})
    one.session.log_out()
    assert one.http.calls == [LOGIN, LOGOUT]


def test_a_call_in_a_project_names_it_in_a_header(session):
    one = session()
    one.session.get("/scripts/1", operation="read", project="B19D")
    read(one)
    assert [options.get("headers", {}).get("X-MSTR-ProjectID") for options in one.http.options] == [None, "B19D", None]


def test_a_post_that_only_reads_is_sent_again_like_a_read(session):
    one = session()
    one.http.reply(WRITE, response(503), response(200, {"id": "1"}))
    assert one.session.send("POST", "/runtimes", {}, operation="search", kind="read") == {"id": "1"}


def test_a_call_that_a_live_session_may_be_refused_opens_no_other(session):
    one = session()
    one.http.reply(READ, GONE)
    with pytest.raises(AuthError, match="ERR009"):
        one.session.request("GET", "/runtimes", operation="read", renews=False)
    assert one.http.count(LOGIN) == 1


def test_a_snapshot_of_a_session_leaves_it_to_this_task(session):
    one = session()
    one.http.jar = []
    one.http.reply(LOGIN, logged_in("token-of-a-snapshot"))
    assert one.session.snapshot() == SessionString(URL, "token-of-a-snapshot", [], False)
    one.session.log_out()
    assert one.http.count(LOGOUT) == 1


def test_a_last_call_is_made_even_when_the_task_was_asked_to_end(session):
    one = session()
    with pytest.raises(MstrError, match="the session has ended"):
        one.session.last_request("GET", "/runtimes", operation="list")
    read(one)
    one.stop.reason = "signal SIGTERM"
    one.http.reply(READ, response(200, {"runtimes": []}))
    assert one.session.last_request("GET", "/runtimes", operation="list") == {"runtimes": []}
    assert one.http.options[-1]["timeout"] == 5


def test_every_response_reaches_the_callback(session):
    one = session()
    statuses = []
    one.session.on_response = lambda response: statuses.append(response.status)
    one.http.reply(READ, response(503), response(200, {}))
    one.http.reply(WRITE, response(409, {"code": "ERR0015", "message": "there"}))
    read(one)
    with pytest.raises(ApiError):
        write(one)
    one.session.log_out()
    assert statuses == [204, 503, 200, 409, 204]


def test_a_failed_login_is_final_for_all_later_calls(session):
    """Or 39 more refused logins would lock the user out."""
    one = session()
    read(one)
    one.http.reply(READ, *[GONE] * 9)
    one.http.reply(LOGIN, *[response(401, {"code": "ERR003", "message": "no"})] * 9)

    def refused(_item):
        with pytest.raises(AuthError):
            read(one)

    all_side_by_side(refused, range(8), 4)
    assert one.http.count(LOGIN) == 2


def test_a_login_that_hangs_is_final_too(session):
    one = session()
    one.http.reply(LOGIN, *[lost("POST /api/auth/login")] * 9)
    for _turn in range(3):
        with pytest.raises(ConnectError, match="that session stays open until it times out there"):
            write(one)
    assert one.http.calls == [LOGIN]


@pytest.mark.parametrize(
    ("trouble", "logins"),
    [
        (ConnectError("refused", request="x", connection_refused=True), 2),
        (response(503), 2),
        (response(401, {"code": "ERR003", "message": "no"}), 1),
        (lost(), 1),
    ],
)
def test_polling_logs_in_again_after_the_server_was_not_there(session, trouble, logins):
    one = session(retries=0)
    one.http.reply(LOGIN, trouble)
    for _turn in range(2):
        with suppress(MstrError):
            one.session.get("/runtimes", kind="once")
    assert one.http.count(LOGIN) == logins


def test_a_task_that_has_logged_out_sends_nothing_more(session):
    one = session()
    read(one)
    one.session.log_out()
    for do in (read, write):
        with pytest.raises(MstrError, match="the task has already closed its session"):
            do(one)
    assert one.http.calls == [LOGIN, READ, LOGOUT]


def test_a_login_that_ends_after_the_logout_is_closed_at_once(session):
    one = session()
    one.http.before = one.session.log_out
    with pytest.raises(MstrError, match="the task has already closed its session"):
        write(one)
    assert one.http.calls == [LOGIN, LOGOUT]


def test_a_login_during_the_logout_is_closed_too(session):
    """The logout comes between two steps of the thread that logs in."""
    one = session()
    one.http.cookies = lambda: one.session.log_out() or []
    with pytest.raises(MstrError, match="the task has already closed its session"):
        write(one)
    assert one.http.calls == [LOGIN, LOGOUT]


def test_a_login_that_ends_too_late_after_a_signal_is_reported(session):
    one = session()
    one.http.reply(LOGIN, Interrupted("Stopped by signal SIGTERM"), lost())
    with pytest.raises(Interrupted):
        read(one)
    [warning] = one.warnings
    assert warning == (
        "The task was stopped before the server answered its login. "
        "If the server did log in, that session stays open until it times out there."
    )
