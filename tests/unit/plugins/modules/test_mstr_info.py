from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.modules.mstr_info import connection_info
from unit.support.make import URL, response, stored
from unit.support.scripted_http import LOGIN, LOGOUT, Session

USER, SETTINGS, RUNTIMES = "GET /sessions/userInfo", "GET /sessions", "GET /runtimes"
VERSIONS, STATUS = "GET /runtimes/versions", "GET /status"
NO_SUCH_CALL = response(404, {"code": "ERR004", "message": "HTTP 404 Not Found"})
RESPONSES = {
    USER: response(body={"id": "54F3", "fullName": "Administrator", "initials": "A"}),
    SETTINGS: response(body={"timeout": 1800, "workingSet": 10}),
    RUNTIMES: response(body={"runtimes": [stored(), stored(id="A" * 32)]}),
    VERSIONS: response(body={"versions": ["3.10.5", "3.12.4"]}),
    STATUS: response(body={"iServerVersion": "11.6.1", "webVersion": "11.6.2"}),
}


@pytest.fixture
def session(monkeypatch):
    def with_replies(replies=()):
        fake = Session(monkeypatch)
        for call, reply in {**RESPONSES, **dict(replies)}.items():
            fake.http.reply(call, reply)
        return fake

    return with_replies


def info(fake):
    return connection_info(fake.session)


def test_result_has_all_facts(session):
    result = info(session())
    assert result == {
        "changed": False,
        "server": {"base_url": URL, "iserver_version": "11.6.1", "web_version": "11.6.2"},
        "user": {"id": "54F3", "name": "Administrator"},
        "session": {"timeout": 1800},
        "runtimes": 2,
        "python_versions": ["3.10.5", "3.12.4"],
        "msg": f"Logged in to {URL} (Intelligence Server 11.6.1) as Administrator; "
        "2 runtimes are visible (without the default one). Python versions: 3.10.5, 3.12.4.",
    }


LOCKED = (
    *(response(500), NO_SUCH_CALL, response(401, {"code": "ERR009", "message": "gone"})),
    *(response(200, b"<html><title>A gateway"), response(200, [])),
    ConnectError("Could not read it: the connection was closed.", request=STATUS, permanent=True),
)


@pytest.mark.parametrize("locked", LOCKED)
def test_a_failed_status_is_no_failure(session, locked):
    """Nor does it cost a second login."""
    fake = session({STATUS: locked})
    result = info(fake)
    assert result["server"] == {"base_url": URL, "iserver_version": None, "web_version": None}
    assert result["msg"].startswith(
        f"Logged in to {URL} as Administrator; 2 runtimes are visible (without the default one)."
    )
    fake.session.log_out()
    assert fake.http.calls == [LOGIN, USER, SETTINGS, RUNTIMES, VERSIONS, STATUS, LOGOUT]


def test_what_is_a_failure(session):
    with pytest.raises(Interrupted):
        info(session({STATUS: Interrupted("Stopped by signal SIGTERM")}))
    with pytest.raises(ApiError, match=r"Could not list the runtimes: .*the privilege 'Manage runtime'"):
        info(session({RUNTIMES: response(403, {"code": "ERR0014", "message": "The user lacks the privilege."})}))
