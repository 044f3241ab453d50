# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real TLS connections and proxies, the user's .netrc file, and passwords with special characters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from simulator.harness import Simulator
from support.modules import Running, run, runtime

from faults.inprocess import session


@pytest.fixture(scope="module")
def good() -> Iterator[Simulator]:
    with Simulator(tls=True, proxy=True) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def expired() -> Iterator[Simulator]:
    with Simulator(tls="expired") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def wrong_host() -> Iterator[Simulator]:
    with Simulator(tls="wrong-host") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def asking() -> Iterator[Simulator]:
    """Start a server that requests a client certificate."""
    with Simulator(tls=True, client_ca=True) as simulator:
        yield simulator


def works(server: Simulator, **options: Any) -> None:
    server.reset()
    with session(server, **options) as one:
        assert one.ensure(name="New").action == "created"
    assert server.open_sessions() == []


def fails(server: Simulator, why: str, **options: Any) -> str:
    """Check that the login fails for this reason, after one attempt and without a request."""
    server.reset()
    with session(server, **options) as one, pytest.raises(MstrError, match=why) as failed:
        one.ensure(name="New")
    assert one.pauses.seconds == []
    assert server.calls() == []
    return failed.value.sentence


# --- certificates of servers


def test_ca_path_trusts_a_private_ca(good: Simulator) -> None:
    works(good, ca_path=good.certificates["ca"])


def test_an_unknown_ca_fails_and_the_message_names_the_remedy(good: Simulator) -> None:
    sentence = fails(good, "the TLS certificate of .* is not trusted")
    assert "Set ca_path (or MSTR_CA_PATH)" in sentence
    fails(good, "is not trusted", ca_path=good.certificates["other_ca"])


def test_requests_ca_bundle_is_used(good: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", good.certificates["ca"])
    works(good)


def test_options_win_over_requests_ca_bundle(good: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """In requests, the variable would win."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, good.certificates["other_ca"])
    works(good, ca_path=good.certificates["ca"])
    works(good, validate_certs=False)
    fails(good, "is not trusted")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", good.certificates["ca"])
    fails(good, "is not trusted", ca_path=good.certificates["other_ca"])


def test_an_expired_certificate_is_rejected(expired: Simulator) -> None:
    fails(expired, "is not trusted: certificate has expired", ca_path=expired.certificates["ca"])
    works(expired, validate_certs=False)


def test_a_certificate_of_a_different_host_is_rejected(wrong_host: Simulator) -> None:
    # urllib3 1.26 compares the names itself.
    why = "is for another host: .*(not valid for '127.0.0.1'|'127.0.0.1' doesn't match)"
    sentence = fails(wrong_host, why, ca_path=wrong_host.certificates["ca"])
    assert "ca_path" not in sentence
    works(wrong_host, validate_certs=False)


def test_validate_certs_false_causes_exactly_one_warning(good: Simulator) -> None:
    good.reset()
    done = runtime(good, name="New", validate_certs=False)
    [warning] = done.warnings
    wanted = f"validate_certs is false: the task cannot verify that {good.base_url} is the right server."
    assert warning == wanted
    assert done.stderr == ""
    assert runtime(good, name="New", ca_path=good.certificates["ca"]).warnings == []


def test_all_tls_options_work_as_environment_variables(good: Simulator) -> None:
    good.reset()
    env = {**good.environment(), "MSTR_CA_PATH": good.certificates["ca"], "MSTR_VALIDATE_CERTS": "true"}
    assert Running("mstr_runtime", {"name": "New"}, env=env).done().result["action"] == "created"
    env = {**good.environment(), "MSTR_VALIDATE_CERTS": "no", "REQUESTS_CA_BUNDLE": good.certificates["other_ca"]}
    assert Running("mstr_runtime", {"name": "New"}, env=env).done().result["action"] == "none"


# --- certificates of clients


def test_a_client_certificate_is_accepted(asking: Simulator, tmp_path: Path) -> None:
    own = asking.certificates
    works(asking, ca_path=own["ca"], client_cert=own["client_cert"], client_key=own["client_key"])
    both = tmp_path / "both.pem"
    both.write_text(Path(own["client_key"]).read_text() + Path(own["client_cert"]).read_text())
    works(asking, ca_path=own["ca"], client_cert=str(both))


# The server reports the missing certificate only after the handshake. If it closes the connection before the client has
# read that, the error looks like any other lost connection.
UNKNOWN_CLIENT = "a client certificate|closed the connection|TLS connection"


def test_a_missing_client_certificate_is_reported(asking: Simulator) -> None:
    own = asking.certificates
    fails(asking, UNKNOWN_CLIENT, ca_path=own["ca"])


def test_a_client_certificate_of_an_unknown_ca_is_rejected(asking: Simulator) -> None:
    own = asking.certificates
    stranger = {"client_cert": own["other_client_cert"], "client_key": own["other_client_key"]}
    fails(asking, f"{UNKNOWN_CLIENT}|TLS connection", ca_path=own["ca"], **stranger)


@pytest.mark.parametrize("content", ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
@pytest.mark.parametrize("option", ["ca_path", "client_cert"])
def test_a_file_that_is_not_pem_names_its_option(asking: Simulator, tmp_path: Path, option: str, content: str) -> None:
    file = tmp_path / "file.pem"
    file.write_text(content)
    asking.reset()
    done = runtime(asking, name="New", **{"ca_path": asking.certificates["ca"], option: str(file)})
    assert f"{option} '{file}'" in done.sentence
    assert "_ssl.c" not in done.sentence
    assert asking.calls() == []


def test_a_bundle_that_is_not_pem_names_its_environment_variable(
    good: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.pem"
    file.write_text("junk")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    fails(good, "check the file that REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    fails(good, "check the file that REQUESTS_CA_BUNDLE")


# --- wrong scheme


def test_https_to_a_plain_server_is_reported(sim: Simulator) -> None:
    fails(sim, "does not use TLS; if the server uses plain http", base_url=sim.base_url.replace("http:", "https:"))


def test_http_to_a_tls_server_is_reported(good: Simulator) -> None:
    good.reset()
    plain = good.base_url.replace("https:", "http:")
    with session(good, base_url=plain, retries=0) as one, pytest.raises(MstrError, match="Could not log in") as failed:
        one.ensure(name="New")
    assert "if this port uses TLS, write https:// in base_url" in failed.value.sentence
    assert good.calls() == []


def test_plain_http_to_a_remote_host_causes_a_warning() -> None:
    options = {"base_url": "http://mstr.invalid/Library", "username": "u", "password": "secret-41", "retries": 0}
    done = Running("mstr_runtime", {**options, "name": "New"}).done()
    wanted = "http://mstr.invalid/Library is plain http: credentials and session cross the network unencrypted."
    assert done.warnings == [wanted]


# --- proxies


@pytest.fixture
def proxied(good: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Set its proxy in the environment, without exceptions."""
    good.reset()
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert good.proxy_url
    monkeypatch.setenv("HTTPS_PROXY", good.proxy_url)
    return good


def _place(server: Simulator) -> str:
    return server.base_url.split("/")[2]


def test_a_proxy_is_used(proxied: Simulator) -> None:
    before = len(proxied.proxied())
    works(proxied, ca_path=proxied.certificates["ca"])
    assert proxied.proxied()[before:] == [f"CONNECT {_place(proxied)}"]


def test_no_proxy_is_followed(proxied: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(proxied.proxied())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    works(proxied, ca_path=proxied.certificates["ca"])
    assert proxied.proxied()[before:] == []


def test_a_proxy_for_plain_http_is_used(sim: Simulator, proxied: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(proxied.proxied())
    assert proxied.proxy_url
    monkeypatch.setenv("http_proxy", proxied.proxy_url)
    works(sim)
    assert f"POST {sim.base_url}/api/auth/login" in proxied.proxied()[before:]


def test_a_proxy_that_is_down_is_named_without_its_password(
    proxied: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:proxy-password-41@127.0.0.1:9")
    with session(proxied, retries=0, ca_path=proxied.certificates["ca"]) as one, pytest.raises(MstrError) as failed:
        one.ensure(name="New")
    assert "the proxy 127.0.0.1:9 on the way to" in failed.value.sentence
    assert "HTTPS_PROXY" in failed.value.sentence
    assert "proxy-password-41" not in failed.value.sentence


@pytest.mark.parametrize("password", ["proxy#password-41", "proxy/password-41", "1#proxy-password-41", "1/password-41"])
def test_an_invalid_proxy_variable_is_named_but_its_value_is_not_shown(good: Simulator, password: str) -> None:
    good.reset()
    env = {"HTTPS_PROXY": f"http://proxy-user:{password}@127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}
    done = Running(
        "mstr_runtime",
        {"base_url": good.base_url, "username": "u", "password": "secret-41", "name": "New", "retries": 0},
        env={**env, "https_proxy": env["HTTPS_PROXY"]},
    ).done()
    assert "HTTPS_PROXY" in done.sentence
    assert "is not a valid proxy URL: expected http://HOST:PORT" in done.sentence
    for part in ("proxy-user", "password-41", "session", "NoneType"):
        assert part not in done.stdout.replace("invocation", "")
        assert part not in done.stderr
    assert good.calls() == []


# --- files and passwords


def test_netrc_is_not_read(sim: Simulator, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password secret-of-netrc\ndefault login x password y\n")
    netrc.chmod(0o600)
    done = runtime(sim, env={"HOME": str(home), "NETRC": str(netrc)}, name="New")
    assert done.result["action"] == "created"
    assert [entry["authorization"] for entry in sim.requests()] == [False] * len(sim.requests())


PASSWORDS = {
    "quotes": '"it\'s" `so`',
    "backslashes": "\\\\server\\share\\n",
    "percent": "100%41 %s %(x)s {x} {{ x }} $HOME $(id)",
    "blanks": "  both ends\t",
    "controls": "a\r\nb\x01c",
    "letters": "päßwörd-日本語-😀",
    "long": "0123456789" * 20,
    "url": "a:b@c/d?e#f&g=h",
    "empty": "",
}


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_password_with_special_characters_works(sim: Simulator, name: str) -> None:
    sim.seed(users=[{"username": "awkward", "password": PASSWORDS[name]}])
    done = runtime(sim, username="awkward", password=PASSWORDS[name], name="New")
    assert done.result.get("action") == "created", done
    assert sim.open_sessions() == []


def test_a_password_with_special_characters_works_in_the_environment(sim: Simulator) -> None:
    user = sim.users["zoë"]
    env = {"MSTR_BASE_URL": sim.base_url, "MSTR_USERNAME": user["username"], "MSTR_PASSWORD": user["password"]}
    assert Running("mstr_session", {}, env=env).done().result["session"]


def test_an_empty_password_in_the_environment_counts_as_not_given(sim: Simulator) -> None:
    env = {"MSTR_PASSWORD": ""}
    options = {"base_url": sim.base_url, "username": "empty"}
    done = Running("mstr_session", options, env=env).done()
    assert "an empty password can only be set in the task" in done.sentence
    assert run("mstr_session", sim, username="empty", password="").result["session"]
