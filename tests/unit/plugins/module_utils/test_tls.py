from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session import tls
from cryptography.hazmat.primitives import serialization
from unit.support.make import faults_of
from unit.support.wire import self_signed

VERIFY = "certificate verify failed: "


@pytest.fixture
def files(tmp_path):
    """Paths of a certificate with its key, of each alone, of another key, and of what is no PEM."""
    both, other = (self_signed(tmp_path, host)[0].read_text() for host in ("localhost", "other.example"))
    begin = "-----BEGIN PRIVATE"
    cert, key = both.partition(begin)[0], begin + both.partition(begin)[2]
    locked = serialization.load_pem_private_key(key.encode(), None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    contents = {"both": both, "cert": cert, "key": key, "other_key": begin + other.partition(begin)[2]}
    contents |= {"locked": locked.decode(), "junk": "junk", "damaged": both[:60] + "!" + both[60:]}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    return {name: str(tmp_path / name) for name in (*contents, "none")}


def errors_of(files, given):
    """The errors of options such as `ca_path=junk`."""
    return list(tls.file_errors({option: files[name] for option, name in (text.split("=") for text in given.split())}))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        *((f"ca_path={name}", None) for name in ("cert", "both")),
        *((f"ca_path={name}", "contains no valid certificate in PEM format") for name in ("junk", "key", "damaged")),
        *((f"{option}=none", "does not exist or cannot be read on this host") for option in ("ca_path", "client_cert")),
        ("client_cert=both", None),
        ("client_cert=cert client_key=key", None),
        ("client_cert=cert client_key=both ca_path=cert", None),
        *((f"client_cert={name}", "must be a certificate and its key") for name in ("junk", "key", "cert", "damaged")),
        *((f"client_cert=cert client_key={name}", "must be a certificate") for name in ("junk", "other_key", "locked")),
    ],
)
def test_unsuitable_file_names_option(files, given, fault):
    errors = errors_of(files, given)
    assert len(errors) == bool(fault)
    named = [f"{option} {files[name]!r}" for option, name in (text.split("=") for text in given.split())]
    assert all(part in error for error in errors for part in (fault, *named))
    assert "_ssl.c" not in str(errors)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (f"{VERIFY}self-signed certificate (_ssl.c:1)", "To trust this certificate itself, set ca_path"),
        (f"{VERIFY}self-signed certificate in certificate chain (_ssl.c:1)", "Set ca_path"),
        (f"{VERIFY}unable to get local issuer certificate (_ssl.c:1)", "Set ca_path"),
        (f"{VERIFY}certificate has expired (_ssl.c:1)", "Renew the certificate"),
        (f"{VERIFY}Hostname mismatch, certificate is not valid for 'h'. (_ssl.c:1)", "host name"),
        ("hostname '127.0.0.1' doesn't match 'localhost'", "host name"),
    ],
)
def test_the_advice_fits_the_reason(text, advice):
    sentence = tls.certificate_error(text, "h:443")
    assert advice in sentence
    assert ("ca_path" in sentence) is ("set ca_path" in advice.lower())


@pytest.mark.parametrize(
    "url",
    [
        *(f"http://user:{password}@proxy.example:3128" for password in ("s3#cret", "s3/cret")),
        *("http://user:s3 cret@proxy.example:3128", "user:s3cret@proxy.example:3128", "http://", "http:///x"),
        *("http://proxy.example:99999", "http://[::1", " http://proxy.example"),
    ],
)
def test_ambiguous_proxy_refused_and_not_quoted(url):
    """Parsers split these differently."""
    [fault] = faults_of(tls.proxy_from, url, "http://h/Lib", {"HTTP_PROXY": url})
    assert fault.startswith("the proxy URL in HTTP_PROXY is not valid: expected http://HOST:PORT")
    assert not [part for part in ("s3", "cret", "user:", "proxy.example") if part in fault]


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://proxy.example:3128", set()),
        ("http://user:pass%23word@h", {"user:pass%23word", "pass%23word", "pass#word"}),
        ("http://a-token@h", {"a-token"}),
    ],
)
def test_credentials_of_a_proxy_are_secrets(url, secrets):
    assert tls.proxy_from(url, "http://h/Lib", {}).secrets == secrets


@pytest.mark.parametrize(
    ("server", "environment", "variables"),
    [
        ("http://h/Lib", {"HTTP_PROXY": 1, "HTTPS_PROXY": 1}, "HTTP_PROXY"),
        ("https://h/Lib", {"HTTP_PROXY": 1, "https_proxy": 1}, "https_proxy"),
        ("http://h/Lib", {"HTTP_PROXY": 2, "http_proxy": 1}, "http_proxy"),
        ("http://h/Lib", {"HTTP_PROXY": 1, "http_proxy": 1}, "HTTP_PROXY and http_proxy"),
        ("http://h/Lib", {}, "the proxy settings of this host"),
    ],
)
def test_proxy_named_without_password(server, environment, variables):
    """With its host, and with the variables that name it."""
    urls = {1: "http://u:s3cret@proxy.example:3128/", 2: "http://other.example"}
    named = tls.proxy_from(urls[1], server, {name: urls[number] for name, number in environment.items()})
    assert (str(named), named.variables) == ("the proxy proxy.example:3128", variables)
