from __future__ import annotations

import os
import re
import socket

import pytest
import requests
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session.failures import FailedCall
from ansible_collections.mstr.library.plugins.module_utils._session.response import UnreadableBody
from ansible_collections.mstr.library.plugins.module_utils._session.tls import Proxy
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http
from ansible_collections.mstr.library.tests.unit.support.make import PatientStop, connection
from ansible_collections.mstr.library.tests.unit.support.wire import Listener, free_port, reply, self_signed

PROXY = Proxy("p.example:3128", "HTTP_PROXY")


def explained(exc, *, request="POST /api/runtimes", limit=5):
    return FailedCall(exc, "do it", request, http_to("https://h.example", 0.5), limit).error()


TOKEN = "a-token-" + 12 * "of-some-length-"


def http_to(url, timeout, proxy=None, *, answered=True):
    http = Http(connection(base_url=url, timeout=timeout), PatientStop(), lambda response: None)
    http.add_secrets([TOKEN])
    http.proxy, http.answered = proxy, answered
    return http


def failed(url, *, answered=True, timeout=5, **options) -> ConnectError:
    """What the real exception of a call is explained as."""
    with pytest.raises(Exception) as raised:  # noqa: PT011
        requests.get(f"{url}/api/runtimes", timeout=timeout, **options)
    proxy = PROXY if "proxies" in options else None
    http = http_to(url, timeout, proxy, answered=answered)
    found = FailedCall(raised.value, "do it", "POST /api/runtimes", http, 300).error()
    assert not re.search("0x|<|>|HTTPConnection", found.sentence), "no addresses of objects"
    return found


def test_nothing_listens():
    port = free_port()
    found = failed(f"http://127.0.0.1:{port}")
    assert found.sentence.startswith(f"Could not do it: cannot connect to 127.0.0.1:{port} (Connection refused)")
    assert (found.outcome_unknown, found.connection_refused) == (False, True)


def test_host_name_cannot_be_resolved():
    found = failed("http://no-such-host.invalid")
    assert "the host name no-such-host.invalid cannot be resolved; check base_url" in found.sentence
    assert (found.outcome_unknown, found.connection_refused) == (False, False)


@pytest.mark.parametrize("host", ["a" * 70 + ".example", ".example"])
def test_a_name_that_cannot_be_one(host):
    found = failed(f"http://{host}")
    assert "check base_url" in found.sentence
    assert found.outcome_unknown is False


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"


JUNK = b"HTTP/1.1 200 OK\r\nSet-Cookie: \x00=\xff; expires=\xff\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", HALF, CHUNK, JUNK], ids=["nothing", "half", "broken chunk", "cookie of junk"])
def test_connection_closed_before_answer_whole_unclear(sent):
    with Listener(lambda request: sent) as server:
        found = failed(server.url)
    assert "closed the connection before the response was complete" in found.sentence
    assert (found.outcome_unknown, found.connection_refused) == (True, False)


def test_secret_in_broken_response_masked_before_it_cut():
    """Ansible would not recognize the half of it."""
    sent = {"GET": CHUNK[:-2] + TOKEN.encode() + b"\r\n", "CONNECT": f"HTTP/1.1 407 {TOKEN}\r\n\r\n".encode()}
    with Listener(lambda request: sent[request.call.split()[0]]) as server:
        found = failed(server.url)
        tunnel = failed("https://h.example", proxies=proxy(f"127.0.0.1:{server.port}"))
    for error in (found, tunnel):
        assert "********" in error.sentence
        assert TOKEN[:8] not in error.sentence


def test_server_says_nothing_unclear():
    with Listener(lambda request: request.socket.recv(1)) as server:
        found = failed(server.url, timeout=0.15)
    assert "sent nothing within 0.15 seconds" in found.sentence
    assert found.outcome_unknown


def test_connect_times_out_did_nothing():
    def connect():
        raise requests.exceptions.ConnectTimeout("x")

    with pytest.raises(requests.exceptions.ConnectTimeout) as raised:
        connect()
    found = explained(raised.value)
    assert found.sentence.startswith("Could not do it: h.example:443 did not answer within 0.5 seconds")
    assert (found.outcome_unknown, found.connection_refused) == (False, False)


@pytest.mark.parametrize("name", ["ProxyError", "SSLError", "ConnectTimeout", "ConnectionError", "RequestException"])
def test_exception_whose_origin_unknown_unclear_whatever_name(name):
    """Names prove nothing."""
    assert explained(getattr(requests.exceptions, name)("x")).outcome_unknown


def test_untrusted_certificate_names_option_to_set(tmp_path):
    _certificate, context = self_signed(tmp_path, "localhost")
    with Listener(lambda request: reply(), context) as server:
        found = failed(server.url)
    assert f"the TLS certificate of 127.0.0.1:{server.port} is not trusted: self" in found.sentence
    assert "To trust this certificate itself, set ca_path (or MSTR_CA_PATH)" in found.sentence
    assert found.sentence.endswith("validate_certs: false turns the check off.")
    assert found.outcome_unknown is False


def test_server_wants_client_certificate(tmp_path):
    file, context = self_signed(tmp_path, "localhost")
    context.verify_mode = 2
    context.maximum_version = 0x0303  # TLS 1.2, which sends the alert before the request
    with Listener(lambda request: reply(), context) as server:
        found = failed(server.url.replace("127.0.0.1", "localhost"), verify=str(file))
    assert "requires a client certificate that it trusts; check client_cert and client_key" in found.sentence


def proxy(place):
    return {"http": f"http://u:s3cret@{place}", "https": f"http://u:s3cret@{place}"}


@pytest.mark.parametrize("url", ["http://h.example", "https://h.example"])
def test_proxy_cannot_be_reached_did_nothing(url):
    found = failed(url, proxies=proxy(f"127.0.0.1:{free_port()}"))
    assert found.sentence.startswith("Could not do it: the proxy p.example:3128 on the way to h.example:")
    assert "cannot be reached (Connection refused); check HTTP_PROXY and NO_PROXY" in found.sentence
    assert "s3cret" not in found.sentence
    assert (found.outcome_unknown, found.connection_refused) == (False, True)


def test_proxy_whose_name_cannot_be_resolved_did_nothing():
    found = failed("https://h.example", proxies=proxy("no-such-host.invalid:3128"))
    assert "the proxy p.example:3128 on the way to h.example:443 cannot be reached" in found.sentence
    assert (found.outcome_unknown, found.connection_refused) == (False, False)


TUNNELS = {
    b"HTTP/1.1 407 Who\r\n\r\n": "refused to connect to h.example:443 (407 Who); check HTTP_PROXY and the user name",
    b"HTTP/1.1 403 No\r\n\r\n": "refused to connect to h.example:443 (403 No); check HTTP_PROXY and NO_PROXY",
    b"": "the proxy p.example:3128 on the way to h.example:443 did not open a connection",
    b"SSH-2.0\r\n\r\n": "the proxy p.example:3128 on the way to h.example:443 did not open a connection",
}


@pytest.mark.parametrize("sent", TUNNELS)
def test_tunnel_not_opened_did_nothing(sent):
    with Listener(lambda request: sent) as server:
        found = failed("https://h.example", proxies=proxy(f"127.0.0.1:{server.port}"))
    assert TUNNELS[sent] in found.sentence
    assert found.outcome_unknown is False


@pytest.mark.parametrize("sent", [b"", HALF, CHUNK], ids=["nothing", "half", "broken chunk"])
def test_connection_breaks_behind_proxy_unclear(sent):
    with Listener(lambda request: sent) as server:
        found = failed("http://h.example", proxies=proxy(f"127.0.0.1:{server.port}"))
    assert (
        "http://h.example, or the proxy p.example:3128 (HTTP_PROXY) in between, closed the connection" in found.sentence
    )
    assert found.outcome_unknown is True


def test_tls_breaks_after_request_unclear(tmp_path):
    """A middle box that puts plain text into the stream: OpenSSL says no more than for a port without TLS."""
    file, context = self_signed(tmp_path, "localhost")

    def garble(request):
        plain = socket.socket(fileno=os.dup(request.socket.fileno()))
        with plain:
            plain.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

    with Listener(garble, context) as server:
        found = failed(f"https://localhost:{server.port}", verify=str(file))
    assert len(server.calls) == 1, "the request arrived"
    assert f"the TLS connection to localhost:{server.port} broke" in found.sentence
    assert found.outcome_unknown is True


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("sent", [b"", b"\x15\x03\x03\x00\x02\x02\x46\r\n\r\n"], ids=["hangs up", "TLS alert"])
def test_plain_http_suggests_https(sent, answered):
    """Plain http to a port that may use tls suggests https until it answers."""
    with Listener(lambda request: sent) as server:
        found = failed(server.url, answered=answered)
    assert ("if this port uses TLS, write https:// in base_url" in found.sentence) is not answered
    assert found.outcome_unknown


def test_dropped_connection_names_cause():
    """urllib3 1.26 hides a TypeError of its own behind it."""

    def drop():
        try:
            raise TypeError("unexpected keyword argument 'buffering'")
        except TypeError:
            raise ConnectionResetError(104, "Connection reset by peer") from None

    with pytest.raises(ConnectionResetError) as dropped:
        drop()
    found = explained(requests.exceptions.ConnectionError(dropped.value))
    assert "(Connection reset by peer)" in found.sentence


def test_whole_call_that_took_too_long():
    found = explained(TimeoutError())
    assert found.sentence == "Could not do it: https://h.example sent no complete response within 5 seconds."
    assert found.outcome_unknown


def test_an_answer_that_is_too_large():
    found = explained(UnreadableBody("more than 64 MB", permanent=True))
    assert found.sentence.startswith("Could not do it: https://h.example sent more than 64 MB; check base_url and ")
    assert (found.outcome_unknown, found.permanent) == (True, True)


def test_exceptions_cause_each_other_end():
    first, other = requests.exceptions.RequestException("a"), OSError("b")
    first.__cause__, other.__cause__ = other, first
    assert "failed" in explained(first).sentence


def test_socks_proxy_without_library_names_it(monkeypatch):
    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", _no_socks)
    found = failed("http://h.example", proxies={"http": "socks5://127.0.0.1:9"})
    assert "HTTP_PROXY names a SOCKS proxy, which needs the Python library PySocks" in found.sentence
    assert (found.outcome_unknown, found.permanent) == (False, True)


def _no_socks(*_args, **_options):
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")
