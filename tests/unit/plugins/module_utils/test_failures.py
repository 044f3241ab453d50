# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
import requests
from ansible_collections.mstr.library.plugins.module_utils._failures import Failure, failure
from ansible_collections.mstr.library.tests.unit.support.wire import Listener, free_port, reply, self_signed


def failed(url, **options) -> Failure:
    """What becomes of the real exception of a call."""
    with pytest.raises(Exception) as raised:  # noqa: PT011
        requests.get(f"{url}/api/runtimes", **{"timeout": 0.15, **options})
    found = failure(raised.value, url, 300)
    assert found is not None, raised.value
    assert not re.search("0x|<|>|HTTPConnection", found.reason), "no addresses of objects"
    return found


def test_nothing_listens():
    port = free_port()
    found = failed(f"http://127.0.0.1:{port}")
    assert found.reason.startswith(f"nothing listens at 127.0.0.1:{port} (Connection refused)")
    assert (found.unclear, found.refused) == (False, True)


def test_a_name_that_is_none():
    found = failed("http://no-such-host.invalid")
    assert "the host name no-such-host.invalid cannot be resolved; check base_url" in found.reason
    assert (found.unclear, found.refused) == (False, False)


@pytest.mark.parametrize("host", ["a" * 70 + ".example", ".example"])
def test_a_name_that_cannot_be_one(host):
    assert "failed" in failed(f"http://{host}").reason


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"


@pytest.mark.parametrize("sent", [b"", HALF, CHUNK], ids=["nothing", "half", "broken chunk"])
def test_a_connection_closed_before_the_answer_was_whole_is_unclear(sent):
    with Listener(lambda request: sent) as server:
        found = failed(server.url)
    assert "closed the connection before its answer was whole" in found.reason
    assert (found.unclear, found.refused) == (True, False)


def test_a_body_that_cannot_be_unpacked_is_unclear():
    with Listener(lambda request: reply(200, b"no gzip", Content_Encoding="gzip")) as server:
        assert failed(server.url).unclear


def test_a_server_that_says_nothing_is_unclear():
    with Listener(lambda request: request.socket.recv(1)) as server:
        found = failed(server.url)
    assert "sent nothing for the whole timeout" in found.reason
    assert found.unclear


def test_a_connect_that_times_out_did_nothing():
    found = failure(requests.exceptions.ConnectTimeout("x"), "https://h.example", 300)
    assert found.reason.startswith("h.example:443 does not answer within the timeout")
    assert (found.unclear, found.refused) == (False, False)


def test_a_certificate_of_nobody_says_what_to_set(tmp_path):
    _certificate, context = self_signed(tmp_path, "localhost")
    with Listener(lambda request: reply(), context) as server:
        found = failed(server.url)
    assert f"the TLS certificate of 127.0.0.1:{server.port} is not trusted: self" in found.reason
    assert "Set ca_path (or MSTR_CA_PATH)" in found.reason
    # Whoever makes a sentence of it sets the full stop.
    assert found.reason.endswith("validate_certs: false turns the check off")
    assert found.unclear is False


def test_a_certificate_of_another_host(tmp_path):
    file, context = self_signed(tmp_path, "other.example")
    with Listener(lambda request: reply(), context) as server:
        found = failed(server.url.replace("127.0.0.1", "localhost"), verify=str(file))
    assert "is not trusted: Hostname mismatch, certificate is not valid for 'localhost'" in found.reason


def test_a_server_that_wants_a_client_certificate(tmp_path):
    file, context = self_signed(tmp_path, "localhost")
    context.verify_mode = 2
    context.maximum_version = 0x0303  # TLS 1.2, which tells before the request and not after it
    with Listener(lambda request: reply(), context) as server:
        found = failed(server.url.replace("127.0.0.1", "localhost"), verify=str(file))
    assert "wants a client certificate that it trusts; set client_cert and client_key" in found.reason


def test_plain_http_where_tls_is_spoken():
    with Listener(lambda request: reply()) as server:
        found = failed(server.url.replace("http:", "https:"))
    assert "does not speak TLS; if it serves plain http, write http:// in base_url" in found.reason


def test_a_proxy_that_fails_is_named_as_such():
    found = failed("http://h.example", proxies={"http": f"http://u:s3cret@127.0.0.1:{free_port()}"})
    assert found.reason.startswith("the proxy on the way to h.example:80 fails")
    assert "HTTPS_PROXY and NO_PROXY" in found.reason
    assert "s3cret" not in found.reason


def test_a_whole_call_that_took_too_long():
    found = failure(TimeoutError(), "https://h.example", 5)
    assert found.reason == "https://h.example sent no whole answer within 5 seconds"
    assert found.unclear


def test_an_answer_that_is_too_large():
    found = failure(OverflowError("more than 64 MB"), "https://h.example", 5)
    assert found.reason == "https://h.example answered with more than 64 MB, which no answer of this API has"
    assert found.unclear


def test_what_is_no_failed_call_is_left_to_whoever_raised_it():
    assert failure(KeyError("x"), "https://h.example", 5) is None


def test_exceptions_that_cause_each_other_end():
    one, other = requests.exceptions.RequestException("a"), OSError("b")
    one.__cause__, other.__cause__ = other, one
    assert "failed" in failure(one, "https://h.example", 5).reason
