from __future__ import annotations

import gzip
import re
import signal
import zlib
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session import transport
from ansible_collections.mstr.library.plugins.module_utils._session.call import LOGIN, READ, WRITE, Call
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted, Stop
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http
from unit.support.make import PatientStop, connection
from unit.support.wire import Listener, reply

ROOT = Path(__file__).parents[4]
PACKED = gzip.compress(b"[1]")


def http_to(server, stop=None, **options) -> Http:
    options = {"base_url": server.url, "timeout": 5.0, "retries": 0, **options}
    return Http(connection(**options), stop or PatientStop())


def get(http, **options):
    return http.send(Call(READ, "GET", "/runtimes", "read", **options))


def test_response_complete_and_names_request():
    with Listener(lambda request: reply(503, {"a": 1}, Retry_After="7")) as server:
        http = http_to(server)
        http.add_secrets(["s3cret"])
        got = get(http, params={"fields": "id"}, token="t")
    assert (got.request, got.status, got.data()) == ("GET /api/runtimes", 503, {"a": 1})
    assert (got.headers["retry-after"], "s3cret" in got.secrets) == ("7", True)
    assert (server.calls, server.requests[0].headers["x-mstr-authtoken"]) == (["GET /api/runtimes?fields=id"], "t")


def test_user_agent_has_the_version_of_the_collection():
    version = re.search("^version: (.+)$", (ROOT / "galaxy.yml").read_text(), re.MULTILINE)[1]
    with Listener(lambda request: reply()) as server:
        get(http_to(server))
    assert server.requests[0].headers["user-agent"] == f"mstr.library/{version}"


def test_every_cookie_is_sent_back():
    """Also a secure one over http, and one that changes."""
    cookies = iter(["JSESSIONID=1; Path=/; HttpOnly", "lb=a; Secure", "lb=b; Secure"])
    with Listener(lambda request: reply(Set_Cookie=next(cookies))) as server:
        http = http_to(server)
        get(http)
        get(http)
        get(http)
    assert sorted(server.requests[2].headers["cookie"].split("; ")) == ["JSESSIONID=1", "lb=a"]
    assert http.cookies()[-1][:2] == ("lb", "b")


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


@pytest.mark.parametrize(
    ("kind", "method", "unknown"),
    [(READ, "GET", False), (READ, "POST", False), *((WRITE, method, True) for method in ("POST", "PATCH", "DELETE"))],
)
def test_lost_answer_unclear_for_write_alone(kind, method, unknown):
    with Listener(lambda request: b"") as server, pytest.raises(ConnectError) as lost:
        http_to(server).send(Call(kind, method, "/runtimes", "do it"))
    assert lost.value.sentence.startswith("Could not do it: ")
    assert lost.value.error["request"] == f"{method} /api/runtimes"
    assert lost.value.outcome_unknown is unknown


def test_answer_after_a_signal_can_still_be_had():
    stop, late = Stop(), []
    with Listener(lambda request: stop._on_signal(signal.SIGTERM, None) or reply(204)) as server:
        http = http_to(server, stop)
        with pytest.raises(Interrupted):
            http.send(Call(LOGIN, "POST", "/auth/login", "log in"), late.append)
        assert [response.status for response in late] == [204]


@pytest.mark.parametrize(
    ("coding", "body", "data"),
    [
        ("gzip", PACKED, [1]),
        ("gzip", b"", None),
        ("gzip, gzip", gzip.compress(PACKED), "unclear"),
        ("gzip", PACKED[:-9], "unclear"),
        ("deflate", zlib.compress(b"[1]"), "unclear"),
    ],
    ids=["one", "no body", "two", "half", "not asked for"],
)
def test_one_coding_of_a_body_is_undone(coding, body, data):
    """After any other, nobody knows what the server did."""
    with Listener(lambda request: reply(200, body, Content_Encoding=coding)) as server:
        try:
            got = http_to(server).send(Call(WRITE, "POST", "/runtimes", "do it")).data()
        except ConnectError as exc:
            got = "unclear" if exc.outcome_unknown else exc.sentence
    assert got == data


def test_response_of_any_size(monkeypatch):
    """Also packed. A second one would not be smaller."""
    monkeypatch.setattr(transport, "SIZE_LIMIT", 2**20)
    bodies = [b"x" * 2**20, b"x" * (2**20 + 1), gzip.compress(b"x" * (2**20 + 1))]
    answers = iter([reply(200, bodies[0]), reply(200, bodies[1]), reply(200, bodies[2], Content_Encoding="gzip")])
    with Listener(lambda request: next(answers)) as server:
        http = http_to(server, retries=3)
        assert len(get(http).body) == 2**20
        too_large = pytest.raises(ConnectError, match=r"sent more than 1 MB; responses of the API are smaller")
        with too_large:
            get(http)
        with too_large:
            get(http)
    assert len(server.calls) == 3
