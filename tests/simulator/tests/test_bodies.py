"""Runtimes: the fields of a body, and the response."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulator.fields import RUNTIME_FIELDS
from simulator.harness import Simulator
from simulator.tests.helpers import SAMPLE, Client, create, error, read


def test_sample_is_returned_as_documented(client: Client) -> None:
    runtime_id = create(client)
    assert re.fullmatch("[0-9A-F]{32}", runtime_id)
    shown = read(client, runtime_id)
    packages = [{"name": "mstrio-py", "version": "", "description": "", "status": "installed"}]
    fixed = {"id": runtime_id, "type": 80, "subtype": 20480, "acg": 255, "status": "ready", "packages": packages}
    assert {key: shown[key] for key in {**SAMPLE, **fixed}} == {**SAMPLE, **fixed}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", str(shown["dateCreated"]))
    # The order of the fields is also that of the samples.
    assert list(shown) == [name for name in RUNTIME_FIELDS if name in shown]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"packages": [{"name": "numpy", "status": "installed"}]}, "packages[0].status"),
        ({"packages": [{"name": "numpy"}, {"version": "1"}]}, "packages[1].name"),
        ({"whitelist": "10.0.0.0/8"}, "whitelist"),
        ({"whitelist": [10]}, "whitelist[0]"),
        ({"whitelist": ["10.0.0.0/33"]}, "10.0.0.0/33"),
        ({"resource": {"cpu": 0.2}}, "resource.cpu"),
        ({"resource": {"cpu": "-1"}}, "resource.cpu"),
        ({"resource": {"mem": "512"}}, "resource.mem"),
        ({"resource": {"gpu": 1}}, "resource.gpu"),
        ({"execTimeout": True}, "execTimeout"),
        ({"minCachedInstances": 6}, "minCachedInstances"),
        ({"minCachedInstances": -1}, "minCachedInstances"),
        ({"name": ""}, "name"),
        ({"description": None}, "description"),
        ({"changeJournal": {"comment": "x"}}, "changeJournal.comment"),
    ],
)
def test_refused_body_changes_nothing(sim: Simulator, client: Client, fields: dict[str, Any], named: str) -> None:
    refused = client.call("POST", "/runtimes", {**SAMPLE, **fields})
    assert error(refused) in ((400, "ERR005"), (400, "ERR006"))
    assert named in refused.json()["message"]
    assert sim.runtimes() == []
    runtime_id = create(client)
    before = read(client, runtime_id)
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": SAMPLE["name"], **fields}).status_code == 400
    assert read(client, runtime_id) == before


def test_refused_ids_and_missing_objects(client: Client) -> None:
    assert error(client.call("GET", "/runtimes/no-id")) == (400, "ERR006")
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.call(method, "/runtimes/" + "A" * 32, {"name": "x"} if method == "PATCH" else None)
        assert error(answer) == (404, "ERR004")
        assert answer.json()["message"] != "HTTP 404 Not Found"
    assert error(client.call("POST", "/runtimes", {"execTimeout": 600})) == (400, "ERR005")
    assert error(client.call("POST", "/runtimes", b"{")) == (400, "ERR007")


def test_seeds_of_any_kind(sim: Simulator, client: Client) -> None:
    ids = sim.seed(
        {"name": 5, "acl": "none", "whitelist": [1, None], "packages": [None, "numpy"], "resource": []},
        {"name": None, "acl": [None], "packages": None, "resource": None, "futureField": {"a": [1]}},
        {},
    )
    sim.switch(cpu_format="number")
    assert len(client.call("GET", "/runtimes").json()["runtimes"]) == 4
    assert read(client, ids[0])["whitelist"] == [1, None]
    assert read(client, ids[1])["futureField"] == {"a": [1]}
