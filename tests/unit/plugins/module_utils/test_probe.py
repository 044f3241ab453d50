"""What the probe makes of an answer that no code expected. All else is tested against the simulator."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, ConnectError
from ansible_collections.mstr.library.plugins.module_utils._probe import base, reads, sessions
from ansible_collections.mstr.library.plugins.module_utils._probe.runtimes import minimal_runtime
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted, Stop
from ansible_collections.mstr.library.plugins.module_utils._session.response import Response
from unit.support.make import stopped


def probe_run(**session):
    session = SimpleNamespace(send=None, insisting=nullcontext, **session)
    run = base.ProbeRun(session, base.Settings(), Stop(), lambda: 0.0, pytest.fail)
    run.existing = {}
    return run


def test_unexpected_answer_reason_and_not_tried_again():
    run, calls = probe_run(), []

    def find(_run):
        calls.append(1)
        return set(None)

    for _question in range(2):
        with pytest.raises(base.Unanswered, match=r"TypeError in test_probe\.py"):
            run.once(find)
    assert calls == [1]


def test_busy_moment_does_not_hide_queue(monkeypatch):
    run, times = probe_run(), iter([0, 0.5, 0, 2, 0, 0.2, 0, 1.2])
    run.clock = lambda: next(times)
    second = SimpleNamespace(get=lambda *_path, **_options: None)
    monkeypatch.setattr(sessions, "_second_login", lambda _run: None)
    monkeypatch.setattr(sessions, "_logged_in", lambda *_login: nullcontext(second))
    assert sessions.sessions_parallel.ask(run)[0] == "queue"


@pytest.mark.parametrize("late", [[], [Response("POST /api/runtimes", 200, {}, b"<html>")]], ids=["none", "page"])
def test_signal_during_a_create(monkeypatch, late):
    """The first create, or a second one of a name: it may have been done, so that a list is read."""

    def request(*_args, on_late_response, **_options):
        for response in late:
            on_late_response(response)
        raise stopped(in_flight=True)

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    run = probe_run(request=request, last_request=lambda *_args, **_options: {"runtimes": []})
    if not late:
        run.runtimes["1"] = run.name("b")
    with pytest.raises(Interrupted):
        run.create("b", {})
    [sentence] = run.clean_up(at_last=True)
    assert sentence.startswith(f"The runtime '{run.name('b')}' may be left on the server")


def test_signal_while_lost_create_looked_for():
    def request(*_args, **_options):
        run.stop.reason = "signal SIGTERM"
        raise ConnectError("Lost", outcome_unknown=True)

    run = probe_run(request=request, connection=SimpleNamespace(retries=0))
    with pytest.raises(Interrupted):
        run.once(minimal_runtime)


@pytest.mark.parametrize("identity", ["F" * 31 + "1", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "A1B2C3D4:node.example"])
def test_a_failure_is_told_without_ids(identity):
    error = ApiError("Failed", http_status=500, code="ERR001", request=f"GET /api/v2/scripts/{identity}/status")
    assert base.failure_text(error) == "The server answered 500 ERR001 to GET /api/v2/scripts/ID/status."


@pytest.mark.parametrize("content", [None, {}, {"id": "../runtimes"}, {"id": "A1", "objectId": "B2"}], ids=str)
def test_task_that_does_not_name_its_script(content):
    responses = {"/projects": [{"id": "1"}], "/tasks": {"tasks": [{"content": content}]}}
    run = probe_run(get=lambda path, *_args, **_options: responses[path])
    assert run.once(reads.task_script_key.ask)[0] == base.OTHER


@pytest.mark.parametrize("value", [None, 5, True, "text", {"name": "six"}])
def test_what_is_no_list_has_no_entries(value):
    assert base.entries({"packages": value}, "packages") == base.entries({}, "packages") == []
