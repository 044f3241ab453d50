"""Projects and the scripts saved in them. tests/contract shows what a search finds."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from simulator.harness import Simulator
from simulator.tests.helpers import ETL, SALES, Client, error, in_project, logged_in, seed_sales

RESULTS = "/metadataSearches/results"


@pytest.fixture
def sales(sim: Simulator, client: Client) -> Client:
    """The client of a server with a project Sales."""
    seed_sales(sim)
    return client


def test_projects_that_the_caller_may_use(sim: Simulator, client: Client) -> None:
    sim.seed(projects=[{"name": "Board", "id": SALES, "denies": ["admin"]}, {"name": "Sales"}])
    listed = client.call("GET", "/projects").json()
    assert [project["name"] for project in listed] == ["MicroStrategy Tutorial", "Sales"]
    assert error(in_project(client, "GET", "/scripts/1")) == (403, "ERR0014")


@pytest.mark.parametrize(
    ("query", "code"), [({}, "ERR005"), ({"type": 3}, "ERR006"), ({"type": 76, "typ": 1}, "ERR006")]
)
def test_typing_errors_are_refused(sales: Client, query: dict[str, Any], code: str) -> None:
    assert error(in_project(sales, "POST", f"/v2{RESULTS}", {}, **query)) == (400, code)
    assert error(in_project(sales, "POST", RESULTS, **query)) == (400, code)


def test_no_project_is_an_error(sales: Client) -> None:
    assert error(sales.call("GET", f"/scripts/{1:032X}")) == (400, "ERR005")
    assert error(in_project(sales, "GET", f"/scripts/{1:032X}", project="A" * 32)) == (404, "ERR004")


def test_script_shows_its_runtime_and_its_code(sim: Simulator, sales: Client) -> None:
    script = in_project(sales, "GET", f"/scripts/{1:032X}").json()
    assert (script["name"], script["scriptRuntimeId"], script["subtype"]) == ("Load", ETL, 19457)
    assert base64.b64decode(script["scriptContent"]).decode() == "print('lädt')"
    assert error(in_project(sales, "GET", f"/scripts/{3:032X}")) == (400, "ERR006")
    assert in_project(sales, "GET", f"/scripts/{4:032X}").status_code == 403
    viewer = logged_in(sim, "viewer")
    assert in_project(viewer, "GET", f"/scripts/{4:032X}").json()["scriptRuntimeId"] == ETL


def test_update_of_a_script_needs_name_and_folder(sales: Client) -> None:
    path = f"/scripts/{2:032X}"
    ancestors = in_project(sales, "GET", f"/objects/{2:032X}", type=76).json()["ancestors"]
    [folder] = [ancestor["id"] for ancestor in ancestors if ancestor["level"] == 1]
    body = {"name": "Clean up", "folderId": folder, "scriptRuntimeId": ETL}
    for change, status in (({"name": ""}, 400), ({"folderId": ""}, 400), ({"folderId": "F" * 32}, 404)):
        assert in_project(sales, "PUT", path, {**body, **change}).status_code == status
    assert in_project(sales, "PUT", path, {**body, "owner": "me"}).status_code == 400
    assert in_project(sales, "PUT", path, body).status_code == 204
    assert in_project(sales, "GET", path).json()["scriptRuntimeId"] == ETL
