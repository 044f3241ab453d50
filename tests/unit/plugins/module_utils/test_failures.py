"""How a call that got no response is explained, and whether the server may have done the work."""

from __future__ import annotations

import re
import ssl

import pytest
import requests
import urllib3
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session.call import WRITE, Call
from ansible_collections.mstr.library.plugins.module_utils._session.failures import connect_error
from ansible_collections.mstr.library.plugins.module_utils._session.tls import Proxy
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http
from unit.support.make import PatientStop, connection
from unit.support.wire import Listener, free_port

TOKEN = "a-token-" + 12 * "of-some-length-"
NOBODY, NO_HOST, BEHIND = f"127.0.0.1:{free_port()}", "no-such-host.invalid", "the proxy p.example:3128 on the way to h"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"


def explained(exc, url="https://h.example", timeout=0.5, proxy=None, *, answered=True) -> ConnectError:
    http = Http(connection(base_url=url, timeout=timeout), PatientStop())
    http.add_secrets([TOKEN])
    http.proxy, http.answered = proxy and Proxy("p.example:3128", "HTTP_PROXY"), answered
    return connect_error(exc, Call(WRITE, "POST", "/runtimes", "do it"), http)


def failed(url, proxy=None, *, answered=True, timeout=5, **options) -> ConnectError:
    """What the real exception of a call is explained as. `proxy`: through which it goes."""
    if proxy:
        options["proxies"] = {"http": f"http://u:s3cret@{proxy}", "https": f"http://u:s3cret@{proxy}"}
    with pytest.raises(Exception) as raised:  # noqa: PT011
        requests.get(f"{url}/api/runtimes", timeout=timeout, **options)
    error = explained(raised.value, url, timeout, proxy, answered=answered)
    assert not re.search("0x|<|>|HTTPConnection|s3cret", error.sentence), "no addresses of objects"
    return error


@pytest.mark.parametrize(
    ("url", "proxy", "refused", "words"),
    [
        (f"http://{NOBODY}", None, True, f"cannot connect to {NOBODY} (Connection refused)"),
        (f"http://{NO_HOST}", None, False, f"the host name {NO_HOST} cannot be resolved; check base_url"),
        ("http://h", NOBODY, True, f"{BEHIND}:80 cannot be reached (Connection refused); check HTTP_PROXY and NO_PR"),
        ("https://h", NOBODY, True, f"{BEHIND}:443 cannot be reached (Connection refused)"),
        ("https://h", f"{NO_HOST}:3128", False, f"{BEHIND}:443 cannot be reached"),
    ],
    ids=["nobody", "no host", "proxy", "proxy with TLS", "no proxy"],
)
def test_no_connection_did_nothing(url, proxy, refused, words):
    error = failed(url, proxy)
    assert error.sentence.startswith("Could not do it: ")
    assert words in error.sentence
    assert (error.outcome_unknown, error.connection_refused) == (False, refused)


@pytest.mark.parametrize("behind", [False, True], ids=["direct", "proxy"])
@pytest.mark.parametrize("sent", [b"", HALF, CHUNK], ids=["nothing", "half", "broken chunk"])
def test_connection_closed_too_early_unclear(sent, behind):
    with Listener(lambda request: sent) as server:
        error = failed("http://h", f"127.0.0.1:{server.port}") if behind else failed(server.url)
    sender = "http://h, or the proxy p.example:3128 (HTTP_PROXY) in between," if behind else server.url
    assert f"{sender} closed the connection before the response was complete" in error.sentence
    assert (error.outcome_unknown, error.connection_refused) == (True, False)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"HTTP/1.1 407 Who\r\n\r\n", "(Tunnel connection failed: 407 Who); check HTTP_PROXY and the user name"),
        (b"HTTP/1.1 403 No\r\n\r\n", "(Tunnel connection failed: 403 No); check HTTP_PROXY and NO_PROXY"),
    ],
)
def test_tunnel_not_opened_did_nothing(sent, words):
    with Listener(lambda request: sent) as server:
        error = failed("https://h", f"127.0.0.1:{server.port}")
    assert f"the proxy p.example:3128 refused to connect to h:443 {words}" in error.sentence
    assert error.outcome_unknown is False


def test_secret_in_response_masked_before_it_is_cut():
    """Ansible would not recognize the half of it."""
    sent = {"GET": CHUNK[:-2] + TOKEN.encode() + b"\r\n", "CONNECT": f"HTTP/1.1 407 {TOKEN}\r\n\r\n".encode()}
    with Listener(lambda request: sent[request.call.split()[0]]) as server:
        errors = failed(server.url), failed("https://h", f"127.0.0.1:{server.port}")
    assert all("********" in error.sentence for error in errors)
    assert not any(TOKEN[:8] in error.sentence for error in errors)


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("sent", [b"", b"\x15\x03\x03\x00\x02\x02\x46\r\n\r\n"], ids=["hangs up", "TLS alert"])
def test_plain_http_suggests_https(sent, answered):
    """Until the server answers, its port may use TLS."""
    with Listener(lambda request: sent) as server:
        error = failed(server.url, answered=answered)
    assert ("if this port uses TLS, write https:// in base_url" in error.sentence) is not answered
    assert error.outcome_unknown


@pytest.mark.parametrize("name", ["ProxyError", "SSLError", "ConnectTimeout"])
def test_exception_of_unknown_origin_unclear(name):
    """Only an exception of urllib3 or of Python from before the request proves that nothing was sent."""
    assert explained(getattr(requests.exceptions, name)("x")).outcome_unknown


def test_timeouts():
    """While it connects, the server did nothing; later, that is unclear."""
    inner = urllib3.exceptions.ConnectTimeoutError(None, "x")
    error = explained(requests.exceptions.ConnectTimeout(urllib3.exceptions.MaxRetryError(None, "/", inner)))
    assert error.sentence.startswith("Could not do it: h.example:443 did not answer within 0.5 seconds")
    assert (error.outcome_unknown, error.connection_refused) == (False, False)
    with Listener(lambda request: request.socket.recv(1)) as server:
        error = failed(server.url, timeout=0.15)
    assert "sent nothing within 0.15 seconds" in error.sentence
    assert error.outcome_unknown


@pytest.mark.parametrize(
    ("alert", "says"),
    [
        *((f"alert {alert}", True) for alert in ("certificate required", "unknown ca")),
        ("tlsv1 alert internal error", False),
    ],
)
def test_alerts_about_the_certificate_of_the_client(alert, says):
    """The server read no request after one of these."""
    error = explained(requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLError(1, alert))))
    assert ("requires a client certificate that it trusts" in error.sentence) is says
    assert error.outcome_unknown is not says
