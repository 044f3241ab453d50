"""A server that is down is not asked a thousand times: after which calls a task gives it up, and what it then sends."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, ConnectError, MstrError
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Stop
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http
from ansible_collections.mstr.library.tests.unit.support.make import URL, connection, response
from ansible_collections.mstr.library.tests.unit.support.scripted_http import LOGOUT, Session
from ansible_collections.mstr.library.tests.unit.support.wire import Listener, reply

REFUSED = ConnectError("Could not read: refused.", connection_refused=True)
SILENT = ConnectError("Could not read: no answer.", outcome_unknown=True)


@pytest.fixture
def task(monkeypatch):
    return Session(monkeypatch, retries=2)


def busy(status, **headers):
    return response(status, request="GET /api/x", headers=headers)


def read(task, name, **how):
    return task.session.get(f"/runtimes/{name}", operation=f"read {name}", **how)


def create(task, name):
    return task.session.send("POST", "/runtimes", {"name": name}, operation=f"create {name}")


def fails(call, *args, **how):
    with pytest.raises(MstrError) as error:
        call(*args, **how)
    return error.value


def is_given_up(task):
    """Whether another call is not sent any more."""
    before = len(task.http.calls)
    try:
        read(task, "another")
    except ConnectError as exc:
        return "not tried, because https://" in exc.sentence and len(task.http.calls) == before
    return False


@pytest.mark.parametrize("answer", [busy(429), REFUSED], ids=["busy", "refused"])
def test_one_call_used_up_retries(task, answer):
    task.http.reply("GET /runtimes/a", *[answer] * 9)
    fails(read, task, "a")
    assert task.http.count("GET /runtimes/a") == 3
    assert is_given_up(task)


@pytest.mark.parametrize("answer", [busy(429), busy(503), SILENT, REFUSED], ids=["busy", "down", "silent", "refused"])
def test_one_sick_answer_stops_nothing(task, answer):
    """Each of many objects fails once."""
    for number in range(9):
        task.http.reply(f"GET /runtimes/{number}", answer)
        read(task, number)
    assert not is_given_up(task)


@pytest.mark.parametrize("answer", [busy(502), busy(503), busy(504), SILENT], ids=["502", "503", "504", "silent"])
def test_one_sick_object_stops_nothing_and_two_do(task, answer):
    for name in "ab":
        task.http.reply(f"GET /runtimes/{name}", *[answer] * 9)
    for _again in range(2):
        fails(read, task, "a")
        assert not is_given_up(task)
    fails(read, task, "b")
    assert is_given_up(task)


def test_refusal_says_nothing_of_server(task):
    for number in range(9):
        task.http.reply(f"GET /runtimes/{number}", busy(404), busy(500))
        fails(read, task, number)
        fails(read, task, number)
    assert not is_given_up(task)


def test_write_counts_with_repetitions(task):
    """A create that the server answers with 503 is looked up and sent again; creates have one path."""
    task.http.reply("POST /runtimes", *[busy(503)] * 9)
    for name in "aaab":
        fails(create, task, name)
    assert not is_given_up(task)
    for _repeated in range(2):
        fails(create, task, "b")
    assert is_given_up(task)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("call", [read, create])
def test_long_retry_after_ends_call_at_once(task, status, call):
    task.http.reply("GET /runtimes/a", busy(status, **{"Retry-After": "3600"}))
    task.http.reply("POST /runtimes", busy(status, **{"Retry-After": "3600"}))
    error = fails(call, task, "a")
    assert isinstance(error, ApiError)
    assert task.stop.pauses == []
    assert "asked to wait 3600 seconds" in fails(read, task, "b").sentence
    assert is_given_up(task)


def test_a_minute_is_waited_for(task):
    task.http.reply("GET /runtimes/a", busy(503, **{"Retry-After": "60"}))
    read(task, "a")
    assert task.stop.pauses == [60]


def test_what_is_still_sent(task):
    """Polls, which do not count either; once each what puts things in order; the logout."""
    task.http.reply("GET /runtimes/poll", *[busy(429)] * 9)
    read(task, "good")
    for _poll in range(3):
        fails(read, task, "poll", kind="once")
    assert not is_given_up(task)
    task.http.reply("GET /runtimes/a", *[REFUSED] * 9)
    fails(read, task, "a")
    assert read(task, "good", kind="once") is None
    with task.session.insisting():
        assert read(task, "good") is None
        with task.session.insisting():
            assert isinstance(fails(read, task, "poll"), ApiError)
        assert read(task, "good") is None
    assert task.http.count("GET /runtimes/poll") == 4
    assert is_given_up(task)
    task.session.log_out()
    assert task.http.count(LOGOUT) == 1
    assert task.warnings == []


def test_new_login_for_what_puts_things_in_order(task):
    """After a restart, the server has forgotten the session, too."""
    read(task, "good")
    task.http.reply("GET /runtimes/a", *[REFUSED] * 9)
    fails(read, task, "a")
    task.http.reply("GET /runtimes/b", response(401, {"code": "ERR009", "message": "gone"}))
    with task.session.insisting():
        assert read(task, "b") is None


def test_calls_that_wait_end_at_once():
    """One of four calls is told to wait for an hour, and the others for a minute."""
    waits = {"/a": "50", "/b": "50", "/c": "50", "/d": "3600"}

    def answer(request):
        return reply(429, Retry_After=waits[request.call[-2:]])

    with Listener(answer) as server:
        http = Http(connection(base_url=server.url, retries=3), Stop(), lambda response: None)
        found = []

        def call(path):
            found.append(http.send("read", "GET", path, operation="read").status)

        threads = [threading.Thread(target=call, args=(path,)) for path in waits]
        began = time.monotonic()
        for thread in threads:
            thread.start()
            time.sleep(0.1)
        for thread in threads:
            thread.join()
    assert time.monotonic() - began < 10
    assert found == [429] * 4
    assert len(server.calls) == 4


def test_the_message(task):
    task.http.reply("GET /runtimes/a", *[busy(429)] * 9)
    fails(read, task, "a")
    assert fails(read, task, "b").sentence == (
        f"Could not read b: not tried, because {URL} answered 429 to GET /api/x, again and again. Run the task again "
        "when the server is available."
    )
