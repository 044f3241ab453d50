# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins, tokens, cookies and timeouts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.harness import Simulator
from simulator.rawclient import Answer, RawClient
from simulator.tests.helpers import create


def test_login_gives_token_and_cookie(sim: Simulator) -> None:
    client = RawClient(sim.base_url)
    answer = client.login(sim.username, sim.password)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["X-MSTR-AuthToken"]
    assert list(client.cookies) == ["JSESSIONID"]


@pytest.mark.parametrize(("token", "cookies"), [(True, False), (False, True), (False, False)])
def test_token_and_cookie_are_needed_together(client: RawClient, token: bool, cookies: bool) -> None:
    answer = client.call("GET", "/runtimes", with_token=token, with_cookies=cookies)
    assert (answer.status, answer.error["code"]) == (401, "ERR009")
    assert answer.error["ticketId"]
    assert client.call("GET", "/runtimes").status == 200


def test_token_of_one_session_and_cookie_of_another(sim: Simulator, client: RawClient) -> None:
    other = RawClient(sim.base_url)
    other.login(sim.username, sim.password)
    client.cookies = other.cookies
    assert client.call("GET", "/runtimes").status == 401


def test_every_login_mode(sim: Simulator) -> None:
    ways: list[Callable[[RawClient], Answer]] = [
        lambda c: c.login(sim.username, sim.password),
        lambda c: c.login(sim.ldap_username, sim.ldap_password, mode=16),
        lambda c: c.login(mode=8),
        lambda c: c.login(sim.api_token, mode=4096),
        lambda c: c.delegate(sim.identity_token),
    ]
    for log_in in ways:
        client = RawClient(sim.base_url)
        assert log_in(client).status == 204
        assert client.call("GET", "/runtimes").status == 200
    modes = [session["mode"] for session in sim.open_sessions()]
    assert modes == ["standard", "ldap", "anonymous", "api_token", "delegate"]


def test_form_login_as_the_vendors_client_does(sim: Simulator) -> None:
    for user in ("admin", "zoë", "empty"):
        client = RawClient(sim.base_url)
        form = {"loginMode": "1", "applicationType": "76", "username": user, "password": sim.users[user]["password"]}
        assert client.call("POST", "/auth/login", form=form).status == 204, user


def test_delegation_takes_the_mode_as_text_too(sim: Simulator) -> None:
    body = {"loginMode": "-1", "identityToken": sim.identity_token}
    assert RawClient(sim.base_url).call("POST", "/auth/delegate", body).status == 204


@pytest.mark.parametrize("password", ["", "q'\"\\%41&=+ ", "密码☃ é", "x" * 200, "\u202e\t"])
def test_any_password_works(sim: Simulator, password: str) -> None:
    sim.seed(users=[{"username": "somebody", "password": password}])
    assert RawClient(sim.base_url).login("somebody", password).status == 204
    form = {"loginMode": "1", "username": "somebody", "password": password}
    assert RawClient(sim.base_url).call("POST", "/auth/login", form=form).status == 204
    assert RawClient(sim.base_url).login("somebody", password + "x").status == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"loginMode": 1, "username": "admin", "password": "wrong"}, 401, "ERR003"),
        ({"loginMode": 16, "username": "admin", "password": "correct-horse-41"}, 401, "ERR003"),
        ({"loginMode": 4096, "username": "no such token"}, 401, "ERR003"),
        ({"loginMode": 1, "password": "x"}, 400, "ERR005"),
        ({"username": "admin", "password": "x"}, 400, "ERR005"),
        ({"loginMode": 2, "username": "admin"}, 400, "ERR0010"),
        ({"loginMode": 1, "username": "admin", "password": "x", "colour": "red"}, 400, "ERR006"),
        ({"loginMode": 1, "username": "admin", "password": 5}, 400, "ERR006"),
        ([], 400, "ERR007"),
        (b"{", 400, "ERR007"),
    ],
)
def test_refused_logins(sim: Simulator, body: object, status: int, code: str) -> None:
    answer = RawClient(sim.base_url).call("POST", "/auth/login", body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.error["code"]) == (status, code)
    assert sim.open_sessions() == []


def test_a_second_logout_fails(sim: Simulator, client: RawClient) -> None:
    assert len(sim.open_sessions()) == 1
    assert client.logout().status == 204
    again = client.logout()
    assert (again.status, again.error["code"]) == (401, "ERR009")
    assert sim.open_sessions() == []


def test_session_calls(client: RawClient) -> None:
    assert client.call("GET", "/sessions").json["timeout"] == 1800
    assert client.call("PUT", "/sessions").status == 204
    assert client.call("GET", "/sessions/userInfo").json == {
        "id": "54F3D26011D2896560009A8E67019608",
        "fullName": "Administrator",
        "initials": "A",
    }
    names = [held["name"] for held in client.call("GET", "/sessions/privileges").json["privileges"]]
    assert names == ["Manage runtime"]


def test_identity_token_lives_as_long_as_its_giver(sim: Simulator, client: RawClient) -> None:
    made = client.call("POST", "/auth/identityToken")
    token = made.headers["X-MSTR-IdentityToken"]
    assert made.status == 201
    stranger = RawClient(sim.base_url)
    assert stranger.call("GET", "/auth/identityToken", headers={"X-MSTR-IdentityToken": token}).status == 200
    assert stranger.delegate(token).status == 204
    stranger.logout()
    client.logout()
    assert stranger.call("GET", "/auth/identityToken", headers={"X-MSTR-IdentityToken": token}).status == 401
    assert RawClient(sim.base_url).delegate(token).error["code"] == "ERR003"


def test_api_token_for_oneself_and_for_another(sim: Simulator, client: RawClient) -> None:
    own = client.call("POST", "/auth/apiTokens").json["apiToken"]
    other = client.call("POST", "/auth/apiTokens", {"userId": sim.users["viewer"]["id"]}).json["apiToken"]
    for token, name in ((own, "Administrator"), (other, "Vera Viewer")):
        user = RawClient(sim.base_url)
        assert user.login(token, mode=4096).status == 204
        assert user.call("GET", "/sessions/userInfo").json["fullName"] == name


def test_privilege_and_hidden_runtimes(sim: Simulator, client: RawClient) -> None:
    viewer = RawClient(sim.base_url)
    viewer.login("viewer", sim.users["viewer"]["password"])
    refused = viewer.call("GET", "/runtimes")
    assert (refused.status, refused.error["code"]) == (403, "ERR0014")
    rita = sim.users["restricted"]
    denied = {"deny": True, "rights": 255, "trusteeId": rita["id"], "trusteeName": "Rita"}
    read_only = {"deny": True, "rights": 24, "trusteeId": rita["id"], "trusteeName": "Rita"}
    hidden, kept = sim.seed({"name": "Hidden", "acl": [denied]}, {"name": "Kept", "acl": [read_only]})
    restricted = RawClient(sim.base_url)
    restricted.login("restricted", rita["password"])
    seen = {entry["name"]: entry["acg"] for entry in restricted.call("GET", "/runtimes").json["runtimes"]}
    assert seen == {"(Default) MicroStrategy": 255, "Kept": 231}
    assert restricted.call("GET", f"/runtimes/{hidden}").status == 404
    # Rita cannot see that runtime, but its name is still taken.
    taken = restricted.call("POST", "/runtimes", {"name": "Hidden", "execTimeout": 600})
    assert (taken.status, taken.error["code"]) == (409, "ERR0015")
    for method in ("PATCH", "DELETE"):
        refused = restricted.call(method, f"/runtimes/{kept}", {"name": "Kept"} if method == "PATCH" else None)
        assert (refused.status, refused.error["code"]) == (403, "ERR0017")
    assert client.call("DELETE", f"/runtimes/{hidden}").status == 204


@pytest.mark.parametrize("clock", ["tomcat", "iserver"])
def test_tests_can_expire_sessions(sim: Simulator, client: RawClient, clock: str) -> None:
    second = RawClient(sim.base_url)
    second.login(sim.username, sim.password)
    assert sim.expire_sessions(newest=True, clock=clock) == 1
    assert second.call("GET", "/runtimes").error["code"] == "ERR009"
    assert client.call("GET", "/runtimes").status == 200
    assert sim.expire_sessions(user="admin", clock=clock) == 1
    assert client.call("GET", "/runtimes").error["code"] == "ERR009"
    assert sim.open_sessions() == []


def test_using_a_session_restarts_its_timeouts(sim: Simulator, client: RawClient) -> None:
    for _ in range(3):
        sim.turn_clock(1000)
        assert client.call("PUT", "/sessions").status == 204
    sim.turn_clock(1801)
    assert client.call("PUT", "/sessions").status == 401


def test_unknown_calls(client: RawClient) -> None:
    nowhere = client.call("GET", "/nowhere")
    assert (nowhere.status, nowhere.error["message"]) == (404, "HTTP 404 Not Found")
    wrong = client.call("PUT", "/runtimes")
    assert (wrong.status, wrong.error["code"], wrong.error["message"]) == (
        405,
        "ERR001",
        "HTTP 405 Method Not Allowed",
    )
    assert create(client)
