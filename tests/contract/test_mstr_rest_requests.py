"""The independent client mstr-rest-requests, against the simulator: it makes the same calls in a different way."""

from __future__ import annotations

from typing import Any

from mstr.requests import AuthenticatedMSTRRESTSession
from simulator.harness import Simulator

from contract.vocabulary import FULL, for_api, known, of_api


def api(server: Simulator) -> str:
    return f"{server.base_url}/api/"


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
