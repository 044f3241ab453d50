"""The switches that a probe does not show have their documented effect, and profiles match their table.

tests/probe tests all others: it compares what a probe finds with each value of a switch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from simulator.harness import Simulator, SimulatorError
from simulator.profiles import make_switches, switches_as_markdown
from simulator.rawclient import RawClient
from simulator.switches import SwitchError
from simulator.tests.helpers import SAMPLE, create, read, run, start

Make = Callable[..., RawClient]
DEFAULT = "0F35652CA7D041978BF0CBCB67531203"


def listed(client: RawClient) -> list[dict[str, Any]]:
    answer = client.call("GET", "/runtimes")
    assert answer.status == 200, answer.body
    return list(answer.json["runtimes"])


def test_the_readme_contains_the_table_of_switches() -> None:
    readme = Path(__file__).resolve().parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert switches_as_markdown() in readme


def test_unknown_switches_and_values() -> None:
    for profile, switches in (("samples", {"nothing": 1}), ("samples", {"names_case": "maybe"}), ("none", {})):
        with pytest.raises(SwitchError):
            make_switches(profile, switches)
    assert make_switches("samples", {"errors_wrapped": True})["errors_wrapped"] == "yes"


def test_a_refused_value_changes_no_switch(sim: Simulator) -> None:
    with pytest.raises(SimulatorError, match="session_limit"):
        sim.switch(cpu_format="number", session_limit=-1)
    assert sim.state()["switches"]["cpu_format"] == "as_sent"


# --- lists and objects


def test_list_hides(with_switches: Make) -> None:
    client = with_switches(list_hides="Test Runtime,Another")
    runtime_id = create(client)
    assert [entry["id"] for entry in listed(client)] == [DEFAULT]
    assert read(client, runtime_id)["name"] == "Test Runtime"
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "Shown"}).status == 204
    assert [entry["id"] for entry in listed(client)] == [DEFAULT, runtime_id]


def test_default_name_and_default_delete(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(default_name="(Standard) MicroStrategy")
    assert [entry["name"] for entry in listed(client)] == ["(Standard) MicroStrategy"]
    assert client.call("DELETE", f"/runtimes/{DEFAULT}").status == 403
    sim.switch(default_delete="allow")
    assert client.call("DELETE", f"/runtimes/{DEFAULT}").status == 204


# --- writes


def test_unknown_keys(with_switches: Make, sim: Simulator) -> None:
    body = {"resource": {"cpu": "0.5"}, "packages": [{"name": "a_b", "version": "2"}, {"name": "c"}]}
    for how in ("kept", "dropped"):
        client = with_switches(unknown_keys=how)
        seed = {"name": "R", "resource": {"cpu": "0.2", "gpu": 2}, "packages": [{"name": "a-b", "index": "own"}]}
        [runtime_id] = sim.seed(seed)
        assert read(client, runtime_id)["resource"] == {"cpu": "0.2", "gpu": 2}
        for _again in range(2):
            assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "R", **body}).status == 204
            found = read(client, runtime_id)
            assert found["resource"].get("gpu") == (2 if how == "kept" else None)
            assert [package.get("index") for package in found["packages"]] == (
                ["own", None] if how == "kept" else [None, None]
            )


# --- packages and status


def test_package_outcome_package_start_and_package_delay(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(package_delay=60, package_first_status="unknown", package_outcome="not_installed")
    runtime_id = create(client)
    found = read(client, runtime_id)
    assert (found["status"], found["packages"][0]["status"]) == ("busy", "unknown")
    sim.turn_clock(61)
    found = read(client, runtime_id)
    assert found["status"] == "error"
    assert found["packages"] == [{**SAMPLE["packages"][0], "status": "not_installed", "message": "Return code: 1."}]


def test_status_lag_of_an_error(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(status_lag=10, package_outcome="not_installed")
    runtime_id = create(client, packages=[{"name": "nope", "version": "", "description": ""}])
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "T", "packages": []}).status == 204
    assert read(client, runtime_id)["status"] == "error"
    sim.turn_clock(11)
    assert read(client, runtime_id)["status"] == "ready"


# --- sessions


def test_guest_login_and_guest_manages(with_switches: Make, sim: Simulator) -> None:
    with_switches(guest_login="no")
    assert RawClient(sim.base_url).login(mode=8).error["code"] == "ERR003"
    sim.switch(guest_login="yes", guest_manages="no")
    guest = RawClient(sim.base_url)
    assert guest.login(mode=8).status == 204
    assert guest.call("GET", "/runtimes").error["code"] == "ERR0014"


def test_hidden_read(with_switches: Make, sim: Simulator) -> None:
    with_switches(hidden_read="forbidden")
    rita = sim.users["restricted"]
    [hidden] = sim.seed({"name": "H", "acl": [{"deny": True, "rights": 255, "trusteeId": rita["id"]}]})
    client = RawClient(sim.base_url)
    client.login("restricted", rita["password"])
    answer = client.call("GET", f"/runtimes/{hidden}")
    assert (answer.status, answer.error["code"]) == (403, "ERR0017")


def test_session_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(session_limit=2)
    second, third = RawClient(sim.base_url), RawClient(sim.base_url)
    assert second.login(sim.username, sim.password).status == 204
    refused = third.login(sim.username, sim.password)
    assert (refused.status, refused.error["code"]) == (401, "ERR003")
    assert "max # of sessions" in refused.error["message"]
    # A delegated session shares a session that already counts; a different user has a separate limit.
    assert third.delegate(client.call("POST", "/auth/identityToken").headers["X-MSTR-IdentityToken"]).status == 204
    assert RawClient(sim.base_url).login(mode=8).status == 204
    second.logout()
    assert RawClient(sim.base_url).login(sim.username, sim.password).status == 204


@pytest.mark.parametrize("switch", ["tomcat_timeout", "iserver_timeout"])
def test_timeouts(with_switches: Make, sim: Simulator, switch: str) -> None:
    client = with_switches(**{switch: 60})
    assert client.call("GET", "/sessions").json["timeout"] == (60 if switch == "iserver_timeout" else 1800)
    sim.turn_clock(59)
    assert client.call("GET", "/runtimes").status == 200
    sim.turn_clock(61)
    assert client.call("GET", "/runtimes").error["code"] == "ERR009"


def test_sessions_parallel_and_latency_ms(with_switches: Make) -> None:
    def together(client: RawClient) -> tuple[list[int], float]:
        begun = time.perf_counter()
        with ThreadPoolExecutor(4) as pool:
            statuses = [pool.submit(client.call, "GET", "/sessions") for _ in range(4)]
        return sorted(s.result().status for s in statuses), time.perf_counter() - begun

    statuses, seconds = together(with_switches(sessions_parallel="yes", latency_ms=150))
    assert statuses == [200] * 4
    assert 0.15 <= seconds < 0.45
    statuses, seconds = together(with_switches(sessions_parallel="queue", latency_ms=150))
    assert statuses == [200] * 4
    assert seconds >= 0.6
    statuses, _ = together(with_switches(sessions_parallel="refuse", latency_ms=150))
    assert statuses == [200, 429, 429, 429]


# --- scripts


def test_script_start_delay_and_evaluation_ttl(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(script_start_delay=0.3, evaluation_ttl=60)
    evaluation = start(client, "1")
    assert client.call("GET", f"/scripts/evaluation/{evaluation}").json["status"] == 0
    done = run(client, "1")
    sim.turn_clock(61)
    assert client.call("GET", f"/scripts/evaluation/{done['id']}").error["code"] == "ERR004"


def test_script_time_limit_and_script_memory_mb(with_switches: Make) -> None:
    client = with_switches(script_time_limit=0.5, script_memory_mb=128)
    answer = run(client, "while True: pass")
    assert (answer["status"], answer["results"]["output"]) == (5, "null")
    answer = run(client, "x = bytearray(200 * 1024 * 1024)")
    assert answer["status"] == 4
    assert "MemoryError" in answer["results"]["stderr"]


# --- projects and the scripts saved in them

SALES = "5A1E5000000000000000000000000001"


def seeded_sales(sim: Simulator) -> None:
    """Add a runtime, and a project with three scripts: on that runtime, on none, and one that admin may not read."""
    scripts = [
        {"name": "Load", "id": f"{1:032X}", "runtime": "Etl"},
        {"name": "Clean", "id": f"{2:032X}", "running": True},
        {"name": "Hidden", "id": f"{3:032X}", "owner": "viewer", "readers": []},
    ]
    sim.seed({"name": "Etl", "id": "E" * 32}, projects=[{"name": "Sales", "id": SALES, "scripts": scripts}])


def in_sales(client: RawClient, method: str, path: str, body: Any = None, **query: str) -> Any:
    return client.call(method, path, body, query=query, headers={"X-MSTR-ProjectID": SALES})


def test_script_without_runtime(with_switches: Make, sim: Simulator) -> None:
    shown = {"left_out": "nothing", "null": None, "empty": "", "default_id": DEFAULT}
    for how, wanted in shown.items():
        client = with_switches(script_without_runtime=how)
        seeded_sales(sim)
        assert in_sales(client, "GET", f"/scripts/{2:032X}").json.get("scriptRuntimeId", "nothing") == wanted
        assert in_sales(client, "GET", f"/scripts/{1:032X}").json["scriptRuntimeId"] == "E" * 32


def test_search_finds_hidden_and_search_total(with_switches: Make, sim: Simulator) -> None:
    for finds, total, found, counted in (
        ("no", "found", 2, 2),
        ("no", "everything", 2, 3),
        ("no", "left_out", 2, None),
        ("yes", "found", 3, 3),
    ):
        client = with_switches(search_finds_hidden=finds, search_total=total)
        seeded_sales(sim)
        answer = in_sales(client, "POST", "/v2/metadataSearches/results", {}, type="76").json
        page = in_sales(client, "GET", "/metadataSearches/results", searchId=answer["id"]).json
        assert (len(page), answer.get("totalItems")) == (found, counted)


def test_search_page_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(search_page_limit=1)
    seeded_sales(sim)
    answer = in_sales(client, "POST", "/v2/metadataSearches/results", {}, type="76").json
    page = in_sales(client, "GET", "/metadataSearches/results", searchId=answer["id"], limit="-1", offset="1").json
    assert [entry["name"] for entry in page] == ["Clean"]


def move(client: RawClient, runtime: str = "E" * 32, number: int = 2) -> Any:
    """Assign a runtime to a script."""
    read = in_sales(client, "GET", f"/objects/{number:032X}", type="76").json
    [folder] = [ancestor["id"] for ancestor in read["ancestors"] if ancestor["level"] == 1]
    body = {"name": read["name"], "folderId": folder, "scriptRuntimeId": runtime}
    return in_sales(client, "PUT", f"/scripts/{number:032X}", body)


def test_script_put_omitted(with_switches: Make, sim: Simulator) -> None:
    for how, description in (("keep", "Nightly"), ("reset", "")):
        client = with_switches(script_put_omitted=how)
        script = {"name": "Load", "id": f"{2:032X}", "description": "Nightly", "variables": [{"name": "day"}]}
        sim.seed({"name": "Etl", "id": "E" * 32}, projects=[{"name": "Sales", "id": SALES, "scripts": [script]}])
        assert move(client).status == 204
        found = in_sales(client, "GET", f"/scripts/{2:032X}").json
        assert (found["description"], bool(found["variables"])) == (description, how == "keep")
        assert (found["name"], found["scriptRuntimeId"]) == ("Load", "E" * 32)


def test_unloaded_projects_and_unloaded_answer(with_switches: Make, sim: Simulator) -> None:
    for how, answer, names in (
        ("listed", 500, ["MicroStrategy Tutorial", "Archive"]),
        ("listed", 403, ["MicroStrategy Tutorial", "Archive"]),
        ("left_out", 404, ["MicroStrategy Tutorial"]),
    ):
        client = with_switches(unloaded_projects=how, unloaded_answer=str(answer))
        sim.seed(projects=[{"name": "Archive", "id": SALES, "loaded": False}])
        listed = client.call("GET", "/projects").json
        assert [project["name"] for project in listed] == names
        assert in_sales(client, "POST", "/v2/metadataSearches/results", {}, type="76").status == answer


def by_viewer(client: RawClient) -> RawClient:
    viewer = RawClient(client.base_url)
    viewer.login("viewer", "plain-viewer-43")
    return viewer


CALLS: dict[str, Callable[[RawClient], Any]] = {
    "hidden_script": lambda client: in_sales(client, "GET", f"/scripts/{3:032X}"),
    "script_put_answer": lambda client: move(client, number=1),
    "script_put_needs": lambda client: move(by_viewer(client), number=1),
    "script_put_running": move,
    "script_put_runtime": lambda client: move(client, "D" * 32),
    "used_runtime_delete": lambda client: client.call("DELETE", f"/runtimes/{'E' * 32}"),
}


@pytest.mark.parametrize(
    ("switch", "value", "status"),
    [
        ("hidden_script", "forbidden", 403),
        ("hidden_script", "not_found", 404),
        ("script_put_answer", "empty", 204),
        ("script_put_answer", "object", 200),
        ("script_put_needs", "right", 204),
        ("script_put_needs", "privilege", 403),
        ("script_put_running", "allow", 204),
        ("script_put_running", "refuse", 400),
        ("script_put_runtime", "keep", 204),
        ("script_put_runtime", "refuse", 404),
        ("used_runtime_delete", "allow", 204),
        ("used_runtime_delete", "refuse", 400),
    ],
)
def test_status_of_a_call(with_switches: Make, sim: Simulator, switch: str, value: str, status: int) -> None:
    client = with_switches(**{switch: value})
    seeded_sales(sim)
    assert CALLS[switch](client).status == status
