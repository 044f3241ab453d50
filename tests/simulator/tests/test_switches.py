"""Switches have their documented effect, as far as no test of the modules depends on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from simulator.harness import Simulator, SimulatorError
from simulator.profiles import SwitchError, make_switches
from simulator.tests.helpers import ETL, SALES, Client, error, in_project, logged_in, read, seed_sales

Make = Callable[..., Client]
DEFAULT = "0F35652CA7D041978BF0CBCB67531203"


def test_unknown_switches_and_values(sim: Simulator) -> None:
    for profile, switches in (("samples", {"nothing": 1}), ("samples", {"names_case": "maybe"}), ("none", {})):
        with pytest.raises(SwitchError):
            make_switches(profile, switches)
    assert make_switches("samples", {"errors_wrapped": True})["errors_wrapped"] == "yes"
    with pytest.raises(SimulatorError, match="session_limit"):
        sim.switch(cpu_format="number", session_limit=-1)
    assert sim.state()["switches"]["cpu_format"] == "as_sent"


def test_session_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(session_limit=1)
    assert Client(sim.base_url).login(sim.username, sim.password).status_code == 401
    # A delegated session shares a session that already counts; a different user has a separate limit.
    token = client.call("POST", "/auth/identityToken").headers["X-MSTR-IdentityToken"]
    assert Client(sim.base_url).delegate(token).status_code == 204
    assert logged_in(sim, "ldap.admin")


def test_iserver_timeout(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(iserver_timeout=60)
    assert client.call("GET", "/sessions").json()["timeout"] == 60
    for _ in range(3):
        sim.turn_clock(30)
        assert client.call("PUT", "/sessions").status_code == 204
    sim.turn_clock(61)
    assert client.call("GET", "/runtimes").status_code == 401


@pytest.mark.parametrize(
    ("how", "shown"), [("left_out", "nothing"), ("null", None), ("empty", ""), ("default_id", DEFAULT)]
)
def test_script_without_runtime(with_switches: Make, sim: Simulator, how: str, shown: str | None) -> None:
    client = with_switches(script_without_runtime=how)
    seed_sales(sim)
    assert in_project(client, "GET", f"/scripts/{2:032X}").json().get("scriptRuntimeId", "nothing") == shown
    assert in_project(client, "GET", f"/scripts/{1:032X}").json()["scriptRuntimeId"] == ETL


def test_search_page_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(search_page_limit=1)
    seed_sales(sim)
    answer = in_project(client, "POST", "/v2/metadataSearches/results", {}, type="76").json()
    page = in_project(client, "GET", "/metadataSearches/results", searchId=answer["id"], limit="-1").json()
    assert ([entry["name"] for entry in page], answer["totalItems"]) == (["Load"], 3)


def test_unloaded_project(sim: Simulator, client: Client) -> None:
    sim.seed(projects=[{"name": "Archive", "id": SALES, "loaded": False}])
    assert [project["status"] for project in client.call("GET", "/projects").json()] == [0, -1]
    assert in_project(client, "POST", "/v2/metadataSearches/results", {}, type="76").status_code == 500


def post(client: Client, **fields: object) -> requests.Response:
    return client.call("POST", "/runtimes", {"name": " X", **fields})


def created(client: Client, **fields: object) -> dict[str, Any]:
    """A new runtime as the server shows it; empty if it refuses it."""
    answer = post(client, **fields)
    return read(client, answer.json()["id"]) if answer.ok else {}


def searches(client: Client) -> tuple[int, int]:
    """The statuses of both versions of a search."""
    paths = ("/metadataSearches/results", "/v2/metadataSearches/results")
    first, second = (in_project(client, "POST", path, {}, type="76").status_code for path in paths)
    return first, second


# What is seen of a switch, value by value
SEEN: list[tuple[str, Callable[[Client], Any], dict[str, Any]]] = [
    ("cpu_format", lambda client: created(client, resource={"cpu": "0.2"})["resource"]["cpu"],
     {"as_sent": "0.2", "two_decimals": "0.20", "number": 0.2, "millicores": "200m"}),
    ("unset_fields", lambda client: created(client).get("others", "absent"),
     {"absent": "absent", "null": None, "null_text": None, "defaults": ""}),
    ("create_requires", lambda client: post(client).status_code, {"": 201, "execTimeout": 400}),
    ("duplicate_names", lambda client: [post(client).status_code for _ in range(2)][1], {"refuse": 409, "allow": 201}),
    ("names_case", lambda client: [post(client, name=name).status_code for name in ("Etl2", "etl2")][1],
     {"sensitive": 201, "insensitive": 409}),
    ("cidr_host_names", lambda client: created(client, whitelist=["db.example.com"]).get("whitelist"),
     {"refuse": None, "keep": ["db.example.com"]}),
    ("unknown_version", lambda client: post(client, runtimeVersion="2.7.1").status_code, {"refuse": 400, "keep": 201}),
    ("disk_and_proc_count", lambda client: post(client, resource={"disk": 2048}).status_code, {"yes": 201, "no": 400}),
    ("create_status", lambda client: post(client).status_code, {"200": 200, "201": 201}),
    ("default_name", lambda client: read(client, DEFAULT)["name"], {"(Vorgabe)": "(Vorgabe)"}),
    ("status_call", lambda client: client.call("GET", "/status").status_code, {"open": 200, "locked": 401}),
    ("iserver_version", lambda client: client.call("GET", "/status").json()["iServerVersion"], {"11.3": "11.3"}),
    ("deployment_type", lambda client: client.call("GET", "/status").json().get("deploymentType"),
     {"": None, "MCE": "MCE"}),
    ("error_code_style", lambda client: client.call("DELETE", f"/runtimes/{DEFAULT}").json()["code"],
     {"table": "ERR0017", "sample": "ERR017"}),
    ("search_versions", searches, {"both": (200, 200), "1": (200, 404), "2": (404, 200)}),
]  # fmt: skip


@pytest.mark.parametrize(("switch", "seen", "values"), SEEN, ids=[row[0] for row in SEEN])
def test_what_a_response_shows(
    with_switches: Make, sim: Simulator, switch: str, seen: Callable[[Client], Any], values: dict[str, Any]
) -> None:
    found = {}
    for value in values:
        client = with_switches(package_delay=1000, **{switch: value})
        seed_sales(sim)
        found[value] = seen(client)
    assert found == values


def test_guest_login(with_switches: Make, sim: Simulator) -> None:
    with_switches(guest_login="no")
    assert Client(sim.base_url).login(mode=8).status_code == 401
    with_switches(guest_login="yes")
    assert logged_in(sim, "guest").call("GET", "/runtimes").status_code == 200


def test_default_runtime_stays(client: Client) -> None:
    assert error(client.call("DELETE", f"/runtimes/{DEFAULT}")) == (403, "ERR0017")
