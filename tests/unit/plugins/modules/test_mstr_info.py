# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import MappingProxyType

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, MstrError
from ansible_collections.mstr.library.plugins.modules.mstr_info import connection_info
from ansible_collections.mstr.library.tests.unit.support.make import URL, response, stored
from ansible_collections.mstr.library.tests.unit.support.scripted_http import LOGIN, LOGOUT, Session
from ansible_collections.mstr.library.tests.unit.support.strategies import ANY_JSON
from hypothesis import given

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
    def make(replies=MappingProxyType({})):
        one = Session(monkeypatch)
        for call, reply in {**RESPONSES, **replies}.items():
            one.http.reply(call, reply)
        return one

    return make


def test_everything_that_the_server_says(session):
    assert connection_info(session().session) == {
        "changed": False,
        "server": {"base_url": URL, "iserver_version": "11.6.1", "web_version": "11.6.2"},
        "user": {"id": "54F3", "name": "Administrator"},
        "session": {"timeout": 1800},
        "runtimes": 2,
        "python_versions": ["3.10.5", "3.12.4"],
        "msg": f"Logged in to {URL} (Intelligence Server 11.6.1) as Administrator; 2 runtimes are visible. "
        "Python versions: 3.10.5, 3.12.4.",
    }


@pytest.mark.parametrize(
    "locked",
    [
        response(401, {"code": "ERR009", "message": "gone"}),
        response(401),
        response(403, b"<html>"),
        NO_SUCH_CALL,
        response(200, b"<html><title>A gateway"),
        response(200, []),
    ],
)
def test_a_server_that_keeps_its_release_to_itself_costs_no_second_login(session, locked):
    one = session({STATUS: locked})
    result = connection_info(one.session)
    assert result["server"] == {"base_url": URL, "iserver_version": None, "web_version": None}
    assert result["msg"].startswith(f"Logged in to {URL} as Administrator; 2 runtimes are visible.")
    one.session.log_out()
    assert one.http.calls == [LOGIN, USER, SETTINGS, RUNTIMES, VERSIONS, STATUS, LOGOUT]


def test_an_older_server_offers_no_versions(session):
    result = connection_info(session({VERSIONS: NO_SUCH_CALL}).session)
    assert result["python_versions"] is None
    assert "Python" not in result["msg"]


def test_a_user_who_may_not_see_runtimes_is_an_error_with_the_remedy(session):
    one = session({RUNTIMES: response(403, {"code": "ERR0014", "message": "The user lacks the privilege."})})
    with pytest.raises(ApiError, match=r"Could not list the runtimes: .*the privilege 'Manage runtime'"):
        connection_info(one.session)


def outcome(one):
    """The number of runtimes, or what could not be done."""
    try:
        return connection_info(one.session)["runtimes"]
    except MstrError as exc:
        return exc.sentence.partition(":")[0]


@given(response_data=ANY_JSON)
@pytest.mark.parametrize("call", [USER, SETTINGS, STATUS])
def test_any_json_in_place_of_a_response_is_a_result_or_a_sentence(call, response_data):
    with pytest.MonkeyPatch.context() as monkeypatch:
        one = Session(monkeypatch)
        for name, reply in {**RESPONSES, call: response(body=response_data)}.items():
            one.http.reply(name, reply)
        assert outcome(one) in (2, "Could not read who is logged in")
