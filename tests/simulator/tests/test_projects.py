"""Projects, the search for scripts, and the scripts saved in them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from simulator.harness import Simulator
from simulator.rawclient import RawClient
from simulator.tests.helpers import ETL, SALES, in_project, logged_in, seed_sales

TUTORIAL = "B19DEDCC11D4E0EFC000EB9495D0F44F"


def find(client: RawClient, project: str = SALES, version: int = 2, **query: Any) -> list[str]:
    """Search, and return the names of the results."""
    path, body = ("/v2/metadataSearches/results", {}) if version == 2 else ("/metadataSearches/results", None)
    answer = in_project(client, "POST", path, body, project, type=76, domain=2, **query)
    assert answer.status == 200, answer.body
    page = in_project(client, "GET", "/metadataSearches/results", project=project, searchId=answer.json["id"])
    assert len(page.json) == answer.json["totalItems"]
    return [entry["name"] for entry in page.json]


@pytest.fixture
def sales(sim: Simulator, client: RawClient) -> RawClient:
    """The client of a server with a project Sales."""
    seed_sales(sim)
    return client


def test_the_projects_that_the_caller_may_use(sim: Simulator, client: RawClient) -> None:
    sim.seed(projects=[{"name": "Board", "denies": ["admin"]}, {"name": "Sales"}])
    assert [project["name"] for project in client.call("GET", "/projects").json] == ["MicroStrategy Tutorial", "Sales"]
    board = next(project["id"] for project in sim.projects() if project["name"] == "Board")
    assert in_project(client, "GET", "/scripts/1", project=board).error["code"] == "ERR0014"


@pytest.mark.parametrize("version", [1, 2])
def test_a_search_finds_what_the_caller_may_read(sales: RawClient, version: int) -> None:
    assert find(sales, version=version) == ["Load", "Clean up", "Old"]
    assert find(sales, version=version, name="LOAD", pattern=4) == ["Load"]
    assert find(sales, version=version, name="Load", pattern=2) == ["Load"]
    assert find(sales, TUTORIAL, version) == []


def test_results_come_in_pages(sales: RawClient) -> None:
    answer = in_project(sales, "POST", "/v2/metadataSearches/results", body={}, type=76).json
    assert answer["totalItems"] == 3
    pages = [
        in_project(sales, "GET", "/metadataSearches/results", searchId=answer["id"], offset=offset, limit=2).json
        for offset in (0, 2, 4)
    ]
    assert [[entry["name"] for entry in page] for page in pages] == [["Load", "Clean up"], ["Old"], []]
    whole = in_project(sales, "GET", "/metadataSearches/results", searchId=answer["id"], offset=0, limit=-1).json
    assert whole == [*pages[0], *pages[1]]
    assert {"id", "name", "type", "subtype", "owner", "dateModified"} <= set(whole[0])


def test_a_search_is_valid_only_in_its_project(sales: RawClient) -> None:
    answer = in_project(sales, "POST", "/v2/metadataSearches/results", body={}, type=76).json
    elsewhere = in_project(sales, "GET", "/metadataSearches/results", project=TUTORIAL, searchId=answer["id"])
    assert elsewhere.error["code"] == "ERR004"


@pytest.mark.parametrize(
    ("query", "code"), [({}, "ERR005"), ({"type": 3}, "ERR006"), ({"type": 76, "typ": 1}, "ERR006")]
)
def test_typing_errors_are_refused(sales: RawClient, query: dict[str, Any], code: str) -> None:
    assert in_project(sales, "POST", "/v2/metadataSearches/results", body={}, **query).error["code"] == code
    assert in_project(sales, "POST", "/metadataSearches/results", **query).error["code"] == code


def test_no_project_is_an_error(sales: RawClient) -> None:
    assert sales.call("GET", f"/scripts/{1:032X}").error["code"] == "ERR005"
    assert in_project(sales, "GET", f"/scripts/{1:032X}", project="A" * 32).error["code"] == "ERR004"


def test_a_script_shows_its_runtime_and_its_code(sales: RawClient) -> None:
    script = in_project(sales, "GET", f"/scripts/{1:032X}").json
    assert (script["name"], script["scriptRuntimeId"], script["subtype"]) == ("Load", ETL, 19457)
    assert base64.b64decode(script["scriptContent"]).decode() == "print('lädt')"
    assert in_project(sales, "GET", f"/scripts/{3:032X}").error["code"] == "ERR006"
    assert in_project(sales, "GET", f"/objects/{1:032X}", type=76).json["name"] == "Load"


def test_a_script_that_only_its_owner_may_read(sim: Simulator, sales: RawClient) -> None:
    assert in_project(sales, "GET", f"/scripts/{4:032X}").status == 403
    viewer = logged_in(sim, "viewer")
    assert in_project(viewer, "GET", f"/scripts/{4:032X}").json["scriptRuntimeId"] == ETL
    assert "Reload" in find(viewer)


def test_fields_of_a_seed_override_others(sim: Simulator, client: RawClient) -> None:
    scripts = [{"name": "Odd", "id": f"{9:032X}", "raw": {"scriptRuntimeId": 5, "owner": None}}]
    sim.seed(projects=[{"name": "Sales", "id": SALES, "scripts": scripts}])
    script = in_project(client, "GET", f"/scripts/{9:032X}").json
    assert (script["scriptRuntimeId"], script["owner"]) == (5, None)


def test_an_update_of_a_script_needs_name_folder_and_the_right(sim: Simulator, sales: RawClient) -> None:
    path = f"/scripts/{2:032X}"
    ancestors = in_project(sales, "GET", f"/objects/{2:032X}", type=76).json["ancestors"]
    folder = next(ancestor["id"] for ancestor in ancestors if ancestor["level"] == 1)
    body = {"name": "Clean up", "folderId": folder, "scriptRuntimeId": ETL}
    for key in ("name", "folderId"):
        assert in_project(sales, "PUT", path, body={**body, key: ""}).status == 400
    assert in_project(sales, "PUT", path, body={**body, "folderId": "F" * 32}).status == 404
    assert in_project(sales, "PUT", path, body={**body, "owner": "me"}).status == 400
    assert in_project(sales, "PUT", path, body=body).status == 204
    assert in_project(sales, "GET", path).json["scriptRuntimeId"] == ETL
    mine = {"name": "Mine", "id": f"{9:032X}", "owner": "viewer", "writers": []}
    sim.seed(projects=[{"name": "Sales", "scripts": [mine]}])
    assert in_project(sales, "PUT", f"/scripts/{9:032X}", body={**body, "name": "Mine"}).error["code"] == "ERR0017"
