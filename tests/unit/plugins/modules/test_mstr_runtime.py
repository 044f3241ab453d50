from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.modules import mstr_runtime
from unit.support.library_server import LibraryServer
from unit.support.make import ID, PASSWORD, stored
from unit.support.module import Run

KEYS = {"changed", "id", "action", "changed_fields", "changes", "msg", "runtime", "plan_id"}


@pytest.fixture
def ensure(monkeypatch, capsys):
    run = Run(monkeypatch, capsys)

    def call(server, **params):
        login = {"base_url": f"{server.url}/api/", "username": "u", "password": PASSWORD}
        result = run(mstr_runtime.main, **{**login, **params})
        assert server.open == 0, "the task closes the session that it opened"
        return result

    return call


@pytest.mark.parametrize("params", [{"whitelist": ["10.10.10.0/24"], "packages": ["name=pandas"]}, {"state": "absent"}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_every_outcome_has_same_keys(ensure, params, check_mode):
    with LibraryServer(stored()) as server:
        result = ensure(server, id=ID.lower(), **params, check_mode=check_mode)
    # What ansible-core adds for itself does not reach users.
    assert {key for key in result if not key.startswith("_ansible_")} - {"invocation", "warnings"} == KEYS
    assert [change["field"] for change in result["changes"]] == result["changed_fields"]


def test_all_errors_in_one_message_and_nothing_sent(ensure):
    """Those of the connection, of the definition and of the policy."""
    with LibraryServer() as server:
        wrong = {"name": " ", "id": "12", "exec_timeout": -1, "policy": {"networks_within": []}}
        result = ensure(server, **wrong, whitelist=["x", "10.10.10.7/24", "8.8.8.8"], retries=-1, username=None)
    expected = (
        "name ' ' is empty",
        "id '12' is invalid",
        "whitelist[0] 'x'",
        "write 10.10.10.0/24 for the block or 10.10.10.7/32 for the one address",
        "whitelist[2] '8.8.8.8/32' violates the policy networks_within",
        "exec_timeout must be at least 0, not -1",
        "retries must be at least 0, not -1",
        "login_mode standard requires username",
    )
    assert [words for words in expected if words not in result["msg"]] == []
    assert server.calls == []
