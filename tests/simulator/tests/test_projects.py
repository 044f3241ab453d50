"""Projects, the search for scripts, and the scripts saved in them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from simulator.harness import Simulator
from simulator.rawclient import Answer, RawClient
from simulator.tests.helpers import create

TUTORIAL = "B19DEDCC11D4E0EFC000EB9495D0F44F"
SALES = "5A1E5000000000000000000000000001"


def call(client: RawClient, method: str, path: str, project: str = SALES, body: Any = None, **query: Any) -> Answer:
    texts = {name: str(value) for name, value in query.items()}
    return client.call(method, path, body, query=texts, headers={"X-MSTR-ProjectID": project})


def find(client: RawClient, project: str = SALES, version: int = 2, **query: Any) -> list[str]:
    """Search, and return the names of the results."""
    path, body = ("/v2/metadataSearches/results", {}) if version == 2 else ("/metadataSearches/results", None)
    answer = call(client, "POST", path, project, body, type=76, domain=2, **query)
    assert answer.status == 200, answer.body
    page = call(client, "GET", "/metadataSearches/results", project, searchId=answer.json["id"])
    assert len(page.json) == answer.json["totalItems"]
    return [entry["name"] for entry in page.json]


@pytest.fixture
def sales(sim: Simulator, client: RawClient) -> str:
    """Add a runtime, and a project with scripts. Return the runtime's id."""
    runtime_id = create(client, name="Etl")
    scripts = [
        {"name": "Load", "id": f"{1:032X}", "runtime": "Etl", "code": "print('lädt')"},
        {"name": "Clean up", "id": f"{2:032X}"},
        {"name": "Old", "id": f"{3:032X}", "subtype": 19456},
        {"name": "Reload", "id": f"{4:032X}", "runtime": runtime_id, "owner": "viewer", "readers": []},
    ]
    sim.seed(projects=[{"name": "Sales", "id": SALES, "scripts": scripts}])
    return runtime_id


def test_the_projects_that_the_caller_may_use(sim: Simulator, client: RawClient) -> None:
    sim.seed(projects=[{"name": "Board", "denies": ["admin"]}, {"name": "Sales"}])
    assert [project["name"] for project in client.call("GET", "/projects").json] == ["MicroStrategy Tutorial", "Sales"]
    board = next(project["id"] for project in sim.projects() if project["name"] == "Board")
    assert call(client, "GET", "/scripts/1", board).error["code"] == "ERR0014"


@pytest.mark.parametrize("version", [1, 2])
def test_a_search_finds_what_the_caller_may_read(client: RawClient, sales: str, version: int) -> None:
    assert find(client, version=version) == ["Load", "Clean up", "Old"]
    assert find(client, version=version, name="LOAD", pattern=4) == ["Load"]
    assert find(client, version=version, name="Load", pattern=2) == ["Load"]
    assert find(client, TUTORIAL, version) == []


def test_results_come_in_pages(client: RawClient, sales: str) -> None:
    answer = call(client, "POST", "/v2/metadataSearches/results", body={}, type=76).json
    assert answer["totalItems"] == 3
    pages = [
        call(client, "GET", "/metadataSearches/results", searchId=answer["id"], offset=offset, limit=2).json
        for offset in (0, 2, 4)
    ]
    assert [[entry["name"] for entry in page] for page in pages] == [["Load", "Clean up"], ["Old"], []]
    whole = call(client, "GET", "/metadataSearches/results", searchId=answer["id"], offset=0, limit=-1).json
    assert whole == [*pages[0], *pages[1]]
    assert {"id", "name", "type", "subtype", "owner", "dateModified"} <= set(whole[0])


def test_a_search_is_valid_only_in_its_project(client: RawClient, sales: str) -> None:
    answer = call(client, "POST", "/v2/metadataSearches/results", body={}, type=76).json
    elsewhere = call(client, "GET", "/metadataSearches/results", TUTORIAL, searchId=answer["id"])
    assert elsewhere.error["code"] == "ERR004"


@pytest.mark.parametrize(
    ("query", "code"), [({}, "ERR005"), ({"type": 3}, "ERR006"), ({"type": 76, "typ": 1}, "ERR006")]
)
def test_typing_errors_are_refused(client: RawClient, sales: str, query: dict[str, Any], code: str) -> None:
    assert call(client, "POST", "/v2/metadataSearches/results", body={}, **query).error["code"] == code
    assert call(client, "POST", "/metadataSearches/results", **query).error["code"] == code


def test_no_project_is_an_error(client: RawClient, sales: str) -> None:
    assert client.call("GET", f"/scripts/{1:032X}").error["code"] == "ERR005"
    assert call(client, "GET", f"/scripts/{1:032X}", "A" * 32).error["code"] == "ERR004"


def test_a_script_shows_its_runtime_and_its_code(client: RawClient, sales: str) -> None:
    script = call(client, "GET", f"/scripts/{1:032X}").json
    assert (script["name"], script["scriptRuntimeId"], script["subtype"]) == ("Load", sales, 19457)
    assert base64.b64decode(script["scriptContent"]).decode() == "print('lädt')"
    assert call(client, "GET", f"/scripts/{3:032X}").error["code"] == "ERR006"
    assert call(client, "GET", f"/objects/{1:032X}", type=76).json["name"] == "Load"


def test_a_script_that_only_its_owner_may_read(sim: Simulator, client: RawClient, sales: str) -> None:
    assert call(client, "GET", f"/scripts/{4:032X}").status == 403
    viewer = RawClient(sim.base_url)
    viewer.login("viewer", "plain-viewer-43")
    assert call(viewer, "GET", f"/scripts/{4:032X}").json["scriptRuntimeId"] == sales
    assert "Reload" in find(viewer)


def test_fields_of_a_seed_override_others(sim: Simulator, client: RawClient) -> None:
    scripts = [{"name": "Odd", "id": f"{9:032X}", "raw": {"scriptRuntimeId": 5, "owner": None}}]
    sim.seed(projects=[{"name": "Sales", "id": SALES, "scripts": scripts}])
    script = call(client, "GET", f"/scripts/{9:032X}").json
    assert (script["scriptRuntimeId"], script["owner"]) == (5, None)


def test_an_update_of_a_script_needs_name_folder_and_the_right(sim: Simulator, client: RawClient, sales: str) -> None:
    path = f"/scripts/{2:032X}"
    ancestors = call(client, "GET", f"/objects/{2:032X}", type=76).json["ancestors"]
    folder = next(ancestor["id"] for ancestor in ancestors if ancestor["level"] == 1)
    body = {"name": "Clean up", "folderId": folder, "scriptRuntimeId": sales}
    for key in ("name", "folderId"):
        assert call(client, "PUT", path, body={**body, key: ""}).status == 400
    assert call(client, "PUT", path, body={**body, "folderId": "F" * 32}).status == 404
    assert call(client, "PUT", path, body={**body, "owner": "me"}).status == 400
    assert call(client, "PUT", path, body=body).status == 204
    assert call(client, "GET", path).json["scriptRuntimeId"] == sales
    mine = {"name": "Mine", "id": f"{9:032X}", "owner": "viewer", "writers": []}
    sim.seed(projects=[{"name": "Sales", "scripts": [mine]}])
    assert call(client, "PUT", f"/scripts/{9:032X}", body={**body, "name": "Mine"}).error["code"] == "ERR0017"
