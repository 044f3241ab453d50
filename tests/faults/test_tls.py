"""Real TLS connections, the user's .netrc file, and passwords with special characters.

The files test_failures.py and test_tls.py of the unit tests have the sentences of each failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from simulator.harness import Simulator
from support.modules import runtime

from faults.inprocess import Session


def _running(**kind: Any) -> Any:
    """A fixture with a server for the tests of this file."""

    @pytest.fixture(scope="module")
    def server() -> Iterator[Simulator]:
        with Simulator(**kind) as simulator:
            yield simulator

    return server


good = _running(tls=True)
wrong_host = _running(tls="wrong_host")
asking = _running(tls=True, client_ca=True)  # for a client certificate


def works(server: Simulator, **options: Any) -> None:
    server.reset()
    with Session(server, **options) as task:
        assert task.ensure(name="New").action == "created"
    assert server.open_sessions() == []


def fails(server: Simulator, why: str, **options: Any) -> None:
    """Check that the login fails for this reason, after one attempt and without a request."""
    server.reset()
    with Session(server, **options) as task, pytest.raises(MstrError, match=why):
        task.ensure(name="New")
    assert task.pauses.seconds == []
    assert server.calls() == []


# --- certificates of servers


def test_options_win_over_requests_ca_bundle(good: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """In requests, the variable would win."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, good.certificates["other_ca"])
    works(good, ca_path=good.certificates["ca"])
    works(good, validate_certs=False)
    fails(good, "is not trusted")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", good.certificates["ca"])
    works(good)
    fails(good, "is not trusted", ca_path=good.certificates["other_ca"])


def test_certificate_of_another_host(wrong_host: Simulator) -> None:
    # urllib3 1.26 compares the names itself.
    why = "is for another host: .*(not valid for '127.0.0.1'|'127.0.0.1' doesn't match)"
    fails(wrong_host, why, ca_path=wrong_host.certificates["ca"])
    works(wrong_host, validate_certs=False)


def test_validate_certs_false_warns_once(good: Simulator) -> None:
    good.reset()
    done = runtime(good, name="New", validate_certs=False)
    assert done.warnings == [
        f"validate_certs is false: the task cannot verify that {good.base_url} is the right server."
    ]
    assert done.stderr == ""
    assert runtime(good, name="New", ca_path=good.certificates["ca"]).warnings == []


# --- certificates of clients


def test_client_certificate(asking: Simulator) -> None:
    """A server reports a wrong one only after the handshake. If it closes the connection before the client has read
    that, the error looks like any other lost connection.
    """
    own = asking.certificates
    works(asking, ca_path=own["ca"], client_cert=own["client_cert"], client_key=own["client_key"])
    stranger = {"client_cert": own["other_client_cert"], "client_key": own["other_client_key"]}
    why = "a client certificate|closed the connection|TLS connection"
    fails(asking, why, ca_path=own["ca"])
    fails(asking, why, ca_path=own["ca"], **stranger)


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


@pytest.mark.parametrize("password", ['"it\'s" `so` päßwörd-日本語-😀 a:b@c/d?e#f&g=h', ""], ids=["any", "empty"])
def test_password_with_special_characters(sim: Simulator, password: str) -> None:
    sim.seed(users=[{"username": "awkward", "password": password}])
    with Session(sim, username="awkward", password=password) as task:
        assert task.ensure(name="New").action == "created"
    assert sim.open_sessions() == []
