"""The independent client mstr-rest-requests, against the simulator: it makes the same calls in a different way."""

from __future__ import annotations

from typing import Any

import pytest
from mstr.requests import AuthenticatedMSTRRESTSession
from mstr.requests.rest.exceptions import MSTRException
from simulator.harness import Simulator

# As in the vendor's samples.
BODY: dict[str, Any] = {
    "name": "Witness",
    "whitelist": ["10.10.10.0/24"],
    "packages": [{"name": "mstrio-py", "version": "11.6.10.101", "description": ""}],
    "resource": {"cpu": "0.25", "mem": 512},
    "execTimeout": 600,
}


def test_sessions(rest: AuthenticatedMSTRRESTSession, server: Simulator) -> None:
    """A delegated one is left open; an own one is extended, and replaced after it has ended."""
    api = f"{server.base_url}/api/"
    with AuthenticatedMSTRRESTSession(api, identity_token=rest.create_identity_token()) as session:
        assert session.get_userinfo().json()["id"] == server.users[server.username]["id"]
    with AuthenticatedMSTRRESTSession(api, server.username, server.password, relogin=True) as session:
        assert session.extend_session().status_code == 204
        if server.switch()["errors_wrapped"] == "no":  # it does not read the wrapped form
            server.expire_sessions()
            assert session.get("runtimes").status_code == 200


def test_life_of_a_runtime(rest: AuthenticatedMSTRRESTSession, server: Simulator, switches: dict[str, Any]) -> None:
    created = rest.post("runtimes", json=BODY)
    assert created.status_code == int(switches["create_status"])
    path = f"runtimes/{created.json()['id']}"
    assert "Witness" in [entry["name"] for entry in rest.get("runtimes").json()["runtimes"]]
    whole = rest.get(path).json()
    packages = [{key: package[key] for key in BODY["packages"][0]} for package in whole["packages"]]
    assert {**{key: whole[key] for key in BODY}, "packages": packages} == BODY
    with pytest.raises(MSTRException) as refused:
        rest.patch(path, json=whole)  # read-only fields are not accepted back
    assert refused.value.status_code == 400

    changed = rest.patch(path, json={"name": "Witness", "execTimeout": 30, "whitelist": []})
    assert (changed.status_code, changed.content) == (204, b"")
    read = rest.get(path, params={"fields": "execTimeout,whitelist"}).json()
    assert read == {"execTimeout": 30, "whitelist": []}
    deleted = rest.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert server.runtimes() == []
