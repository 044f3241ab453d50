"""A failed call is sent again, but a server that is down is not asked a thousand times."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session.outage import pause_before, retries_connection
from unit.support.make import URL, error_of, response
from unit.support.scripted_http import LOGOUT, Session

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=timezone.utc).timestamp()
NO_ANSWER, REFUSED = {"outcome_unknown": True}, {"connection_refused": True}
SILENT = ConnectError("Could not read: no answer.", **NO_ANSWER)
DOWN = ConnectError("Could not read: refused.", **REFUSED)


@pytest.mark.parametrize(
    ("kind", "facts", "again"),
    [
        ("read", NO_ANSWER, True),
        ("read", REFUSED, True),
        ("read", {"permanent": True}, False),
        ("login", REFUSED, True),
        ("login", {**REFUSED, **NO_ANSWER}, False),
        ("login", {}, False),
        ("write", REFUSED, False),
    ],
)
def test_failed_connections_tried_again(kind, facts, again):
    assert retries_connection(kind, ConnectError("No answer.", **facts)) is again


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        *[("0", 0), (" 7 ", 7), ("60", 60), ("61", 60), ("9" * 400, 60)],
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30),
        ("Wed, 25 Nov 2026 13:00:00 +0100", 0),
        *[(wish, 4.0) for wish in (None, "soon", "-5", "1.5")],
    ],
)
def test_retry_after_respected_up_to_minute(monkeypatch, wish, seconds):
    monkeypatch.setattr("time.time", lambda: NOW)  # for urllib3, which reads the header
    assert pause_before(4, wish, lambda: 0.5) == seconds


def test_pauses_double_with_jitter_up_to_minute():
    assert [pause_before(attempt, None, lambda: 0.5) for attempt in (1, 2, 3, 1000)] == [0.5, 1, 2, 60]
    assert [pause_before(2, None, lambda: 0.0), pause_before(2, None, lambda: 1.0)] == [0.5, 1.5]


# --- after which calls a task gives the server up, and what it then sends


@pytest.fixture
def task(monkeypatch):
    return Session(monkeypatch, retries=2)


def busy(status, **headers):
    return response(status, request="GET /api/x", headers=headers)


def read(task, name, **how):
    return task.session.get(f"/runtimes/{name}", operation=f"read {name}", **how)


def create(task, name):
    return task.session.send("POST", "/runtimes", {"name": name}, operation=f"create {name}")


def fail_each(call, task, names, **options):
    for name in names:
        error_of(call, task, name, **options)


def is_given_up(task):
    """Whether another call is not sent any more."""
    before = len(task.http.calls)
    try:
        read(task, "another")
    except ConnectError as exc:
        return "not tried, because https://" in exc.sentence and len(task.http.calls) == before
    return False


@pytest.mark.parametrize(
    ("answer", "why"),
    [(busy(429), "answered 429 to GET /api/runtimes/a, again and again"), (DOWN, "does not accept connections")],
    ids=["busy", "refused"],
)
def test_one_call_used_up_retries(task, answer, why):
    task.http.reply("GET /runtimes/a", *[answer] * 9)
    error_of(read, task, "a")
    assert task.http.count("GET /runtimes/a") == 3
    assert is_given_up(task)
    assert error_of(read, task, "b").sentence == (
        f"Could not read b: not tried, because {URL} {why}. Run the task again when the server is available."
    )


@pytest.mark.parametrize("answer", [busy(502), busy(503), busy(504), SILENT], ids=["502", "503", "504", "silent"])
def test_two_sick_objects_stop_all(task, answer):
    task.http.reply("GET /runtimes/a", *[answer] * 9)
    task.http.reply("GET /runtimes/b", *[answer] * 9)
    fail_each(read, task, "aa")
    assert not is_given_up(task)
    error_of(read, task, "b")
    assert is_given_up(task)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("call", [read, create])
def test_long_retry_after_ends_call_at_once(task, status, call):
    """A minute is waited for."""
    task.http.reply("GET /runtimes/minute", busy(status, **{"Retry-After": "60"}))
    read(task, "minute")
    hour = busy(status, **{"Retry-After": "3600"})
    task.http.reply("GET /runtimes/a", hour)
    task.http.reply("POST /runtimes", hour)
    assert isinstance(error_of(call, task, "a"), ApiError)
    assert task.stop.pauses == [60]
    assert "asked to wait 3600 seconds" in error_of(read, task, "b").sentence
    assert is_given_up(task)


def test_what_is_still_sent(task):
    """Polls, which do not count either; once each what puts things in order, with a new login; the logout."""
    task.http.reply("GET /runtimes/poll", *[busy(429)] * 9)
    read(task, "good")
    fail_each(read, task, ["poll"] * 3, polling=True)
    assert not is_given_up(task)
    task.http.reply("GET /runtimes/a", *[DOWN] * 9)
    error_of(read, task, "a")
    assert read(task, "good", polling=True) is None
    task.http.reply("GET /runtimes/b", response(401, {"code": "ERR009", "message": "gone"}))
    with task.session.despite_outage("to find out what was done"):
        assert read(task, "good") is None
        with task.session.despite_outage("to find out what was done"):
            assert isinstance(error_of(read, task, "poll"), ApiError)
        assert read(task, "b") is None
    assert task.http.count("GET /runtimes/poll") == 4
    assert is_given_up(task)
    task.session.log_out()
    assert task.http.count(LOGOUT) == 1
    assert task.warnings == []
