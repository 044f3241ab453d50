from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.tls import (
    client_refused,
    file_errors,
    handshake_error,
)
from ansible_collections.mstr.library.tests.unit.support.wire import self_signed
from cryptography.hazmat.primitives import serialization


@pytest.fixture
def files(tmp_path):
    """Paths of a certificate with its key, of each alone, of another key, and of what is no PEM."""
    both, _context = self_signed(tmp_path, "localhost")
    other, _context = self_signed(tmp_path, "other.example")
    text = both.read_text()
    cut = text.index("-----BEGIN PRIVATE")
    key = serialization.load_pem_private_key(text[cut:].encode(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    contents = {
        "cert": text[:cut],
        "key": text[cut:],
        "other_key": other.read_text()[other.read_text().index("-----BEGIN PRIVATE") :],
        "locked": locked.decode(),
        "junk": "junk",
        "empty": "",
        "damaged": text[:60] + "!" + text[60:],
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    return {"both": str(both), **{name: str(tmp_path / name) for name in contents}}


@pytest.mark.parametrize(
    "given",
    [
        {"ca_path": "cert"},
        {"ca_path": "both"},
        {"client_cert": "both"},
        {"client_cert": "cert", "client_key": "key"},
        {"client_cert": "cert", "client_key": "both", "ca_path": "cert"},
    ],
)
def test_good_files(files, given):
    assert list(file_errors({option: files[name] for option, name in given.items()})) == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"ca_path": "junk"}, "ca_path {junk!r} contains no valid certificate in PEM format"),
        ({"ca_path": "empty"}, "ca_path {empty!r} contains no valid certificate in PEM format"),
        ({"ca_path": "key"}, "ca_path {key!r} contains no valid certificate in PEM format"),
        ({"ca_path": "damaged"}, "ca_path {damaged!r} contains no valid certificate in PEM format"),
        ({"client_cert": "junk"}, "client_cert {junk!r} contains no certificate in PEM format"),
        ({"client_cert": "key"}, "client_cert {key!r} contains no certificate in PEM format"),
        ({"client_cert": "cert"}, "client_cert {cert!r} contains no private key in PEM format"),
        ({"client_cert": "cert", "client_key": "junk"}, "client_key {junk!r} contains no private key in PEM format"),
        ({"client_cert": "cert", "client_key": "other_key"}, "client_key {other_key!r} does not belong to the"),
        ({"client_cert": "cert", "client_key": "locked"}, "client_key {locked!r} is encrypted; use a key without"),
        ({"client_cert": "damaged"}, "client_cert {damaged!r} cannot be loaded"),
        ({"client_key": "key"}, "client_key is given without client_cert"),
    ],
)
def test_unsuitable_file_names_option(files, given, fault):
    [found] = file_errors({option: files[name] for option, name in given.items()})
    assert found.startswith(fault.format(**files))
    assert "_ssl.c" not in found


@pytest.mark.parametrize("given", [{"client_cert": "junk", "client_key": "key"}, {"client_key": "key"}])
def test_faults_of_several_files_come_at_once(files, given):
    found = list(file_errors({option: files[name] for option, name in {"ca_path": "junk", **given}.items()}))
    assert len(found) == 2


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            "certificate verify failed: self-signed certificate (_ssl.c:1)",
            "To trust this certificate itself, set ca_path",
        ),
        (
            "certificate verify failed: self signed certificate (_ssl.c:1)",
            "To trust this certificate itself, set ca_path",
        ),
        ("certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1)", "Set ca_path"),
        ("certificate verify failed: unable to get local issuer certificate (_ssl.c:1)", "Set ca_path"),
        ("certificate verify failed: certificate has expired (_ssl.c:1)", "Renew the certificate"),
        ("certificate verify failed: Hostname mismatch, certificate is not valid for 'h'. (_ssl.c:1)", "host name"),
        ("certificate verify failed: IP address mismatch, certificate is not valid for '1.2.3.4'.", "host name"),
        ("hostname '127.0.0.1' doesn't match 'localhost'", "host name"),
    ],
)
def test_the_advice_fits_the_reason(text, advice):
    sentence = handshake_error(text, "h:443")
    assert advice in sentence
    assert ("ca_path" in sentence) is ("set ca_path" in advice.lower())


@pytest.mark.parametrize("text", ["tlsv13 alert certificate required", "alert unknown ca", "alert bad certificate"])
def test_alerts_about_clients_certificate(text):
    assert "requires a client certificate" in client_refused(text, "h:443")


@pytest.mark.parametrize("text", ["sslv3 alert bad record mac", "EOF occurred", "tlsv1 alert internal error"])
def test_other_alerts_about_something_else(text):
    assert client_refused(text, "h:443") is None
