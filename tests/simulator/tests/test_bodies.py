"""Runtimes: the fields of a body, and the response."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulator.fields import RUNTIME_FIELDS
from simulator.harness import Simulator
from simulator.rawclient import RawClient
from simulator.tests.helpers import SAMPLE, create, read


def test_the_sample_is_returned_as_documented(client: RawClient) -> None:
    runtime_id = create(client)
    assert re.fullmatch("[0-9A-F]{32}", runtime_id)
    found = read(client, runtime_id)
    assert {key: found[key] for key in SAMPLE if key != "packages"} == {
        k: v for k, v in SAMPLE.items() if k != "packages"
    }
    assert found["packages"] == [{"name": "mstrio-py", "version": "", "description": "", "status": "installed"}]
    assert (found["id"], found["type"], found["subtype"], found["acg"]) == (runtime_id, 80, 20480, 255)
    assert found["status"] == "ready"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", str(found["dateCreated"]))
    # The order of the fields is also that of the samples.
    assert list(found) == [name for name in RUNTIME_FIELDS if name in found]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"status": "ready"}, "status"),
        ({"packages": [{"name": "numpy", "status": "installed"}]}, "packages[0].status"),
        ({"packages": [{"name": "numpy"}, {"version": "1"}]}, "packages[1].name"),
        ({"packages": None}, "packages"),
        ({"whitelist": "10.0.0.0/8"}, "whitelist"),
        ({"whitelist": [10]}, "whitelist[0]"),
        ({"whitelist": ["10.0.0.0/33"]}, "10.0.0.0/33"),
        ({"whitelist": ["example.com"]}, "example.com"),
        ({"whitelist": ["010.0.0.0/8"]}, "010.0.0.0/8"),
        ({"resource": {"cpu": 0.2}}, "resource.cpu"),
        ({"resource": {"cpu": "much"}}, "resource.cpu"),
        ({"resource": {"cpu": "-1"}}, "resource.cpu"),
        ({"resource": {"mem": "512"}}, "resource.mem"),
        ({"resource": {"gpu": 1}}, "resource.gpu"),
        ({"execTimeout": "600"}, "execTimeout"),
        ({"execTimeout": True}, "execTimeout"),
        ({"execTimeout": 600.0}, "execTimeout"),
        ({"minCachedInstances": 6}, "minCachedInstances"),
        ({"minCachedInstances": -1}, "minCachedInstances"),
        ({"name": ""}, "name"),
        ({"description": None}, "description"),
        ({"changeJournal": {"comment": "x"}}, "changeJournal.comment"),
        ({"changeJournal": "x"}, "changeJournal"),
    ],
)
def test_refused_bodies_change_nothing(
    sim: Simulator, client: RawClient, fields: dict[str, object], named: str
) -> None:
    refused = client.call("POST", "/runtimes", {**SAMPLE, **fields})
    assert refused.status == 400, refused.body
    assert refused.error["code"] in ("ERR005", "ERR006")
    assert named in refused.error["message"]
    assert sim.runtimes() == []
    runtime_id = create(client)
    before = read(client, runtime_id)
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": SAMPLE["name"], **fields}).status == 400
    assert read(client, runtime_id) == before


def test_refused_ids_and_missing_objects(client: RawClient) -> None:
    assert client.call("GET", "/runtimes/no-id").error["code"] == "ERR006"
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.call(method, "/runtimes/" + "A" * 32, {"name": "x"} if method == "PATCH" else None)
        assert (answer.status, answer.error["code"]) == (404, "ERR004")
        assert answer.error["message"] != "HTTP 404 Not Found"
    assert client.call("POST", "/runtimes", {"execTimeout": 600}).error["code"] == "ERR005"
    assert client.call("POST", "/runtimes", b"{").error["code"] == "ERR007"


def test_patch_changes_what_it_carries(client: RawClient) -> None:
    runtime_id = create(client)
    before = read(client, runtime_id)
    answer = client.call("PATCH", f"/runtimes/{runtime_id.lower()}", {"name": "New name", "minCachedInstances": 2})
    assert (answer.status, answer.body) == (204, b"")
    after = read(client, runtime_id)
    changed = {key for key in after if after[key] != before[key]}
    assert (
        {"name", "minCachedInstances", "version"}
        <= changed
        <= {"name", "minCachedInstances", "version", "dateModified"}
    )


def test_packages_are_installed_after_the_response(sim: Simulator, client: RawClient) -> None:
    sim.switch(package_delay=60)
    sim.seed(packages=[{"name": "bad*", "outcome": "not_installed", "message": "Return code: 2."}])
    runtime_id = create(client, packages=[{"name": "numpy", "version": "2.1.3"}, {"name": "bad-one"}])

    def states() -> tuple[object, list[object]]:
        found = read(client, runtime_id)
        packages = found["packages"]
        assert isinstance(packages, list)
        return found["status"], [(p["status"], p.get("message")) for p in packages]

    assert states() == ("busy", [("installing", None), ("installing", None)])
    sim.turn_clock(61)
    assert states() == ("error", [("installed", None), ("not_installed", "Return code: 2.")])
    # Only new packages are installed.
    body = {"name": "Test Runtime", "packages": [{"name": "numpy", "version": "2.1.3"}, {"name": "scipy"}]}
    client.call("PATCH", f"/runtimes/{runtime_id}", body)
    assert states() == ("busy", [("installed", None), ("installing", None)])
    sim.turn_clock(61)
    assert states() == ("ready", [("installed", None), ("installed", None)])


def test_seeds_are_returned_unchanged(sim: Simulator, client: RawClient) -> None:
    dirty = {
        "name": "Dirty",
        "whitelist": ["10.10.10.7/24", "host.example.com", "10.10.10.0/24"],
        "resource": None,
        "packages": [{"name": "numpy", "version": None, "status": "not_installed", "message": "m", "extra": 1}],
        "futureField": {"a": [1]},
        "status": "error",
    }
    first, second = sim.seed(dirty, dirty)
    assert first != second
    for runtime_id in (first, second):
        found = read(client, runtime_id)
        assert {key: found[key] for key in dirty} == dirty
        assert found["acg"] == 255


def test_seeds_of_any_kind(sim: Simulator, client: RawClient) -> None:
    strange: list[dict[str, Any]] = [
        {"name": 5, "acl": "none", "whitelist": [1, None], "packages": [None, "numpy"], "resource": []},
        {"name": None, "acl": [None], "packages": None, "_omit": ["owner", "acl", "acg", "dateCreated"]},
        {},
    ]
    ids = sim.seed(*strange)
    sim.switch(field_order="sorted", list_order="name", cpu_format="number")
    assert len(client.call("GET", "/runtimes").json["runtimes"]) == 4
    assert read(client, ids[0])["whitelist"] == [1, None]
    assert not {"owner", "acl", "acg", "dateCreated", "_omit"} & set(read(client, ids[1]))
