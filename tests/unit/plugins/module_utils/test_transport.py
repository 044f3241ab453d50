from __future__ import annotations

import gzip
import signal
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError, MstrError
from ansible_collections.mstr.library.plugins.module_utils._session import size, transport
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted, Stop
from ansible_collections.mstr.library.plugins.module_utils._session.session import Session
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http
from unit.support.make import PatientStop, connection
from unit.support.wire import Listener, reply

LIMIT = "more than 50 cookies, or cookies of more than 64 kB together; check base_url and the gateways in front"
JUNK = [f"{junk}; Path=/" for junk in ("\0=x", "a=\x01", "a\x7f=1")]
PACKED = gzip.compress(b"[1]")


def http_to(server, stop=None, **options) -> Http:
    options = {"base_url": server.url, "timeout": 5.0, "retries": 0, **options}
    return Http(connection(**options), stop or PatientStop())


def get(http, **options):
    return http.send("read", "GET", "/runtimes", operation="read", **options)


def test_response_complete_and_names_request():
    with Listener(lambda request: reply(503, {"a": 1}, Retry_After="7")) as server:
        http = http_to(server)
        http.add_secrets(["s3cret"])
        got = get(http, params={"fields": "id"}, headers={"X-Token": "t"})
    assert (got.request, got.status, got.data()) == ("GET /api/runtimes", 503, {"a": 1})
    assert (got.headers["retry-after"], "s3cret" in got.secrets) == ("7", True)
    assert (server.calls, server.requests[0].headers["x-token"]) == (["GET /api/runtimes?fields=id"], "t")


@pytest.mark.parametrize(
    ("cookies", "sent"),
    [
        (["JSESSIONID=1; Path=/; HttpOnly", "lb=a; Secure", "lb=b; Secure"], "JSESSIONID=1; lb=a"),
        *(([junk, "JSESSIONID=1; Path=/", "a=2"], "JSESSIONID=1") for junk in JUNK),
    ],
)
def test_which_cookies_are_sent_back(cookies, sent):
    """Every one, also a secure one, and one that changes; none with a control character."""
    coming = iter(cookies)
    with Listener(lambda request: reply(Set_Cookie=next(coming))) as server:
        http = http_to(server)
        for _call in cookies:
            get(http)
    assert sorted(server.requests[2].headers["cookie"].split("; ")) == sent.split("; ")
    assert http.cookies()[-1][:2] == tuple(cookies[-1].split(";")[0].split("="))


def test_cookies_sent_and_last_others_masked():
    """A load balancer may send a new one with each response, and Ansible searches the result for each of them."""
    cookies = iter(["JSESSIONID=cookie-of-the-session", *(f"AWSALB=value-of-a-cookie-{n}" for n in range(130))])
    with Listener(lambda request: reply(Set_Cookie=next(cookies))) as server:
        http = http_to(server)
        for _call in range(131):
            get(http)
    assert {"cookie-of-the-session", "value-of-a-cookie-129", "value-of-a-cookie-29"} <= http.secrets
    assert "value-of-a-cookie-28" not in http.secrets


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("head", "limit"),
    [
        ("A: " + 70_000 * "x", "more than 64 kB in one line"),
        (20 * f"A: {'x' * 65_000}\r\n", "more than 1 MB of headers"),
    ],
)
def test_response_of_proxy_within_bounds(monkeypatch, head, limit, scheme):
    """Also that to CONNECT, which is no response of the server. It is not asked again."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Listener(lambda request: f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode()) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        with pytest.raises(ConnectError) as failed:
            get(Http(connection(base_url=f"{scheme}://h.invalid"), PatientStop()))
    assert limit in failed.value.sentence
    assert len(proxy.calls) == 1


def test_long_cookies_no_longer_sent_are_forgotten():
    """Each one has many forms, and what is masked must not grow without a limit."""
    cookies = iter(f"lb={n}{'x' * 30_000}" for n in range(6))
    with Listener(lambda request: reply(Set_Cookie=next(cookies))) as server:
        http = http_to(server)
        for _call in range(6):
            get(http)
    assert [n for n in range(6) if f"{n}{'x' * 30_000}" in http.secrets] == [3, 4, 5]


@pytest.mark.parametrize("at", ["login", "list"])
@pytest.mark.parametrize(
    ("number", "size", "path", "refused"),
    [
        (50, 100, "/", False),
        (51, 100, "/", True),
        (2, 30_000, "/", False),
        (2, 35_000, "/", True),
        (95, 10_000, "/", True),
        (2, 10, "/" * 35_000, True),
    ],
    ids=["50", "51", "60 kB", "70 kB", "95 of 10 kB", "long paths"],
)
def test_too_many_cookies(number, size, path, refused, at):
    """The next call is refused, in little time, and the session is closed all the same."""
    cookies = [f"c{index}={f'{index}&<{chr(34)}'.ljust(size, '~')}" for index in range(number)]
    lines = "".join(f"\r\nSet-Cookie: {cookie}; Path={path}" for cookie in cookies).encode()

    def respond(request):
        answer = reply(X_MSTR_AuthToken="token-number-1")
        return (
            answer.replace(b" X", b" X" + lines, 1)
            if request.call.endswith({"login": "login", "list": "s"}[at])
            else answer
        )

    began = time.process_time()
    with Listener(respond) as server:
        session = Session(connection(base_url=server.url), PatientStop(), pytest.fail)
        with nullcontext() if at == "list" or not refused else pytest.raises(MstrError, match="Could not log in: "):
            session.get("/runtimes")
        with (
            pytest.raises(MstrError, match=f"Could not read /a: {server.url} set {LIMIT}") if refused else nullcontext()
        ):
            session.get("/a")
        with session.insisting():  # what puts things in order
            session.get("/b")
        session.log_out()
    assert server.calls[-2:] == ["GET /api/b", "POST /api/auth/logout"]
    assert len(server.requests[-1].headers.get("cookie", "")) < 66_000
    assert time.process_time() - began < 3


def test_login_with_cookies_of_6_mb():
    """No other head may be so large. Its token is read, and the session closed."""
    lines = "".join(f"\r\nSet-Cookie: c{index}={'&<' * 30_000}{index}" for index in range(95)).encode()
    answer = reply(X_MSTR_AuthToken="token-number-1").replace(b" X", b" X" + lines, 1)
    with Listener(lambda request: answer if request.call.endswith("login") else reply()) as server:
        session = Session(connection(base_url=server.url), PatientStop(), pytest.fail)
        with pytest.raises(MstrError, match=f"Could not log in: {server.url} set {LIMIT}"):
            session.get("/a")
        session.log_out()
    assert server.calls == ["POST /api/auth/login", "POST /api/auth/logout"]
    assert server.requests[1].headers["x-mstr-authtoken"] == "token-number-1"


def test_cookies_can_be_passed_on_and_forgotten():
    cookie, short = "JSESSIONID=cookie-value", "lb=1"
    with Listener(lambda request: reply(Set_Cookie=f"{cookie}; Path=/")) as server:
        first, second = http_to(server), http_to(server)
        get(first)
        second.take_cookies([*first.cookies(), ("lb", "1", "127.0.0.1", "/")])
        assert "cookie-value" in first.secrets & second.secrets
        assert "1" not in second.secrets, "a digit would mask half a result"
        get(second)
        second.forget_cookies()
        get(second)
    assert [request.headers.get("cookie") for request in server.requests] == [None, f"{cookie}; {short}", None]


def test_late_answer_brings_no_cookie_into_new_session():
    def slow(request):
        time.sleep(0.05)
        return reply(Set_Cookie="JSESSIONID=dead; Path=/")

    with Listener(slow) as server:
        http = http_to(server)
        late = http._start("GET", "/runtimes", {})
        http.forget_cookies()
        assert late.get(timeout=5).status == 200
    assert http.cookies() == []


def test_slow_call_ends_with_next_piece(monkeypatch):
    def pieces(request):
        request.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
        for _turn in range(10):
            request.socket.sendall(b"x" * 70_000)
            time.sleep(0.02)

    monkeypatch.setattr(transport, "CALL_LIMIT", 0.01)
    with Listener(pieces) as server:
        http = http_to(server)
        with pytest.raises(TimeoutError):
            http._exchange(http._client, threading.current_thread(), "GET", "/runtimes", {})


@pytest.mark.parametrize(("method", "unknown"), [("GET", False), ("POST", True), ("PATCH", True), ("DELETE", True)])
def test_lost_answer_unclear_for_write_alone(method, unknown):
    with Listener(lambda request: b"") as server, pytest.raises(ConnectError) as lost:
        http_to(server).send("write", method, "/runtimes", operation="do it")
    assert lost.value.sentence.startswith("Could not do it: ")
    assert lost.value.error["request"] == f"{method} /api/runtimes"
    assert lost.value.outcome_unknown is unknown


def test_answer_after_a_signal_can_still_be_had():
    stop, late = Stop(), []
    with Listener(lambda request: stop._on_signal(signal.SIGTERM, None) or reply(204)) as server:
        http = http_to(server, stop)
        with pytest.raises(Interrupted):
            http.send("login", "POST", "/auth/login", operation="log in", on_late_response=late.append)
        assert [response.status for response in late] == [204]


def test_without_thread_call_runs_in_caller(monkeypatch):
    def no_thread(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        http = Http(connection(base_url=url, timeout=0.1, retries=0), PatientStop())
        with pytest.raises(ConnectError, match="sent nothing within"):
            get(http)


@pytest.mark.parametrize(
    ("coding", "body", "data"),
    [
        ("gzip", PACKED, [1]),
        ("x-gzip", PACKED, [1]),
        ("identity, GZIP", gzip.compress(b"[") + gzip.compress(b"1]"), [1]),
        ("gzip", b"", None),
        ("gzip, gzip", gzip.compress(PACKED), "unclear"),
        ("br", b"x", "unclear"),
        ("gzip", b"no gzip", "unclear"),
        ("gzip", PACKED[:-9], "unclear"),
        ("deflate", zlib.compress(b"[1]"), "unclear"),
    ],
    ids=["one", "old name", "two parts", "no body", "two", "unknown", "junk", "half", "not asked for"],
)
def test_one_coding_of_a_body_is_undone(coding, body, data):
    """After any other, nobody knows what the server did."""
    with Listener(lambda request: reply(200, body, Content_Encoding=coding)) as server:
        try:
            got = http_to(server).send("write", "POST", "/runtimes", operation="do it").data()
        except ConnectError as exc:
            got = "unclear" if exc.outcome_unknown else exc.sentence
    assert got == data


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b"[" + b"{}," * 8 + b"{}]", False),
        (b"[" + b"{}," * 9 + b"{}]", True),
        (b"[" + b"[]," * 9 + b"[]]", True),
        (b"[" + b"1.5," * 40 + b"1]", True),
        (b'[{"stdout": "' + b"a,{[" * 50 + b'"}]', False),
        (b'[{"stdout": "' + rb"\\\"a,{[" * 50 + b'"}]', False),
        (b'["' + b"{" * 50, False),
        (b'"' * 50 + b"," * 50, True),
    ],
    ids=["enough", "objects", "lists", "numbers", "text", "escapes", "unfinished", "quotes"],
)
def test_objects_are_counted_before_they_exist(monkeypatch, body, refused):
    """Not what a text holds, such as the output of a script. At most 10 here, and 40 values."""
    monkeypatch.setattr(size, "MOST_OBJECTS", 10)
    monkeypatch.setattr(size, "_MOST_VALUES", 40)
    assert (size.share_of_objects(body) > 1) is refused


@pytest.mark.parametrize("body", [b"[" + b"{}," * 600_000 + b"{}]", b" " * 40_000_000], ids=["objects", "bytes"])
def test_limit_for_all_calls_together(body):
    """Two threads that each have more than half of it. After the end of a thread, its part is free again."""
    with Listener(lambda request: reply(200, body)) as server:
        http = http_to(server)
        with ThreadPoolExecutor() as other:
            other.submit(get, http).result()
            with pytest.raises(ConnectError, match=r"more than (64 MB|1000000 objects); responses"):
                get(http)
        for _call in range(2):
            assert get(http).status == 200


def test_refused_response_takes_no_room():
    """What one object has must not harm the others that are read at the same time."""
    bodies = iter(b"[" + b"{}," * number + b"{}]" for number in (1_200_000, 800_000))
    with Listener(lambda request: reply(200, next(bodies))) as server:
        http = http_to(server)
        with pytest.raises(ConnectError, match="more than 1000000 objects"):
            get(http)
        with ThreadPoolExecutor() as other:
            assert other.submit(get, http).result().status == 200
