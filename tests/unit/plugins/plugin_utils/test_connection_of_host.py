"""The connection of a task, from its options and from the variables of the host."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._session.connection import LOGIN, OPTIONS
from ansible_collections.mstr.library.plugins.plugin_utils._connection import with_connection
from hypothesis import given
from hypothesis import strategies as st

HERE, OTHER = "https://here.example/Library", "https://other.example/Library"
USER = {"username": "u", "password": "p"}
CERTIFICATE = {"client_cert": "c.pem", "client_key": "k.pem"}
OF_HOST = {"base_url": HERE, **USER, "timeout": 5, **CERTIFICATE}
VALUES = {"login_mode": "ldap", "validate_certs": False, "timeout": 5, "retries": 1}
ANY = st.sets(st.sampled_from(sorted({*OPTIONS} - {"base_url", "login_mode"})))


def refusal(options, variables):
    with pytest.raises(ValidationError) as caught:
        with_connection(options, variables.get)
    return caught.value.sentence


@given(of_task=ANY, of_host=ANY)
def test_precedence(of_task, of_host):
    """The task comes first; a login comes whole from one of both."""
    task = {option: VALUES.get(option, "task") for option in of_task}
    host = {option: VALUES.get(option, "host") for option in of_host}
    result = with_connection(task, host.get)
    assert {**result, **task} == result
    assert {"task", "host"} - {result[option] for option in LOGIN if option in result}
    assert {"task", "host"} - {result[option] for option in ("client_cert", "client_key") if option in result}
    assert result.keys() - {*LOGIN, "client_cert", "client_key"} >= (of_host - {*LOGIN, "client_cert", "client_key"})


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_counts_as_not_given(empty):
    """In the task and in a variable."""
    assert with_connection(dict.fromkeys(OPTIONS, empty), OF_HOST.get) == {**dict.fromkeys(OPTIONS, empty), **OF_HOST}
    assert with_connection({"name": "n"}, dict.fromkeys(OPTIONS, empty).get) == {"name": "n"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"base_url": f"{HERE}/app"}, {**OF_HOST, "base_url": f"{HERE}/app"}),
        ({"base_url": OTHER, "api_token": "t"}, {"base_url": OTHER, "api_token": "t", "timeout": 5}),
        ({"base_url": OTHER, "login_mode": "anonymous"}, {"base_url": OTHER, "login_mode": "anonymous", "timeout": 5}),
        ({"login_mode": "anonymous"}, {"login_mode": "anonymous", "base_url": HERE, "timeout": 5, **CERTIFICATE}),
        ({"base_url": "no address"}, {"base_url": "no address", "timeout": 5}),
        ({"login_mode": "ldap"}, {**OF_HOST, "login_mode": "ldap"}),
        ({"username": "me"}, {"username": "me", "base_url": HERE, "timeout": 5, **CERTIFICATE}),
        # A session has its own address.
        ({"session": "s"}, {"session": "s", "timeout": 5, **CERTIFICATE}),
    ],
)
def test_what_a_task_gets(options, expected):
    assert with_connection(options, OF_HOST.get) == expected


def test_secret_stays_at_its_server():
    assert refusal({"base_url": f"{OTHER}/api"}, OF_HOST) == (
        f"mstr_username and mstr_password of the host may be sent only to its mstr_base_url {HERE}, not to base_url "
        f"{OTHER}. Set the credentials in the task, too."
    )
    assert "client_cert" not in with_connection({"base_url": OTHER, "api_token": "t"}, OF_HOST.get)


def test_wrong_types_refused_by_name():
    """All in one message, without a secret. The result of a task is not taken for an option."""
    wrong = {"timeout": "soon", "password": ["secret"], "login_mode": "magic", "session": {"a": "secret"}}
    assert refusal({}, wrong).splitlines() == [
        "mstr_password must be a text",
        "mstr_login_mode 'magic' is not valid; choose standard or ldap or anonymous or api_token or identity_token",
        "mstr_session must be a text",
        "mstr_timeout 'soon' is not a number",
    ]
    assert with_connection({}, {"session": {"changed": False, "session": "s"}}.get) == {}


def test_only_what_is_needed_is_read():
    """A variable with a template that is invalid does no harm to a task that sets the option."""

    def variable(option):
        assert option in {*OPTIONS} - {*LOGIN, "base_url", "login_mode", "retries"}

    assert with_connection({"session": "s", "retries": 0}, variable) == {"session": "s", "retries": 0}
