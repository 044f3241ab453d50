# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session import transport
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http
from ansible_collections.mstr.library.tests.unit.support.make import PatientStop, connection
from ansible_collections.mstr.library.tests.unit.support.wire import Listener, free_port, reply, self_signed


def http_to(server, **options) -> Http:
    return Http(connection(base_url=server.url, **{"timeout": 0.15, **options}))


def get(http, path="/runtimes", **options):
    return http.start("GET", path, **options).response(PatientStop(), "read")


def test_a_response_is_complete_and_names_its_request():
    with Listener(lambda request: reply(503, {"a": 1}, Retry_After="7")) as server:
        http = http_to(server)
        http.secrets.add("s3cret")
        got = get(http, params={"fields": "id"}, headers={"X-Token": "t"})
    assert (got.request, got.status, got.data()) == ("GET /api/runtimes", 503, {"a": 1})
    assert got.headers["retry-after"] == "7"
    assert got.secrets == {"s3cret"}
    assert server.calls == ["GET /api/runtimes?fields=id"]
    assert server.requests[0].headers["x-token"] == "t"


def test_a_redirect_is_not_followed():
    with Listener(lambda request: reply(302, Location="/elsewhere")) as server:
        assert get(http_to(server)).status == 302
    assert len(server.calls) == 1


def test_nothing_is_taken_from_netrc(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login u password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Listener(lambda request: reply()) as server:
        get(http_to(server))
    assert "authorization" not in server.requests[0].headers


def test_every_cookie_comes_back_a_secure_one_and_a_changing_one_too():
    cookies = iter(["JSESSIONID=1; Path=/; HttpOnly", "lb=a; Secure", "lb=b; Secure"])
    with Listener(lambda request: reply(Set_Cookie=next(cookies))) as server:
        http = http_to(server)
        for _turn in range(3):
            get(http)
    assert set(server.requests[2].headers["cookie"].split("; ")) == {"JSESSIONID=1", "lb=a"}
    assert {(name, value) for name, value, _domain, _path in http.cookies()} == {("JSESSIONID", "1"), ("lb", "b")}


def test_cookies_can_be_passed_on_and_forgotten():
    with Listener(lambda request: reply(Set_Cookie="JSESSIONID=1; Path=/")) as server:
        first, second = http_to(server), http_to(server)
        get(first)
        second.take_cookies(first.cookies())
        get(second)
        second.forget_cookies()
        get(second)
    assert [request.headers.get("cookie") for request in server.requests] == [None, "JSESSIONID=1", None]


def test_a_late_answer_of_a_dead_session_brings_no_cookie_into_the_new_one():
    def slow(request):
        time.sleep(0.05)
        return reply(Set_Cookie="JSESSIONID=dead; Path=/")

    with Listener(slow) as server:
        http = http_to(server)
        late = http.start("GET", "/runtimes")
        http.forget_cookies()
        assert late.response(PatientStop(), "read").status == 200
    assert http.cookies() == []


def test_an_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(transport, "SIZE_LIMIT", 1 << 20)
    with Listener(lambda request: reply(200, b"x" * (3 << 20))) as server, pytest.raises(ConnectError) as failed:
        get(http_to(server, timeout=5.0))
    assert "more than 1 MB" in failed.value.sentence


def test_an_answer_that_drips_ends_with_the_whole_call():
    def drip(request):
        request.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _turn in range(40):
            request.socket.sendall(b"x")
            time.sleep(0.01)

    began = time.monotonic()
    with Listener(drip) as server, pytest.raises(ConnectError, match=r"no complete response within 0\.2 seconds"):
        get(http_to(server, timeout=0.02))
    assert time.monotonic() - began < 1


def test_a_thread_whose_call_took_too_long_ends_with_its_next_piece():
    def pieces(request):
        request.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
        for _turn in range(10):
            request.socket.sendall(b"x" * 70_000)
            time.sleep(0.02)

    with Listener(pieces) as server:
        http = http_to(server)
        with pytest.raises(TimeoutError):
            http.exchange(http.session, "GET", "/runtimes", {}, 0.03)


def test_a_call_may_have_a_timeout_of_its_own():
    http = Http(connection(timeout=7.0))
    assert http.limit({}) == 70
    assert http.limit({"timeout": 1.0}) == 10


@pytest.mark.parametrize(("method", "unclear"), [("GET", False), ("POST", True), ("PATCH", True), ("DELETE", True)])
def test_a_lost_answer_is_unclear_for_a_write_alone(method, unclear):
    with Listener(lambda request: b"") as server, pytest.raises(ConnectError) as lost:
        http_to(server).start(method, "/runtimes").response(PatientStop(), "do it")
    assert lost.value.sentence.startswith("Could not do it: ")
    assert lost.value.error["request"] == f"{method} /api/runtimes"
    assert lost.value.unclear is unclear


def test_a_refused_connection_is_reported_as_refused():
    http = Http(connection(base_url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(ConnectError) as refused:
        http.start("POST", "/runtimes").response(PatientStop(), "do it")
    assert (refused.value.refused, refused.value.unclear) == (True, False)


def test_a_signal_ends_the_wait_and_the_answer_can_still_be_had():
    with Listener(lambda request: reply(204)) as server:
        stop = PatientStop()
        call = http_to(server, timeout=5.0).start("POST", "/auth/login")
        stop.reason = "signal SIGTERM"
        with pytest.raises(Interrupted):
            call.response(stop, "log in")
        assert call.response(PatientStop(), "log in").status == 204


def test_ca_path_wins_over_the_environment_and_is_used(tmp_path, monkeypatch):
    file, context = self_signed(tmp_path, "localhost")
    other, _context = self_signed(tmp_path, "other.example")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with Listener(lambda request: reply(), context) as server:
        url = f"https://localhost:{server.port}"
        assert get(Http(connection(base_url=url, ca_path=str(file)))).status == 200
        with pytest.raises(ConnectError, match="is not trusted"):
            get(Http(connection(base_url=url)))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_validate_certs_wins_over_the_environment(tmp_path, monkeypatch):
    file, context = self_signed(tmp_path, "other.example")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    with Listener(lambda request: reply(), context) as server:
        assert get(http_to(server, validate_certs=False)).status == 200


def test_a_client_certificate_is_sent_on_request(tmp_path):
    file, context = self_signed(tmp_path, "localhost")
    context.load_verify_locations(file)
    context.verify_mode = 2
    with Listener(lambda request: reply(), context) as server:
        url = f"https://localhost:{server.port}"
        assert get(Http(connection(base_url=url, ca_path=str(file), client_cert=str(file)))).status == 200
