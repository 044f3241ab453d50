"""Logins, tokens, cookies and timeouts, as far as the clients of tests/contract do not use them."""

from __future__ import annotations

import pytest

from simulator.harness import Simulator
from simulator.tests.helpers import Client, error, logged_in


def test_token_and_cookie_are_needed_together(sim: Simulator, client: Client) -> None:
    other, cookies = logged_in(sim), dict(client.cookies)
    client.cookies.update(other.cookies)
    assert client.call("GET", "/runtimes").status_code == 401, "the cookie of another session"
    client.cookies.clear()
    refused = client.call("GET", "/runtimes")
    assert error(refused) == (401, "ERR009")
    assert refused.json()["ticketId"]
    client.cookies.update(cookies)
    assert client.call("GET", "/runtimes").status_code == 200
    del client.headers["X-MSTR-AuthToken"]
    assert client.call("GET", "/runtimes").status_code == 401


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
    ],
)
def test_refused_logins(sim: Simulator, body: object, status: int, code: str) -> None:
    assert error(Client(sim.base_url).call("POST", "/auth/login", body)) == (status, code)
    assert sim.open_sessions() == []


def test_identity_token_lives_as_long_as_its_giver(sim: Simulator, client: Client) -> None:
    made = client.call("POST", "/auth/identityToken")
    token, stranger = made.headers["X-MSTR-IdentityToken"], Client(sim.base_url)
    assert made.status_code == 201

    def check() -> int:
        return stranger.call("GET", "/auth/identityToken", headers={"X-MSTR-IdentityToken": token}).status_code

    assert check() == 200
    assert stranger.delegate(token).status_code == 204
    stranger.call("POST", "/auth/logout")
    client.call("POST", "/auth/logout")
    assert check() == 401
    assert error(stranger.delegate(token)) == (401, "ERR003")


def test_privilege_and_hidden_runtimes(sim: Simulator, client: Client) -> None:
    assert error(logged_in(sim, "viewer").call("GET", "/runtimes")) == (403, "ERR0014")
    denied = {"deny": True, "trusteeId": sim.users["restricted"]["id"], "trusteeName": "Rita"}
    acls = ([{**denied, "rights": rights}] for rights in (255, 24))
    hidden, kept = sim.seed(*({"name": name, "acl": acl} for name, acl in zip(("Hidden", "Kept"), acls, strict=True)))
    restricted = logged_in(sim, "restricted")
    seen = {entry["name"]: entry["acg"] for entry in restricted.call("GET", "/runtimes").json()["runtimes"]}
    assert seen == {"(Default) MicroStrategy": 255, "Kept": 231}
    # Rita cannot see that runtime, but its name is still taken.
    taken = restricted.call("POST", "/runtimes", {"name": "Hidden", "execTimeout": 600})
    assert error(taken) == (409, "ERR0015")
    assert error(restricted.call("PATCH", f"/runtimes/{kept}", {"name": "Kept"})) == (403, "ERR0017")
    assert error(restricted.call("DELETE", f"/runtimes/{kept}")) == (403, "ERR0017")
    assert client.call("DELETE", f"/runtimes/{hidden}").status_code == 204


def test_unknown_calls(client: Client) -> None:
    nowhere, wrong = client.call("GET", "/nowhere"), client.call("PUT", "/runtimes")
    assert (error(nowhere), nowhere.json()["message"]) == ((404, "ERR004"), "HTTP 404 Not Found")
    assert (error(wrong), wrong.json()["message"]) == ((405, "ERR001"), "HTTP 405 Method Not Allowed")
