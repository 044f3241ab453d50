"""A secret from the environment goes only to the servers of the environment."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, encode
from ansible_collections.mstr.library.plugins.modules import mstr_info
from ansible_collections.mstr.library.tests.unit.support.library_server import LibraryServer
from ansible_collections.mstr.library.tests.unit.support.make import PASSWORD, URL
from ansible_collections.mstr.library.tests.unit.support.module import Run

OTHER = "https://other.example.com/MicroStrategyLibrary"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("MSTR_SERVERS", *(f"MSTR_{option.upper()}" for option in auth.argument_spec())):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def info(monkeypatch, capsys):
    """Run mstr_info, with options and environment variables; the message of its failure, empty on success."""
    run = Run(monkeypatch, capsys)

    def call(variables, **options):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        result = run(mstr_info.main, **options)
        return result["msg"] if result.get("failed") else ""

    return call


@pytest.mark.parametrize(
    "variables",
    [{"MSTR_BASE_URL": URL}, {"MSTR_SERVERS": f"{URL}/api, "}, {"MSTR_BASE_URL": f"{URL}/", "MSTR_SERVERS": ","}],
)
@pytest.mark.parametrize(
    ("secret", "options"),
    [("MSTR_PASSWORD", {"username": "u"}), ("MSTR_API_TOKEN", {}), ("MSTR_IDENTITY_TOKEN", {})],
)
def test_secret_not_sent_to_another_server(info, variables, secret, options):
    """The error names both addresses. It comes before any request: there is no such server."""
    message = info({**variables, secret: "s3cret-value"}, base_url=OTHER, **options)
    assert message == (
        f"{secret} of the environment may be sent only to {URL} (MSTR_BASE_URL and MSTR_SERVERS), not to base_url "
        f"{OTHER}. If that server is right, add it to MSTR_SERVERS, or set {secret[5:].lower()} in the task."
    )


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({"MSTR_PASSWORD": PASSWORD}, {"username": "u"}),
        ({"MSTR_PASSWORD": PASSWORD, "MSTR_SERVERS": "{url}/,{other}"}, {"username": "u"}),
        ({"MSTR_PASSWORD": PASSWORD, "MSTR_BASE_URL": OTHER, "MSTR_SERVERS": "{url}/app"}, {"username": "u"}),
        ({"MSTR_USERNAME": "u", "MSTR_BASE_URL": OTHER}, {"password": PASSWORD}),
        ({"MSTR_USERNAME": "u", "MSTR_BASE_URL": OTHER, "MSTR_PASSWORD": "another"}, {"password": PASSWORD}),
        ({"MSTR_BASE_URL": OTHER, "MSTR_PASSWORD": "x"}, {"login_mode": "anonymous"}),
    ],
    ids=["no servers", "servers", "both", "user name", "task", "anonymous"],
)
def test_what_is_free(info, variables, options):
    with LibraryServer() as server:
        variables = {name: value.format(url=server.url, other=OTHER) for name, value in variables.items()}
        assert info(variables, base_url=server.url, **options) == ""


def test_a_session_carries_its_address(info):
    """It is used where it belongs, and after its end nothing of the environment is sent there."""
    with LibraryServer() as server:
        session = encode(SessionString(server.url, "t" * 20, []))
        variables = {"MSTR_USERNAME": "u", "MSTR_PASSWORD": PASSWORD, "MSTR_BASE_URL": OTHER}
        info(variables, base_url=server.url, session=session)
        assert "POST /api/auth/login" not in server.calls


def test_an_invalid_server(info):
    message = info({"MSTR_PASSWORD": PASSWORD, "MSTR_SERVERS": "https://u:pw@h, x"}, base_url=OTHER, username="u")
    assert message.splitlines() == [
        "MSTR_SERVERS '…@h' contains credentials; put them in username and password",
        "MSTR_SERVERS 'x' is not an http or https URL, such as https://mstr.example.com/MicroStrategyLibrary",
    ]
