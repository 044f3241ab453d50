"""The switches that a probe does not show have their documented effect.

tests/probe tests all others: it compares what a probe finds with each value of a switch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from simulator.harness import Simulator, SimulatorError
from simulator.profiles import SwitchError, make_switches
from simulator.tests.helpers import ETL, SALES, Client, in_project, logged_in, read, run, seed_sales, start

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


@pytest.mark.parametrize(("how", "size", "indexes"), [("kept", 2, ["own", None]), ("dropped", None, [None, None])])
def test_unknown_keys(with_switches: Make, sim: Simulator, how: str, size: int | None, indexes: list[str]) -> None:
    client = with_switches(unknown_keys=how)
    seed = {"name": "R", "resource": {"cpu": "0.2", "gpu": 2}, "packages": [{"name": "a-b", "index": "own"}]}
    body = {"resource": {"cpu": "0.5"}, "packages": [{"name": "a_b", "version": "2"}, {"name": "c"}]}
    [runtime_id] = sim.seed(seed)
    for _again in range(2):
        assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "R", **body}).status_code == 204
        shown = read(client, runtime_id)
        assert shown["resource"].get("gpu") == size
        assert [package.get("index") for package in shown["packages"]] == indexes


def test_session_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(session_limit=1)
    assert Client(sim.base_url).login(sim.username, sim.password).status_code == 401
    # A delegated session shares a session that already counts; a different user has a separate limit.
    token = client.call("POST", "/auth/identityToken").headers["X-MSTR-IdentityToken"]
    assert Client(sim.base_url).delegate(token).status_code == 204
    assert logged_in(sim, "ldap.admin")


@pytest.mark.parametrize("switch", ["tomcat_timeout", "iserver_timeout"])
def test_timeouts(with_switches: Make, sim: Simulator, switch: str) -> None:
    client = with_switches(**{switch: 60})
    assert client.call("GET", "/sessions").json()["timeout"] == (60 if switch == "iserver_timeout" else 1800)
    for _ in range(3):
        sim.turn_clock(30)
        assert client.call("PUT", "/sessions").status_code == 204
    sim.turn_clock(61)
    assert client.call("GET", "/runtimes").status_code == 401


def test_script_start_delay(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(script_start_delay=1000)
    evaluation = start(client, "1")
    assert client.call("GET", f"/scripts/evaluation/{evaluation}").json()["status"] == 0
    sim.switch(script_start_delay=0.1)
    done = run(client, "1")
    sim.turn_clock(901)
    assert client.call("GET", f"/scripts/evaluation/{done['id']}").status_code == 404


@pytest.mark.parametrize(
    ("how", "shown"), [("left_out", "nothing"), ("null", None), ("empty", ""), ("default_id", DEFAULT)]
)
def test_script_without_runtime(with_switches: Make, sim: Simulator, how: str, shown: str | None) -> None:
    client = with_switches(script_without_runtime=how)
    seed_sales(sim)
    assert in_project(client, "GET", f"/scripts/{2:032X}").json().get("scriptRuntimeId", "nothing") == shown
    assert in_project(client, "GET", f"/scripts/{1:032X}").json()["scriptRuntimeId"] == ETL


@pytest.mark.parametrize(
    ("switches", "names", "total"),
    [
        ({"search_total": "everything"}, ["Load", "Clean up", "Old"], 4),
        ({"search_total": "left_out"}, ["Load", "Clean up", "Old"], None),
        ({"search_finds_hidden": "yes"}, ["Load", "Clean up", "Old", "Reload"], 4),
        ({"search_page_limit": 1}, ["Load"], 3),
    ],
    ids=str,
)
def test_search(
    with_switches: Make, sim: Simulator, switches: dict[str, object], names: list[str], total: int | None
) -> None:
    client = with_switches(**switches)
    seed_sales(sim)
    answer = in_project(client, "POST", "/v2/metadataSearches/results", {}, type="76").json()
    page = in_project(client, "GET", "/metadataSearches/results", searchId=answer["id"], limit="-1").json()
    assert ([entry["name"] for entry in page], answer.get("totalItems")) == (names, total)


@pytest.mark.parametrize(
    ("listed", "answer", "names"),
    [
        ("listed", 500, ["MicroStrategy Tutorial", "Archive"]),
        ("listed", 403, ["MicroStrategy Tutorial", "Archive"]),
        ("left_out", 404, ["MicroStrategy Tutorial"]),
    ],
)
def test_unloaded_project(with_switches: Make, sim: Simulator, listed: str, answer: int, names: list[str]) -> None:
    client = with_switches(unloaded_projects=listed, unloaded_answer=str(answer))
    sim.seed(projects=[{"name": "Archive", "id": SALES, "loaded": False}])
    assert [project["name"] for project in client.call("GET", "/projects").json()] == names
    assert in_project(client, "POST", "/v2/metadataSearches/results", {}, type="76").status_code == answer


def post(client: Client, **fields: object) -> requests.Response:
    return client.call("POST", "/runtimes", {"name": " X", **fields})


def created(client: Client, **fields: object) -> dict[str, Any]:
    """A new runtime as the server shows it; empty if it refuses it."""
    answer = post(client, **fields)
    return read(client, answer.json()["id"]) if answer.ok else {}


def stored(client: Client, block: str) -> list[str] | None:
    return created(client, whitelist=[block]).get("whitelist")


def after_patch(client: Client, *, named: bool = True) -> Any:
    """The cpu of a runtime after an update of its memory, or the status of a refusal."""
    shown = created(client, resource={"cpu": "0.2", "mem": 512})
    body = {"resource": {"mem": 1024}, **({"name": "X"} if named else {})}
    answer = client.call("PATCH", f"/runtimes/{shown['id']}", body)
    return read(client, shown["id"])["resource"].get("cpu", "") if answer.ok else answer.status_code


def searches(client: Client) -> tuple[int, int]:
    """The statuses of both versions of a search."""
    paths = ("/metadataSearches/results", "/v2/metadataSearches/results")
    first, second = (in_project(client, "POST", path, {}, type="76").status_code for path in paths)
    return first, second


# What is seen of a switch, value by value
SEEN: list[tuple[str, Callable[[Client], Any], dict[str, Any]]] = [
    ("create_status", lambda client: post(client).status_code, {"200": 200, "201": 201}),
    ("create_answer", lambda client: len(post(client).json()) > 1, {"id": False, "object": True}),
    ("names_whitespace", lambda client: created(client)["name"], {"keep": " X", "trim": "X"}),
    ("zero_counts", lambda client: "minCachedInstances" in created(client, minCachedInstances=0),
     {"keep": True, "omit": False}),
    ("cidr_host_bits", lambda client: stored(client, "192.0.2.7/24"),
     {"keep": ["192.0.2.7/24"], "clear": ["192.0.2.0/24"], "refuse": None}),
    ("cidr_bare_address", lambda client: stored(client, "192.0.2.7"),
     {"keep": ["192.0.2.7"], "suffix": ["192.0.2.7/32"], "refuse": None}),
    ("cidr_spelling", lambda client: stored(client, "2001:DB8::/32"),
     {"keep": ["2001:DB8::/32"], "canonical": ["2001:db8::/32"]}),
    ("patch_resource", after_patch, {"merge": "0.2", "replace": ""}),
    ("patch_needs_name", lambda client: after_patch(client, named=False), {"yes": 400, "no": ""}),
    ("default_name", lambda client: read(client, DEFAULT)["name"], {"(Vorgabe)": "(Vorgabe)"}),
    ("status_call", lambda client: client.call("GET", "/status").status_code, {"open": 200, "locked": 401}),
    ("iserver_version", lambda client: client.call("GET", "/status").json()["iServerVersion"], {"11.3": "11.3"}),
    ("deployment_type", lambda client: client.call("GET", "/status").json().get("deploymentType"),
     {"": None, "MCE": "MCE"}),
    ("error_code_style", lambda client: client.call("DELETE", f"/runtimes/{DEFAULT}").json()["code"],
     {"table": "ERR0017", "sample": "ERR017"}),
    ("script_result", lambda client: run(client, "result = 'variable'\n'value'")["results"]["output"],
     {"last_value": '"value"', "variable": '"variable"', "nothing": "null"}),
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


def test_search_that_is_missing(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(search_versions="1", search_missing="405")
    seed_sales(sim)
    assert searches(client) == (200, 405)


def move(client: Client, runtime: str = ETL, number: int = 2) -> requests.Response:
    """Assign a runtime to a script."""
    shown = in_project(client, "GET", f"/objects/{number:032X}", type="76").json()
    [folder] = [ancestor["id"] for ancestor in shown["ancestors"] if ancestor["level"] == 1]
    body = {"name": shown["name"], "folderId": folder, "scriptRuntimeId": runtime}
    return in_project(client, "PUT", f"/scripts/{number:032X}", body)


def read_hidden(sim: Simulator) -> requests.Response:
    """Read a runtime that an ACL hides from the caller."""
    acl = [{"deny": True, "rights": 255, "trusteeId": sim.users["restricted"]["id"]}]
    [hidden] = sim.seed({"name": "Hidden", "acl": acl})
    return logged_in(sim, "restricted").call("GET", f"/runtimes/{hidden}")


CALLS: dict[str, Callable[[Simulator, Client], requests.Response]] = {
    "default_delete": lambda _, client: client.call("DELETE", f"/runtimes/{DEFAULT}"),
    "guest_login": lambda sim, _: Client(sim.base_url).login(mode=8),
    "guest_manages": lambda sim, _: logged_in(sim, "guest").call("GET", "/runtimes"),
    "hidden_read": lambda sim, _: read_hidden(sim),
    "hidden_script": lambda _, client: in_project(client, "GET", f"/scripts/{4:032X}"),
    "script_put_answer": lambda _, client: move(client, number=1),
    "script_put_needs": lambda sim, _: move(logged_in(sim, "viewer"), number=1),
    "script_put_running": lambda _, client: move(client),
    "script_put_runtime": lambda _, client: move(client, "D" * 32),
    "used_runtime_delete": lambda _, client: client.call("DELETE", f"/runtimes/{ETL}"),
}


@pytest.mark.parametrize(
    ("switch", "statuses"),
    [
        ("default_delete", {"allow": 204, "refuse": 403}),
        ("guest_login", {"yes": 204, "no": 401}),
        ("guest_manages", {"yes": 200, "no": 403}),
        ("hidden_read", {"forbidden": 403, "not_found": 404}),
        ("hidden_script", {"forbidden": 403, "not_found": 404}),
        ("script_put_answer", {"empty": 204, "object": 200}),
        ("script_put_needs", {"right": 204, "privilege": 403}),
        ("script_put_running", {"allow": 204, "refuse": 400}),
        ("script_put_runtime", {"keep": 204, "refuse": 404}),
        ("used_runtime_delete", {"allow": 204, "refuse": 400}),
    ],
)
def test_answer_to_a_call(with_switches: Make, sim: Simulator, switch: str, statuses: dict[str, int]) -> None:
    for value, status in statuses.items():
        client = with_switches(**{switch: value})
        seed_sales(sim)
        assert CALLS[switch](sim, client).status_code == status, value
