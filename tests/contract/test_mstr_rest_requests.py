"""The independent client mstr-rest-requests, against the simulator: it makes the same calls in a different way."""

from __future__ import annotations

from typing import Any

import pytest
from mstr.requests import AuthenticatedMSTRRESTSession, MSTRRESTSession
from mstr.requests.rest.exceptions import MSTRException
from simulator.harness import Simulator

from contract.vocabulary import FULL, for_api, known, of_api


def api(server: Simulator) -> str:
    return f"{server.base_url}/api/"


def understood(switches: dict[str, Any]) -> bool:
    """Whether this client can read the code of an error: it does not support the wrapped form."""
    return bool(switches["errors_wrapped"] == "no")


# --- sessions


def test_login_and_logout(server: Simulator) -> None:
    with AuthenticatedMSTRRESTSession(api(server), server.username, server.password) as session:
        (found,) = server.open_sessions()
        assert (found["user"], found["mode"]) == (server.username, "standard")
        assert session.get_userinfo().json()["id"] == server.users[server.username]["id"]
        assert session.get_session_info().json()["timeout"] == 1800
        assert session.extend_session().status_code == 204
    assert server.open_sessions() == []
    assert not session.has_session()  # it deletes its token only after a 204


def test_a_delegated_session_is_left_open(rest: AuthenticatedMSTRRESTSession, server: Simulator) -> None:
    with AuthenticatedMSTRRESTSession(api(server), identity_token=rest.create_identity_token()) as session:
        assert session.get_userinfo().json() == rest.get_userinfo().json()
    assert [entry["mode"] for entry in server.open_sessions()] == ["standard", "delegate"]
    assert rest.get("runtimes").status_code == 200


def test_a_session_works_in_a_second_client_with_its_cookies(
    rest: AuthenticatedMSTRRESTSession, server: Simulator
) -> None:
    snapshot = rest.to_dict()
    with MSTRRESTSession.from_dict(snapshot) as heir:
        assert heir.get("runtimes").status_code == 200
    with MSTRRESTSession.from_dict({**snapshot, "cookies": {}}) as heir, pytest.raises(MSTRException) as caught:
        heir.get("runtimes")
    assert caught.value.status_code == 401
    assert len(server.open_sessions()) == 1


def test_login_again_after_err009(server: Simulator, switches: dict[str, Any]) -> None:
    login = AuthenticatedMSTRRESTSession(api(server), server.username, server.password, relogin=True)
    if not understood(switches):
        login.__enter__()
        server.expire_sessions()
        with pytest.raises(MSTRException) as caught:
            login.get("runtimes")
        assert caught.value.status_code == 401
        assert caught.value.response.json()["errors"][0]["code"] == "ERR009"
        login.close()
        return
    with login as session:
        server.expire_sessions()
        server.clear_requests()
        assert session.get("runtimes").status_code == 200
        assert server.calls() == ["GET /runtimes", "POST /auth/login", "GET /runtimes"]
    assert server.open_sessions() == []


# --- runtimes


def test_create_list_read_change_delete(
    rest: AuthenticatedMSTRRESTSession, server: Simulator, switches: dict[str, Any]
) -> None:
    body = for_api(known(FULL, switches))

    created = rest.post("runtimes", json=body)

    assert created.status_code == int(switches["create_status"])
    identity = created.json()["id"]
    names = {entry["id"]: entry["name"] for entry in rest.get("runtimes").json()["runtimes"]}
    assert names[identity] == body["name"]
    assert of_api(rest.get(f"runtimes/{identity}").json(), body) == of_api(body, body)

    changed = rest.patch(f"runtimes/{identity}", json={"name": body["name"], "execTimeout": 30, "whitelist": []})
    assert (changed.status_code, changed.content) == (204, b"")
    read = rest.get(f"runtimes/{identity}", params={"fields": "execTimeout,whitelist"}).json()
    assert read == {"execTimeout": 30, "whitelist": []}

    deleted = rest.delete(f"runtimes/{identity}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert server.runtimes() == []


def test_read_only_fields_are_not_accepted_back(rest: AuthenticatedMSTRRESTSession, switches: dict[str, Any]) -> None:
    identity = rest.post("runtimes", json=for_api(known(FULL, switches))).json()["id"]
    whole = rest.get(f"runtimes/{identity}").json()
    with pytest.raises(MSTRException) as caught:
        rest.patch(f"runtimes/{identity}", json=whole)
    assert caught.value.status_code == 400
