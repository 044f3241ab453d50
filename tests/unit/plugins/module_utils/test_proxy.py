from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.tls import proxy_from
from ansible_collections.mstr.library.tests.unit.support.make import faults_of


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example:3128",
        "http://proxy.example:3128/",
        "HTTP://proxy.example",
        "proxy.example:3128",
        "proxy",
        "http://[::1]:3128",
        "https://proxy.example",
        "socks5h://proxy.example:1080",
        "http://user:pass%23word@proxy.example:3128",
        "http://user:p@ss@proxy.example:3128",
        "http://token@proxy.example",
    ],
)
def test_urls_requests_understands_valid(url):
    assert "HTTP_PROXY" in proxy_from(url, "http://h/Lib", {"HTTP_PROXY": url}).variables


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3#cret@proxy.example:3128",
        "http://user:1#s3cret@proxy.example:3128",
        "http://user:s3/cret@proxy.example:3128",
        "http://user:s3?cret@proxy.example:3128",
        "http://user:s3 cret@proxy.example:3128",
        "user:s3cret@proxy.example:3128",
        "http://",
        "http:///x",
        "http://user:s3cret@",
        "://s3cret",
        "s3cret://proxy.example",
        "http://proxy.example:port",
        "http://proxy.example:99999",
        "http://[::1",
        " http://proxy.example",
    ],
)
def test_url_parsers_split_differently_refused_and_not_quoted(url):
    [fault] = faults_of(proxy_from, url, "http://h/Lib", {"HTTP_PROXY": url})
    assert fault.startswith("the proxy URL in HTTP_PROXY is not valid: expected http://HOST:PORT")
    for part in ("s3", "cret", "user:", "proxy.example"):
        assert part not in fault


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://proxy.example:3128", set()),
        ("http://user:pass%23word@h", {"user:pass%23word", "pass%23word", "pass#word"}),
        ("http://user:pas@s@h:1", {"user:pas@s", "pas@s"}),
        ("http://a-token@h", {"a-token"}),
    ],
)
def test_credentials_are_secrets(url, secrets):
    assert proxy_from(url, "http://h/Lib", {}).secrets == secrets


@pytest.mark.parametrize(
    ("server", "environment", "variables"),
    [
        ("http://h/Lib", {"HTTP_PROXY": 1, "HTTPS_PROXY": 1}, "HTTP_PROXY"),
        ("https://h/Lib", {"HTTP_PROXY": 1, "https_proxy": 1}, "https_proxy"),
        ("https://h/Lib", {"ALL_PROXY": 1, "HTTP_PROXY": 1}, "ALL_PROXY"),
        ("http://h/Lib", {"HTTP_PROXY": 2, "http_proxy": 1}, "http_proxy"),
        ("http://h/Lib", {"HTTP_PROXY": 1, "http_proxy": 1}, "HTTP_PROXY and http_proxy"),
        ("http://h/Lib", {}, "the proxy settings of this host"),
    ],
)
def test_proxy_named_without_password(server, environment, variables):
    """A proxy is named with its host and its variable and without its password."""
    urls = {1: "http://u:s3cret@proxy.example:3128/", 2: "http://other.example"}
    named = proxy_from(urls[1], server, {name: urls[number] for name, number in environment.items()})
    assert (str(named), named.variables) == ("the proxy proxy.example:3128", variables)
