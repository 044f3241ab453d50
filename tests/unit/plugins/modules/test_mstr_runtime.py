from __future__ import annotations

from ansible_collections.mstr.library.plugins.modules import mstr_runtime
from unit.support.library_server import LibraryServer
from unit.support.make import PASSWORD
from unit.support.module import Run


def test_all_errors_in_one_message_and_nothing_sent(monkeypatch, capsys):
    """Those of the connection, of the definition and of the policy."""
    wrong = {"name": " ", "id": "12", "exec_timeout": -1, "policy": {"networks_within": []}, "retries": -1}
    with LibraryServer() as server:
        options = {"base_url": server.url, "password": PASSWORD, "whitelist": ["x", "10.10.10.7/24", "8.8.8.8"]}
        result = Run(monkeypatch, capsys)(mstr_runtime.main, **options, **wrong)
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
