"""The independent client mstr-rest-requests, against the simulator: it makes the same calls in a different way."""

from __future__ import annotations

from typing import Any

import pytest
from mstr.requests import AuthenticatedMSTRRESTSession
from mstr.requests.rest.exceptions import MSTRException
from simulator.harness import Simulator

from contract.vocabulary import FULL, for_api, known, of_api


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
    body = for_api(known(FULL, switches))
    created = rest.post("runtimes", json=body)
    assert created.status_code == int(switches["create_status"])
    path = f"runtimes/{created.json()['id']}"
    assert body["name"] in [entry["name"] for entry in rest.get("runtimes").json()["runtimes"]]
    whole = rest.get(path).json()
    assert of_api(whole, body) == of_api(body, body)
    with pytest.raises(MSTRException) as refused:
        rest.patch(path, json=whole)  # read-only fields are not accepted back
    assert refused.value.status_code == 400

    changed = rest.patch(path, json={"name": body["name"], "execTimeout": 30, "whitelist": []})
    assert (changed.status_code, changed.content) == (204, b"")
    read = rest.get(path, params={"fields": "execTimeout,whitelist"}).json()
    assert read == {"execTimeout": 30, "whitelist": []}
    deleted = rest.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert server.runtimes() == []
