"""Code that runs on a server: its result, a run that has to be stopped, and a start that goes wrong."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.mstr.library.plugins.module_utils._work.script import Script, run_script, script_running
from unit.support.make import DEFAULT_ID, ID, error_of, lost, response, stopped
from unit.support.scripted_http import LOGIN, LOGOUT, Session

EVALUATION = "8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C"
START = "POST /scripts/evaluation"
LOOK, STOP = f"GET /scripts/evaluation/{EVALUATION}", f"DELETE /scripts/evaluation/{EVALUATION}"
ODD_STATUSES = (None, "3", True)
READY = {
    "changed": True,
    "executed": True,
    "msg": f"Ran the script on the runtime {ID}.",
    "status": "ready",
    "stdout": "Grüße\n密码",
    "stdout_lines": ["Grüße", "密码"],
    "stderr": "w\n",
    "stderr_lines": ["w"],
    "result": {"a": [1]},
    "runtime_id": ID,
    "evaluation_id": EVALUATION,
}
NO_STATUS = "instead of an object with a numeric status"


def answer(call, status, body):
    return response(status, body, request=call.replace(" ", " /api"))


def state(status, message=None, **results):
    return answer(LOOK, 200, {"id": EVALUATION, "status": status, "message": message, "results": results})


def refused(call, status, number, message="no"):
    return answer(call, status, {"code": f"ERR00{number}", "message": message})


def broken(call, status=200):
    return answer(call, status, b'{"id": "8F1C')


class ScriptServer:
    """A session on a scripted server, and a clock that only pauses turn."""

    def __init__(self, monkeypatch, *looks, start=None, **options):
        self.session = Session(monkeypatch, **options)
        self.http = self.session.http
        self.http.reply(START, start or answer(START, 200, {"id": EVALUATION}))
        self.http.reply(LOOK, *looks)
        self.pauses, self.now = [], 50.0

    def pause(self, seconds):
        self.session.stop.check()
        self.pauses.append(seconds)
        self.now += seconds

    def run(self, code="1", runtime_id=None, timeout=600.0, name=None):
        script = Script(code, runtime_id, timeout, name)
        return run_script(self.session.session, script, lambda: self.now, self.pause)

    def fail(self, *args, **options):
        return error_of(self.run, *args, **options)

    @property
    def calls(self):
        return [call for call in self.http.calls if call not in (LOGIN, LOGOUT)]


@pytest.fixture
def server_with(monkeypatch):
    return lambda *looks, **options: ScriptServer(monkeypatch, *looks, **options)


def test_run_that_ends_ready(server_with):
    """The code travels as base64 of UTF-8."""
    code = "print('Grüße 密码 🎉')\r\n\tx = \"\\\\\"\n\ufeff"
    end = state(3, stdout="Grüße\n密码", stderr="w\n", output='{"a": [1]}')
    server = server_with(state(0), state(1, stdout="Grü"), state(2), end)
    assert server.run(code, runtime_id=ID) == READY
    assert server.calls == [START, LOOK, LOOK, LOOK, LOOK]
    assert len(server.pauses) == 3, "the first look comes at once"
    sent = dict(zip(server.http.calls, server.http.sent, strict=True))[START].json
    assert sent == {"scriptContent": base64.b64encode(code.encode()).decode(), "scriptRuntimeId": ID}


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ('{"rows": 3, "ü": [true, null, 1.5]}', {"rows": 3, "ü": [True, None, 1.5]}),
        ("null", None),
        ("", None),
        *((text, text) for text in ('{"a": ', {"already": "parsed"}, "[" * 102 + "]" * 102, "[" * 100000, "1" * 5000)),
    ],
)
def test_result_is_parsed_output_or_text(server_with, output, result):
    """What is nested too deeply would break code that walks through it; Python refuses to read a long number."""
    assert server_with(state(3, output=output)).run()["result"] == result


@pytest.mark.parametrize(("number", "status"), [(4, "error"), (5, "expired"), (6, "cancelled"), (7, "unknown (7)")])
def test_run_that_does_not_end_ready(server_with, number, status):
    server = server_with(state(number, stdout="half", stderr="Traceback\n  ValueError: böse\n", output="1"))
    result = server.fail(runtime_id=ID, name="Etl").to_result()
    why = "Traceback ValueError: böse"
    assert result["msg"] == f"The script on the runtime 'Etl' ({ID}) ended with status {status}: {why}"
    assert set(result) - {"error"} == set(READY)
    assert (result["changed"], result["status"], result["stdout"], result["result"]) == (True, status, "half", None)
    assert server.calls == [START, LOOK]


def test_long_stderr_is_cut_to_its_end(server_with):
    sentence = server_with(state(4, stderr="x" * 5000 + "\n\x1b[31mValueError: the reason\x1b[0m\n")).fail().sentence
    assert sentence.endswith("ValueError: the reason")
    assert len(sentence) < 1200


def test_run_that_never_ends_is_stopped(server_with):
    """An outage that is over is not mentioned."""
    server = server_with(refused(LOOK, 503, "16"), *[state(1, stdout="started\n", stderr="still busy")] * 9)
    failure = server.fail(runtime_id=DEFAULT_ID, timeout=2)
    assert failure.sentence == (
        f"The script on the runtime {DEFAULT_ID} did not end within 2 seconds (run_timeout). It was stopped on the "
        "server. Its stderr ends with: still busy"
    )
    assert server.calls[-2:] == [LOOK, STOP]
    assert server.calls.count(STOP) == 1
    assert sum(server.pauses) == pytest.approx(2), "a last look when the time is over"
    result = failure.to_result()
    assert set(result) - {"error"} == set(READY)
    assert (result["status"], result["stdout_lines"], result["evaluation_id"]) == ("cancelled", ["started"], EVALUATION)


@pytest.mark.parametrize("status", [404, 500])
def test_evaluation_that_the_server_lost(server_with, status):
    server = server_with(state(1, stdout="half"), refused(LOOK, status, "4", "The object evaluation was not found."))
    failure = server.fail()
    assert failure.sentence == (
        f"The server no longer knows the script that it started on the default runtime (evaluation {EVALUATION}). Its "
        "outcome is unknown; check what it did before you run it again."
    )
    assert STOP not in server.calls
    result = failure.to_result()
    assert (result["error"]["http_status"], result["status"], result["stdout"]) == (status, None, "half")


OUTAGES = [*(refused(LOOK, status, "16") for status in (429, 503)), lost(), broken(LOOK, 502)]


@pytest.mark.parametrize("outage", OUTAGES)
def test_outage_while_a_script_runs(server_with, outage):
    """It is stopped only when its time is over, with what the last check said."""
    server = server_with(state(1), *[outage] * 30, state(1), *[outage] * 30, state(3, output="7"))
    assert server.run()["result"] == 7
    assert server.calls == [START, *[LOOK] * 63], "each check is one request"
    server = server_with(state(1, stderr="busy"), *[outage] * 30)
    failure = server.fail(timeout=20)
    reason = str(getattr(outage, "sentence", "Could not read the result of the script on the default runtime: "))
    preface = "The script on the default runtime did not end within 20 seconds (run_timeout). The last check failed: "
    assert failure.sentence.startswith(preface + reason)
    assert failure.sentence.endswith("It was stopped on the server. Its stderr ends with: busy")
    assert server.calls[-1] == STOP
    assert failure.error["http_status"] == getattr(outage, "status", None)


def test_session_that_dies_is_opened_anew(server_with):
    server = server_with(state(1), refused(LOOK, 401, "9"), state(3, output="7"))
    assert server.run()["result"] == 7
    assert server.http.tokens(LOOK) == ["token-number-1", "token-number-1", "token-number-2"]
    # One that cannot be opened anew cannot stop the run, either.
    server = server_with(state(1), refused(LOOK, 401, "9"))
    server.http.reply(LOGIN, response(204, headers={"X-MSTR-AuthToken": "token-number-1"}), refused(LOGIN, 403, "3"))
    sentence = server.fail().sentence
    assert "It may still be running: Could not stop the script: the session has ended." in sentence


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (refused(LOOK, 403, "17"), "answered 403"),
        *((answer(LOOK, 200, body), NO_STATUS) for body in (None, [], {}, *({"status": odd} for odd in ODD_STATUSES))),
    ],
)
def test_what_stops_the_run(server_with, look, why):
    server = server_with(state(1), look)
    sentence = server.fail().sentence
    assert why in sentence
    assert sentence.endswith("It was stopped on the server.")
    assert server.calls == [START, LOOK, LOOK, STOP]


LOST_STARTS = [lost(), broken(START), refused(START, 503, "16"), refused(START, 429, "16"), refused(START, 401, "09")]


@pytest.mark.parametrize(
    ("start", "late"),
    [
        *((start, []) for start in LOST_STARTS),
        *((answer(START, 200, body), []) for body in (b"", {"id": None})),
        *((stopped(in_flight=True), [start]) for start in LOST_STARTS[:3]),
    ],
)
def test_lost_start_is_never_repeated(server_with, start, late):
    server = server_with(start=start)
    server.http.reply(START, *late)
    sentence = server.fail().sentence
    assert late or "The response to the start was lost: the script may" in sentence
    assert sentence.endswith("the script may be running on the server. It was not started again.")
    assert server.calls == [START]


def test_interrupted_start_with_a_late_answer(server_with):
    server = server_with(start=stopped(in_flight=True))
    server.http.reply(START, answer(START, 200, {"id": EVALUATION}))
    begin = "Stopped by signal SIGTERM while the script was being started on the default runtime."
    assert server.fail().sentence == f"{begin} It was stopped on the server."
    assert server.calls == [START, STOP]


@pytest.mark.parametrize(("seconds", "shown"), [(9.9, 9), (59.9, 50), (119, 60)])
def test_progress(seconds, shown):
    assert script_running(seconds) == f"script has been running for {shown} s"
