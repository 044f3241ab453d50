"""Logins, tokens, cookies and timeouts, as far as the clients of tests/contract do not use them."""

from __future__ import annotations

import pytest

from simulator.harness import Simulator
from simulator.rawclient import RawClient
from simulator.tests.helpers import logged_in


@pytest.mark.parametrize(("token", "cookies"), [(True, False), (False, True), (False, False)])
def test_token_and_cookie_are_needed_together(sim: Simulator, client: RawClient, token: bool, cookies: bool) -> None:
    answer = client.call("GET", "/runtimes", with_token=token, with_cookies=cookies)
    assert (answer.status, answer.error["code"]) == (401, "ERR009")
    assert answer.error["ticketId"]
    assert client.call("GET", "/runtimes").status == 200
    client.cookies = logged_in(sim).cookies
    assert client.call("GET", "/runtimes").status == 401, "the cookie of another session"


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


def test_privilege_and_hidden_runtimes(sim: Simulator, client: RawClient) -> None:
    refused = logged_in(sim, "viewer").call("GET", "/runtimes")
    assert (refused.status, refused.error["code"]) == (403, "ERR0014")
    rita = sim.users["restricted"]
    denied = {"deny": True, "rights": 255, "trusteeId": rita["id"], "trusteeName": "Rita"}
    read_only = {"deny": True, "rights": 24, "trusteeId": rita["id"], "trusteeName": "Rita"}
    hidden, kept = sim.seed({"name": "Hidden", "acl": [denied]}, {"name": "Kept", "acl": [read_only]})
    restricted = logged_in(sim, "restricted")
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
    assert (wrong.status, wrong.error["code"], wrong.error["message"]) == (405, "ERR001", "HTTP 405 Method Not Allowed")
